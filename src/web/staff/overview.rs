//! The start page of the staff area: registrations of each campaign by day and by tally value, and rejections by
//! reason. Shows only values within the reader's place scope.

use askama::Template;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;

use super::context::{PageResult, StaffContext};
use jornada_domain::campaign::CampaignStatus;
use jornada_domain::staff::Permission;
use jornada_domain::{Campaign, Lang, RejectionReason};
use jornada_http::page::render;
use jornada_runtime::messages;
use jornada_service::staff::overview::Overview;
use jornada_service::tally::live_totals::ValueCount;

/// Maximum number of values in a table. The chart page shows all.
const MAX_VALUES: usize = 15;

pub(super) async fn show_overview(context: StaffContext) -> PageResult {
    context.account()?;
    let (app, now) = (&context.app, Timestamp::now());
    let mut campaigns = Vec::new();
    for campaign in app.campaigns.iter() {
        let overview = app.overviews.fetch(campaign, now).await?;
        campaigns.push(CampaignSummary::new(&context, campaign, &overview, now));
    }
    // The default campaign first.
    campaigns.sort_by_key(|section| section.campaign.id != app.campaigns.default().id);
    let page = OverviewPage {
        visit: &context,
        campaigns,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "staff/overview.html")]
struct OverviewPage<'a> {
    visit: &'a StaffContext,
    campaigns: Vec<CampaignSummary<'a>>,
}

/// The figures of one campaign.
struct CampaignSummary<'a> {
    visit: &'a StaffContext,
    campaign: &'a Campaign,
    status: CampaignStatus,
    /// Whether an administrator closed it early.
    is_closed: bool,
    as_of: Timestamp,
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
        let (total, all_values) = (values.iter().map(|count| count.count).sum(), values.len());
        let highest = values.first().map_or(0, |count| count.count);
        values.truncate(MAX_VALUES);
        Self {
            visit: context,
            campaign,
            status: closures.status(campaign, now),
            is_closed: closures.closure(&campaign.id).is_some(),
            as_of: overview.as_of,
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
        }
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
