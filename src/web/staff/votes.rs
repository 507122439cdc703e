//! The log viewer of votes: the latest, filters, older pages, and the page of one vote. A script adds what arrives.

use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use jiff::Timestamp;
use strum::VariantArray;

use super::context::{PageResult, StaffContext};
use crate::web::error::Error;
use crate::web::error::problem::FieldProblem;
use crate::web::filled_form::FilledForm;
use crate::web::vote_access::VoteReader;
use crate::web::vote_query::{DEFAULT_LIMIT, DOOR, INSTANCE, PERIOD, VoteListQuery};
use jornada_domain::staff::Permission;
use jornada_domain::vote::{StoredVote, VotePosition};
use jornada_domain::{Campaign, Door, Field, FieldKind, RegistrationId};
use jornada_http::page::{render, staff_path};
use jornada_store::{VoteFilter, VotePage};

/// Typed filters, by the names of the parameters.
type Typed = Vec<(String, String)>;

pub(super) async fn show_votes(
    context: StaffContext,
    Path(campaign): Path<String>,
    RawQuery(query): RawQuery,
) -> PageResult {
    let reader = reader(&context, &campaign)?;
    let query = query.unwrap_or_default();
    let parsed = VoteListQuery::parse(&query, &reader.campaign, context.lang);
    let typed = read_filters(&query);
    let limit = parsed.as_ref().ok().map(|query| query.limit);
    let limit = limit.filter(|limit| *limit != DEFAULT_LIMIT);
    let (form, list) = match parsed {
        Ok(query) => {
            let typed = with_local_period(typed, &query.filter, &reader.campaign);
            (FilledForm::new(typed), Some(reader.list(query).await?))
        }
        Err(problems) => (FilledForm::rejected_fields(typed, problems), None),
    };
    let (page, tail) = list.map_or_else(Default::default, |(page, tail)| (Some(page), tail));
    let tail = tail.map(|tail| tail.to_string());
    Ok(form.render(&VotesPage {
        visit: &context,
        campaign: &reader.campaign,
        form: &form,
        limit,
        page,
        tail,
    }))
}

pub(super) async fn show_vote(
    context: StaffContext,
    Path((campaign, id)): Path<(String, String)>,
) -> PageResult {
    let reader = reader(&context, &campaign)?;
    let vote = reader.load(&id).await?;
    let page = OneVotePage {
        visit: &context,
        campaign: &reader.campaign,
        stored: &vote,
    };
    Ok(render(StatusCode::OK, &page))
}

fn reader(context: &StaffContext, campaign: &str) -> Result<VoteReader, Error> {
    let (principal, audit) = (context.principal.clone(), context.audit.clone());
    VoteReader::new(&context.app, principal, audit, campaign)
}

