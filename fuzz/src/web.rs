//! Parsing of multipart forms, without the rest of the site.

pub mod budget;
pub mod error;
pub mod upload;
