//! The columns of a list, the same in every format: receipt, the two times, one for each question, the photo.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::domain::{Campaign, Field, Kind, Lang};

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The number on the receipt.
    Receipt,
    /// When it was received, on the clocks of the campaign's time zone.
    Local,
    /// When it was received, UTC.
    Utc,
    /// The answer to the field at this place of the campaign.
    Answer(usize),
    /// The address of the page that shows the photo to staff.
    Photo,
}

impl Column {
    /// The columns of a campaign's list.
    pub(super) fn of(campaign: &Campaign) -> Vec<Self> {
        let fields = campaign.fields.iter().enumerate();
        let answers = fields.filter(|(_, field)| !field.is_photo());
        [Self::Receipt, Self::Local, Self::Utc]
            .into_iter()
            .chain(answers.map(|(place, _)| Self::Answer(place)))
            .chain(campaign.photo().map(|_| Self::Photo))
            .collect()
    }

    /// Its heading.
    pub(super) fn label(self, campaign: &Campaign, lang: Lang) -> &str {
        match self {
            Self::Receipt => lang.pick("Recibo", "Receipt"),
            Self::Local => lang.pick("Recibido (hora local)", "Received (local time)"),
            Self::Utc => lang.pick("Recibido (UTC)", "Received (UTC)"),
            Self::Answer(place) => campaign.fields[place].label.get(lang),
            Self::Photo => lang.pick("Foto", "Photo"),
        }
    }

    /// Its width in characters: what it usually holds, and its heading with the filter's button.
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

/// How many letters an answer usually has.
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

/// How far the clocks of a column of times are from UTC. Files know no zones: its heading says which clocks.
pub(super) fn offset(column: Column, moment: Timestamp, zone: &TimeZone) -> Offset {
    match column {
        Column::Local => zone.to_offset(moment),
        _ => Offset::UTC,
    }
}
