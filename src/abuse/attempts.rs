//! Logins are slowed: after some failures each next attempt must wait, twice as long each time up to a bound. Counted
//! per account and per address, over all instances. Known and unknown accounts are counted alike. An attempt counts
//! before its password is looked at, so that many at once gain nothing; a right one is taken back.

use std::net::IpAddr;

use jiff::SignedDuration;

use super::network;
use crate::key::Key;

/// After so long without an attempt all is forgotten.
pub(super) const FORGET: SignedDuration = SignedDuration::from_mins(15);

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
pub(super) struct Limit {
    /// Attempts before the first delay.
    pub(super) free: u32,
    pub(super) longest: SignedDuration,
    /// Whether a right login makes all forgotten.
    pub(super) forgets: bool,
}

/// Whose attempts are counted, under a name that tells nothing.
#[derive(Clone, Debug)]
pub struct Counted {
    pub(super) name: String,
    pub(super) limit: Limit,
}

impl Limit {
    /// How long the next attempt must wait after so many.
    pub(super) fn delay(self, count: u32) -> SignedDuration {
        match count.checked_sub(self.free) {
            None => SignedDuration::ZERO,
            Some(over) => SignedDuration::from_secs(1 << over.min(20)).min(self.longest),
        }
    }
}

/// Who tries: the account of this address as it was typed, and the client.
#[must_use]
pub fn counted(key: &Key, mail: &str, from: IpAddr) -> [Counted; 2] {
    let name = |kind: &str, what: &str| format!("{kind}:{}", key.name(what));
    [
        Counted {
            name: name("account", mail),
            limit: ACCOUNT,
        },
        Counted {
            name: name("address", &network(from)),
            limit: ADDRESS,
        },
    ]
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::abuse::memory::Memory;
    use crate::key::tests::key;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn who(mail: &str, from: &str) -> [Counted; 2] {
        counted(&key("logins"), mail, from.parse().unwrap())
    }

    #[test]
    fn after_five_each_attempt_waits_twice_as_long_up_to_a_minute() {
        let throttle = Memory::default();
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
        let throttle = Memory::default();
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
        let throttle = Memory::default();
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
}
