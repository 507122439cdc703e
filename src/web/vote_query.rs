//! The parameters of a list of votes: filters by field, door, instance and time, and the page.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strum::VariantArray;

use crate::web::error::problem::FieldProblem;
use jornada_domain::day_range::{end_of_day, parse_day, start_of_day};
use jornada_domain::similar::find_similar;
use jornada_domain::vote::VotePosition;
use jornada_domain::{Campaign, Door, FieldError, Lang, ValidationError};
use jornada_service::csv_guard::Separator;
use jornada_store::VoteFilter;

/// Name of the parameter that filters by door.
pub const DOOR: &str = "_door";
/// Name of the parameter that filters by the instance that took the vote in.
pub const INSTANCE: &str = "_instance";
/// Parameters that filter by time of receipt.
pub const PERIOD: [&str; 2] = ["from", "until"];
/// Parameters that select a page.
const PAGE: [&str; 3] = ["limit", "before", "after"];
/// Parameter of an export as CSV.
const SEPARATOR: &str = "separator";
/// Parameter that selects the language, for every page of the site.
const LANG: &str = "lang";

/// Votes of a page, unless the request names another number.
pub const DEFAULT_LIMIT: u16 = 20;
/// Maximum number of votes of a page.
const MAX_LIMIT: u16 = 100;

/// Query for a list of votes. A field with the name of another parameter cannot be a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoteListQuery {
    /// Filter of the votes.
    pub filter: VoteFilter,
    /// Maximum number of votes.
    pub limit: u16,
    /// Only votes that were received before this one.
    pub before: Option<VotePosition>,
    /// Only votes that were received after this one.
    pub after: Option<VotePosition>,
    separator: Separator,
}

impl VoteListQuery {
    /// Parses the query of a URL. Empty values do not filter.
    pub fn parse(query: &str, campaign: &Campaign, lang: Lang) -> Result<Self, Vec<FieldProblem>> {
        Self::parse_with(query, campaign, lang, &PAGE)
    }

    /// Parses the query of an export, which has no pages.
    pub fn parse_filter(
        query: &str,
        campaign: &Campaign,
        lang: Lang,
    ) -> Result<VoteFilter, Vec<FieldProblem>> {
        Self::parse_with(query, campaign, lang, &[]).map(|query| query.filter)
    }

    /// Parses the query of an export as CSV.
    pub fn parse_csv(
        query: &str,
        campaign: &Campaign,
        lang: Lang,
    ) -> Result<(VoteFilter, Separator), Vec<FieldProblem>> {
        let parsed = Self::parse_with(query, campaign, lang, &[SEPARATOR])?;
        Ok((parsed.filter, parsed.separator))
    }

    fn parse_with(
        query: &str,
        campaign: &Campaign,
        lang: Lang,
        page: &[&str],
    ) -> Result<Self, Vec<FieldProblem>> {
        let mut parameters = Parameters::read(query, lang);
        let names = [&PERIOD[..], page].concat();
        let (from, until) = parameters.period(&campaign.time_zone);
        let filter = VoteFilter {
            door: parameters.door(),
            instance: parameters.take(INSTANCE),
            from,
            until,
            answers: parameters.answers(campaign, &names),
        };
        let parsed = Self {
            filter,
            limit: parameters.limit(page),
            before: parameters.position("before", page),
            after: parameters.position("after", page),
            separator: parameters.separator(page),
        };
        parameters.refuse_unknown(campaign, &names);
        if parameters.problems.is_empty() {
            Ok(parsed)
        } else {
            Err(parameters.problems)
        }
    }

    /// Returns the names of the fields and parameters that filter, without what was asked for.
    pub fn filter_names(filter: &VoteFilter) -> String {
        let mut names: Vec<&str> = filter.answers.iter().map(|(name, _)| &**name).collect();
        names.extend(filter.door.map(|_| DOOR));
        names.extend(filter.instance.as_ref().map(|_| INSTANCE));
        names.extend(filter.from.map(|_| PERIOD[0]));
        names.extend(filter.until.map(|_| PERIOD[1]));
        names.join(" ")
    }
}

/// Parameters that are not used yet, and what is wrong with the others.
struct Parameters<'a> {
    unused: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    problems: Vec<FieldProblem>,
    lang: Lang,
}

