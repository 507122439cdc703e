//! Reports for staff: the list of a city, or of all, as a file.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio_util::io::ReaderStream;
use tracing::{info, warn};

use crate::domain::staff::Permission;
use crate::domain::{Campaign, Kind, Lang};
use crate::report::{Finished, Format, Subject};
use crate::web::error::Error;
use crate::web::error::problem::Problem;
use crate::web::staff::scribe::Action;
use crate::web::staff::{Deed, Scribe, Staff};
use crate::web::{App, AppState};

/// The name that stands for every value.
const ALL: &str = "_all";
/// Bytes read from the file at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many registrations the file holds.
const ROWS: HeaderName = HeaderName::from_static("x-report-rows");

/// The list of one value, or of all (`_all`), in order of arrival.
///
/// Values are found whatever the case or accents. Asking also refreshes the totals of the chart.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/reports/{file}",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("file" = String, Path, description = "A value, or `_all`, and `.xlsx` or `.csv`", example = "Bogotá.xlsx"),
    ),
    responses(
        (status = 200, description = "The file; `X-Report-Rows` says how many registrations are in it", content(
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "text/csv")
        )),
        (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The account or token is not for reports", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign, value or kind of file, or a value that is not for this account or token", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
    tag = "reports"
)]
pub async fn report(
    staff: Staff,
    scribe: Scribe,
    State(app): State<AppState>,
    Path((campaign, file)): Path<(String, String)>,
    lang: Lang,
    headers: HeaderMap,
) -> Result<Response, Error> {
    staff.require(Permission::Report)?;
    let campaign = app.campaign(&campaign)?;
    let (name, format) = parse(&file).ok_or(Error::NoSuchPage)?;
    let value = value(&app, campaign, name).await?;
    // Who sees some places alone gets those alone: a list of every value is none of them.
    let seen = value
        .as_ref()
        .map_or(staff.reach().is_all(), |value| staff.sees(value));
    let deed = |action| {
        let deed = Deed::of(action).within(&campaign.id);
        deed.with("value", value.as_deref().unwrap_or(ALL))
    };
    if !seen {
        scribe.note(&app, deed(Action::Refused)).await?;
        return Err(Error::NoSuchValue);
    }
    ask_refresh(&app, campaign).await;
    let subject = Subject {
        campaign: campaign.clone(),
        value: value.clone(),
        lang,
        made_at: Timestamp::now(),
        base: app.base_url(&headers),
    };
    let start = Instant::now();
    let finished = app
        .reports
        .write(&app.intake.store, subject, format)
        .await?;
    app.metrics.reports.written(finished.rows, start.elapsed());
    let deed = deed(Action::Report).with("format", format.extension());
    let deed = deed.with("rows", finished.rows);
    scribe.note(&app, deed).await?;
    info!(campaign = %campaign.id, rows = finished.rows, staff = staff.actor(), "gave out a report");
    Ok(answer(finished, format, &format!("{}-{file}", campaign.id)))
}

fn parse(file: &str) -> Option<(&str, Format)> {
    let (name, extension) = file.rsplit_once('.')?;
    Some((name, Format::from_extension(extension)?))
}

/// The value in the spelling under which it is counted; `None` for all.
async fn value(app: &App, campaign: &Campaign, name: &str) -> Result<Option<String>, Error> {
    if name == ALL {
        return Ok(None);
    }
    let listed = match &campaign.tallied().kind {
        Kind::Place(places) => places.find(name).map(|place| place.name.clone()),
        Kind::Choice(choice) => choice.parse(name).ok(),
        Kind::Text { .. } | Kind::Document | Kind::Photo => None,
    };
    if listed.is_some() {
        return Ok(listed);
    }
    // A campaign that takes other places knows those that someone has named.
    let group = campaign.tallied().group(name);
    let known = app.intake.store.count(&campaign.id, Some(&group)).await? > 0;
    if known {
        Ok(Some(group))
    } else {
        Err(Error::NoSuchValue)
    }
}

/// The report does not wait for the cache, nor fail with it.
async fn ask_refresh(app: &App, campaign: &Campaign) {
    if let Err(error) = app.tally.ask_refresh(&campaign.id).await {
        warn!("the totals are not refreshed now: {error}");
    }
}

fn answer(finished: Finished, format: Format, name: &str) -> Response {
    let file = tokio::fs::File::from_std(finished.file);
    let body = Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(format.media_type()),
    );
    headers.insert(header::CONTENT_LENGTH, finished.bytes.into());
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ROWS, finished.rows.into());
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
    fn the_extension_is_the_last_one() {
        assert_eq!(parse("a.b.csv"), Some(("a.b", Format::Csv)));
        assert_eq!(parse("Bogotá.pdf"), None);
        assert_eq!(parse("Bogotá"), None);
    }
}
