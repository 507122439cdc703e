//! What the ways to a report share, the API's and the staff area's: which registrations are meant, who may have them,
//! and how a file is handed out.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use tracing::warn;

use super::error::Error;
use super::staff::scribe::Action;
use super::staff::{Deed, Scribe, Staff};
use super::{App, AppState};
use crate::domain::job::Format;
use crate::domain::{Campaign, Kind, Selection};

/// The name that stands for every value.
pub const ALL: &str = "_all";

/// How many registrations a file holds.
pub const ROWS: HeaderName = HeaderName::from_static("x-report-rows");

/// The registrations of a value by its name, or of all of them ([`ALL`]), if they are for this somebody; the record
/// tells of who asks for what is not theirs.
///
/// # Errors
/// [`Error::NoSuchValue`] also for a value that is not theirs: they are not told whether there is one.
pub async fn select(
    app: &AppState,
    campaign: &Campaign,
    name: &str,
    staff: &Staff,
    scribe: &Scribe,
) -> Result<Selection, Error> {
    let selection = match name {
        ALL => Selection::all(),
        name => Selection::of(value(app, campaign, name).await?),
    };
    if sees(staff, &selection) {
        return Ok(selection);
    }
    let deed = deed(Action::Refused, campaign, &selection);
    scribe.note(app, deed).await?;
    Err(Error::NoSuchValue)
}

/// What the record says of a report: whose list, of which days.
#[must_use]
pub fn deed(action: Action, campaign: &Campaign, selection: &Selection) -> Deed {
    let (first, last) = selection.days(&campaign.time_zone);
    let days = [("from", first), ("until", last)];
    let days = days
        .into_iter()
        .filter_map(|(name, day)| Some((name, day?)));
    let deed = Deed::of(action).within(&campaign.id);
    let deed = deed.with("value", selection.value.as_deref().unwrap_or(ALL));
    days.fold(deed, |deed, (name, day)| deed.with(name, day))
}

/// Who sees some places alone gets those alone: a list of every value is none of them.
#[must_use]
pub fn sees(staff: &Staff, selection: &Selection) -> bool {
    let value = selection.value.as_ref();
    value.map_or(staff.reach().is_all(), |value| staff.sees(value))
}

/// The value in the spelling under which it is counted.
async fn value(app: &App, campaign: &Campaign, name: &str) -> Result<String, Error> {
    let listed = match &campaign.tallied().kind {
        Kind::Place(places) => places.find(name).map(|place| place.name.clone()),
        Kind::Choice(choice) => choice.parse(name).ok(),
        Kind::Text { .. } | Kind::Document | Kind::Photo => None,
    };
    if let Some(listed) = listed {
        return Ok(listed);
    }
    // A campaign that takes other places knows those that someone has named.
    let group = campaign.tallied().group(name);
    let named = Selection::of(&group);
    let count = app.store.count(&campaign.id, &named).await?;
    (count > 0).then_some(group).ok_or(Error::NoSuchValue)
}

/// Asks for exact totals of the chart, without waiting for the cache, or failing with it.
pub async fn ask_refresh(app: &App, campaign: &Campaign) {
    if let Err(error) = app.tally.ask_refresh(&campaign.id).await {
        warn!("the totals are not refreshed now: {error}");
    }
}

/// Reads a day of the calendar (`YYYY-MM-DD`); an empty one is none.
pub fn day(typed: &str) -> Result<Option<Date>, jiff::Error> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    Date::strptime("%Y-%m-%d", typed).map(Some)
}

/// What a file is called, such as `vacunacion-Bogotá-2026-11-21-2026-11-22.xlsx`.
#[must_use]
pub fn file_name(campaign: &Campaign, selection: &Selection, format: Format) -> String {
    let mut name = format!(
        "{}-{}",
        campaign.id,
        selection.value.as_deref().unwrap_or(ALL)
    );
    let (first, last) = selection.days(&campaign.time_zone);
    for day in [first, last].into_iter().flatten() {
        name = format!("{name}-{day}");
    }
    format!("{name}.{}", format.extension())
}

/// A file to be saved, which nobody but the person's own machine keeps.
#[must_use]
pub fn attach(body: Body, bytes: u64, rows: u64, format: Format, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    headers.insert(header::CONTENT_LENGTH, bytes.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROWS, rows.into());
    if let Ok(disposition) = HeaderValue::from_str(&disposition(name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

/// RFC 6266: a name in ASCII for old clients, and the whole one percent-encoded as UTF-8.
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_safe_and_whole() {
        assert_eq!(
            disposition("vacunacion-Bogotá \"x\".xlsx"),
            "attachment; filename=\"vacunacion-Bogot___x_.xlsx\"; filename*=UTF-8''vacunacion-Bogot%C3%A1%20%22x%22.xlsx"
        );
    }

    #[test]
    fn a_day_is_written_as_calendars_write_it() {
        assert_eq!(day(" ").unwrap(), None);
        let read = day("2026-11-21").unwrap().unwrap();
        assert_eq!(read.to_string(), "2026-11-21");
        for typed in ["21.11.2026", "2026-02-30", "2026-11-21T05:00", "x"] {
            assert!(day(typed).is_err(), "{typed}");
        }
    }
}
