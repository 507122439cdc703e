//! Parses the retention periods of a campaign file.

use toml::de::DeValue;

use super::table::{CampaignFileErrors, TableReader, parse_integer};
use crate::retention::{MAX_DAYS, Retention};

/// Parses `retain_days = { answers = …, photos = … }`; both keys are optional. `photos` is allowed without a photo
/// field, because photos may be stored from an earlier version of the file.
pub(super) fn read_retention(
    root: &mut TableReader<'_>,
    mistakes: &mut CampaignFileErrors,
) -> Retention {
    let key = "retain_days";
    let (offset, path) = (root.offset(key), root.path(key));
    let expected = "a table with answers and photos";
    let Some(keys) = root.read_optional(key, expected, mistakes, DeValue::as_table) else {
        return Retention::default();
    };
    let mut table = TableReader::new(keys, offset, &path);
    let retention = Retention {
        answers_days: read_days(&mut table, "answers", mistakes),
        photos_days: read_days(&mut table, "photos", mistakes),
    };
    if let Retention {
        answers_days: Some(answers),
        photos_days: Some(photos),
    } = retention
        && photos > answers
    {
        table.record_error("photos", mistakes, "photos cannot outlive their answers");
    }
    table.finish(mistakes);
    retention
}

fn read_days(
    table: &mut TableReader<'_>,
    key: &'static str,
    mistakes: &mut CampaignFileErrors,
) -> Option<u16> {
    let expected = format!("a number of days up to {MAX_DAYS}");
    table.read_optional(key, &expected, mistakes, |value| {
        let days = u16::try_from(parse_integer(value)?).ok()?;
        (usize::from(days) <= MAX_DAYS).then_some(days)
    })
}
