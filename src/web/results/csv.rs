//! A public tally as CSV: RFC 4180 but for the separator, UTF-8 with a byte order mark, cells guarded as in reports.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::rows::unit;
use crate::web::error::Error;
use jornada_domain::tally::PublicTally;
use jornada_domain::{Campaign, Tally};
use jornada_http::page::PageContext;
use jornada_service::csv_guard::{Separator, csv_settings, guarded};

/// Returns all listed values and, as the last row, the others: the counts add up to the total.
pub(super) fn respond(
    visit: &PageContext,
    campaign: &Campaign,
    tally: &Tally,
    public: &PublicTally,
    separator: Separator,
) -> Result<Response, Error> {
    let bytes = write(visit, campaign, tally, public, separator);
    let bytes = bytes.map_err(|error| Error::Internal(error.into()))?;
    let name = format!("attachment; filename=\"{}-{}.csv\"", campaign.id, tally.id);
    let name = HeaderValue::from_str(&name).map_err(|error| Error::Internal(error.into()))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::VARY, HeaderValue::from_static("Accept-Language")),
    ];
    Ok((headers, bytes).into_response())
}

fn write(
    visit: &PageContext,
    campaign: &Campaign,
    tally: &Tally,
    public: &PublicTally,
    separator: Separator,
) -> Result<Vec<u8>, csv::Error> {
    let mut out = csv_settings(separator).from_writer("\u{FEFF}".as_bytes().to_vec());
    let fields = tally.key_fields(&campaign.fields);
    for field in &fields {
        out.write_field(guarded(visit.localized(&field.label)).as_bytes())?;
    }
    out.write_field(unit(visit, campaign))?;
    out.write_record(None::<&[u8]>)?;
    for row in public.rows() {
        for label in &row.label {
            out.write_field(guarded(label).as_bytes())?;
        }
        out.write_field(row.count.to_string())?;
        out.write_record(None::<&[u8]>)?;
    }
    if let Some(others) = public.others {
        out.write_field(text!(visit.lang, "chart-others"))?;
        for _ in fields.iter().skip(1) {
            out.write_field("")?;
        }
        out.write_field(others.count.to_string())?;
        out.write_record(None::<&[u8]>)?;
    }
    out.into_inner()
        .map_err(|error| csv::Error::from(error.into_error()))
}
