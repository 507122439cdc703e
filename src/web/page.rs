//! What every page shares: the language in which it is read, the links that keep it, and how moments are written.
//! No cookie remembers the language: it travels as `?lang=` in links and in the form's address.

use std::convert::Infallible;
use std::fmt::Write as _;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::assets::asset;
use super::error::Error;
use super::lang;
use crate::domain::{CampaignId, Lang, Localized};

const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// Whether this pair of a query chooses the language.
fn is_language(pair: &str) -> bool {
    pair.starts_with("lang=")
}

/// Who looks at which page: the path and the language, chosen by `?lang=`, else by `Accept-Language`, else Spanish.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The language of the page.
    pub lang: Lang,
    /// The page's path, beginning with one slash.
    pub path: String,
    is_chosen: bool,
    /// As it came.
    query: String,
}

impl Visit {
    /// The visit of a request.
    #[must_use]
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        Self::reading(uri, lang::of(uri, headers))
    }

    /// The visit of this address by somebody who reads this language.
    #[must_use]
    pub fn reading(uri: &Uri, lang: Lang) -> Self {
        let query = uri.query().unwrap_or_default();
        Self {
            lang,
            // A path of two slashes would be a link to another host; browsers take a backslash for one.
            path: format!("/{}", uri.path().trim_start_matches(['/', '\\'])),
            is_chosen: query.split('&').any(is_language),
            query: query.to_owned(),
        }
    }

    /// The same visit of another page, for an answer to a form whose address shows nothing by itself.
    #[must_use]
    pub fn at(&self, path: &str) -> Self {
        Self {
            path: path.to_owned(),
            query: String::new(),
            ..self.clone()
        }
    }

    /// Takes the Spanish or the English words.
    #[must_use]
    pub fn say<'a>(&self, es: &'a str, en: &'a str) -> &'a str {
        self.lang.pick(es, en)
    }

    /// A campaign's words in this language.
    #[must_use]
    pub fn read<'a>(&self, words: &'a Localized) -> &'a str {
        words.get(self.lang)
    }

    /// A link within the site that keeps a language that was chosen.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        if self.is_chosen {
            format!("{path}?lang={}", self.lang.tag())
        } else {
            path.to_owned()
        }
    }

    /// The same to a page that shall say what was done; `done` is a word of ours.
    #[must_use]
    pub fn link_done(&self, path: &str, done: &str) -> String {
        self.link_with(path, "done", done)
    }

    /// The same with one more thing in the query, whose value needs no encoding.
    #[must_use]
    pub fn link_with(&self, path: &str, name: &str, value: &str) -> String {
        let link = self.link(path);
        let joint = if link.contains('?') { '&' } else { '?' };
        format!("{link}{joint}{name}={value}")
    }

    /// The link to a page of the staff area about a campaign.
    #[must_use]
    pub fn staff(&self, campaign: &CampaignId, rest: &str) -> String {
        self.link(&staff_path(campaign, rest))
    }

    /// The link to a campaign's form.
    #[must_use]
    pub fn form(&self, campaign: &CampaignId) -> String {
        self.link(&format!("/c/{campaign}"))
    }

    /// The link to a campaign's totals.
    #[must_use]
    pub fn chart(&self, campaign: &CampaignId) -> String {
        self.link(&format!("/c/{campaign}/chart"))
    }

    /// The other language.
    #[must_use]
    pub fn other(&self) -> Lang {
        self.lang.pick(Lang::En, Lang::Es)
    }

    /// The link to the same page in the other language.
    #[must_use]
    pub fn in_other(&self) -> String {
        let language = format!("lang={}", self.other().tag());
        let kept = self.query.split('&');
        let kept = kept.filter(|pair| !pair.is_empty() && !is_language(pair));
        let pairs: Vec<_> = kept.chain([&*language]).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }

    /// The address of a static file.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        asset(name)
    }

    /// A moment as people of this language write it, to the minute: `21 de noviembre de 2026, 4:05 p. m.`
    #[must_use]
    pub fn moment(&self, at: &Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        let (hour, half) = ((local.hour() + 11) % 12 + 1, local.hour() / 12);
        let minute = local.minute();
        let month = usize::try_from(local.month() - 1).unwrap_or_default();
        match self.lang {
            Lang::Es => format!(
                "{} de {} de {}, {hour}:{minute:02} {}",
                local.day(),
                MONTHS_ES.get(month).unwrap_or(&""),
                local.year(),
                if half == 0 { "a. m." } else { "p. m." },
            ),
            Lang::En => format!(
                "{}, {hour}:{minute:02} {}",
                local.strftime("%-d %B %Y"),
                if half == 0 { "a.m." } else { "p.m." },
            ),
        }
    }

    /// A day in short: `21 nov` or `21 Nov`.
    #[must_use]
    pub fn day(&self, day: &Date) -> String {
        match self.lang {
            Lang::Es => {
                let month = usize::try_from(day.month() - 1).unwrap_or_default();
                let month = MONTHS_ES.get(month).and_then(|month| month.get(..3));
                format!("{} {}", day.day(), month.unwrap_or_default())
            }
            Lang::En => day.strftime("%-d %b").to_string(),
        }
    }

    /// A moment in short, for tables: `2026-11-21 16:05`.
    #[must_use]
    pub fn brief(&self, at: &Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        local.strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// A count with its thousands apart: `12.345` or `12,345`.
    #[must_use]
    pub fn count(&self, count: u64) -> String {
        let digits = count.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push(self.lang.pick('.', ','));
            }
            grouped.push(digit);
        }
        grouped
    }

    /// A share of a whole in percent, with one decimal: `12,5 %`.
    #[must_use]
    pub fn share(&self, part: u64, whole: u64) -> String {
        let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2)
            .checked_div(u128::from(whole))
            .unwrap_or(0);
        let mut share = String::new();
        let comma = self.lang.pick(',', '.');
        // Writing to a String cannot fail.
        let _ = write!(share, "{}{comma}{} %", tenths / 10, tenths % 10);
        share
    }
}

