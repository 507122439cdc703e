//! Common parts of reports in the API and the staff area: selection, access check and file response.

use axum::body::Body;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::warn;

use super::AppState;
use super::error::{Error, Malformed};
use super::staff::{AuditEvent, Principal, RequestAudit};
use crate::app::App;
use jornada_domain::job::ReportFormat;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Campaign, Lang, RegistrationSelection};
use jornada_service::csv_guard::Separator;

/// Path segment for all values.
pub const ALL_VALUES: &str = "_all";

/// Separator of a CSV file in a query.
#[derive(Debug, Default, Deserialize)]
pub struct SeparatorQuery {
    separator: Option<String>,
}

impl SeparatorQuery {
    /// Returns the separator that was asked for, or that of the language.
    pub fn parse(&self, lang: Lang) -> Result<Separator, Error> {
        let Some(asked) = &self.separator else {
            return Ok(Separator::for_lang(lang));
        };
        let wrong = |_| Error::Malformed(Malformed::Separator);
        asked.parse().map_err(wrong)
    }
}

/// Header with the number of rows in a report.
pub const ROWS_HEADER: HeaderName = HeaderName::from_static("x-report-rows");

/// Returns the selection of a value, or of all values ([`ALL_VALUES`]), if the account or token may access it. Denied
/// requests are recorded in the audit log.
///
/// # Errors
/// [`Error::NoSuchValue`] also for a value outside the place scope, so that the response does not reveal whether it
/// exists.
pub async fn resolve_selection(
    app: &AppState,
    campaign: &Campaign,
    name: &str,
    staff: &Principal,
    request_audit: &RequestAudit,
) -> Result<RegistrationSelection, Error> {
    let selection = match name {
        ALL_VALUES => RegistrationSelection::all(),
        name => RegistrationSelection::for_value(resolve_value(app, campaign, name).await?),
    };
    if is_accessible(staff, &selection) {
        return Ok(selection);
    }
    let event = report_event(AuditAction::AccessDenied, campaign, &selection);
    request_audit.record(app, event).await?;
    Err(Error::NoSuchValue)
}

/// Returns the audit event of a report, with value and days.
pub fn report_event(
    action: AuditAction,
    campaign: &Campaign,
    selection: &RegistrationSelection,
) -> AuditEvent {
    let (first, last) = selection.days(&campaign.time_zone);
    let days = [("from", first), ("until", last)];
    let days = days
        .into_iter()
        .filter_map(|(name, day)| Some((name, day?)));
    let value = selection.tally_value.as_deref().unwrap_or(ALL_VALUES);
    let event = AuditEvent::new(action).with_campaign(&campaign.id);
    event.with_detail("value", value).with_details(days)
}

/// Returns whether a selection is within the place scope. A list of all values requires access to all places.
pub fn is_accessible(staff: &Principal, selection: &RegistrationSelection) -> bool {
    let value = selection.tally_value.as_ref();
    value.map_or(staff.place_scope().is_all(), |value| staff.may_see(value))
}

/// Returns the tally value for a typed name.
async fn resolve_value(app: &App, campaign: &Campaign, name: &str) -> Result<String, Error> {
    if let Some(listed) = campaign.tally_field().listed_value(name) {
        return Ok(listed);
    }
    // Campaigns that accept other places also know those of earlier registrations.
    let tally_value = campaign.tally_field().tally_value(name);
    let selection = RegistrationSelection::for_value(&tally_value);
    let count = app.store.count(&campaign.id, &selection).await?;
    (count > 0).then_some(tally_value).ok_or(Error::NoSuchValue)
}

/// Requests a refresh of the totals, without waiting. A failure of the cache is only logged.
pub async fn request_refresh(app: &App, campaign: &Campaign) {
    if let Err(error) = app.tally_cache.request_refresh(&campaign.id).await {
        warn!("cannot request a refresh of the totals: {error}");
    }
}

/// Returns a file name such as `vacunacion-Bogotá-2026-11-21-2026-11-22.xlsx`.
pub fn file_name(
    app: &App,
    campaign: &Campaign,
    selection: &RegistrationSelection,
    format: ReportFormat,
) -> String {
    let value = selection.tally_value.as_deref();
    let label = value.map(|value| app.live_totals.label(campaign, value));
    let mut name = format!("{}-{}", campaign.id, label.as_deref().unwrap_or(ALL_VALUES));
    let (first, last) = selection.days(&campaign.time_zone);
    for day in [first, last].into_iter().flatten() {
        name = format!("{name}-{day}");
    }
    format!("{name}.{format}")
}

/// Returns a download that must not be cached.
pub fn download_response(
    body: Body,
    bytes: u64,
    rows: u64,
    format: ReportFormat,
    name: &str,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type(format).to_owned()),
        (header::CONTENT_LENGTH, bytes.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(name)),
        (ROWS_HEADER, rows.to_string()),
    ];
    (headers, body).into_response()
}

/// Returns the media type.
fn media_type(format: ReportFormat) -> &'static str {
    match format {
        ReportFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ReportFormat::Csv => "text/csv; charset=utf-8; header=present",
    }
}

/// Formats `Content-Disposition` (RFC 6266): an ASCII name for old clients, and the full name percent-encoded as UTF-8.
fn content_disposition(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain = name.replace(|c| !is_plain(c), "_");
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_escaped_and_complete() {
        assert_eq!(
            content_disposition("vacunacion-Bogotá \"x\".xlsx"),
            "attachment; filename=\"vacunacion-Bogot___x_.xlsx\"; filename*=UTF-8''vacunacion-Bogot%C3%A1%20%22x%22.xlsx"
        );
    }
}
