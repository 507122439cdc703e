//! Page of the first tally: bars for the highest values and a table of all values. Updated live with JavaScript.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::api::tally_body::VALUE_SEPARATOR;
use super::tally_views::TallyView;
use super::{AppState, RequestedCampaign};
use jornada_domain::tally::Others;
use jornada_domain::{Campaign, Tally};
use jornada_http::page::{PageContext, render};
use jornada_service::tally::live_totals::ValueCount;

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
    let views = app.views(&campaign);
    let view = views.as_ref().and_then(|views| views.chart());
    render(StatusCode::OK, &ChartPage::new(&visit, &campaign, view))
}

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    /// The first tally.
    tally: Option<&'a Tally>,
    /// Its counts; `None` until the first ones are known.
    view: Option<&'a TallyView>,
    /// The listed values, highest first.
    rows: Vec<ValueCount>,
}

impl<'a> ChartPage<'a> {
    fn new(visit: &'a PageContext, campaign: &'a Campaign, view: Option<&'a TallyView>) -> Self {
        let no_answer = text!(visit.lang, "staff-no-answer");
        let text = |value: &'a String| match value.as_str() {
            "" => no_answer,
            value => value,
        };
        let rows = view.into_iter().flat_map(|view| view.public.rows());
        let rows = rows.map(|row| ValueCount {
            value: row
                .label
                .iter()
                .map(&text)
                .collect::<Vec<_>>()
                .join(VALUE_SEPARATOR),
            count: row.count,
        });
        Self {
            visit,
            campaign,
            tally: campaign.public_tallies().next(),
            view,
            rows: rows.collect(),
        }
    }

    fn total(&self) -> u64 {
        self.view.map_or(0, |view| view.public.total)
    }

    fn others(&self) -> Option<Others> {
        self.view?.public.others
    }

    fn others_count(&self) -> u64 {
        self.others().map_or(0, |others| others.count)
    }

    /// Returns the label of the row of others, with the number of values if that is known.
    fn others_label(&self) -> String {
        let label = text!(self.visit.lang, "chart-others");
        match self.others().and_then(|others| others.values) {
            Some(values) => format!("{label} ({})", self.visit.count(values)),
            None => label.to_owned(),
        }
    }

    fn is_stale(&self) -> bool {
        self.view.is_none_or(|view| view.stale)
    }

    fn as_of(&self) -> Option<String> {
        let view = self.view?;
        Some(self.visit.date_time(&view.as_of, &self.campaign.time_zone))
    }

    fn tally_id(&self) -> &str {
        self.tally.map_or("", |tally| &tally.id)
    }

    /// Returns the labels of the tallied fields, such as "Ciudad".
    fn tally_label(&self) -> String {
        let fields = self
            .tally
            .map(|tally| tally.key_fields(&self.campaign.fields));
        let labels = fields.into_iter().flatten();
        let labels: Vec<_> = labels
            .map(|field| self.visit.localized(&field.label))
            .collect();
        labels.join(VALUE_SEPARATOR)
    }

    /// Returns the lowest count that is listed, if that hides any value.
    fn listed_from(&self) -> Option<String> {
        let lowest = self.tally?.listed_from();
        (lowest > 1).then(|| self.visit.count(lowest))
    }

    fn bars(&self) -> impl Iterator<Item = Bar<'_>> {
        let highest = self.rows.first().map_or(1, |row| row.count).max(1);
        self.rows
            .iter()
            .take(MAX_BARS)
            .enumerate()
            .map(move |(place, row)| Bar {
                value: &row.value,
                count: row.count,
                top: place * BAR_HEIGHT,
                // At least one percent, so that a small count stays visible.
                percent: (u128::from(row.count) * 100 / u128::from(highest)).clamp(1, 100),
            })
    }

    fn bars_height(&self) -> usize {
        self.rows.len().min(MAX_BARS) * BAR_HEIGHT
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
    use std::sync::Arc;

    use jornada_domain::tally::{PublicGroup, PublicTally, TallyRow};

    use super::*;
    use jornada_testkit::campaign::example;
    use jornada_testkit::page::visit;

    fn page(values: Vec<(String, u64)>, others: Option<Others>) -> String {
        let row = |(value, count): (String, u64)| TallyRow {
            key: vec![value.clone()],
            label: vec![value],
            count,
        };
        let rows: Vec<_> = values.into_iter().map(row).collect();
        let group = PublicGroup {
            rows,
            others,
            ..PublicGroup::default()
        };
        let listed: u64 = group.rows.iter().map(|row| row.count).sum();
        let view = TallyView {
            as_of: "2026-11-21T21:05:00Z".parse().unwrap(),
            stale: false,
            merged: Arc::default(),
            public: Arc::new(PublicTally {
                total: listed + others.map_or(0, |others| others.count),
                groups: vec![group],
                others,
            }),
            etag: String::new(),
        };
        let (visit, campaign) = (visit("/", "es"), example());
        ChartPage::new(&visit, &campaign, Some(&view))
            .render()
            .unwrap()
    }

    #[test]
    fn there_are_twenty_bars_and_every_row() {
        let row = |number: u64| (format!("Ciudad {number}"), 2000 - number);
        let html = page((0..1_100).map(row).collect(), None);
        assert_eq!(html.matches("<rect").count(), MAX_BARS);
        assert_eq!(html.matches("<tr data-value").count(), 1_100);
        assert!(html.contains("<td>1.999</td>"));
        assert!(html.contains("<tr id=\"others\" hidden>"));
    }

    #[test]
    fn a_small_count_has_a_visible_bar() {
        let counts = [("Bogotá".to_owned(), 1_000_000), ("Mitú".to_owned(), 1)];
        let html = page(counts.into(), None);
        assert!(html.contains("width=\"100%\" height=\"12\"") && html.contains("width=\"1%\""));
    }

    #[test]
    fn others_are_the_last_row() {
        let others = Others {
            count: 25,
            values: Some(1_200),
        };
        let html = page(vec![("Bogotá".to_owned(), 75)], Some(others));
        assert!(html.contains("<tr id=\"others\">"));
        assert!(html.contains(">Otros valores (1.200)</th><td>25</td><td>25,0 %</td>"));
        assert!(
            html.contains("menos de 6 registros"),
            "the example asks for names"
        );
    }

    #[test]
    fn the_page_works_before_the_first_totals() {
        let (visit, campaign) = (visit("/", "es"), example());
        let html = ChartPage::new(&visit, &campaign, None).render().unwrap();
        assert!(html.contains("pueden no estar al día"));
        assert!(html.contains("Todavía no hay valores con 6 registros o más."));
    }
}
