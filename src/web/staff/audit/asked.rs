//! The query of the audit page. Accepts only ids: a name or document would appear in the URL, and in the audit entry
//! about reading the audit log.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::staff::audit::{Action, Deed, Doer, account, registration};
use crate::domain::{CampaignId, Lang, RegistrationId};
use crate::store::audit::Filter;
use crate::web::page::Visit;

/// Maximum length of an actor or subject in bytes: a token name with its prefix.
const LONGEST: usize = 120;

/// The query parameters of the page. An empty parameter does not filter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) who: String,
    pub(super) action: String,
    pub(super) campaign: String,
    pub(super) subject: String,
    /// First day.
    pub(super) from: String,
    /// Last day, included.
    pub(super) until: String,
    /// Sequence number of the last entry of the previous page.
    before: String,
}

/// The invalid parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    Who,
    Action,
    Campaign,
    Subject,
    Date,
    Place,
}

impl Wrong {
    pub(super) fn message(self, lang: Lang) -> &'static str {
        let (es, en) = match self {
            Self::Who => ("Elija quién de la lista.", "Choose who from the list."),
            Self::Action => ("Elija qué de la lista.", "Choose what from the list."),
            Self::Campaign => (
                "Elija una campaña de la lista.",
                "Choose a campaign from the list.",
            ),
            Self::Subject => (
                "Escriba el identificador de un registro o de una cuenta, o token: y el nombre de una clave.",
                "Write the id of a registration or of an account, or token: and the name of a token.",
            ),
            Self::Date => (
                "Escriba las fechas como 2026-11-21.",
                "Write the dates like 2026-11-21.",
            ),
            Self::Place => ("Vuelva a la primera página.", "Go back to the first page."),
        };
        lang.pick(es, en)
    }
}

impl Asked {
    /// Creates the query for all entries about one subject.
    pub(super) fn about(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            ..Self::default()
        }
    }

    /// Parses the parameters into a filter. Days are days in this time zone.
    pub(super) fn filter(&self, zone: &TimeZone) -> Result<Filter, Wrong> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let day =
            |text: &str| given(text).map(|text| text.parse::<Date>().map_err(|_| Wrong::Date));
        let (from, until) = (day(&self.from).transpose()?, day(&self.until).transpose()?);
        let start = |day: Date| day.to_zoned(zone.clone()).map(|start| start.timestamp());
        let start = |day: Option<Date>| day.map(start).transpose().map_err(|_| Wrong::Date);
        let after = until.map(|day| day.tomorrow().map_err(|_| Wrong::Date));
        if self.before.parse::<u64>().is_err() && !self.before.is_empty() {
            return Err(Wrong::Place);
        }
        let action = given(&self.action).map(|name| Action::parse(&name).ok_or(Wrong::Action));
        let campaign =
            given(&self.campaign).map(|id| CampaignId::parse(&id).ok_or(Wrong::Campaign));
        Ok(Filter {
            who: given(&self.who).map(|who| doer(&who)).transpose()?,
            action: action.transpose()?,
            campaign: campaign.transpose()?,
            subject: given(&self.subject).map(|text| thing(&text)).transpose()?,
            from: start(from)?,
            until: start(after.transpose()?)?,
        })
    }

    /// Returns the sequence number before which the page starts; `None` for the newest entries.
    pub(super) fn before(&self) -> Option<u64> {
        self.before.parse().ok()
    }

    /// Builds the audit event about this query. Call only after [`filter`](Self::filter) accepted it.
    pub(super) fn deed(&self, action: Action) -> Deed {
        self.parts()
            .into_iter()
            .fold(Deed::of(action), |deed, (name, text)| deed.with(name, text))
    }

    /// Returns the link to `page` with the same query, starting before another entry.
    pub(super) fn address(&self, visit: &Visit, page: &str, before: Option<u64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let parts = self
            .parts()
            .into_iter()
            .filter(|(name, _)| *name != "before");
        query.extend_pairs(parts);
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let (link, query) = (visit.link(page), query.finish());
        match (query.is_empty(), link.contains('?')) {
            (true, _) => link,
            (false, true) => format!("{link}&{query}"),
            (false, false) => format!("{link}?{query}"),
        }
    }

    /// Returns the parameters that are not empty.
    fn parts(&self) -> Vec<(&'static str, &str)> {
        let mut parts = vec![
            ("who", self.who.trim()),
            ("action", self.action.trim()),
            ("campaign", self.campaign.trim()),
            ("subject", self.subject.trim()),
            ("from", self.from.trim()),
            ("until", self.until.trim()),
            ("before", self.before.trim()),
        ];
        parts.retain(|(_, text)| !text.is_empty());
        parts
    }
}

