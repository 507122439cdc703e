//! How much is let through in a time: so much at once, and then so much a minute. Kept as the one moment at which all
//! that was drawn will have come back (the generic cell rate algorithm of ITU-T I.371), in microseconds.

use std::str::FromStr;

/// So much at once, and so much a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    burst: u32,
    per_minute: u32,
}

/// One drawn from a rate.
#[derive(Clone, Debug)]
pub struct Draw {
    /// Whose it is, under a name that tells nothing.
    pub name: String,
    /// From what.
    pub rate: Rate,
}

impl Rate {
    /// A rate of at least one and at most a million of each.
    ///
    /// # Panics
    /// Outside of that; for rates that stand in the code.
    #[must_use]
    pub const fn new(burst: u32, per_minute: u32) -> Self {
        assert!(burst >= 1 && per_minute >= 1 && burst <= MOST && per_minute <= MOST);
        Self { burst, per_minute }
    }

    /// Time in which one comes back.
    pub(super) fn each(self) -> i64 {
        60_000_000 / i64::from(self.per_minute)
    }

    /// Time in which all comes back.
    pub(super) fn whole(self) -> i64 {
        self.each() * i64::from(self.burst)
    }

    /// What is drawn from `full_at` at `now`: the new moment, or the time to wait.
    pub(super) fn draw(self, full_at: i64, now: i64) -> Result<i64, i64> {
        let then = full_at.max(now) + self.each();
        match then - now - self.whole() {
            over if over > 0 => Err(over),
            _ => Ok(then),
        }
    }
}

const MOST: u32 = 1_000_000;

/// `300+300`: at once, and a minute.
impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (burst, per_minute) = text.split_once('+').ok_or(())?;
        let number = |text: &str| text.trim().parse().map_err(drop);
        let (burst, per_minute) = (number(burst)?, number(per_minute)?);
        let fits = |number: u32| (1..=MOST).contains(&number);
        (fits(burst) && fits(per_minute))
            .then_some(Self { burst, per_minute })
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// How many of `tries` at each of these moments are let through.
    fn through(rate: Rate, moments: &[i64], tries: usize) -> Vec<usize> {
        let mut full_at = 0;
        let mut draw = |now| rate.draw(full_at, now).map(|then| full_at = then).is_ok();
        let moments = moments.iter();
        moments
            .map(|now| (0..tries).filter(|_| draw(*now)).count())
            .collect()
    }

    #[test]
    fn a_burst_passes_and_then_so_many_a_minute() {
        let rate = Rate::new(5, 6);
        let moments = [1, 1, MINUTE / 2, MINUTE, 10 * MINUTE].map(|moment| moment + 1000 * MINUTE);
        assert_eq!(through(rate, &moments, 20), [5, 0, 2, 3, 5]);
    }

    #[test]
    fn the_wait_is_until_the_next_one() {
        let rate = Rate::new(1, 6);
        let full_at = rate.draw(0, 1000 * MINUTE).unwrap();
        assert_eq!(rate.draw(full_at, 1000 * MINUTE), Err(MINUTE / 6));
        assert!(rate.draw(full_at, 1000 * MINUTE + MINUTE / 6).is_ok());
    }

    #[test]
    fn it_is_written_as_two_numbers() {
        assert_eq!("300 + 60".parse(), Ok(Rate::new(300, 60)));
        for wrong in ["300", "0+1", "1+0", "-1+5", "a+b", "1000001+1", ""] {
            assert_eq!(wrong.parse::<Rate>(), Err(()), "{wrong}");
        }
    }
}
