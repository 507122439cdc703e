//! Reports for staff as files: registrations of one value of the tally field, or of all.

use std::time::Instant;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tokio_util::io::ReaderStream;
use tracing::info;

use crate::web::AppState;
use crate::web::error::problem::Problem;
use crate::web::error::{Error, Malformed};
use crate::web::report::{
    SeparatorQuery, download_response, file_name, report_event, request_refresh, resolve_selection,
};
use crate::web::staff::{Principal, RequestAudit};
use jornada_domain::day_range::parse_day;
use jornada_domain::job::ReportFormat;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Campaign, RegistrationSelection};
use jornada_http::page::PageContext;
use jornada_service::reports::{FinishedReport, Progress, ReportSpec};

/// Bytes per read of the file.
const CHUNK_BYTES: usize = 64 * 1024;

/// Range of days in the query.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct DateRangeQuery {
    from: Option<String>,
    until: Option<String>,
}

/// Report of the registrations of one value, or of all (`_all`), in order of arrival.
///
/// Values are matched regardless of case and accents. A request also refreshes the totals of the chart. For spreadsheets
/// choose XLSX: opened there, a CSV file loses leading zeros and digits beyond the fifteenth. Cells of CSV files that a
/// spreadsheet would run as a formula have an apostrophe before them.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/reports/{file}",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "vacunacion"),
        ("file" = String, Path, description = "A value, or `_all`, and `.xlsx` or `.csv`", example = "Bogotá.xlsx"),
        ("from" = Option<String>, Query, description = "First day, by the clocks of the campaign's time zone", format = Date, example = "2026-11-21"),
        ("until" = Option<String>, Query, description = "Last day, which belongs to it", format = Date, example = "2026-11-22"),
        ("separator" = Option<String>, Query, description = "Separator of a CSV file: `comma`, `semicolon` or `tab`. By default that of spreadsheets in the language of the answer: `semicolon` in Spanish, `comma` in English", example = "comma"),
    ),
    responses(
        (status = 200, description = "The file; `X-Report-Rows` says how many registrations are in it", content(
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "text/csv")
        )),
        (status = 400, description = "A day that is none, days in the wrong order, or an unknown separator", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token, or one that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The account or token is not for reports", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such campaign, value or kind of file, or a value that is not for this account or token", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "Try again after `Retry-After` seconds", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
    tag = "reports"
)]
pub async fn report(
    staff: Principal,
    request_audit: RequestAudit,
    State(app): State<AppState>,
    Path((campaign, file)): Path<(String, String)>,
    (Query(days), Query(separator)): (Query<DateRangeQuery>, Query<SeparatorQuery>),
    visit: PageContext,
    headers: HeaderMap,
) -> Result<Response, Error> {
    staff.require(Permission::Report)?;
    let campaign = app.campaign(&campaign)?;
    if campaign.is_vote() {
        return Err(Error::OtherKind);
    }
    let (name, format) = parse_file_name(&file).ok_or(Error::NoSuchPage)?;
    let selection = resolve_selection(&app, campaign, name, &staff, &request_audit).await?;
    let selection = days.apply_to(selection, campaign)?;
    let separator = separator.parse(visit.lang)?;
    request_refresh(&app, campaign).await;
    let name = file_name(&app, campaign, &selection, format);
    let subject = ReportSpec {
        campaign: campaign.clone(),
        selection: selection.clone(),
        lang: visit.lang,
        separator,
        requested_at: Timestamp::now(),
        base_url: app.base_url(&headers),
        totals: app.live_totals.latest(&campaign.id),
    };
    let start = Instant::now();
    let finished = app
        .reports
        .generate(&app.store, subject, format, &Progress::default())
        .await?;
    let (bytes, rows) = (finished.bytes, finished.rows);
    app.metrics.reports.record_report(rows, start.elapsed());
    let event = report_event(AuditAction::Report, campaign, &selection)
        .with_detail("format", format)
        .with_detail("rows", rows);
    request_audit.record(&app, event).await?;
    info!(campaign = %campaign.id, rows, staff = staff.log_name(), "sent a report");
    Ok(download_response(
        stream_body(finished),
        bytes,
        rows,
        format,
        &name,
    ))
}

impl DateRangeQuery {
    /// Limits a selection to registrations received on these days.
    fn apply_to(
        &self,
        selection: RegistrationSelection,
        campaign: &Campaign,
    ) -> Result<RegistrationSelection, Error> {
        let read = |sent: &Option<String>| sent.as_deref().map(parse_day).transpose();
        let wrong = |_| Error::Malformed(Malformed::Day);
        let first = read(&self.from).map_err(wrong)?;
        let last = read(&self.until).map_err(wrong)?;
        let chosen = selection.between_days(first, last, &campaign.time_zone);
        chosen.ok_or(Error::Malformed(Malformed::DayOrder))
    }
}

fn parse_file_name(file: &str) -> Option<(&str, ReportFormat)> {
    let (name, extension) = file.rsplit_once('.')?;
    Some((name, extension.parse().ok()?))
}

fn stream_body(finished: FinishedReport) -> Body {
    let file = tokio::fs::File::from_std(finished.file);
    Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_extension_counts() {
        assert_eq!(parse_file_name("a.b.csv"), Some(("a.b", ReportFormat::Csv)));
        assert_eq!(parse_file_name("Bogotá.pdf"), None);
        assert_eq!(parse_file_name("Bogotá"), None);
    }
}
