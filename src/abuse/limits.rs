//! How much one client may do.

use super::rate::Rate;

/// The rates of one client, over all instances.
#[derive(Clone, Copy, Debug)]
pub struct LimitsSetting {
    /// `JORNADA_LIMIT_REGISTRATIONS`, in each campaign.
    pub registrations: Rate,
    /// `JORNADA_LIMIT_CONFLICTS`: answers `already-registered` and `registration-deleted`, in each campaign.
    pub conflicts: Rate,
    /// `JORNADA_LIMIT_RECEIPTS`: receipts looked up.
    pub receipts: Rate,
    /// `JORNADA_LIMIT_MISSES`: receipts looked up that there are not.
    pub misses: Rate,
}
