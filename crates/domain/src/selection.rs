//! Selection of registrations by value and days.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::day_range::{end_of_day, start_of_day};

/// Selection of registrations of a campaign; all of them by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationSelection {
    /// Only those counted under this value.
    #[serde(rename = "value")]
    pub tally_value: Option<String>,
    /// Only those received at or after this time.
    pub from: Option<Timestamp>,
    /// Only those received before this time.
    pub until: Option<Timestamp>,
}

impl RegistrationSelection {
    /// Selects all registrations.
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects the registrations of one value.
    pub fn for_value(value: impl Into<String>) -> Self {
        Self {
            tally_value: Some(value.into()),
            ..Self::default()
        }
    }

    /// Limits the selection to days in a time zone, both inclusive. Returns `None` if `first` is after `last`, or the
    /// range ends beyond the calendar.
    pub fn between_days(
        self,
        first: Option<Date>,
        last: Option<Date>,
        zone: &TimeZone,
    ) -> Option<Self> {
        if let (Some(first), Some(last)) = (first, last)
            && first > last
        {
            return None;
        }
        Some(Self {
            from: first.map(|day| start_of_day(day, zone)).transpose().ok()?,
            until: last.map(|day| end_of_day(day, zone)).transpose().ok()?,
            ..self
        })
    }

    /// Returns the first and the last day, as given to [`Self::between_days`].
    pub fn days(&self, zone: &TimeZone) -> (Option<Date>, Option<Date>) {
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let last = self.until.map(|end| {
            let end = day(end);
            end.yesterday().unwrap_or(end)
        });
        (self.from.map(day), last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_clocks_of_the_zone() {
        let zone = TimeZone::get("America/Bogota").unwrap();
        let day: Date = "2026-11-21".parse().unwrap();
        let chosen =
            RegistrationSelection::for_value("Cali").between_days(Some(day), Some(day), &zone);
        let chosen = chosen.unwrap();
        assert_eq!(chosen.from, Some("2026-11-21T05:00:00Z".parse().unwrap()));
        assert_eq!(chosen.until, Some("2026-11-22T05:00:00Z".parse().unwrap()));
        assert_eq!(chosen.days(&zone), (Some(day), Some(day)));
        assert_eq!(chosen.tally_value.as_deref(), Some("Cali"));
    }

    #[test]
    fn a_day_of_another_length_is_whole() {
        // Clocks went forward on that day: it has 23 hours.
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let day: Date = "2026-03-29".parse().unwrap();
        let chosen = RegistrationSelection::all()
            .between_days(Some(day), Some(day), &zone)
            .unwrap();
        let hours = chosen.until.unwrap().duration_since(chosen.from.unwrap());
        assert_eq!(hours.as_hours(), 23);
    }

    #[test]
    fn days_in_the_wrong_order_or_beyond_the_calendar_are_none() {
        let day = |text: &str| Some(text.parse::<Date>().unwrap());
        let utc = TimeZone::UTC;
        let wrong =
            RegistrationSelection::all().between_days(day("2026-11-22"), day("2026-11-21"), &utc);
        assert_eq!(wrong, None);
        assert_eq!(
            RegistrationSelection::all().between_days(None, Some(Date::MAX), &utc),
            None
        );
        assert_eq!(
            RegistrationSelection::all().between_days(None, None, &utc),
            Some(RegistrationSelection::all())
        );
    }
}
