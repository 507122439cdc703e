//! Jornada: takes in what a whole town sends on one day.

pub mod campaigns;
pub mod cli;
pub mod config;
pub mod domain;
pub mod intake;
pub mod load;
pub mod photo;
pub mod report;
pub mod staff;
pub mod store;
pub mod tally;
pub mod telemetry;
pub mod web;
