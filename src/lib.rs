//! Jornada: takes in what a whole town sends on one day.

pub mod config;
pub mod domain;
pub mod photo;
pub mod report;
pub mod store;
