//! SQLite back end: one file on this machine, the default if nothing else is installed. One thread writes, in groups;
//! a few connections read beside it (write-ahead log).

pub(crate) mod convert;
mod driver_error;
pub(crate) mod file;
pub(crate) mod handle;
mod read_pool;
pub(crate) mod records;
mod write_thread;
