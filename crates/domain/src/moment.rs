//! Precision of stored timestamps.

use jiff::Timestamp;

/// Truncates to whole milliseconds, the precision of every store, so that a timestamp is read back as written.
pub fn truncate_to_ms(timestamp: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(timestamp.as_millisecond()).unwrap_or(timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_never_comes_later_than_it_was() {
        let kept = |moment: &str| truncate_to_ms(moment.parse().unwrap()).to_string();
        assert_eq!(
            kept("2026-11-25T10:00:00.1239996Z"),
            "2026-11-25T10:00:00.123Z"
        );
        assert_eq!(kept("2026-11-25T10:00:00.123Z"), "2026-11-25T10:00:00.123Z");
    }
}
