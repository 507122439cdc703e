//! The search form. One field accepts a name, a document or a receipt number. The text decides how it is read; if it
//! could be two of them, both are searched.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::web::error::answer::answer_message;
use crate::web::error::problem::FieldProblem;
use jornada_domain::day_range::{end_of_day, parse_optional_day, start_of_day};
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Campaign, Lang, ReceiptNumber, RegistrationId, ValidationError};
use jornada_store::search::Cursor;
use jornada_store::search::{SearchBy, SearchQuery};

/// Maximum length of the search text in characters.
pub(super) const MAX_CHARS: usize = 120;

/// Returns a bound of a day in a time zone.
type DayBound = fn(Date, &TimeZone) -> Result<Timestamp, jiff::Error>;

/// The search form, with the cursor of the page of results.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::web::staff) struct SearchForm {
    /// Name, document or receipt number.
    pub(super) what: String,
    pub(super) place: String,
    pub(super) from: String,
    pub(super) until: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Cursor>,
}

/// One reading of the search text.
#[derive(Debug)]
pub(super) struct SearchReading {
    /// Name in the audit log.
    pub(super) name: &'static str,
    pub(super) search: SearchQuery,
}

impl SearchForm {
    /// Returns a copy that starts after a row, or at the first one.
    pub(super) fn starting_after(&self, after: Option<Cursor>) -> Self {
        Self {
            after,
            ..self.clone()
        }
    }

    /// Returns the parts that the audit log may hold: no personal data.
    pub(super) fn audit_details(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("place", self.place.trim()),
            ("from", self.from.trim()),
            ("until", self.until.trim()),
        ];
        all.into_iter().filter(|(_, text)| !text.is_empty())
    }

    /// Parses the form into at least one reading, the likeliest first, or returns a problem for each invalid field.
    pub(super) fn parse(
        &self,
        campaign: &Campaign,
        secret: &[u8],
        lang: Lang,
    ) -> Result<Vec<SearchReading>, Vec<FieldProblem>> {
        let mut mistakes = Vec::new();
        let mut note = |field: &str, message: String| {
            let field = field.to_owned();
            let code = "invalid";
            mistakes.push(FieldProblem {
                field,
                code,
                message,
            });
        };
        let ways = list_readings(campaign, secret, self.what.trim());
        if ways.is_empty() {
            note("what", text!(lang, "staff-search-too-short").to_owned());
        }
        let values = parse_place(campaign, &self.place).unwrap_or_else(|refusal| {
            note("place", answer_message(&refusal, lang));
            Vec::new()
        });
        let wrong = text!(lang, "staff-search-wrong-date");
        let zone = &campaign.time_zone;
        let mut moment = |field: &str, typed: &str, bound: DayBound| {
            let day = parse_optional_day(typed);
            let moment = day.and_then(|day| day.map(|day| bound(day, zone)).transpose());
            moment.unwrap_or_else(|_| {
                note(field, wrong.to_owned());
                None
            })
        };
        let from = moment("from", &self.from, start_of_day);
        let until = moment("until", &self.until, end_of_day);
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            let order = text!(lang, "staff-search-dates-reversed");
            note("until", order.to_owned());
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let search = |by| SearchQuery {
            by,
            values: values.clone(),
            from,
            until,
        };
        let way = |(name, by)| SearchReading {
            name,
            search: search(by),
        };
        Ok(ways.into_iter().map(way).collect())
    }
}

fn list_readings(campaign: &Campaign, secret: &[u8], what: &str) -> Vec<(&'static str, SearchBy)> {
    if what.is_empty() {
        return vec![("newest", SearchBy::Newest)];
    }
    if what.chars().count() > MAX_CHARS {
        return Vec::new();
    }
    let has_digit = what.chars().any(char::is_numeric);
    let receipt = ReceiptNumber::parse(what).map(|number| ("receipt", SearchBy::Receipt(number)));
    let unique = campaign.fields.iter().find(|field| field.unique);
    let answer = unique.and_then(|field| field.validate(what).ok().flatten());
    let document = answer.filter(|_| has_digit).map(|answer| {
        let key = UniqueKey::Answer(answer);
        let id = RegistrationId::derive(secret, &campaign.id, &key);
        ("document", SearchBy::Id(id))
    });
    let name = SearchBy::from_name(what).filter(|_| !has_digit);
    let name = name.map(|by| ("name", by));
    [receipt, document, name].into_iter().flatten().collect()
}

/// Parses the place into a tally value. An empty result means all.
fn parse_place(campaign: &Campaign, typed: &str) -> Result<Vec<String>, ValidationError> {
    if typed.trim().is_empty() {
        return Ok(Vec::new());
    }
    let tallied = campaign.tally_field();
    Ok(tallied.tally_value_of(typed)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_testkit::campaign::example;

    fn read(
        what: &str,
        place: &str,
        from: &str,
        until: &str,
    ) -> Result<Vec<SearchReading>, Vec<String>> {
        let form = SearchForm {
            what: what.into(),
            place: place.into(),
            from: from.into(),
            until: until.into(),
            after: None,
        };
        let fields = |wrong: Vec<FieldProblem>| wrong.into_iter().map(|w| w.field).collect();
        form.parse(&example(), &[7; 32], Lang::Es).map_err(fields)
    }

    fn names(what: &str) -> Vec<&'static str> {
        let ways = read(what, "", "", "").unwrap();
        ways.iter().map(|way| way.name).collect()
    }

    #[test]
    fn the_text_decides_how_it_is_read() {
        assert_eq!(names("  "), ["newest"]);
        assert_eq!(names("ana ej"), ["name"]);
        assert_eq!(names("1.234.567"), ["document"]);
        assert_eq!(names("ab-12 34"), ["document"]);
        assert_eq!(names("C.C. 79’123.456"), ["document"]);
        assert_eq!(names("\u{202D}７９１２３４５６\u{202C}"), ["document"]);
        let id = RegistrationId::from_bytes([0xA5; 16]);
        let number = id.receipt().to_string();
        assert_eq!(names(&number), ["receipt", "document"]);
        assert_eq!(
            names(&number.to_lowercase().replace('-', " "))[0],
            "receipt"
        );
    }

    #[test]
    fn a_document_is_searched_by_its_derived_id() {
        let ways = read("1.234.567", "", "", "").unwrap();
        let key = UniqueKey::Answer("1234567".into());
        let id = RegistrationId::derive(&[7; 32], &example().id, &key);
        assert_eq!(ways[0].search.by, SearchBy::Id(id));
    }

    #[test]
    fn days_are_whole_days_in_the_campaign_s_time_zone() {
        let ways = read("", "bogota", "2026-11-24", "2026-11-24").unwrap();
        let search = &ways[0].search;
        assert_eq!(search.values, ["Bogotá"]);
        let text = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!(text(search.from), "2026-11-24T05:00:00Z");
        assert_eq!(text(search.until), "2026-11-25T05:00:00Z");
    }

    #[test]
    fn each_problem_names_its_field() {
        assert_eq!(read("a", "", "", "").unwrap_err(), ["what"]);
        assert_eq!(read(&"a".repeat(121), "", "", "").unwrap_err(), ["what"]);
        assert_eq!(
            read("", "Narnia", "x", "9999-12-31").unwrap_err(),
            ["place", "from", "until"]
        );
        assert_eq!(
            read("", "", "2026-11-25", "2026-11-24").unwrap_err(),
            ["until"]
        );
    }
}
