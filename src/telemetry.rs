//! How the process is seen from outside: log lines and metrics.

pub mod logs;
pub mod metrics;
