//! Settings of the rate limits per client: registrations and receipt lookups.

use super::rate::Rate;

/// Rates of one client, counted over all instances.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// `JORNADA_LIMIT_REGISTRATIONS`, per campaign.
    pub registrations: Rate,
    /// `JORNADA_LIMIT_CONFLICTS`, per campaign: answers that reveal a known identity (`already-registered` and
    /// `registration-deleted`).
    pub conflicts: Rate,
    /// `JORNADA_LIMIT_RECEIPTS`: receipt lookups.
    pub receipts: Rate,
    /// `JORNADA_LIMIT_MISSES`: receipt lookups that find nothing.
    pub misses: Rate,
}
