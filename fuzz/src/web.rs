//! Parsing of multipart forms, without the rest of the site.

pub mod budget;
pub mod upload;