/// Returns the parameters of a query that filter and are not empty.
fn read_filters(query: &str) -> Typed {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let filters = pairs.filter(|(name, value)| {
        !["lang", "before", "after", "limit"].contains(&&**name) && !value.is_empty()
    });
    filters
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Writes the period as its inputs need it, by the clocks of the campaign: a link may have it as days or RFC 3339.
fn with_local_period(mut typed: Typed, filter: &VoteFilter, campaign: &Campaign) -> Typed {
    for (name, value) in &mut typed {
        let at = match PERIOD.iter().position(|known| known == name) {
            Some(0) => filter.from,
            Some(_) => filter.until,
            None => None,
        };
        if let Some(at) = at {
            let local = at.to_zoned(campaign.time_zone.clone());
            *value = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
    }
    typed
}

#[derive(Template)]
#[template(path = "staff/votes.html")]
struct VotesPage<'a> {
    visit: &'a StaffContext,
    campaign: &'a Campaign,
    form: &'a FilledForm<Typed>,
    /// Number of votes of a page, if it is not the default.
    limit: Option<u16>,
    /// `None` if the filters cannot be used.
    page: Option<VotePage>,
    /// Position from which the script goes on; only on the first page.
    tail: Option<String>,
}

impl VotesPage<'_> {
    fn typed(&self, name: &str) -> &str {
        let mut typed = self.form.values.iter();
        let typed = typed.find(|(known, _)| known == name);
        typed.map_or("", |(_, value)| value)
    }

    /// Returns the problems of parameters that have no control in the form.
    fn other_problems(&self) -> Vec<&FieldProblem> {
        let has_control = |name: &str| {
            [DOOR, INSTANCE].contains(&name)
                || PERIOD.contains(&name)
                || self.campaign.field(name).is_some()
        };
        let problems = self.form.errors.iter();
        problems
            .filter(|problem| !has_control(&problem.field))
            .collect()
    }

    /// Returns the link to this list with these filters.
    fn list_link(&self, position: Option<(&str, &str)>) -> String {
        let path = staff_path(&self.campaign.id, "votes");
        let filters = self.form.values.iter();
        let filters = filters.map(|(name, value)| (name.as_str(), value.as_str()));
        let limit = self.limit.map(|limit| limit.to_string());
        let limit = limit.as_deref().map(|limit| ("limit", limit));
        let page = limit.into_iter().chain(position);
        self.visit.link_with_params(&path, filters.chain(page))
    }

    /// Returns the link to the votes before a page.
    fn older_link(&self, next: &VotePosition) -> String {
        self.list_link(Some(("before", &next.to_string())))
    }

    /// Returns the link to a file of all votes that these filters find.
    fn export_link(&self, format: &str) -> String {
        let path = format!("/api/v1/campaigns/{}/votes.{format}", self.campaign.id);
        let filters = self.form.values.iter();
        let filters = filters.map(|(name, value)| (name.as_str(), value.as_str()));
        self.visit.link_with_params(&path, filters)
    }

    /// Returns the URL by which the script asks for the votes that arrive.
    fn api_url(&self) -> String {
        let path = format!("/api/v1/campaigns/{}/votes", self.campaign.id);
        let filters = self.form.values.iter();
        let filters = filters.map(|(name, value)| (name.as_str(), value.as_str()));
        self.visit.link_with_params(&path, filters)
    }

    /// Returns the names of all doors.
    fn doors() -> impl Iterator<Item = &'static str> {
        Door::VARIANTS.iter().map(Into::into)
    }

    fn vote_link(&self, id: &RegistrationId) -> String {
        let page = format!("votes/{id}");
        self.visit.staff_link(&self.campaign.id, &page)
    }

    /// Returns the fields with the answers of a vote.
    fn answers<'v>(&'v self, stored: &'v StoredVote) -> impl Iterator<Item = (&'v Field, &'v str)> {
        answers(self.campaign, stored)
    }

    fn door(stored: &StoredVote) -> &'static str {
        stored.vote.door.into()
    }

    fn field_names(&self) -> String {
        let names = self.campaign.fields.iter();
        names
            .map(|field| &*field.name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn time(&self, at: &Timestamp) -> String {
        to_second(self.campaign, *at)
    }
}

#[derive(Template)]
#[template(path = "staff/vote.html")]
struct OneVotePage<'a> {
    visit: &'a StaffContext,
    campaign: &'a Campaign,
    stored: &'a StoredVote,
}

impl OneVotePage<'_> {
    fn answers(&self) -> impl Iterator<Item = (&Field, &str)> {
        answers(self.campaign, self.stored)
    }

    fn door(&self) -> &'static str {
        self.stored.vote.door.into()
    }

    fn time(&self, at: &Timestamp) -> String {
        to_second(self.campaign, *at)
    }

    /// Returns the milliseconds from the receipt to the store.
    fn delay(&self) -> Option<i64> {
        i64::try_from(self.stored.delay()?.as_millis()).ok()
    }
}

fn answers<'v>(
    campaign: &'v Campaign,
    stored: &'v StoredVote,
) -> impl Iterator<Item = (&'v Field, &'v str)> {
    let fields = campaign.fields.iter().enumerate();
    fields.map(|(place, field)| (field, stored.vote.answers.get(place).unwrap_or_default()))
}

/// Formats a time by the clocks of a campaign, as the script does: `2026-11-21 16:05:07`.
fn to_second(campaign: &Campaign, at: Timestamp) -> String {
    let local = at.to_zoned(campaign.time_zone.clone());
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
