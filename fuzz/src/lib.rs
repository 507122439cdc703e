//! The modules of the project that parse untrusted input, as symbolic links. Without the rest, fuzzing builds no
//! database driver with instrumentation. That they compile here shows that they depend on no higher layer.

pub mod domain;
pub mod photo;
pub mod web;
