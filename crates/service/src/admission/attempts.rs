//! Delays after failed logins, per account and per address, over all instances: each further attempt waits twice as
//! long, up to a limit. Known and unknown accounts count alike. An attempt counts before its password is verified, so
//! that parallel attempts gain nothing; a successful one is refunded.

use std::net::IpAddr;

use jiff::SignedDuration;

use super::rate_limit_key;
use crate::key::DerivedKey;

/// A count expires after this time without an attempt.
pub(super) const RETENTION: SignedDuration = SignedDuration::from_mins(15);

/// Limit per account. The delay is short, because anyone who knows an address could lock its owner out.
const ACCOUNT: AttemptLimit = AttemptLimit {
    free_attempts: 5,
    max_delay: SignedDuration::from_mins(1),
    resets: true,
};

/// Limit per client address, which an office may share. A successful login refunds only itself, so that the owner of
/// one account gains no attempts at others.
const ADDRESS: AttemptLimit = AttemptLimit {
    free_attempts: 30,
    max_delay: SignedDuration::from_mins(5),
    resets: false,
};

/// Number of attempts without delay, and maximum delay.
#[derive(Clone, Copy, Debug)]
pub(super) struct AttemptLimit {
    /// Attempts before the first delay.
    pub(super) free_attempts: u32,
    pub(super) max_delay: SignedDuration,
    /// Whether a success deletes the count, instead of refunding one attempt.
    pub(super) resets: bool,
}

/// One counter of attempts, under a pseudonymous name.
#[derive(Clone, Debug)]
pub struct AttemptKey {
    pub(super) name: String,
    pub(super) limit: AttemptLimit,
}

impl AttemptLimit {
    /// Returns the delay after `count` attempts: doubles from one second.
    pub(super) fn delay(self, count: u32) -> SignedDuration {
        match count.checked_sub(self.free_attempts) {
            None => SignedDuration::ZERO,
            Some(excess) => SignedDuration::from_secs(1 << excess.min(20)).min(self.max_delay),
        }
    }
}

/// Returns the counters of a login attempt: one for the account with this mail address, as typed, one for the client.
pub fn login_keys(key: &DerivedKey, mail: &str, client: IpAddr) -> [AttemptKey; 2] {
    let name = |kind: &str, text: &str| format!("{kind}:{}", key.pseudonym(text));
    [
        AttemptKey {
            name: name("account", mail),
            limit: ACCOUNT,
        },
        AttemptKey {
            name: name("address", &rate_limit_key(client)),
            limit: ADDRESS,
        },
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::admission::local::LocalCounters;
    use crate::key::tests::key;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn keys(mail: &str, client: &str) -> [AttemptKey; 2] {
        login_keys(&key("logins"), mail, client.parse().unwrap())
    }

    #[test]
    fn after_five_each_attempt_waits_twice_as_long_up_to_a_minute() {
        let counters = LocalCounters::default();
        let ana = keys("ana@x.co", "192.0.2.1");
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..13 {
            assert_eq!(counters.count_attempt(&ana, at(now)), Ok(()));
            let wait = counters.count_attempt(&ana, at(now)).err();
            waits.push(wait.map_or(0, |wait| wait.as_secs()));
            now += waits.last().unwrap();
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn one_address_is_delayed_whatever_account_it_tries() {
        let counters = LocalCounters::default();
        let many = (0..40).map(|number| keys(&format!("{number}@x.co"), "192.0.2.1"));
        let passed = many.filter(|keys| counters.count_attempt(keys, at(0)).is_ok());
        assert_eq!(passed.count(), 30);
        let other = keys("1@x.co", "192.0.2.2");
        assert_eq!(counters.count_attempt(&other, at(0)), Ok(()));
        let (one, same) = (keys("a@x.co", "2001:db8::1"), keys("a@x.co", "2001:db8::2"));
        assert_eq!(
            one[1].name, same[1].name,
            "one /64 network of IPv6 is one client"
        );
    }

    #[test]
    fn a_successful_login_resets_the_count_and_time_expires_it() {
        let counters = LocalCounters::default();
        let ana = keys("ana@x.co", "192.0.2.1");
        let tries = |now| {
            (0..6)
                .filter(|_| counters.count_attempt(&ana, at(now)).is_ok())
                .count()
        };
        assert_eq!(tries(0), 5);
        counters.reset(&ana);
        assert_eq!(tries(0), 5);
        assert_eq!(tries(16 * 60), 5);
    }
}
