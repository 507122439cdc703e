//! The page of one registration with its history, and its print version.

use askama::Template;
use axum::http::StatusCode;
use derive_more::Deref;

use super::audit::names::ActorNames;
use super::context::PageResult;
use super::lift::render_deleted;
use super::registration_access::RegistrationAccess;
use crate::web::error::Error;
use jornada_domain::Field;
use jornada_domain::history::RegistrationHistory;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_http::page::render;

pub(super) async fn show_registration(access: RegistrationAccess) -> PageResult {
    let mut page = match RegistrationPage::load(&access, AuditAction::ViewRegistration).await {
        Err(Error::RegistrationDeleted(deletion)) => return Ok(render_deleted(&access, &deletion)),
        loaded => loaded?,
    };
    page.notice = access.notice("registration");
    Ok(render(StatusCode::OK, &page))
}

pub(super) async fn show_print(access: RegistrationAccess) -> PageResult {
    let page = RegistrationPage::load(&access, AuditAction::Print).await?;
    Ok(render(StatusCode::OK, &PrintPage(page)))
}

#[derive(Template)]
#[template(path = "staff/registration.html")]
struct RegistrationPage<'a> {
    visit: &'a RegistrationAccess,
    record: RegistrationHistory,
    /// Names of actors, for readers who may read the audit log.
    names: Option<ActorNames>,
    notice: &'static str,
}

#[derive(Deref, Template)]
#[template(path = "staff/print.html")]
struct PrintPage<'a>(RegistrationPage<'a>);

impl<'a> RegistrationPage<'a> {
    async fn load(visit: &'a RegistrationAccess, action: AuditAction) -> Result<Self, Error> {
        let record = visit.load(action).await?;
        let names = if visit.principal.may(Permission::Audit) {
            Some(ActorNames::load(&visit.app.store).await?)
        } else {
            None
        };
        Ok(Self {
            visit,
            record,
            names,
            notice: "",
        })
    }

    /// Returns each field except photos, with its answer.
    fn answers(&self) -> Vec<(&Field, &str)> {
        let answers = &self.record.registration.answers;
        let fields = self.visit.campaign.fields.iter().enumerate();
        fields
            .filter(|(_, field)| !field.is_photo())
            .map(|(place, field)| (field, answers.get(place).unwrap_or_default()))
            .collect()
    }

    /// Returns the label of a field, or its name if the campaign no longer has it.
    fn label<'s>(&'s self, name: &'s str) -> &'s str {
        let field = self.visit.campaign.field(name);
        field.map_or(name, |field| self.visit.localized(&field.label))
    }

    /// Returns who made a correction, as far as the reader may know.
    fn corrector_name<'s>(&'s self, by: &'s str) -> &'s str {
        match &self.names {
            Some(names) => names.display_name(by, self.visit.lang),
            None if by == self.visit.principal.actor() => {
                text!(self.visit.lang, "staff-registration-you")
            }
            None => text!(self.visit.lang, "staff-registration-somebody-else"),
        }
    }
}
