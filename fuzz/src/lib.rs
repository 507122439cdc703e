//! The sources of the project that read what strangers send, and none of the rest: so that fuzzing builds no database
//! driver with instrumentation. They are links to the files of the project; that they compile here shows that they use
//! nothing above them.

pub mod domain;
pub mod photo;
pub mod web;
