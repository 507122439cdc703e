//! Precision of stored timestamps.

use jiff::Timestamp;

/// Truncates to whole milliseconds, the precision of every store, so that a timestamp is read back as written.
#[must_use]
pub fn to_the_millisecond(moment: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(moment.as_millisecond()).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_never_comes_later_than_it_was() {
        let kept = |moment: &str| to_the_millisecond(moment.parse().unwrap()).to_string();
        assert_eq!(
            kept("2026-11-25T10:00:00.1239996Z"),
            "2026-11-25T10:00:00.123Z"
        );
        assert_eq!(kept("2026-11-25T10:00:00.123Z"), "2026-11-25T10:00:00.123Z");
    }
}
