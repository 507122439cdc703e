//! The page of one registration with its history, and its print version.

use std::ops::Deref;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::account::Asked;
use super::audit::names::Names;
use super::case::Case;
use super::guard::Desk;
use super::route::{Need, Route};
use super::scribe::Action;
use crate::domain::record::Record;
use crate::domain::staff::Permission;
use crate::domain::{Campaign, Field};
use crate::web::AppState;
use crate::web::error::Error;
use crate::web::page::{Visit, show};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}";
const NEED: Need = Need::Permission(Permission::See);

/// Routes of the page and of its print version.
pub(super) fn routes() -> Vec<Route> {
    let print_path = "/staff/c/{campaign}/registrations/{id}/print";
    vec![
        Route::get(PATH, NEED, look),
        Route::get(print_path, NEED, print),
    ]
}

async fn look(
    State(app): State<AppState>,
    case: Case,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let record = case.open(Action::Look).await?;
    let notice = match asked.done.as_str() {
        "corrected" => case
            .desk
            .visit
            .say("La corrección quedó guardada.", "The correction was saved."),
        "same" => case.desk.visit.say(
            "No cambió nada: todo estaba ya así.",
            "Nothing changed: it all was so already.",
        ),
        _ => "",
    };
    let names = names(&app, &case).await?;
    let page = RegistrationPage {
        visit: &case.desk.visit,
        desk: &case.desk,
        campaign: &case.campaign,
        case: &case,
        record: &record,
        names,
        notice,
    };
    Ok(show(StatusCode::OK, &page))
}

async fn print(State(app): State<AppState>, case: Case) -> Result<Response, Error> {
    let record = case.open(Action::Print).await?;
    let names = names(&app, &case).await?;
    let page = PrintPage(RegistrationPage {
        visit: &case.desk.visit,
        desk: &case.desk,
        campaign: &case.campaign,
        case: &case,
        record: &record,
        names,
        notice: "",
    });
    Ok(show(StatusCode::OK, &page))
}

/// Loads the names of actors for readers who may read the audit log.
async fn names(app: &AppState, case: &Case) -> Result<Option<Names>, Error> {
    if !case.desk.staff.may(Permission::Audit) {
        return Ok(None);
    }
    Ok(Some(Names::read(&app.store).await?))
}

#[derive(Template)]
#[template(path = "staff/registration.html")]
struct RegistrationPage<'a> {
    visit: &'a Visit,
    desk: &'a Desk,
    campaign: &'a Campaign,
    case: &'a Case,
    record: &'a Record,
    names: Option<Names>,
    notice: &'a str,
}

#[derive(Template)]
#[template(path = "staff/print.html")]
struct PrintPage<'a>(RegistrationPage<'a>);

impl<'a> Deref for PrintPage<'a> {
    type Target = RegistrationPage<'a>;

    fn deref(&self) -> &RegistrationPage<'a> {
        &self.0
    }
}

impl RegistrationPage<'_> {
    /// Returns each field except photos, with its answer.
    fn answers(&self) -> Vec<(&Field, &str)> {
        let answers = &self.record.registration.answers;
        let fields = self.campaign.fields.iter().enumerate();
        fields
            .filter(|(_, field)| !field.is_photo())
            .map(|(place, field)| (field, answers.get(place).unwrap_or_default()))
            .collect()
    }

    fn link(&self, below: &str) -> String {
        self.visit.link(&self.case.path(below))
    }

    /// Returns the label of a field, or its name if the campaign no longer has it.
    fn label<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.campaign.field(name);
        field.map_or(name, |field| self.visit.read(&field.label))
    }

    /// Returns who made a correction, as far as the reader may know.
    fn who<'s>(&'s self, by: &'s str) -> &'s str {
        match &self.names {
            Some(names) => names.show(by, self.visit.lang),
            None if by == self.desk.staff.actor() => self.visit.say("Usted", "You"),
            None => self
                .visit
                .say("Otra persona del personal", "Somebody else of the staff"),
        }
    }
}
