//! The audit log for admins, as pages or as a CSV file. Both write an audit entry before they answer.

mod asked;
pub(super) mod names;
mod words;

use askama::Template;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::{Action, Scribe};
use crate::domain::staff::Permission;
use crate::domain::staff::audit::Entry;
use crate::staff::audit::export::{Format, detail};
use crate::store::Store;
use crate::store::audit::{Filter, Found};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};
use asked::Asked;
use names::Names;
use words::action_words;

const PAGE: &str = "/staff/audit";
const EXPORT: &str = "/staff/audit/export.csv";
const NEED: Need = Need::Permission(Permission::Audit);

/// Entries per page.
const ROWS: u16 = 50;
/// Entries of a file held in memory at once.
const BATCH: u16 = 500;

/// Routes of the page and of the file.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PAGE, NEED, read),
        Route::get(EXPORT, NEED, export),
    ]
}

async fn read(
    State(app): State<AppState>,
    desk: Desk,
    scribe: Scribe,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let zone = &app.campaigns.default().time_zone;
    let (filter, problem) = match asked.filter(zone) {
        Ok(filter) => (Some(filter), None),
        Err(wrong) => (None, Some(wrong.message(desk.visit.lang))),
    };
    let mut entries = Vec::new();
    if let Some(filter) = &filter {
        scribe.note(&app, asked.deed(Action::AuditRead)).await?;
        let store = &app.store;
        entries = store.audit_before(filter, asked.before(), ROWS + 1).await?;
    }
    let has_more = entries.len() > usize::from(ROWS);
    entries.truncate(ROWS.into());
    let page = AuditPage {
        visit: &desk.visit,
        desk: &desk,
        names: Names::read(&app.store).await?,
        campaigns: app
            .campaigns
            .iter()
            .map(|campaign| campaign.id.as_str())
            .collect(),
        older: has_more.then(|| entries.last().map(Found::seq)).flatten(),
        entries,
        asked: &asked,
        zone,
        problem,
    };
    let status = problem.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    Ok(show(status, &page))
}

async fn export(
    State(app): State<AppState>,
    scribe: Scribe,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let filter = asked.filter(&app.campaigns.default().time_zone);
    let filter = filter.map_err(|_| Error::Malformed("the filter"))?;
    let deed = asked.deed(Action::AuditExport);
    scribe
        .note(&app, deed.with("format", Format::Csv.name()))
        .await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"audit.csv\"",
        ),
    ];
    let file = Body::from_stream(file(app.store.clone(), filter));
    Ok((headers, file).into_response())
}

/// Where the next part of a file starts.
enum Place {
    Start,
    Before(Option<u64>),
}

/// Streams the matching entries as CSV. Reads one batch at a time, on demand. If the store fails, the transfer is
/// aborted, so that the client does not take the file for complete.
fn file(
    store: Store,
    filter: Filter,
) -> impl futures_util::Stream<Item = Result<Vec<u8>, anyhow::Error>> {
    stream::try_unfold(Place::Start, move |place| {
        let (store, filter) = (store.clone(), filter.clone());
        async move {
            let mut bytes = Vec::new();
            let Place::Before(seq) = place else {
                Format::Csv.begin(&mut bytes)?;
                return Ok(Some((bytes, Place::Before(None))));
            };
            let entries = store.audit_before(&filter, seq, BATCH).await?;
            let Some(last) = entries.last().map(Found::seq) else {
                return Ok(None);
            };
            Format::Csv.write(&entries, &mut bytes)?;
            Ok(Some((bytes, Place::Before(Some(last)))))
        }
    })
}

#[derive(Template)]
#[template(path = "staff/audit.html")]
struct AuditPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    names: Names,
    campaigns: Vec<&'a str>,
    entries: Vec<Found>,
    /// Sequence number before which the next page starts.
    older: Option<u64>,
    asked: &'a Asked,
    zone: &'a TimeZone,
    problem: Option<&'a str>,
}

impl AuditPage<'_> {
    /// Formats a time to the second, in ISO order.
    fn moment(&self, at: &Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn words(&self, action: Action) -> &'static str {
        action_words(action, self.visit.lang)
    }

    fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.show(name, self.visit.lang)
    }

    /// Returns the display name of a subject. Shortens ids of registrations, since an entry of a search has many.
    fn short(&self, subject: &str) -> String {
        let id = subject.strip_prefix("registration:");
        match id.and_then(|id| id.get(..8)) {
            Some(first) => format!("registration:{first}…"),
            None => self.name(subject).to_owned(),
        }
    }

    fn more(entry: &Entry) -> String {
        detail(entry)
    }

    /// Returns the link to the current query, starting before another entry.
    fn page(&self, before: Option<&u64>) -> String {
        self.asked.address(self.visit, PAGE, before.copied())
    }

    fn file(&self) -> String {
        self.asked.address(self.visit, EXPORT, None)
    }

    /// Returns the link to all entries about one subject.
    fn about(&self, subject: &str) -> String {
        Asked::about(subject).address(self.visit, PAGE, None)
    }
}
