//! The start page of the staff area: registrations of each campaign by day and by tally value, and rejections by
//! reason; of votes how fast and by which doors they arrive, and what waits in the queue. Shows only values within the
//! reader's place scope.

use askama::Template;
use axum::http::StatusCode;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::context::{PageResult, StaffContext};
use super::vote_figures::{QueueFigures, SAMPLE, VoteFigures};
use crate::web::vote_access::may_list;
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::staff::Permission;
use jornada_domain::{Campaign, Lang, RejectionReason};
use jornada_http::page::render;
use jornada_runtime::messages;
use jornada_service::staff::overview::Overview;
use jornada_service::tally::live_totals::ValueCount;

/// Maximum number of values in a table. The chart page shows all.
const MAX_VALUES: usize = 15;

/// Age from which a count is called old.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(5);

pub(super) async fn show_overview(context: StaffContext) -> PageResult {
    context.account()?;
    let (app, now) = (&context.app, Timestamp::now());
    let mut campaigns = Vec::new();
    for campaign in app.campaigns.iter() {
        let overview = app.overviews.fetch(campaign, now).await?;
        let mut summary = CampaignSummary::new(&context, campaign, &overview, now);
        if campaign.is_vote() {
            summary.votes = VoteFigures::read(&context, campaign, now).await;
        }
        campaigns.push(summary);
    }
    let has_votes = app.campaigns.iter().any(|campaign| campaign.is_vote());
    let queue = if has_votes {
        Some(QueueFigures::read(app).await)
    } else {
        None
    };
    // The default campaign first.
    campaigns.sort_by_key(|section| section.campaign.id != app.campaigns.default().id);
    let page = OverviewPage {
        visit: &context,
        campaigns,
        queue,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "staff/overview.html")]
struct OverviewPage<'a> {
    visit: &'a StaffContext,
    campaigns: Vec<CampaignSummary<'a>>,
    /// Figures of the queue, if a campaign takes in votes.
    queue: Option<QueueFigures>,
}

impl OverviewPage<'_> {
    fn has_old_count(&self) -> bool {
        self.campaigns.iter().any(|campaign| campaign.is_old)
    }

    /// Returns the figures of the queue with their labels.
    fn queue_rows(&self, queue: &QueueFigures) -> Vec<(&'static str, String)> {
        let lang = self.visit.lang;
        let state = queue.state.as_ref();
        let age = queue.oldest_seconds();
        let mut rows = Vec::new();
        if queue.has_queue {
            let waiting = text!(lang, "staff-overview-lag");
            rows.push((
                waiting,
                count_text(self.visit, state.map(|state| state.lag)),
            ));
            let oldest = text!(lang, "staff-overview-oldest");
            rows.push((oldest, count_text(self.visit, age)));
            let consumers = state.map(|state| state.consumers);
            let label = text!(lang, "staff-overview-consumers");
            rows.push((label, count_text(self.visit, consumers)));
        }
        let letters = count_text(self.visit, queue.dead_letters);
        rows.push((text!(lang, "staff-dead-letters"), letters));
        rows
    }
}

/// Formats a number, or says that it is unknown.
fn count_text(visit: &StaffContext, count: Option<u64>) -> String {
    let unknown = || text!(visit.lang, "staff-overview-unknown").to_owned();
    count.map_or_else(unknown, |count| visit.count(count))
}

/// The figures of one campaign.
struct CampaignSummary<'a> {
    visit: &'a StaffContext,
    campaign: &'a Campaign,
    status: CampaignStatus,
    /// Whether an administrator closed it early.
    is_closed: bool,
    as_of: Timestamp,
    /// Whether the count is older than it should be.
    is_old: bool,
    total: u64,
    today: u64,
    /// Registrations per day, latest first, with the length of the bar in percent.
    days: Vec<(Date, u64, u64)>,
    /// Registrations per value, highest first, with the length of the bar in percent.
    values: Vec<(ValueCount, u64)>,
    /// Number of values, including those not shown.
    all_values: usize,
    /// Rejections by reason (text), most frequent first.
    rejections: Vec<(&'static str, u64)>,
    /// Figures of votes; empty for registrations.
    votes: VoteFigures,
}

