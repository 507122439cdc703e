//! Current votes: votes per minute of the last hour, and the latest votes. Also a page fragment, for the script.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};

use super::picture;
use super::rows::or_no_answer;
use crate::web::error::Error;
use crate::web::{AppState, RequestedCampaign};
use jornada_domain::Campaign;
use jornada_domain::vote::StoredVote;
use jornada_http::page::{PageContext, render};
use jornada_service::tally::minutes::{SHOWN, votes_per_minute};

/// Current votes of a campaign that shows single ones.
#[derive(Template)]
#[template(path = "results/latest.html")]
pub(super) struct Latest<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    now: Timestamp,
    /// Votes of each complete minute, the oldest first.
    minutes: Vec<u64>,
    /// The latest votes, newest first.
    votes: Arc<Vec<StoredVote>>,
}

pub(super) async fn show_latest(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    visit: PageContext,
) -> Result<Response, Error> {
    let latest = Latest::read(&app, &visit, &campaign).await;
    Ok(render(StatusCode::OK, &latest.ok_or(Error::NoSuchPage)?))
}

impl<'a> Latest<'a> {
    /// Reads what comes in now; `None` if the campaign does not show single votes.
    pub(super) async fn read(
        app: &AppState,
        visit: &'a PageContext,
        campaign: &'a Arc<Campaign>,
    ) -> Option<Self> {
        if !campaign.shows_votes() {
            return None;
        }
        let now = Timestamp::now();
        let totals = app.live_totals.latest(&campaign.id);
        let minutes = totals.map(|totals| votes_per_minute(&totals.counts, now));
        Some(Self {
            visit,
            campaign,
            now,
            minutes: minutes.unwrap_or_default(),
            votes: app.latest_votes.of(campaign).await,
        })
    }

    fn line_points(&self) -> String {
        picture::line_points(&self.minutes)
    }

    fn highest(&self) -> u64 {
        self.minutes.iter().copied().max().unwrap_or_default()
    }

    fn last(&self) -> u64 {
        self.minutes.last().copied().unwrap_or_default()
    }

    /// Returns the beginning of each minute and its votes, the latest first, without those that had none.
    fn busy_minutes(&self) -> Vec<(String, u64)> {
        let minutes = (1..=SHOWN).zip(self.minutes.iter().rev());
        let minutes = minutes.filter(|(_, votes)| **votes > 0);
        minutes
            .map(|(ago, votes)| {
                let at = self.now - SignedDuration::from_mins(ago);
                (self.clock(&at, "%H:%M"), *votes)
            })
            .collect()
    }

    fn time(&self, stored: &StoredVote) -> String {
        self.clock(&stored.vote.received_at, "%H:%M:%S")
    }

    fn clock(&self, at: &Timestamp, format: &str) -> String {
        let local = at.to_zoned(self.campaign.time_zone.clone());
        local.strftime(format).to_string()
    }

    /// Returns label and answer of each question.
    fn answers(&self, stored: &'a StoredVote) -> Vec<(&'a str, &'a str)> {
        let no_answer = text!(self.visit.lang, "staff-no-answer");
        let fields = self.campaign.fields.iter().enumerate();
        fields
            .map(|(index, field)| {
                let answer = stored.vote.answers.get(index).unwrap_or_default();
                let label = self.visit.localized(&field.label);
                (label, or_no_answer(answer, no_answer))
            })
            .collect()
    }
}
