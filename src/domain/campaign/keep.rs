//! Parses the retention periods of a campaign file.

use toml::de::DeValue;

use super::table::{Mistakes, Table, integer};
use crate::domain::retention::{MAX_DAYS, Retention};

/// Parses `retain_days = { answers = …, photos = … }`; both keys are optional. `photos` is allowed without a photo
/// field, because photos may be stored from an earlier version of the file.
pub(super) fn retention(root: &mut Table<'_>, mistakes: &mut Mistakes) -> Retention {
    let key = "retain_days";
    let (offset, path) = (root.offset(key), root.path(key));
    let expected = "a table with answers and photos";
    let Some(keys) = root.optional(key, expected, mistakes, DeValue::as_table) else {
        return Retention::default();
    };
    let mut table = Table::new(keys, offset, &path);
    let retention = Retention {
        answers_days: days(&mut table, "answers", mistakes),
        photos_days: days(&mut table, "photos", mistakes),
    };
    if let Retention {
        answers_days: Some(answers),
        photos_days: Some(photos),
    } = retention
        && photos > answers
    {
        table.note("photos", mistakes, "photos cannot outlive their answers");
    }
    table.end(mistakes);
    retention
}

fn days(table: &mut Table<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<u16> {
    let expected = format!("a number of days up to {MAX_DAYS}");
    table.optional(key, &expected, mistakes, |value| {
        let days = u16::try_from(integer(value)?).ok()?;
        (usize::from(days) <= MAX_DAYS).then_some(days)
    })
}
