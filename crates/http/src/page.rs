//! Context of every page: language, links that preserve it, and formats of dates and numbers.
//! No cookie stores the language: it is passed as `?lang=` in links and form actions.

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tracing::error;

use super::assets::asset;
use super::lang;
use jornada_domain::{CampaignId, Lang, LocalizedText};

/// Returns the Spanish name of a month, from 1.
fn month_es(month: i8) -> &'static str {
    let mut all =
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
            .split(' ');
    let place = usize::try_from(month - 1).ok();
    place.and_then(|place| all.nth(place)).unwrap_or_default()
}

/// Returns whether a query pair selects the language.
fn selects_language(pair: &str) -> bool {
    pair.starts_with("lang=")
}

/// Path and language of a page. The language comes from `?lang=`, else `Accept-Language`, else Spanish.
#[derive(Clone, Debug)]
pub struct PageContext {
    /// Language of the page.
    pub lang: Lang,
    /// Path of the page, with exactly one leading slash.
    pub path: String,
    is_lang_selected: bool,
    /// Raw query.
    query: String,
}

impl PageContext {
    /// Creates the context of a request.
    pub fn from_request(uri: &Uri, headers: &HeaderMap) -> Self {
        Self::with_lang(uri, lang::read_lang(uri, headers))
    }

    /// Creates the context of a URL in a given language.
    pub fn with_lang(uri: &Uri, lang: Lang) -> Self {
        let query = uri.query().unwrap_or_default();
        Self {
            lang,
            // A path with two slashes would link to another host; browsers treat a backslash as a slash.
            path: format!("/{}", uri.path().trim_start_matches(['/', '\\'])),
            is_lang_selected: query.split('&').any(selects_language),
            query: query.to_owned(),
        }
    }

    /// Returns the context for another page, for responses to a form whose URL cannot be requested with GET.
    #[must_use]
    pub fn with_path(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            query: String::new(),
            ..self.clone()
        }
    }

    /// Returns the value of a query parameter; empty if there is none.
    pub fn query_value(&self, name: &str) -> String {
        self.query_param(name).unwrap_or_default()
    }

    /// Returns the value of a query parameter, if there is one.
    pub fn query_param(&self, name: &str) -> Option<String> {
        let mut query = url::form_urlencoded::parse(self.query.as_bytes());
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value.into_owned())
    }

    /// Returns the tag of the language if it was selected, for a form that preserves it.
    pub fn selected_lang(&self) -> Option<&'static str> {
        self.is_lang_selected.then(|| self.lang.tag())
    }

    /// Returns a campaign text in the language of the page.
    pub fn localized<'a>(&self, text: &'a LocalizedText) -> &'a str {
        text.get(self.lang)
    }

    /// Returns an internal link that preserves a selected language.
    pub fn link(&self, path: &str) -> String {
        self.link_with_params(path, [])
    }

    /// Returns a link to a page that shows a notice; `done` names the notice.
    pub fn link_with_notice(&self, path: &str, done: &str) -> String {
        self.link_with_params(path, [("done", done)])
    }

    /// Returns a link with query parameters.
    pub fn link_with_params<'p>(
        &self,
        path: &str,
        params: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> String {
        let selected = self.is_lang_selected.then(|| ("lang", self.lang.tag()));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(selected.into_iter().chain(params));
        match query.finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }

    /// Returns the link to a staff page of a campaign.
    pub fn staff_link(&self, campaign: &CampaignId, rest: &str) -> String {
        self.link(&staff_path(campaign, rest))
    }

    /// Returns the link to the form of a campaign.
    pub fn form_link(&self, campaign: &CampaignId) -> String {
        self.link(&format!("/c/{campaign}"))
    }

    /// Returns the link to the totals of a campaign.
    pub fn chart_link(&self, campaign: &CampaignId) -> String {
        self.link(&format!("/c/{campaign}/chart"))
    }

    /// Returns the link to the results of a campaign.
    pub fn results_link(&self, campaign: &CampaignId) -> String {
        self.link(&format!("/c/{campaign}/results"))
    }

    /// Returns the other language.
    pub fn other_lang(&self) -> Lang {
        self.lang.pick(Lang::En, Lang::Es)
    }

    /// Returns the link to the same page in the other language.
    pub fn link_in_other_lang(&self) -> String {
        let language = format!("lang={}", self.other_lang().tag());
        let kept = self.query.split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !selects_language(pair));
        let pairs: Vec<_> = kept.chain([&*language]).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }

    /// Returns the URL of a static file.
    pub fn asset(&self, name: &str) -> String {
        asset(name)
    }

    /// Formats date and time to the minute: `21 de noviembre de 2026, 4:05 p. m.`
    pub fn date_time(&self, at: &Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        let day = match self.lang {
            Lang::Es => {
                let month = month_es(local.month());
                format!("{} de {month} de {}", local.day(), local.year())
            }
            Lang::En => local.strftime("%-d %B %Y").to_string(),
        };
        let (am, pm) = self.lang.pick(("a. m.", "p. m."), ("a.m.", "p.m."));
        let half = if local.hour() < 12 { am } else { pm };
        format!("{day}, {} {half}", local.strftime("%-I:%M"))
    }

    /// Formats a short date: `21 nov` or `21 Nov`.
    pub fn day(&self, day: &Date) -> String {
        match self.lang {
            Lang::Es => {
                let month: String = month_es(day.month()).chars().take(3).collect();
                format!("{} {month}", day.day())
            }
            Lang::En => day.strftime("%-d %b").to_string(),
        }
    }

    /// Formats date and time for tables: `2026-11-21 16:05`.
    pub fn short_date_time(&self, at: &Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        local.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Formats a number with thousands separators: `12.345` or `12,345`.
    pub fn count(&self, count: u64) -> String {
        let digits = count.to_string();
        let threes = digits.as_bytes().rchunks(3).rev();
        let threes: Vec<_> = threes.map(String::from_utf8_lossy).collect();
        threes.join(self.lang.pick(".", ","))
    }

    /// Formats a percentage with one decimal: `12,5 %`.
    pub fn percent(&self, part: u64, whole: u64) -> String {
        let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2)
            .checked_div(u128::from(whole))
            .unwrap_or(0);
        let comma = self.lang.pick(',', '.');
        format!("{}{comma}{} %", tenths / 10, tenths % 10)
    }
}

