//! Page of all public tallies of a campaign: pictures and tables of the server, updated live with JavaScript.

mod block;
mod csv;
mod latest;
mod map;
mod picture;
mod rows;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::api::tallies::find_tally;
use super::error::Error;
use super::report::SeparatorQuery;
use super::tally_views::{CampaignViews, TallyView};
use super::{AppState, RequestedCampaign};
use jornada_domain::{Campaign, Tally};
use jornada_http::page::{PageContext, render};

use block::Block;
use latest::Latest;

/// Maximum length of a search, in characters. No value of a tally is longer.
const MAX_SEARCH_CHARS: usize = 120;

/// Routes of the page and of its files.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/c/{campaign}/results", get(show_results))
        .route("/c/{campaign}/results/latest", get(latest::show_latest))
        .route("/c/{campaign}/results/{file}", get(download))
}

async fn show_results(
    State(app): State<AppState>,
    RequestedCampaign(campaign): RequestedCampaign,
    visit: PageContext,
) -> Response {
    let views = app.views(&campaign);
    let latest = Latest::read(&app, &visit, &campaign).await;
    let page = ResultsPage::new(&visit, &campaign, views.as_deref(), latest);
    let is_known = page.blocks.iter().all(|block| block.unknown.is_none());
    let status = if is_known {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    render(status, &page)
}

/// Sends all listed values of a tally as CSV.
async fn download(
    State(app): State<AppState>,
    Path((campaign, file)): Path<(String, String)>,
    Query(query): Query<SeparatorQuery>,
    visit: PageContext,
) -> Result<Response, Error> {
    let campaign = app.campaign(&campaign)?;
    let id = file.strip_suffix(".csv").ok_or(Error::NoSuchPage)?;
    let (index, tally) = find_tally(campaign, id)?;
    let views = app.views(campaign).ok_or(Error::Busy)?;
    let view = views.tallies.get(index).and_then(Option::as_ref);
    let public = &view.ok_or(Error::Busy)?.public;
    csv::respond(&visit, campaign, tally, public, query.parse(visit.lang)?)
}

#[derive(Template)]
#[template(path = "results.html")]
struct ResultsPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    /// Text for which the tables are searched; empty for everything.
    search: String,
    /// Id of the tally with the total of the page: the first one that counts everything, else the first.
    main_tally: &'a str,
    /// View of that tally.
    main: Option<&'a TallyView>,
    blocks: Vec<Block<'a>>,
    /// Current votes, if the campaign shows single ones.
    latest: Option<Latest<'a>>,
}

impl<'a> ResultsPage<'a> {
    fn new(
        visit: &'a PageContext,
        campaign: &'a Campaign,
        views: Option<&'a CampaignViews>,
        latest: Option<Latest<'a>>,
    ) -> Self {
        let search = visit.query_value("q");
        let search: String = search.trim().chars().take(MAX_SEARCH_CHARS).collect();
        let view = |index: usize| views?.tallies.get(index)?.as_ref();
        let mut tallies = campaign.public_tallies();
        let main = tallies.position(|tally| tally.filter.is_empty());
        let main = main.unwrap_or_default();
        let main_tally = campaign.public_tallies().nth(main);
        let blocks = campaign.public_tallies().enumerate();
        let blocks =
            blocks.map(|(index, tally)| Block::new(visit, campaign, tally, view(index), &search));
        Self {
            visit,
            campaign,
            main_tally: main_tally.map_or("", |tally| &tally.id),
            main: view(main),
            blocks: blocks.collect(),
            search,
            latest,
        }
    }

    /// Whether the page is for a large screen: nothing to operate, large type.
    fn is_screen(&self) -> bool {
        self.visit.query_value("screen") == "1"
    }

    fn screen_link(&self) -> String {
        let path = format!("/c/{}/results", self.campaign.id);
        self.visit.link_with_params(&path, [("screen", "1")])
    }

    fn total(&self) -> u64 {
        self.main.map_or(0, |view| view.public.total)
    }

    fn is_stale(&self) -> bool {
        self.main.is_none_or(|view| view.stale)
    }

    fn as_of(&self) -> Option<String> {
        let view = self.main?;
        Some(self.visit.date_time(&view.as_of, &self.campaign.time_zone))
    }

    /// Returns the heading of counts.
    fn unit(&self) -> &'static str {
        rows::unit(self.visit, self.campaign)
    }

    /// Returns the lowest count that is listed in any tally that hides values.
    fn listed_from(&self) -> Option<String> {
        let limits = self.campaign.public_tallies().map(Tally::listed_from);
        let lowest = limits.max().filter(|lowest| *lowest > 1)?;
        Some(self.visit.count(lowest))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write as _;
    use std::sync::Arc;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use jiff::Timestamp;
    use jornada_domain::tally::TallyCounts;
    use jornada_service::tally::live_totals::TotalsView;

    use super::*;
    use crate::web::tally_views::TallyViews;
    use jornada_testkit::page::visit;

    /// Ten times as many keys as are listed: a page of 20,000 has the same rows.
    const KEYS: usize = 5_000;

    /// A campaign in which people type what they vote for.
    const CONTEST: &str = include_str!("../../campaigns/mejor-disco.toml");

    fn counts(tally: &Tally, keys: usize) -> (String, TallyCounts) {
        let key = |number: usize| {
            let words = ["Artista inventado", "Disco"].iter().take(tally.by.len());
            words.map(|word| format!("{word} {number}")).collect()
        };
        let counts = (0..keys).map(|number| (key(number), number as u64 + 1));
        let counts = TallyCounts {
            counts: counts.collect(),
            others: 0,
        };
        (tally.id.clone(), counts)
    }

    fn html(address: &str, keys: usize) -> String {
        let campaign = Campaign::parse(CONTEST, |_| Err(String::new())).unwrap();
        let tallies = campaign.public_tallies();
        let totals = Arc::new(TotalsView {
            campaign: campaign.id.to_string(),
            by: "artista".into(),
            as_of: Timestamp::UNIX_EPOCH,
            stale: false,
            total: 0,
            values: Vec::new(),
            labels: BTreeMap::new(),
            counts: Arc::new(tallies.map(|tally| counts(tally, keys)).collect()),
        });
        let views = TallyViews::new([&campaign.id].into_iter()).of(&campaign, &totals);
        let visit = visit(address, "es");
        let page = ResultsPage::new(&visit, &campaign, Some(&views), None);
        page.render().unwrap()
    }

    #[test]
    fn a_page_stays_small_however_many_values_there_are() {
        let html = html("/c/mejor-disco/results", KEYS);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(html.as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap().len();
        assert!(bytes < 100_000, "{bytes}");
        assert!(html.contains("Faltan aquí: <span>"));
        assert!(
            html.contains("Otros valores (4.500)"),
            "of those typed 500 are listed"
        );
    }

    #[test]
    fn a_search_finds_what_the_page_leaves_out() {
        let found = html("/c/mejor-disco/results?q=INVENTADO%204800", KEYS);
        assert!(found.contains("<th scope=\"row\">Artista inventado 4800</th>"));
        assert!(!found.contains("<th scope=\"row\">Artista inventado 4999</th>"));
    }
}
