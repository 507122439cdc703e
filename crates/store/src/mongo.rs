//! MongoDB back end, for more than one instance. The uniqueness of `_id` decides which registration is first, on one
//! node or sharded. A write is acknowledged once a majority of the nodes has it on disk.

pub(crate) mod connect;
pub(crate) mod convert;
pub(crate) mod driver_error;
pub(crate) mod handle;
pub(crate) mod indexes;
pub(crate) mod primary_watch;
pub(crate) mod records;
pub(crate) mod transaction;
pub(crate) mod version;
