//! Columns of a report, the same in every format: receipt, two times, one per field, photo.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::domain::{Campaign, Field, Kind, Lang};

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Receipt number.
    Receipt,
    /// Time of receipt in the campaign's time zone.
    Local,
    /// Time of receipt in UTC.
    Utc,
    /// Answer to the campaign's field at this index.
    Answer(usize),
    /// URL of the staff page that shows the photo.
    Photo,
}

impl Column {
    /// Returns the columns of a campaign's report.
    pub(super) fn of(campaign: &Campaign) -> Vec<Self> {
        let fields = campaign.fields.iter().enumerate();
        let answers = fields.filter(|(_, field)| !field.is_photo());
        [Self::Receipt, Self::Local, Self::Utc]
            .into_iter()
            .chain(answers.map(|(place, _)| Self::Answer(place)))
            .chain(campaign.photo().map(|_| Self::Photo))
            .collect()
    }

    /// Returns the heading.
    pub(super) fn label(self, campaign: &Campaign, lang: Lang) -> &str {
        match self {
            Self::Receipt => lang.pick("Recibo", "Receipt"),
            Self::Local => lang.pick("Recibido (hora local)", "Received (local time)"),
            Self::Utc => lang.pick("Recibido (UTC)", "Received (UTC)"),
            Self::Answer(place) => campaign.fields[place].label.get(lang),
            Self::Photo => lang.pick("Foto", "Photo"),
        }
    }

    /// Returns the width in characters: fits typical content and the heading with its filter button.
    pub(super) fn width(self, campaign: &Campaign, lang: Lang) -> usize {
        let content = match self {
            Self::Receipt => 18,
            Self::Local | Self::Utc => 20,
            Self::Answer(place) => usual_letters(&campaign.fields[place]),
            Self::Photo => 12,
        };
        let heading = self.label(campaign, lang).chars().count() + 4;
        content.max(heading).clamp(10, 50)
    }
}

/// Returns the typical length of an answer, in characters.
fn usual_letters(field: &Field) -> usize {
    let longest = match &field.kind {
        Kind::Text { max, .. } => (*max).min(36),
        Kind::Document => 14,
        Kind::Place(places) => {
            let names = places.list().iter().map(|place| place.name.chars().count());
            names.max().unwrap_or(26)
        }
        Kind::Choice(choice) => {
            let values = choice.options().iter().map(|o| o.value.chars().count());
            values.max().unwrap_or_default()
        }
        Kind::Photo => 0,
    };
    longest + 2
}

/// Returns the UTC offset of a time column. Cells carry no time zone; the heading names it.
pub(super) fn offset(column: Column, moment: Timestamp, zone: &TimeZone) -> Offset {
    match column {
        Column::Local => zone.to_offset(moment),
        _ => Offset::UTC,
    }
}
