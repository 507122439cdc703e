//! The search for registrations. The form is redirected to a URL with the encrypted query, so that the browser's back
//! button works and no name appears in a URL.

mod asked;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::case::Cabinet;
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::Action;
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Field, Registration};
use crate::staff::query;
use crate::store::search::Found;
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::page::{Visit, show};
use asked::{Asked, Way};

const PATH: &str = "/staff/c/{campaign}/registrations";
const NEED: Need = Need::Permission(Permission::Search);

/// Rows per page.
const ROWS: u8 = 25;

/// Maximum number of answer columns: what fits on a tablet.
const COLUMNS: usize = 4;

/// Routes of the form and its results.
pub(super) fn routes() -> Vec<Route> {
    vec![Route::get(PATH, NEED, look), Route::post(PATH, NEED, ask)]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    q: String,
    done: String,
}

async fn ask(
    State(app): State<AppState>,
    cabinet: Cabinet,
    Form(asked): Form<Asked>,
) -> Result<Response, Error> {
    let read = asked.read(
        &cabinet.campaign,
        app.registrations.secret.expose(),
        cabinet.desk.visit.lang,
    );
    if let Err(mistakes) = read {
        let page = SearchPage::of(&app, &cabinet, asked, mistakes, None);
        return Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let to = address(&app, &cabinet, &asked)?;
    Ok(Redirect::to(&to).into_response())
}

async fn look(
    State(app): State<AppState>,
    cabinet: Cabinet,
    Query(Address { q, done }): Query<Address>,
) -> Result<Response, Error> {
    let account = cabinet.desk.staff.account()?.id;
    let asked = query::read::<Asked>(&app.authenticator.keys, account, &cabinet.campaign.id, &q);
    let Some(asked) = asked else {
        let mut page = SearchPage::of(&app, &cabinet, Asked::default(), Vec::new(), None);
        page.is_deleted = done == "deleted";
        return Ok(show(StatusCode::OK, &page));
    };
    let read = asked.read(
        &cabinet.campaign,
        app.registrations.secret.expose(),
        cabinet.desk.visit.lang,
    );
    // The query was valid when it was encrypted: this fails only if the campaign changed since.
    let ways = read.map_err(|_| Error::InvalidCsrfToken)?;
    let found = find(&cabinet, &asked, ways).await?;
    let next = match found.next.clone() {
        Some(cursor) => Some(address(&app, &cabinet, &asked.behind(cursor))?),
        None => None,
    };
    let first = match &asked.after {
        Some(_) => Some(address(&app, &cabinet, &asked.at_start())?),
        None => None,
    };
    let results = Results { found, next, first };
    let page = SearchPage::of(&app, &cabinet, asked, Vec::new(), Some(results));
    Ok(show(StatusCode::OK, &page))
}

/// Tries the readings of a query in order until one finds something.
async fn find(cabinet: &Cabinet, asked: &Asked, ways: Vec<Way>) -> Result<Found, Error> {
    let mut last = None;
    for Way { name, mut search } in ways {
        let deed = |action| {
            let told = asked.told().into_iter();
            told.fold(
                cabinet.deed(action).with("by", name),
                |deed, (word, text)| deed.with(word, text),
            )
        };
        let staff = &cabinet.desk.staff;
        if !search.values.iter().all(|value| staff.sees(value)) {
            cabinet.note(deed(Action::Refused)).await?;
            return Err(Error::NoSuchValue);
        }
        if search.values.is_empty() {
            search.values = staff.values(&cabinet.campaign);
        }
        let found = cabinet
            .find(&search, asked.after.as_ref(), ROWS, deed(Action::Search))
            .await?;
        if !found.rows.is_empty() {
            return Ok(found);
        }
        last = Some(found);
    }
    Ok(last.unwrap_or(Found {
        rows: Vec::new(),
        next: None,
    }))
}

/// Returns the URL of a search, readable only by this account.
fn address(app: &AppState, cabinet: &Cabinet, asked: &Asked) -> Result<String, Error> {
    let (visit, campaign) = (&cabinet.desk.visit, &cabinet.campaign.id);
    let account = cabinet.desk.staff.account()?.id;
    let sealed = query::write(&app.authenticator.keys, account, campaign, asked);
    let sealed = sealed.map_err(crate::staff::AccountsError::from)?;
    Ok(visit.link_with(&cabinet.path("registrations"), "q", &sealed))
}

/// One page of results with its links.
struct Results {
    found: Found,
    next: Option<String>,
    first: Option<String>,
}

#[derive(Template)]
#[template(path = "staff/search.html")]
struct SearchPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    asked: Asked,
    mistakes: Vec<FieldProblem>,
    results: Option<Results>,
    /// Suggested values: those with registrations within the reader's place scope, and the reader's own places.
    values: Vec<String>,
    is_deleted: bool,
}

impl<'a> SearchPage<'a> {
    fn of(
        app: &AppState,
        cabinet: &'a Cabinet,
        asked: Asked,
        mistakes: Vec<FieldProblem>,
        results: Option<Results>,
    ) -> Self {
        let chart = app.live_totals.read(&cabinet.campaign.id);
        let counted = chart.iter().flat_map(|chart| &chart.values);
        let staff = &cabinet.desk.staff;
        let mut values: Vec<_> = counted
            .map(|count| count.value.clone())
            .filter(|value| staff.sees(value) && !value.is_empty())
            .chain(staff.values(&cabinet.campaign))
            .collect();
        values.sort_unstable();
        values.dedup();
        Self {
            visit: &cabinet.desk.visit,
            desk: &cabinet.desk,
            campaign: &cabinet.campaign,
            asked,
            mistakes,
            results,
            values,
            is_deleted: false,
        }
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self.mistakes.iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    /// Returns the fields whose answers the table shows, with their positions.
    fn columns(&self) -> Vec<(usize, &Field)> {
        let fields = self.campaign.fields.iter().enumerate();
        let answers = fields.filter(|(_, field)| !field.is_photo());
        answers.take(COLUMNS).collect()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand over references"
    )]
    fn answer<'r>(row: &'r Registration, place: &usize) -> &'r str {
        row.answers.get(*place).unwrap_or_default()
    }

    fn page_of(&self, row: &Registration) -> String {
        let id = row.id;
        self.visit
            .staff(&self.campaign.id, &format!("registrations/{id}"))
    }
}