impl<'a> Parameters<'a> {
    fn read(query: &'a str, lang: Lang) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        Self {
            unused: pairs.filter(|(name, _)| name != LANG).collect(),
            problems: Vec::new(),
            lang,
        }
    }

    /// Takes the value of a parameter that is given and not empty.
    fn take(&mut self, name: &str) -> Option<String> {
        let (given, rest) = self
            .unused
            .drain(..)
            .partition::<Vec<_>, _>(|(known, _)| known == name);
        self.unused = rest;
        if given.len() > 1 {
            self.refuse(name, ValidationError::Repeated);
            return None;
        }
        let value = given.first()?.1.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    fn refuse(&mut self, name: &str, error: ValidationError) {
        let error = [FieldError::new(name, error)];
        let problems = FieldProblem::from_field_errors(&error, self.lang);
        self.problems.extend(problems);
    }

    fn refuse_with(&mut self, name: &str, code: &'static str, message: impl Into<String>) {
        self.problems.push(FieldProblem {
            field: FieldError::new(name, ValidationError::UnknownField).field,
            code,
            message: message.into(),
        });
    }

    fn limit(&mut self, page: &[&str]) -> u16 {
        let range = 1..=MAX_LIMIT;
        let typed = page.contains(&"limit").then(|| self.take("limit"));
        let Some(typed) = typed.flatten() else {
            return DEFAULT_LIMIT;
        };
        let limit = typed.parse().ok().filter(|limit| range.contains(limit));
        limit.unwrap_or_else(|| {
            let (min, max) = (1, MAX_LIMIT.into());
            self.refuse("limit", ValidationError::NotInRange { min, max });
            DEFAULT_LIMIT
        })
    }

    fn position(&mut self, name: &str, page: &[&str]) -> Option<VotePosition> {
        let typed = page.contains(&name).then(|| self.take(name)).flatten()?;
        let position = VotePosition::parse(&typed);
        if position.is_none() {
            let message = text!(self.lang, "vote-query-position");
            self.refuse_with(name, "not_a_position", message);
        }
        position
    }

    fn separator(&mut self, page: &[&str]) -> Separator {
        let default = Separator::for_lang(self.lang);
        let typed = page.contains(&SEPARATOR).then(|| self.take(SEPARATOR));
        let Some(typed) = typed.flatten() else {
            return default;
        };
        typed.parse().unwrap_or_else(|_| {
            let message = text!(self.lang, "malformed-separator");
            self.refuse_with(SEPARATOR, "not_a_separator", message);
            default
        })
    }

    fn door(&mut self) -> Option<Door> {
        let typed = self.take(DOOR)?;
        let door = typed.parse().ok();
        if door.is_none() {
            let doors = Door::VARIANTS
                .iter()
                .map(|door| <&str>::from(door).to_owned());
            let nearest = doors.collect();
            self.refuse(DOOR, ValidationError::NotAnOption { nearest });
        }
        door
    }

    fn period(&mut self, zone: &TimeZone) -> (Option<Timestamp>, Option<Timestamp>) {
        let [from, until] = PERIOD.map(|name| {
            let typed = self.take(name)?;
            let time = parse_time(&typed, zone, name == PERIOD[1]);
            if time.is_none() {
                let message = text!(self.lang, "vote-query-time");
                self.refuse_with(name, "not_a_time", message);
            }
            time
        });
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            let message = text!(self.lang, "vote-query-reversed");
            self.refuse_with(PERIOD[1], "reversed", message);
        }
        (from, until)
    }

    /// Returns the answers to filter by, as the campaign stores them.
    fn answers(&mut self, campaign: &Campaign, reserved: &[&str]) -> Vec<(String, Vec<String>)> {
        let mut values: Vec<Option<String>> = Vec::with_capacity(campaign.fields.len());
        let mut answers = Vec::new();
        for field in &campaign.fields {
            let is_reserved = reserved.contains(&&*field.name);
            let typed = (!is_reserved).then(|| self.take(&field.name)).flatten();
            let region = field.within.and_then(|index| values.get(index)?.as_deref());
            let value = match typed.map(|typed| field.validate_within(&typed, region)) {
                None | Some(Ok(None)) => None,
                Some(Ok(value)) => value,
                Some(Err(error)) => {
                    self.refuse(&field.name, error);
                    None
                }
            };
            if let Some(value) = &value {
                answers.push((field.name.clone(), vec![value.clone()]));
            }
            values.push(value);
        }
        answers
    }

    /// Refuses what is no parameter, and names those that are similar, or all.
    fn refuse_unknown(&mut self, campaign: &Campaign, names: &[&str]) {
        let fields = campaign.fields.iter().map(|field| &*field.name);
        let known: Vec<&str> = fields
            .chain([DOOR, INSTANCE])
            .chain(names.iter().copied())
            .collect();
        for (name, _) in std::mem::take(&mut self.unused).into_iter().take(10) {
            let mut nearest = find_similar(&name, known.iter().map(|known| (*known, *known)));
            if nearest.is_empty() {
                nearest = known.iter().map(|known| (*known).to_owned()).collect();
            }
            let names = nearest.join(", ");
            let message = text!(self.lang, "vote-query-unknown-parameter", names = names);
            self.refuse_with(&name, "unknown_parameter", message);
        }
    }
}

/// Parses a time of RFC 3339, a time of the campaign's clocks, or a day, whose end counts for `is_end`.
fn parse_time(typed: &str, zone: &TimeZone, is_end: bool) -> Option<Timestamp> {
    if let Ok(day) = parse_day(typed) {
        let bound = if is_end { end_of_day } else { start_of_day };
        return bound(day, zone).ok();
    }
    if let Ok(time) = typed.parse() {
        return Some(time);
    }
    let local: DateTime = typed.parse().ok()?;
    Some(local.to_zoned(zone.clone()).ok()?.timestamp())
}