/// The path of a page of the staff area about a campaign.
#[must_use]
pub fn staff_path(campaign: &CampaignId, rest: &str) -> String {
    format!("/staff/c/{campaign}/{rest}")
}

/// Answers with a page, which nobody but the person's own screen keeps: it may hold what was typed.
#[must_use]
pub fn show(status: StatusCode, page: &impl Template) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language"),
    ];
    match page.render() {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(error) => Error::Internal(error.into()).into_response(),
    }
}

/// A refusal as a page.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// Who looks.
    pub visit: &'a Visit,
    /// What it is, in a few words.
    pub title: &'a str,
    /// What is wrong and how to mend it.
    pub detail: &'a str,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn visit(address: &str, accept: &str) -> Visit {
        let headers = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, accept.parse().unwrap())]);
        Visit::of(&address.parse().unwrap(), &headers)
    }

    #[test]
    fn the_query_goes_before_the_header_and_is_kept_in_links() {
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
        let other = |address| visit(address, "es").in_other();
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
    fn moments_and_numbers_are_written_as_people_do() {
        let at: Timestamp = "2026-11-21T21:05:00Z".parse().unwrap();
        let zone = TimeZone::get("America/Bogota").unwrap();
        let (es, en) = (visit("/", "es"), visit("/", "en"));
        assert_eq!(es.moment(&at, &zone), "21 de noviembre de 2026, 4:05 p. m.");
        assert_eq!(en.moment(&at, &zone), "21 November 2026, 4:05 p.m.");
        assert_eq!(
            es.moment(&at, &TimeZone::UTC),
            "21 de noviembre de 2026, 9:05 p. m."
        );
        assert_eq!(
            (es.count(1_234_567), en.count(999)),
            ("1.234.567".into(), "999".into())
        );
        assert_eq!(
            (es.share(1, 8), en.share(0, 0)),
            ("12,5 %".into(), "0.0 %".into())
        );
    }
}
