//! Columns of a report, the same in every format: receipt, two times, one per field, photo.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use jornada_domain::{Campaign, Field, FieldKind, Lang};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Receipt number.
    Receipt,
    /// Time of receipt in the campaign's time zone.
    LocalTime,
    /// Time of receipt in UTC.
    UtcTime,
    /// Answer to the campaign's field at this index.
    Answer(usize),
    /// URL of the staff page that shows the photo.
    Photo,
}

impl Column {
    /// Returns the columns of a campaign's report.
    pub(super) fn for_campaign(campaign: &Campaign) -> Vec<Self> {
        let fields = campaign.fields.iter().enumerate();
        let answers = fields.filter(|(_, field)| !field.is_photo());
        [Self::Receipt, Self::LocalTime, Self::UtcTime]
            .into_iter()
            .chain(answers.map(|(place, _)| Self::Answer(place)))
            .chain(campaign.photo_field().map(|_| Self::Photo))
            .collect()
    }

    /// Returns the heading.
    pub(super) fn label(self, campaign: &Campaign, lang: Lang) -> &str {
        match self {
            Self::Receipt => text!(lang, "report-column-receipt"),
            Self::LocalTime => text!(lang, "report-column-local-time"),
            Self::UtcTime => text!(lang, "report-column-utc-time"),
            Self::Answer(place) => campaign.fields[place].label.get(lang),
            Self::Photo => text!(lang, "report-column-photo"),
        }
    }

    /// Returns the width in characters: fits typical content and the heading with its filter button.
    pub(super) fn width(self, campaign: &Campaign, lang: Lang) -> usize {
        let content = match self {
            Self::Receipt => 18,
            Self::LocalTime | Self::UtcTime => 20,
            Self::Answer(place) => typical_length(&campaign.fields[place]),
            Self::Photo => 12,
        };
        let heading = self.label(campaign, lang).chars().count() + 4;
        content.max(heading).clamp(10, 50)
    }
}

/// Returns the typical length of an answer, in characters.
fn typical_length(field: &Field) -> usize {
    let longest = match &field.kind {
        FieldKind::Text { max, .. } => (*max).min(36),
        FieldKind::Document => 14,
        FieldKind::Place(places) => {
            let names = places.list().iter().map(|place| place.name.chars().count());
            names.max().unwrap_or(26)
        }
        FieldKind::Choice(choice) => {
            let values = choice.options().iter().map(|o| o.value.chars().count());
            values.max().unwrap_or_default()
        }
        FieldKind::Integer { min, max } => {
            let digits = |number: &i64| number.to_string().len();
            digits(min).max(digits(max))
        }
        FieldKind::Photo => 0,
    };
    longest + 2
}

/// Returns the UTC offset of a time column. Cells carry no time zone; the heading names it.
pub(super) fn utc_offset(column: Column, moment: Timestamp, zone: &TimeZone) -> Offset {
    match column {
        Column::LocalTime => zone.to_offset(moment),
        _ => Offset::UTC,
    }
}
