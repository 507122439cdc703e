//! The search for registrations. The form is redirected to a URL with the encrypted query, so that the browser's back
//! button works and no name appears in a URL.

mod form;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::guard::StaffContext;
use super::registration_access::CampaignAccess;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use form::{SearchForm, SearchReading};
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Campaign, Field, Registration};
use jornada_http::page::{PageContext, render};
use jornada_service::staff::encrypted_query;
use jornada_store::search::SearchResults;

const PATH: &str = "/staff/c/{campaign}/registrations";
const NEED: Requirement = Requirement::Permission(Permission::Search);

/// Rows per page.
const ROWS: u8 = 25;

/// Maximum number of answer columns: what fits on a tablet.
const MAX_COLUMNS: usize = 4;

/// Routes of the form and its results.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get(PATH, NEED, show_results),
        Route::post(PATH, NEED, submit_search),
    ]
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct EncryptedQueryParam {
    q: String,
    done: String,
}

async fn submit_search(
    State(app): State<AppState>,
    access: CampaignAccess,
    Form(form): Form<SearchForm>,
) -> Result<Response, Error> {
    let read = form.parse(
        &access.campaign,
        app.registrations.secret.expose(),
        access.context.visit.lang,
    );
    if let Err(mistakes) = read {
        let page = SearchPage::new(&app, &access, form, mistakes, None);
        return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
    }
    let to = search_url(&app, &access, &form)?;
    Ok(Redirect::to(&to).into_response())
}

async fn show_results(
    State(app): State<AppState>,
    access: CampaignAccess,
    Query(EncryptedQueryParam { q, done }): Query<EncryptedQueryParam>,
) -> Result<Response, Error> {
    let account = access.context.principal.account()?.id;
    let form = encrypted_query::decrypt::<SearchForm>(
        &app.authenticator.keys,
        account,
        &access.campaign.id,
        &q,
    );
    let Some(form) = form else {
        let mut page = SearchPage::new(&app, &access, SearchForm::default(), Vec::new(), None);
        page.is_deleted = done == "deleted";
        return Ok(render(StatusCode::OK, &page));
    };
    let read = form.parse(
        &access.campaign,
        app.registrations.secret.expose(),
        access.context.visit.lang,
    );
    // The query was valid when it was encrypted: this fails only if the campaign changed since.
    let ways = read.map_err(|_| Error::InvalidCsrfToken)?;
    let found = search_readings(&access, &form, ways).await?;
    let next = match found.next.clone() {
        Some(cursor) => Some(search_url(&app, &access, &form.after_cursor(cursor))?),
        None => None,
    };
    let first = match &form.after {
        Some(_) => Some(search_url(&app, &access, &form.first_page())?),
        None => None,
    };
    let results = ResultsPage { found, next, first };
    let page = SearchPage::new(&app, &access, form, Vec::new(), Some(results));
    Ok(render(StatusCode::OK, &page))
}

/// Tries the readings of a query in order until one finds something.
async fn search_readings(
    access: &CampaignAccess,
    form: &SearchForm,
    ways: Vec<SearchReading>,
) -> Result<SearchResults, Error> {
    let mut last = None;
    for SearchReading { name, mut search } in ways {
        let event = |action| {
            let told = form.audit_details().into_iter();
            told.fold(
                access.new_event(action).with_detail("by", name),
                |event, (word, text)| event.with_detail(word, text),
            )
        };
        let staff = &access.context.principal;
        if !search.values.iter().all(|value| staff.may_see(value)) {
            access.record(event(AuditAction::AccessDenied)).await?;
            return Err(Error::NoSuchValue);
        }
        if search.values.is_empty() {
            search.values = staff.visible_values(&access.campaign);
        }
        let found = access
            .search(
                &search,
                form.after.as_ref(),
                ROWS,
                event(AuditAction::Search),
            )
            .await?;
        if !found.rows.is_empty() {
            return Ok(found);
        }
        last = Some(found);
    }
    Ok(last.unwrap_or(SearchResults {
        rows: Vec::new(),
        next: None,
    }))
}

/// Returns the URL of a search, readable only by this account.
fn search_url(app: &AppState, access: &CampaignAccess, form: &SearchForm) -> Result<String, Error> {
    let (visit, campaign) = (&access.context.visit, &access.campaign.id);
    let account = access.context.principal.account()?.id;
    let sealed = encrypted_query::encrypt(&app.authenticator.keys, account, campaign, form);
    let sealed = sealed.map_err(jornada_service::staff::AccountsError::from)?;
    Ok(visit.link_with_param(&access.path("registrations"), "q", &sealed))
}

/// One page of results with its links.
struct ResultsPage {
    found: SearchResults,
    next: Option<String>,
    first: Option<String>,
}

#[derive(Template)]
#[template(path = "staff/search.html")]
struct SearchPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    form: SearchForm,
    field_problems: Vec<FieldProblem>,
    results: Option<ResultsPage>,
    /// Suggested values: those with registrations within the reader's place scope, and the reader's own places.
    values: Vec<String>,
    is_deleted: bool,
}

impl<'a> SearchPage<'a> {
    fn new(
        app: &AppState,
        access: &'a CampaignAccess,
        form: SearchForm,
        field_problems: Vec<FieldProblem>,
        results: Option<ResultsPage>,
    ) -> Self {
        let chart = app.live_totals.latest(&access.campaign.id);
        let counted = chart.iter().flat_map(|chart| &chart.values);
        let staff = &access.context.principal;
        let mut values: Vec<_> = counted
            .map(|count| count.value.clone())
            .filter(|value| staff.may_see(value) && !value.is_empty())
            .chain(staff.visible_values(&access.campaign))
            .collect();
        values.sort_unstable();
        values.dedup();
        Self {
            visit: &access.context.visit,
            context: &access.context,
            campaign: &access.campaign,
            form,
            field_problems,
            results,
            values,
            is_deleted: false,
        }
    }

    fn error(&self, name: &str) -> Option<&str> {
        let wrong = self.field_problems.iter().find(|wrong| wrong.field == name);
        wrong.map(|wrong| wrong.message.as_str())
    }

    /// Returns the fields whose answers the table shows, with their positions.
    fn columns(&self) -> Vec<(usize, &Field)> {
        let fields = self.campaign.fields.iter().enumerate();
        let answers = fields.filter(|(_, field)| !field.is_photo());
        answers.take(MAX_COLUMNS).collect()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand over references"
    )]
    fn answer<'r>(row: &'r Registration, place: &usize) -> &'r str {
        row.answers.get(*place).unwrap_or_default()
    }

    fn registration_link(&self, row: &Registration) -> String {
        let id = row.id;
        self.visit
            .staff_link(&self.campaign.id, &format!("registrations/{id}"))
    }
}
