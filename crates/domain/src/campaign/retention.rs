//! Retention periods of answers and photos.

use super::table::{TableReader, parse_integer};

/// Maximum retention period in days: ten years.
const MAX_DAYS: usize = 3_653;

/// Retention periods in days after the end of a campaign. Without a number, data stay until somebody deletes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Retention of complete registrations.
    pub answers_days: Option<u16>,
    /// Retention of photos, never longer than that of the answers.
    pub photos_days: Option<u16>,
}

/// Parses `retain_days = { answers = …, photos = … }`; both keys are optional. `photos` is allowed without a photo
/// field, because photos may be stored from an earlier version of the file.
pub(super) fn read_retention(root: &mut TableReader<'_>) -> Retention {
    let Some(mut table) = root.read_table("retain_days", "a table with answers and photos") else {
        return Retention::default();
    };
    let retention = Retention {
        answers_days: read_days(&mut table, "answers"),
        photos_days: read_days(&mut table, "photos"),
    };
    let days = retention.photos_days.zip(retention.answers_days);
    if days.is_some_and(|(photos, answers)| photos > answers) {
        table.record_error("photos", "photos cannot outlive their answers");
    }
    table.finish();
    retention
}

fn read_days(table: &mut TableReader<'_>, key: &'static str) -> Option<u16> {
    let expected = format!("a number of days up to {MAX_DAYS}");
    table.read_optional(key, &expected, |value| {
        let days = u16::try_from(parse_integer(value)?).ok()?;
        (usize::from(days) <= MAX_DAYS).then_some(days)
    })
}
