//! Logins are slowed: after some failures each next attempt must wait, twice as long each time up to a bound. Counted
//! per account and per address, over all instances. Known and unknown accounts are counted alike. An attempt counts
//! before its password is looked at, so that many at once gain nothing; a right one is taken back.

pub mod memory;
mod redis;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

use self::memory::MemoryThrottle;
use self::redis::RedisThrottle;
use super::keys::Keys;
use crate::config::CacheSetting;

/// After so long without an attempt all is forgotten.
const FORGET: SignedDuration = SignedDuration::from_mins(15);

/// Somebody who knows the address can hold up its owner by no more than a minute at a time.
const ACCOUNT: Limit = Limit {
    free: 5,
    longest: SignedDuration::from_mins(1),
    forgets: true,
};

/// A whole office may share an address. A right login takes back only itself: whoever has one account must not get
/// free attempts at others by it.
const ADDRESS: Limit = Limit {
    free: 30,
    longest: SignedDuration::from_mins(5),
    forgets: false,
};

/// How much is let through.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// Attempts before the first delay.
    free: u32,
    longest: SignedDuration,
    /// Whether a right login makes all forgotten.
    forgets: bool,
}

/// Whose attempts are counted, under a name that tells nothing.
#[derive(Clone, Debug)]
pub struct Counted {
    name: String,
    limit: Limit,
}

/// Where attempts are counted.
#[derive(Clone, Debug)]
pub struct Throttle {
    redis: Option<RedisThrottle>,
    memory: Arc<MemoryThrottle>,
}

impl Limit {
    /// How long the next attempt must wait after so many.
    fn delay(&self, count: u32) -> SignedDuration {
        match count.checked_sub(self.free) {
            None => SignedDuration::ZERO,
            Some(over) => SignedDuration::from_secs(1 << over.min(20)).min(self.longest),
        }
    }
}

impl Throttle {
    /// Opens what was set. Does not wait for Redis: it may be away.
    ///
    /// # Errors
    /// An address of Redis that cannot be one.
    pub fn open(setting: &CacheSetting) -> anyhow::Result<Self> {
        let redis = match setting {
            CacheSetting::Memory => None,
            CacheSetting::Redis(url) => Some(RedisThrottle::open(url)?),
        };
        Ok(Self {
            redis,
            memory: Arc::default(),
        })
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long whoever tries must wait; then it was not counted.
    pub async fn attempt(&self, counted: &[Counted], now: Timestamp) -> Result<(), SignedDuration> {
        if let Some(redis) = &self.redis {
            match redis.attempt(counted).await {
                Ok(answer) => return answer,
                Err(error) => warn!(
                    "logins are slowed by this instance alone: {:?}",
                    error.kind()
                ),
            }
        }
        self.memory.attempt(counted, now)
    }

    /// Takes an attempt back that was right.
    pub async fn forgive(&self, counted: &[Counted]) {
        self.memory.forgive(counted);
        if let Some(redis) = &self.redis
            && let Err(error) = redis.forgive(counted).await
        {
            warn!("a login stays counted: {:?}", error.kind());
        }
    }
}

/// Who tries: the account of this address as it was typed, and the client.
#[must_use]
pub fn counted(keys: &Keys, mail: &str, from: IpAddr) -> [Counted; 2] {
    // One client has 2^64 addresses of IPv6.
    let from = match from.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.segments()[..4]),
    };
    let name = |kind: &str, what: &str| format!("{kind}:{}", keys.counted(what));
    [
        Counted {
            name: name("account", mail),
            limit: ACCOUNT,
        },
        Counted {
            name: name("address", &from),
            limit: ADDRESS,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::keys::tests::keys;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn who(mail: &str, from: &str) -> [Counted; 2] {
        counted(&keys(&"a".repeat(32)), mail, from.parse().unwrap())
    }

    #[test]
    fn after_five_each_attempt_waits_twice_as_long_up_to_a_minute() {
        let throttle = MemoryThrottle::default();
        let ana = who("ana@x.co", "192.0.2.1");
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..13 {
            assert_eq!(throttle.attempt(&ana, at(now)), Ok(()));
            let wait = throttle.attempt(&ana, at(now)).err();
            waits.push(wait.map_or(0, |wait| wait.as_secs()));
            now += waits.last().unwrap();
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn one_address_is_slowed_whatever_account_it_tries() {
        let throttle = MemoryThrottle::default();
        let many = (0..40).map(|number| who(&format!("{number}@x.co"), "192.0.2.1"));
        let through = many.filter(|who| throttle.attempt(who, at(0)).is_ok());
        assert_eq!(through.count(), 30);
        let other = who("1@x.co", "192.0.2.2");
        assert_eq!(throttle.attempt(&other, at(0)), Ok(()));
        let (one, same) = (who("a@x.co", "2001:db8::1"), who("a@x.co", "2001:db8::2"));
        assert_eq!(
            one[1].name, same[1].name,
            "one network of IPv6 is one client"
        );
    }

    #[test]
    fn a_right_login_is_forgiven_and_quiet_is_forgotten() {
        let throttle = MemoryThrottle::default();
        let ana = who("ana@x.co", "192.0.2.1");
        let tries = |now| {
            (0..6)
                .filter(|_| throttle.attempt(&ana, at(now)).is_ok())
                .count()
        };
        assert_eq!(tries(0), 5);
        throttle.forgive(&ana);
        assert_eq!(tries(0), 5);
        assert_eq!(tries(16 * 60), 5);
    }

    #[test]
    fn memory_stays_bounded() {
        let throttle = MemoryThrottle::default();
        for number in 0..12_000 {
            let address = format!("10.{}.{}.1", number / 200, number % 200);
            let who = who(&format!("{number}@x.co"), &address);
            throttle.attempt(&who, at(number)).unwrap();
        }
        assert!(format!("{throttle:?}").matches("last:").count() <= 10_000);
    }
}
