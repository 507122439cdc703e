//! Rate limits per client; see [`jornada_service::admission`].

use super::env::{Env, FromEnv, SettingError};
use jornada_service::admission::RateLimits;

impl FromEnv for RateLimits {
    /// Reads `JORNADA_LIMIT_…`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "a burst and a number per minute, such as 300+300";
        let rate = |name: &str, default: &str| env.parse(name, default, expected);
        Ok(Self {
            registrations: rate("JORNADA_LIMIT_REGISTRATIONS", "300+300")?,
            conflicts: rate("JORNADA_LIMIT_CONFLICTS", "60+10")?,
            reviews: rate("JORNADA_LIMIT_REVIEWS", "10+1")?,
            receipts: rate("JORNADA_LIMIT_RECEIPTS", "600+600")?,
            misses: rate("JORNADA_LIMIT_MISSES", "60+10")?,
            votes: rate("JORNADA_LIMIT_VOTES", "1000+1000")?,
        })
    }
}
