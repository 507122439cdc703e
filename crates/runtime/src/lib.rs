//! Shared by the site and the watcher: logs, metrics, texts in each language, Redis, background loops, threads.
//! Knows no domain type. Start reading at [`logs`], [`messages`] and [`background`].

pub mod background;
pub mod blocking;
pub mod cache;
pub mod logs;
pub mod low_priority;
pub mod messages;
pub mod metrics;
