//! Days as people type them, and their bounds in the time zone of a campaign.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Parses a day (`YYYY-MM-DD`).
pub fn parse_day(typed: &str) -> Result<Date, jiff::Error> {
    Date::strptime("%Y-%m-%d", typed)
}

/// Parses a day of a form; empty text means none.
pub fn parse_optional_day(typed: &str) -> Result<Option<Date>, jiff::Error> {
    let typed = typed.trim();
    (!typed.is_empty()).then(|| parse_day(typed)).transpose()
}

/// Returns the first moment of a day. Fails beyond the calendar.
pub fn start_of_day(day: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    Ok(day.to_zoned(zone.clone())?.timestamp())
}

/// Returns the first moment of the following day. Fails beyond the calendar.
pub fn end_of_day(day: Date, zone: &TimeZone) -> Result<Timestamp, jiff::Error> {
    start_of_day(day.tomorrow()?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_iso_dates_are_accepted() {
        assert_eq!(parse_optional_day(" ").unwrap(), None);
        let read = parse_optional_day("2026-11-21").unwrap().unwrap();
        assert_eq!(read.to_string(), "2026-11-21");
        for typed in ["21.11.2026", "2026-02-30", "2026-11-21T05:00", "x"] {
            assert!(parse_optional_day(typed).is_err(), "{typed}");
        }
        assert!(parse_day("").is_err());
    }
}
