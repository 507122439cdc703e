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
    /// Votes of each complete minute, the oldest first; `None` before the counting began.
    minutes: Vec<Option<u64>>,
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
            votes: app.latest_votes.of(campaign, now).await,
        })
    }

    fn line_points(&self) -> String {
        let counts = self.minutes.iter().map(|count| count.unwrap_or_default());
        picture::line_points(&counts.collect::<Vec<_>>())
    }

    /// Returns the most votes in a minute.
    fn highest(&self) -> String {
        self.count_text(self.minutes.iter().flatten().max())
    }

    fn last(&self) -> String {
        self.count_text(self.minutes.last().and_then(Option::as_ref))
    }

    fn count_text(&self, count: Option<&u64>) -> String {
        count.map_or_else(|| "—".to_owned(), |count| self.visit.count(*count))
    }

    /// Returns the beginning of each minute and its votes, the latest first, without those that had none.
    fn busy_minutes(&self) -> Vec<(String, u64)> {
        let minutes = (1..=SHOWN).zip(self.minutes.iter().rev());
        minutes
            .filter_map(|(ago, votes)| {
                let votes = votes.filter(|votes| *votes > 0)?;
                let at = self.now - SignedDuration::from_mins(ago);
                Some((self.clock(&at, "%H:%M"), votes))
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
