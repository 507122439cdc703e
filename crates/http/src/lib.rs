//! HTTP shared by the site and the watcher: page context, language, security headers, static files, bounded uploads.
//! Knows no use case. Start reading at [`page::PageContext`].

pub mod arrival;
pub mod assets;
pub mod budget;
pub mod headers;
pub mod healthz;
pub mod lang;
pub mod media_type;
pub mod metrics;
pub mod multipart;
pub mod page;
pub mod upload;
mod upload_error;
pub mod vote_body;

pub use upload_error::{MalformedBody, UploadError};
