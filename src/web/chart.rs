//! Page of totals: bars for the highest values and a table of all values. Updated live with JavaScript.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::{AppState, RequestedCampaign};
use jornada_domain::Campaign;
use jornada_http::page::{PageContext, render};
use jornada_service::tally::live_totals::{TotalsView, ValueCount};

/// Maximum number of bars.
const MAX_BARS: usize = 20;
/// Height of a bar with its label, in pixels.
const BAR_HEIGHT: usize = 44;

/// Route of the page of totals.
pub fn router() -> Router<AppState> {
    Router::new().route("/c/{campaign}/chart", get(totals))
}

async fn totals(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    visit: PageContext,
) -> Response {
    let chart = app.live_totals.latest(&campaign.id);
    let page = ChartPage {
        visit: &visit,
        campaign: &campaign,
        chart: chart.as_deref(),
    };
    render(StatusCode::OK, &page)
}

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    /// Totals; `None` until the first ones are known.
    chart: Option<&'a TotalsView>,
}

impl ChartPage<'_> {
    fn total(&self) -> u64 {
        self.chart.map_or(0, |chart| chart.total)
    }

    fn rows(&self) -> &[ValueCount] {
        self.chart.map_or(&[], |chart| &chart.values)
    }

    fn is_stale(&self) -> bool {
        self.chart.is_none_or(|chart| chart.stale)
    }

    fn as_of(&self) -> Option<String> {
        let chart = self.chart?;
        Some(self.visit.date_time(&chart.as_of, &self.campaign.time_zone))
    }

    fn zone(&self) -> &str {
        self.campaign.time_zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the label of the tally field, such as "Ciudad".
    fn tally_label(&self) -> &str {
        self.visit.localized(&self.campaign.tally_field().label)
    }

    fn bars(&self) -> impl Iterator<Item = Bar<'_>> {
        let highest = self.rows().first().map_or(1, |row| row.count).max(1);
        self.rows()
            .iter()
            .take(MAX_BARS)
            .enumerate()
            .map(move |(place, row)| Bar {
                value: &row.value,
                count: row.count,
                top: place * BAR_HEIGHT,
                // At least one percent, so that a small count stays visible.
                percent: (u128::from(row.count) * 100 / u128::from(highest)).max(1),
            })
    }

    fn bars_height(&self) -> usize {
        self.rows().len().min(MAX_BARS) * BAR_HEIGHT
    }
}

/// A bar of the chart without JavaScript.
struct Bar<'a> {
    value: &'a str,
    count: u64,
    top: usize,
    percent: u128,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_testkit::campaign::example;
    use jornada_testkit::page::visit;

    fn page(values: Vec<ValueCount>) -> String {
        let chart = TotalsView {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: "2026-11-21T21:05:00Z".parse().unwrap(),
            stale: false,
            total: values.iter().map(|row| row.count).sum(),
            values,
            counts: std::sync::Arc::default(),
        };
        let page = ChartPage {
            visit: &visit("/", "es"),
            campaign: &example(),
            chart: Some(&chart),
        };
        page.render().unwrap()
    }

    #[test]
    fn there_are_twenty_bars_and_every_row() {
        let row = |number: u64| ValueCount {
            value: format!("Ciudad {number}"),
            count: 2000 - number,
        };
        let html = page((0..1_100).map(row).collect());
        assert_eq!(html.matches("<rect").count(), MAX_BARS);
        assert_eq!(html.matches("<tr data-value").count(), 1_100);
        assert!(html.contains("<td>1.999</td>"));
    }

    #[test]
    fn a_small_count_has_a_visible_bar() {
        let counts = [("Bogotá", 1_000_000), ("Mitú", 1)];
        let html = page(
            counts
                .map(|(value, count)| ValueCount {
                    value: value.into(),
                    count,
                })
                .into(),
        );
        assert!(html.contains("width=\"100%\" height=\"12\"") && html.contains("width=\"1%\""));
    }

    #[test]
    fn the_page_works_before_the_first_totals() {
        let (visit, campaign) = (visit("/", "es"), example());
        let page = ChartPage {
            visit: &visit,
            campaign: &campaign,
            chart: None,
        };
        let html = page.render().unwrap();
        assert!(
            html.contains("pueden no estar al día") && html.contains("Todavía no hay registros.")
        );
    }
}
