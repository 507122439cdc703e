//! The page of one registration with its history, and its print version.

use std::ops::Deref;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::account::NoticeQuery;
use super::audit::names::ActorNames;
use super::guard::StaffContext;
use super::registration_access::RegistrationAccess;
use super::route::{Requirement, Route};
use crate::web::AppState;
use crate::web::error::Error;
use jornada_domain::history::RegistrationHistory;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Campaign, Field};
use jornada_http::page::{PageContext, render};

const PATH: &str = "/staff/c/{campaign}/registrations/{id}";
const NEED: Requirement = Requirement::Permission(Permission::See);

/// Routes of the page and of its print version.
pub(super) fn routes() -> Vec<Route> {
    let print_path = "/staff/c/{campaign}/registrations/{id}/print";
    vec![
        Route::get(PATH, NEED, show_registration),
        Route::get(print_path, NEED, show_print),
    ]
}

async fn show_registration(
    State(app): State<AppState>,
    access: RegistrationAccess,
    Query(query): Query<NoticeQuery>,
) -> Result<Response, Error> {
    let record = access.load(AuditAction::ViewRegistration).await?;
    let notice = match query.done.as_str() {
        "corrected" => access
            .context
            .visit
            .say("La corrección quedó guardada.", "The correction was saved."),
        "same" => access.context.visit.say(
            "No cambió nada: todo estaba ya así.",
            "Nothing changed: it all was so already.",
        ),
        _ => "",
    };
    let names = load_names(&app, &access).await?;
    let page = RegistrationPage {
        visit: &access.context.visit,
        context: &access.context,
        campaign: &access.campaign,
        access: &access,
        record: &record,
        names,
        notice,
    };
    Ok(render(StatusCode::OK, &page))
}

async fn show_print(
    State(app): State<AppState>,
    access: RegistrationAccess,
) -> Result<Response, Error> {
    let record = access.load(AuditAction::Print).await?;
    let names = load_names(&app, &access).await?;
    let page = PrintPage(RegistrationPage {
        visit: &access.context.visit,
        context: &access.context,
        campaign: &access.campaign,
        access: &access,
        record: &record,
        names,
        notice: "",
    });
    Ok(render(StatusCode::OK, &page))
}

/// Loads the names of actors for readers who may read the audit log.
async fn load_names(
    app: &AppState,
    access: &RegistrationAccess,
) -> Result<Option<ActorNames>, Error> {
    if !access.context.principal.may(Permission::Audit) {
        return Ok(None);
    }
    Ok(Some(ActorNames::load(&app.store).await?))
}

#[derive(Template)]
#[template(path = "staff/registration.html")]
struct RegistrationPage<'a> {
    visit: &'a PageContext,
    context: &'a StaffContext,
    campaign: &'a Campaign,
    access: &'a RegistrationAccess,
    record: &'a RegistrationHistory,
    names: Option<ActorNames>,
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
        self.visit.link(&self.access.path(below))
    }

    /// Returns the label of a field, or its name if the campaign no longer has it.
    fn label<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.campaign.field(name);
        field.map_or(name, |field| self.visit.localized(&field.label))
    }

    /// Returns who made a correction, as far as the reader may know.
    fn corrector_name<'s>(&'s self, by: &'s str) -> &'s str {
        match &self.names {
            Some(names) => names.display_name(by, self.visit.lang),
            None if by == self.context.principal.actor() => self.visit.say("Usted", "You"),
            None => self
                .visit
                .say("Otra persona del personal", "Somebody else of the staff"),
        }
    }
}
