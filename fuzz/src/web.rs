//! The multipart door without the site around it.

pub mod budget;
pub mod error;
pub mod upload;
