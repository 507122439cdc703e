//! Rate limits of one client; see [`crate::web::limit`].

use super::env::{Env, Wrong};
use crate::abuse::rate::Rate;

/// Rates per client, over all instances.
#[derive(Clone, Copy, Debug)]
pub struct LimitsSetting {
    /// `JORNADA_LIMIT_REGISTRATIONS`, per campaign.
    pub registrations: Rate,
    /// `JORNADA_LIMIT_CONFLICTS`: responses `already-registered` and `registration-deleted`, per campaign.
    pub conflicts: Rate,
    /// `JORNADA_LIMIT_RECEIPTS`: receipt lookups.
    pub receipts: Rate,
    /// `JORNADA_LIMIT_MISSES`: lookups of receipts that do not exist.
    pub misses: Rate,
}

impl LimitsSetting {
    /// Reads all rates.
    pub fn from_env(env: &Env) -> Result<Self, Wrong> {
        let expected = "burst and rate per minute, such as 300+300";
        let rate = |name: &str, default: &str| env.parse(name, default, expected);
        Ok(Self {
            registrations: rate("JORNADA_LIMIT_REGISTRATIONS", "300+300")?,
            conflicts: rate("JORNADA_LIMIT_CONFLICTS", "60+10")?,
            receipts: rate("JORNADA_LIMIT_RECEIPTS", "600+600")?,
            misses: rate("JORNADA_LIMIT_MISSES", "60+10")?,
        })
    }
}
