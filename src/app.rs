//! The parts of the role `serve`, connected.

pub mod metrics;
