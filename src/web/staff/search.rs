//! The search for registrations. The form is redirected to a URL with the encrypted query, so that the browser's back
//! button works and no name appears in a URL.

mod form;

use askama::Template;
use axum::extract::Form;
use axum::response::{IntoResponse, Redirect, Response};

use super::context::PageResult;
use super::registration_access::{CampaignAccess, visible_labels};
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::filled_form::FilledForm;
use form::{SearchForm, SearchReading};
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Field, Registration, RegistrationId};
use jornada_service::registrations::number::find_holder;
use jornada_service::staff::encrypted_query;
use jornada_store::search::{Cursor, SearchBy, SearchResults};

/// Rows per page.
const ROWS: u8 = 25;

/// Maximum number of answer columns: what fits on a tablet.
const MAX_COLUMNS: usize = 4;

pub(super) async fn submit_search(
    access: CampaignAccess,
    Form(form): Form<SearchForm>,
) -> PageResult {
    if let Err(errors) = parse_form(&access, &form) {
        let form = FilledForm::rejected_fields(form, errors);
        return Ok(render_page(&access, &form, None));
    }
    Ok(Redirect::to(&search_url(&access, &form)?).into_response())
}

pub(super) async fn show_results(access: CampaignAccess) -> PageResult {
    let (keys, account) = (&access.app.authenticator.keys, access.account()?.id);
    let (campaign, query) = (&access.campaign.id, access.query_value("q"));
    let form = encrypted_query::decrypt::<SearchForm>(keys, account, campaign, &query);
    let Some(form) = form else {
        let notice = access.notice("search");
        let form = FilledForm::default().with_notice(notice);
        return Ok(render_page(&access, &form, None));
    };
    // The query was valid when it was encrypted: this fails only if the campaign changed since.
    let readings = parse_form(&access, &form).map_err(|_| Error::InvalidCsrfToken)?;
    let found = search_readings(&access, &form, readings).await?;
    let url = |after: Option<Cursor>| search_url(&access, &form.starting_after(after));
    let results = ResultsPage {
        next: found.next.clone().map(|last| url(Some(last))).transpose()?,
        first: form.after.as_ref().map(|_| url(None)).transpose()?,
        found,
    };
    Ok(render_page(&access, &FilledForm::new(form), Some(results)))
}

fn parse_form(
    access: &CampaignAccess,
    form: &SearchForm,
) -> Result<Vec<SearchReading>, Vec<FieldProblem>> {
    let secret = access.app.registrations.secret.expose();
    form.parse(&access.campaign, secret, access.lang)
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
            let event = access.new_event(action).with_detail("by", name);
            event.with_details(form.audit_details())
        };
        let staff = &access.principal;
        if !search.values.iter().all(|value| staff.may_see(value)) {
            access.record(event(AuditAction::AccessDenied)).await?;
            return Err(Error::NoSuchValue);
        }
        if search.values.is_empty() {
            search.values = staff.visible_values(&access.campaign);
        }
        if let SearchBy::Id(number) = search.by {
            search.by = SearchBy::Id(find_by_number(access, number).await?);
        }
        let (after, event) = (form.after.as_ref(), event(AuditAction::Search));
        let found = access.search(&search, after, ROWS, event).await?;
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

/// Returns the id of the registration that has the number with this first id, or the first id if none has it.
async fn find_by_number(
    access: &CampaignAccess,
    number: RegistrationId,
) -> Result<RegistrationId, Error> {
    let secret = &access.app.registrations.secret;
    let state = find_holder(&access.app.store, secret, &access.campaign, number).await?;
    let history = state.holder.history();
    Ok(history.map_or(number, |history| history.registration.id))
}

/// Returns the URL of a search, readable only by this account.
fn search_url(access: &CampaignAccess, form: &SearchForm) -> Result<String, Error> {
    let (keys, account) = (&access.app.authenticator.keys, access.account()?.id);
    let query = encrypted_query::encrypt(keys, account, &access.campaign.id, form)?;
    Ok(access.link_with_params(&access.path("registrations"), [("q", &*query)]))
}

fn render_page(
    access: &CampaignAccess,
    form: &FilledForm<SearchForm>,
    results: Option<ResultsPage>,
) -> Response {
    let totals = access.app.live_totals.latest(&access.campaign.id);
    let counted = totals.iter().flat_map(|totals| &totals.values);
    let staff = &access.principal;
    let mut values: Vec<_> = counted
        .map(|count| count.value.clone())
        .filter(|value| staff.may_see(value) && !value.is_empty())
        .chain(visible_labels(access))
        .collect();
    values.sort_unstable();
    values.dedup();
    let page = SearchPage {
        visit: access,
        form,
        results,
        values,
    };
    form.render(&page)
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
    visit: &'a CampaignAccess,
    form: &'a FilledForm<SearchForm>,
    results: Option<ResultsPage>,
    /// Suggested values: those with registrations within the reader's place scope, and the reader's own places.
    values: Vec<String>,
}

impl SearchPage<'_> {
    /// Returns the fields whose answers the table shows, with their positions.
    fn columns(&self) -> Vec<(usize, &Field)> {
        let fields = self.visit.campaign.fields.iter().enumerate();
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
        let path = format!("registrations/{}", row.id);
        self.visit.link_to(&path)
    }
}