/// Returns the path of a staff page of a campaign.
pub fn staff_path(campaign: &CampaignId, rest: &str) -> String {
    format!("/staff/c/{campaign}/{rest}")
}

/// Renders a page as a response that must not be cached, because it may contain submitted answers.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language"),
    ];
    match page.render() {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(error) => {
            error!("cannot render a page: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for PageContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::from_request(&parts.uri, &parts.headers))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn visit(address: &str, accept: &str) -> PageContext {
        let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accept.parse().unwrap())]);
        PageContext::from_request(&address.parse().unwrap(), &headers)
    }

    #[test]
    fn the_query_overrides_the_header_and_is_preserved_in_links() {
        let asked = visit("/c/x?lang=en", "es");
        assert_eq!(
            (asked.lang, asked.link("/r/1").as_str()),
            (Lang::En, "/r/1?lang=en")
        );
        let negotiated = visit("/", "en-GB");
        assert_eq!(
            (negotiated.lang, negotiated.link("/").as_str()),
            (Lang::En, "/")
        );
        assert_eq!(visit("/", "").lang, Lang::Es);
    }

    #[test]
    fn the_other_language_shows_the_same() {
        let other = |address| visit(address, "es").link_in_other_lang();
        assert_eq!(other("/c/x"), "/c/x?lang=en");
        assert_eq!(other("/staff?lang=en"), "/staff?lang=es");
        assert_eq!(
            other("/staff?q=a%26b&lang=en&from=1"),
            "/staff?q=a%26b&from=1&lang=es"
        );
    }

    #[test]
    fn no_path_becomes_a_link_to_another_host() {
        for path in ["//example.org/x", "/\\example.org/x", "/\\/example.org/x"] {
            assert_eq!(visit(path, "es").path, "/example.org/x");
        }
    }

    #[test]
    fn dates_and_numbers_follow_the_language() {
        let at: Timestamp = "2026-11-21T21:05:00Z".parse().unwrap();
        let zone = TimeZone::get("America/Bogota").unwrap();
        let (es, en) = (visit("/", "es"), visit("/", "en"));
        assert_eq!(
            es.date_time(&at, &zone),
            "21 de noviembre de 2026, 4:05 p. m."
        );
        assert_eq!(en.date_time(&at, &zone), "21 November 2026, 4:05 p.m.");
        assert_eq!(
            es.date_time(&at, &TimeZone::UTC),
            "21 de noviembre de 2026, 9:05 p. m."
        );
        assert_eq!(
            (es.count(1_234_567), en.count(999)),
            ("1.234.567".into(), "999".into())
        );
        assert_eq!(
            (es.percent(1, 8), en.percent(0, 0)),
            ("12,5 %".into(), "0.0 %".into())
        );
    }
}
