//! Token buckets: a burst, then a number per minute. The state of a bucket is one timestamp, in microseconds: when it
//! will be full again (generic cell rate algorithm, ITU-T I.371).

use std::net::IpAddr;
use std::str::FromStr;

/// Highest burst and highest rate per minute.
const MAX: u32 = 1_000_000;

/// A burst and a number per minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: u32,
    per_minute: u32,
}

/// The bucket of one client, from which one token is taken at a time.
#[derive(Clone, Debug)]
pub struct RateBucket {
    /// Pseudonymous: derived under a key of the installation.
    pub name: String,
    /// Size and refill rate.
    pub rate: Rate,
}

/// Rates of one client, counted over all instances.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// `JORNADA_LIMIT_REGISTRATIONS`, per campaign.
    pub registrations: Rate,
    /// `JORNADA_LIMIT_CONFLICTS`, per campaign: answers that reveal a known identity (`already-registered`).
    pub conflicts: Rate,
    /// `JORNADA_LIMIT_REVIEWS`, per campaign: submissions that ask for a review.
    pub reviews: Rate,
    /// `JORNADA_LIMIT_RECEIPTS`: receipt lookups.
    pub receipts: Rate,
    /// `JORNADA_LIMIT_MISSES`: receipt lookups that find nothing.
    pub misses: Rate,
    /// `JORNADA_LIMIT_VOTES`, per campaign and instance: votes without a token.
    pub votes: Rate,
}

/// Returns the rate-limit key: an IPv4 address or the /64 of an IPv6 address.
pub fn rate_limit_key(client: IpAddr) -> String {
    // One client may use 2^64 IPv6 addresses.
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:?}", &address.segments()[..4]),
    }
}

impl Rate {
    /// Makes a rate, with 1 to 1,000,000 of each; for constants.
    ///
    /// # Panics
    /// Outside this range.
    pub const fn new(burst: u32, per_minute: u32) -> Self {
        assert!(burst >= 1 && per_minute >= 1 && burst <= MAX && per_minute <= MAX);
        Self { burst, per_minute }
    }

    /// Microseconds until one token returns.
    pub(super) fn refill_interval(self) -> i64 {
        60_000_000 / i64::from(self.per_minute)
    }

    /// Microseconds until an empty bucket is full.
    pub(super) fn fill_time(self) -> i64 {
        self.refill_interval() * i64::from(self.burst)
    }

    /// Takes one token from a bucket that is full at `full_at`. Returns the new `full_at`, or as an error the time to
    /// wait; all in microseconds.
    pub(super) fn acquire(self, full_at: i64, now: i64) -> Result<i64, i64> {
        self.acquire_many(1, full_at, now)
    }

    /// Like [`acquire`](Self::acquire) for several tokens. A full bucket gives more tokens than it holds, and owes them:
    /// otherwise a request for so many would wait forever.
    pub(super) fn acquire_many(self, tokens: u32, full_at: i64, now: i64) -> Result<i64, i64> {
        let until_full = (full_at - now).max(0);
        let full_at = now + until_full + i64::from(tokens) * self.refill_interval();
        match (full_at - now - self.fill_time()).min(until_full) {
            wait if wait > 0 => Err(wait),
            _ => Ok(full_at),
        }
    }
}

/// Parses `BURST+PER_MINUTE`, such as `300+300`.
impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (burst, per_minute) = text.split_once('+').ok_or(())?;
        let number = |text: &str| text.trim().parse().map_err(drop);
        let (burst, per_minute) = (number(burst)?, number(per_minute)?);
        let fits = |number: u32| (1..=MAX).contains(&number);
        (fits(burst) && fits(per_minute))
            .then_some(Self { burst, per_minute })
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// Returns how many of `tries` pass at each time.
    fn count_passes(rate: Rate, times: &[i64], tries: usize) -> Vec<usize> {
        let mut full_at = 0;
        let mut acquire = |now| {
            let acquired = rate.acquire(full_at, now);
            acquired.map(|then| full_at = then).is_ok()
        };
        let times = times.iter();
        times
            .map(|now| (0..tries).filter(|_| acquire(*now)).count())
            .collect()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_per_minute() {
        let rate = Rate::new(5, 6);
        let times = [1, 1, MINUTE / 2, MINUTE, 10 * MINUTE].map(|time| time + 1000 * MINUTE);
        assert_eq!(count_passes(rate, &times, 20), [5, 0, 2, 3, 5]);
    }

    #[test]
    fn the_wait_lasts_until_the_next_token() {
        let rate = Rate::new(1, 6);
        let full_at = rate.acquire(0, 1000 * MINUTE).unwrap();
        assert_eq!(rate.acquire(full_at, 1000 * MINUTE), Err(MINUTE / 6));
        assert!(rate.acquire(full_at, 1000 * MINUTE + MINUTE / 6).is_ok());
    }

    #[test]
    fn a_rate_is_parsed_from_two_numbers() {
        assert_eq!("300 + 60".parse(), Ok(Rate::new(300, 60)));
        for wrong in ["300", "0+1", "1+0", "-1+5", "a+b", "1000001+1", ""] {
            assert_eq!(wrong.parse::<Rate>(), Err(()), "{wrong}");
        }
    }
}
