//! A steady load of invented registrations, and the proof afterwards that each acknowledged one is kept, once and whole.
//! What the server promised goes into a journal before it counts, so that the proof needs nobody's memory.

pub mod answer;
pub mod client;
pub mod findings;
pub mod journal;
pub mod people;
pub mod picture;
pub mod run;
pub mod summary;
pub mod target;
pub mod verify;
