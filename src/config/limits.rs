//! How often one client may register and look receipts up; see [`crate::web::limit`].

use super::env::{Env, Wrong};
use crate::abuse::rate::Rate;

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

impl LimitsSetting {
    /// Reads them.
    ///
    /// # Errors
    /// The first that is not two numbers.
    pub fn from_env(env: &Env) -> Result<Self, Wrong> {
        let expected = "so many at once and so many a minute, such as 300+300";
        let rate = |name: &str, default: &str| env.parse(name, default, expected);
        Ok(Self {
            registrations: rate("JORNADA_LIMIT_REGISTRATIONS", "300+300")?,
            conflicts: rate("JORNADA_LIMIT_CONFLICTS", "60+10")?,
            receipts: rate("JORNADA_LIMIT_RECEIPTS", "600+600")?,
            misses: rate("JORNADA_LIMIT_MISSES", "60+10")?,
        })
    }
}
