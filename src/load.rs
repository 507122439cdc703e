//! Load test: sends invented registrations at a steady rate, then verifies that each acknowledged one is stored exactly
//! once and unaltered. Acknowledgements are journalled first, so that verification can run in another process.

pub mod attempt;
pub mod client;
pub mod journal;
pub mod people;
pub mod picture;
pub mod run;
pub mod summary;
pub mod target;
pub mod verification_report;
pub mod verifier;
