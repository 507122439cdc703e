//! The record of who looked at what, for admins: read page by page, or taken out as a file. Both are looks themselves, and
//! are written down before they are answered.

mod asked;
pub(super) mod names;

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

const PAGE: &str = "/staff/audit";
const EXPORT: &str = "/staff/audit/export.csv";
const NEED: Need = Need::Permission(Permission::Audit);

/// Entries of one page.
const ROWS: u16 = 50;
/// Entries of a file that are held in memory.
const BATCH: u16 = 500;

/// The record and its file.
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

/// Where a file stands.
enum Place {
    Start,
    Before(Option<u64>),
}

/// The entries as they are asked for, a batch at a time: whoever reads slowly holds up nobody. A store that stops answering
/// breaks the file off, so that it is not taken for a whole one.
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
    /// Where the next page begins.
    older: Option<u64>,
    asked: &'a Asked,
    zone: &'a TimeZone,
    problem: Option<&'a str>,
}

impl AuditPage<'_> {
    /// To the second, in the order of time.
    fn moment(&self, at: &Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn words(&self, action: Action) -> &'static str {
        action.words(self.visit.lang)
    }

    fn name<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.show(name, self.visit.lang)
    }

    /// The same with a registration's id cut to its first digits: a page of a search has many, and each links to all.
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

    /// The page of what is asked now, from another place on.
    fn page(&self, before: Option<&u64>) -> String {
        self.asked.address(self.visit, PAGE, before.copied())
    }

    fn file(&self) -> String {
        self.asked.address(self.visit, EXPORT, None)
    }

    /// The page of everything that was done to one thing.
    fn about(&self, subject: &str) -> String {
        Asked::about(subject).address(self.visit, PAGE, None)
    }
}
