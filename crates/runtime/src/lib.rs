//! What every process needs, whatever it does: logs, metrics, Redis connections, low-priority threads.
//! Knows no domain type. Start reading at [`logs`] and [`metrics`].

pub mod cache;
pub mod logs;
pub mod low_priority;
pub mod metrics;
