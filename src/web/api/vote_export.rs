//! Exports the votes of a list as a file.

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt, stream};

use super::vote_list::{VoteFilterParameters, VoteReadProblem};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::staff::{Principal, RequestAudit};
use crate::web::vote_access::{MAX_EXAMINED, VoteReader};
use crate::web::vote_query::VoteListQuery;
use jornada_domain::staff::audit::AuditAction;
use jornada_http::page::PageContext;
use jornada_service::votes::export::VoteExportFormat;
use jornada_store::{VoteFilter, VoteQuery};

/// Votes of a file that are in memory at once.
const BATCH: u16 = 1_000;

/// All votes that match, newest first, as CSV.
///
/// The filters are those of the list. A transfer that is cut off is not complete. Cells that a spreadsheet would run as a
/// formula have an apostrophe before them. Spreadsheets drop leading zeros and digits beyond the fifteenth: import such
/// columns as text.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/votes.csv",
    operation_id = "export_votes_csv",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        ("separator" = Option<String>, Query, description = "`comma`, `semicolon` or `tab`. By default that of spreadsheets in the language of the answer: `semicolon` in Spanish, `comma` in English", example = "comma"),
        VoteFilterParameters,
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        VoteReadProblem,
    ),
    security(("token" = [])),
    tag = "votes"
)]
pub async fn csv(
    principal: Principal,
    audit: RequestAudit,
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    RawQuery(query): RawQuery,
    visit: PageContext,
) -> Result<Response, Error> {
    let reader = VoteReader::new(&app, principal, audit, &campaign)?;
    let query = query.unwrap_or_default();
    let (filter, separator) = VoteListQuery::parse_csv(&query, &reader.campaign, visit.lang)
        .map_err(Error::InvalidQuery)?;
    export(reader, filter, VoteExportFormat::Csv(separator)).await
}

/// All votes that match, newest first, as NDJSON.
///
/// The filters are those of the list. A transfer that is cut off is not complete.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{campaign}/votes.ndjson",
    operation_id = "export_votes_ndjson",
    params(
        ("campaign" = String, Path, description = "Id of the campaign", example = "elecciones"),
        VoteFilterParameters,
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/x-ndjson"),
        VoteReadProblem,
    ),
    security(("token" = [])),
    tag = "votes"
)]
pub async fn ndjson(
    principal: Principal,
    audit: RequestAudit,
    State(app): State<AppState>,
    Path(campaign): Path<String>,
    RawQuery(query): RawQuery,
    visit: PageContext,
) -> Result<Response, Error> {
    let reader = VoteReader::new(&app, principal, audit, &campaign)?;
    let query = query.unwrap_or_default();
    let filter = VoteListQuery::parse_filter(&query, &reader.campaign, visit.lang);
    let filter = filter.map_err(Error::InvalidQuery)?;
    export(reader, filter, VoteExportFormat::Ndjson).await
}

async fn export(
    reader: VoteReader,
    filter: VoteFilter,
    format: VoteExportFormat,
) -> Result<Response, Error> {
    let names = VoteListQuery::filter_names(&filter);
    let filter = reader.restrict(filter).await?;
    let event = reader.new_event(AuditAction::VotesExported);
    let event = event.with_detail("filters", names);
    reader.record(event.with_detail("format", format)).await?;
    let kind = match format {
        VoteExportFormat::Csv(_) => "text/csv; charset=utf-8; header=present",
        VoteExportFormat::Ndjson => "application/x-ndjson",
    };
    let name = format!(
        "attachment; filename=\"{}-votes.{format}\"",
        reader.campaign.id
    );
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    let file = Body::from_stream(stream_votes(reader, filter, format));
    Ok((headers, file).into_response())
}

/// Streams the matching votes. Reads one batch at a time, on demand. If the store fails, the transfer is aborted, so that the
/// client does not take the file for complete.
fn stream_votes(
    reader: VoteReader,
    filter: VoteFilter,
    format: VoteExportFormat,
) -> impl Stream<Item = Result<Vec<u8>, anyhow::Error>> {
    let campaign = reader.campaign.clone();
    let header = stream::once(async move {
        let mut bytes = Vec::new();
        format.write_header(&campaign, &mut bytes)?;
        Ok(bytes)
    });
    let first = VoteQuery {
        filter,
        before: None,
        after: None,
        limit: BATCH,
        max_examined: MAX_EXAMINED,
    };
    let votes = stream::try_unfold(Some(first), move |query| {
        let reader = reader.clone();
        async move {
            let Some(query) = query else { return Ok(None) };
            let page = reader
                .app
                .store
                .list_votes(&reader.campaign, &query)
                .await?;
            let votes = page.votes.iter().map(|stored| &stored.vote);
            let mut bytes = Vec::new();
            format.write_votes(&reader.campaign, votes, &mut bytes)?;
            let next = page.next.map(|next| VoteQuery {
                before: Some(next),
                ..query
            });
            Ok(Some((bytes, next)))
        }
    });
    header.chain(votes)
}