impl<'a> CampaignSummary<'a> {
    fn new(
        context: &'a StaffContext,
        campaign: &'a Campaign,
        overview: &Overview,
        now: Timestamp,
    ) -> Self {
        let (app, closures) = (&context.app, &context.app.registrations.closures);
        let sees = |value: &str| context.principal.may_see(value);
        let counts = overview.sum_by_day(sees);
        let most = counts.iter().copied().max().unwrap_or_default();
        let days = overview.days.iter().copied().zip(counts.iter().copied());
        let chart = app.live_totals.latest(&campaign.id);
        let all = chart.iter().flat_map(|chart| &chart.values);
        let mut values: Vec<_> = all.filter(|count| sees(&count.value)).cloned().collect();
        let all_values = values.len();
        let (total, as_of) = match chart.as_deref() {
            Some(chart) if campaign.is_vote() => {
                (values.iter().map(|count| count.count).sum(), chart.as_of)
            }
            _ => (overview.sum(sees), overview.as_of),
        };
        let highest = values.first().map_or(0, |count| count.count);
        values.truncate(MAX_VALUES);
        Self {
            visit: context,
            campaign,
            status: closures.status(campaign, now),
            is_closed: closures.closure(&campaign.id).is_some(),
            as_of,
            is_old: now.duration_since(as_of) > MAX_AGE && !campaign.is_vote(),
            total,
            today: counts.last().copied().unwrap_or_default(),
            days: days
                .rev()
                .map(|(day, count)| (day, count, percent(count, most)))
                .collect(),
            values: values
                .into_iter()
                .map(|count| (count.clone(), percent(count.count, highest)))
                .collect(),
            all_values,
            rejections: rejection_rows(overview, context.lang),
            votes: VoteFigures::default(),
        }
    }

    /// Returns the day with the highest number, in words for the chart.
    fn peak_text(&self) -> String {
        let highest = self.days.iter().max_by_key(|(_, count, _)| *count);
        match highest {
            Some((day, count, _)) if *count > 0 => {
                let (day, count) = (self.visit.day(day), self.visit.count(*count));
                text!(
                    self.visit.lang,
                    "staff-overview-peak",
                    day = day,
                    count = count
                )
            }
            _ => text!(self.visit.lang, "common-no-registrations").to_owned(),
        }
    }

    /// Returns whether the reader may list the votes.
    fn lists_votes(&self) -> bool {
        let principal = &self.visit.principal;
        let may_read = self.campaign.is_vote() && principal.may(Permission::ReadVotes);
        may_read && may_list(principal, self.campaign)
    }

    fn rate_text(&self) -> String {
        count_text(self.visit, self.votes.rate)
    }

    fn hour_text(&self) -> String {
        count_text(self.visit, self.votes.hour)
    }

    fn door_rows(&self) -> Vec<(&'static str, String)> {
        let doors = self.votes.doors.iter();
        doors
            .map(|(door, count)| (*door, self.visit.count(*count)))
            .collect()
    }

    /// Returns the chart's bars, earliest day first: left and upper edge, and height.
    fn chart_bars(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let bars = self.days.iter().rev().enumerate();
        bars.map(|(place, (_, _, percent))| (place * 10, 100 - percent, *percent))
    }

    /// Returns whether the table leaves values out.
    fn is_truncated(&self) -> bool {
        self.values.len() < self.all_values
    }

    fn state(&self) -> &'static str {
        let lang = self.visit.lang;
        match self.status {
            CampaignStatus::Scheduled => text!(lang, "staff-overview-scheduled"),
            CampaignStatus::Open => text!(lang, "staff-overview-open"),
            CampaignStatus::Ended if self.is_closed => text!(lang, "staff-overview-closed"),
            CampaignStatus::Ended => text!(lang, "staff-overview-ended"),
        }
    }
}

/// Returns a share in percent, rounded up, so that only zero gives 0.
fn percent(part: u64, whole: u64) -> u64 {
    let hundredfold = u128::from(part) * 100;
    let percent = hundredfold.div_ceil(u128::from(whole).max(1));
    u64::try_from(percent).unwrap_or(100)
}

fn rejection_rows(overview: &Overview, lang: Lang) -> Vec<(&'static str, u64)> {
    let counted = overview.rejections.iter();
    let mut refusals: Vec<_> = counted
        .map(|(reason, count)| (reason_text(reason, lang), *count))
        .collect();
    refusals.sort_by_key(|(words, count)| (std::cmp::Reverse(*count), *words));
    refusals
}

/// Returns the text of a stored rejection reason.
fn reason_text(reason: &str, lang: Lang) -> &'static str {
    match reason.parse::<RejectionReason>() {
        Ok(_) => messages::for_language(lang.tag()).get(&format!("staff-rejection-{reason}")),
        Err(_) => text!(lang, "staff-overview-other-reason"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_up_and_defined_for_zero() {
        assert_eq!((percent(0, 0), percent(0, 7), percent(7, 7)), (0, 0, 100));
        assert_eq!((percent(1, 1_000_000), percent(1, 2)), (1, 50));
        assert_eq!(percent(u64::MAX, u64::MAX), 100);
    }
}