fn doer(text: &str) -> Result<String, Wrong> {
    let known = Doer::ALL.into_iter().any(|doer| doer.name() == text);
    if known || is_token(text) || account_id(text).is_some() {
        return Ok(text.to_owned());
    }
    Err(Wrong::Who)
}

/// Parses a subject: the id of a registration or account, with or without its prefix, or `token:NAME`.
fn thing(text: &str) -> Result<String, Wrong> {
    let id = text.strip_prefix("registration:").unwrap_or(text);
    if let Some(id) = RegistrationId::parse(id) {
        return Ok(registration(id));
    }
    if let Some(id) = account_id(text) {
        return Ok(account(id));
    }
    is_token(text)
        .then(|| text.to_owned())
        .ok_or(Wrong::Subject)
}

/// Parses the id of an account, which must contain hyphens: 32 digits without hyphens are the id of a registration.
fn account_id(text: &str) -> Option<Uuid> {
    let id = text.strip_prefix("account:").unwrap_or(text);
    let id = Uuid::try_parse(id).ok()?;
    text.contains('-').then_some(id)
}

fn is_token(text: &str) -> bool {
    text.starts_with("token:") && text.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::web::page::tests::visit;

    fn filter(change: impl FnOnce(&mut Asked)) -> Result<Filter, Wrong> {
        let mut asked = Asked::default();
        change(&mut asked);
        asked.filter(&TimeZone::get("America/Bogota").unwrap())
    }

    #[test]
    fn days_are_whole_days_in_the_campaign_s_time_zone() {
        let filter = filter(|asked| {
            asked.from = "2026-11-21".into();
            asked.until = " 2026-11-21 ".into();
        });
        let filter = filter.unwrap();
        let shown = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!(shown(filter.from), "2026-11-21T05:00:00Z");
        assert_eq!(shown(filter.until), "2026-11-22T05:00:00Z");
    }

    #[test]
    fn subjects_are_parsed_with_and_without_prefix() {
        let subject =
            |text: &str| filter(|asked| asked.subject = text.into()).map(|filter| filter.subject);
        let id = "0f".repeat(16);
        let registration = Some(format!("registration:{id}"));
        assert_eq!(subject(&id), Ok(registration.clone()));
        assert_eq!(subject(&format!(" registration:{id}")), Ok(registration));
        let account = format!("account:{}", Uuid::from_u128(7));
        assert_eq!(
            subject(&account["account:".len()..]),
            Ok(Some(account.clone()))
        );
        assert_eq!(subject(&account), Ok(Some(account)));
        assert_eq!(subject("token:oficina"), Ok(Some("token:oficina".into())));
        assert_eq!(subject(""), Ok(None));
    }

    #[test]
    fn personal_data_and_invalid_parameters_are_rejected() {
        let wrong = |change: fn(&mut Asked)| filter(change).unwrap_err();
        assert_eq!(
            wrong(|asked| asked.subject = "Ana Ejemplo".into()),
            Wrong::Subject
        );
        assert_eq!(
            wrong(|asked| asked.subject = "1032456789".into()),
            Wrong::Subject
        );
        assert_eq!(
            wrong(|asked| asked.who = "ana@example.org".into()),
            Wrong::Who
        );
        assert_eq!(wrong(|asked| asked.action = "drop".into()), Wrong::Action);
        assert_eq!(wrong(|asked| asked.campaign = "Á".into()), Wrong::Campaign);
        assert_eq!(wrong(|asked| asked.from = "21/11/2026".into()), Wrong::Date);
        assert_eq!(
            wrong(|asked| asked.until = "9999-12-31".into()),
            Wrong::Date
        );
        assert_eq!(wrong(|asked| asked.before = "-1".into()), Wrong::Place);
    }

    #[test]
    fn links_keep_the_query() {
        let asked = Asked {
            who: "token:café".into(),
            before: "90".into(),
            ..Asked::default()
        };
        let (plain, chosen) = (
            visit("/staff/audit", "es"),
            visit("/staff/audit?lang=en", "es"),
        );
        assert_eq!(
            asked.address(&plain, "/staff/audit", Some(40)),
            "/staff/audit?who=token%3Acaf%C3%A9&before=40"
        );
        assert_eq!(
            asked.address(&chosen, "/staff/audit", None),
            "/staff/audit?lang=en&who=token%3Acaf%C3%A9"
        );
        assert_eq!(Asked::default().address(&plain, "/x", None), "/x");
    }
}
