//! The query of the audit page. Accepts only ids: a name or document would appear in the URL, and in the audit entry
//! about reading the audit log.

use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use jornada_domain::day_range::{end_of_day, parse_optional_day, start_of_day};
use jornada_domain::staff::audit::{
    AuditAction, AuditEvent, SystemActor, account_subject, registration_subject,
};
use jornada_domain::{CampaignId, Lang, RegistrationId};
use jornada_http::page::PageContext;
use jornada_store::audit::AuditFilter;

/// Maximum length of an actor or subject in bytes: a token name with its prefix.
const MAX_NAME_BYTES: usize = 120;

/// The query parameters of the page. An empty parameter does not filter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web::staff) struct AuditQuery {
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
pub(super) enum AuditQueryError {
    Actor,
    Action,
    Campaign,
    Subject,
    Date,
    Position,
}

impl AuditQueryError {
    pub(super) fn message(self, lang: Lang) -> &'static str {
        match self {
            Self::Actor => text!(lang, "staff-audit-wrong-actor"),
            Self::Action => text!(lang, "staff-audit-wrong-action"),
            Self::Campaign => text!(lang, "staff-audit-wrong-campaign"),
            Self::Subject => text!(lang, "staff-audit-wrong-subject"),
            Self::Date => text!(lang, "staff-audit-wrong-date"),
            Self::Position => text!(lang, "staff-audit-wrong-position"),
        }
    }
}

impl AuditQuery {
    /// Creates the query for all entries about one subject.
    pub(super) fn for_subject(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            ..Self::default()
        }
    }

    /// Parses the parameters into a filter. Days are days in this time zone.
    pub(super) fn to_filter(&self, zone: &TimeZone) -> Result<AuditFilter, AuditQueryError> {
        let wrong = |_| AuditQueryError::Date;
        let from = parse_optional_day(&self.from).map_err(wrong)?;
        let until = parse_optional_day(&self.until).map_err(wrong)?;
        let from = from.map(|day| start_of_day(day, zone)).transpose();
        let until = until.map(|day| end_of_day(day, zone)).transpose();
        if self.before.parse::<u64>().is_err() && !self.before.is_empty() {
            return Err(AuditQueryError::Position);
        }
        Ok(AuditFilter {
            actor: parse_given(&self.who, parse_actor, AuditQueryError::Actor)?,
            action: parse_given(
                &self.action,
                |name| name.parse().ok(),
                AuditQueryError::Action,
            )?,
            campaign: parse_given(&self.campaign, CampaignId::parse, AuditQueryError::Campaign)?,
            subject: parse_given(&self.subject, parse_subject, AuditQueryError::Subject)?,
            from: from.map_err(wrong)?,
            until: until.map_err(wrong)?,
        })
    }

    /// Returns the sequence number before which the page starts; `None` for the newest entries.
    pub(super) fn before(&self) -> Option<u64> {
        self.before.parse().ok()
    }

    /// Builds the audit event about this query. Call only after [`to_filter`](Self::to_filter) accepted it.
    pub(super) fn to_event(&self, action: AuditAction) -> AuditEvent {
        let event = AuditEvent::new(action).with_details(self.given_parts());
        match self.before.trim() {
            "" => event,
            before => event.with_detail("before", before),
        }
    }

    /// Returns the link to `page` with the same query, starting before another entry.
    pub(super) fn link_to(&self, visit: &PageContext, page: &str, before: Option<u64>) -> String {
        let before = before.map(|before| before.to_string());
        let mut params: Vec<(&str, &str)> = self.given_parts().collect();
        params.extend(before.iter().map(|before| ("before", &**before)));
        visit.link_with_params(page, params)
    }

    /// Returns the parameters that filter.
    fn given_parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [
            ("who", self.who.trim()),
            ("action", self.action.trim()),
            ("campaign", self.campaign.trim()),
            ("subject", self.subject.trim()),
            ("from", self.from.trim()),
            ("until", self.until.trim()),
        ];
        parts.into_iter().filter(|(_, text)| !text.is_empty())
    }
}

/// Parses a parameter unless it is empty.
fn parse_given<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    wrong: AuditQueryError,
) -> Result<Option<T>, AuditQueryError> {
    let text = Some(text.trim()).filter(|text| !text.is_empty());
    text.map(|text| parse(text).ok_or(wrong)).transpose()
}

fn parse_actor(text: &str) -> Option<String> {
    let is_system = text.parse::<SystemActor>().is_ok();
    let is_known = is_system || is_token(text) || parse_account_id(text).is_some();
    is_known.then(|| text.to_owned())
}

/// Parses a subject: the id of a registration or account, with or without its prefix, or `token:NAME`.
fn parse_subject(text: &str) -> Option<String> {
    let id = text.strip_prefix("registration:").unwrap_or(text);
    if let Some(id) = RegistrationId::parse(id) {
        return Some(registration_subject(id));
    }
    if let Some(id) = parse_account_id(text) {
        return Some(account_subject(id));
    }
    is_token(text).then(|| text.to_owned())
}

/// Parses the id of an account, which must contain hyphens: 32 digits without hyphens are the id of a registration.
fn parse_account_id(text: &str) -> Option<Uuid> {
    let id = text.strip_prefix("account:").unwrap_or(text);
    let id = Uuid::try_parse(id).ok()?;
    text.contains('-').then_some(id)
}

fn is_token(text: &str) -> bool {
    text.starts_with("token:") && text.len() <= MAX_NAME_BYTES
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use jornada_testkit::page::visit;

    fn filter(change: impl FnOnce(&mut AuditQuery)) -> Result<AuditFilter, AuditQueryError> {
        let mut query = AuditQuery::default();
        change(&mut query);
        query.to_filter(&TimeZone::get("America/Bogota").unwrap())
    }

    #[test]
    fn days_are_whole_days_in_the_campaign_s_time_zone() {
        let filter = filter(|query| {
            query.from = "2026-11-21".into();
            query.until = " 2026-11-21 ".into();
        });
        let filter = filter.unwrap();
        let shown = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!(shown(filter.from), "2026-11-21T05:00:00Z");
        assert_eq!(shown(filter.until), "2026-11-22T05:00:00Z");
    }

    #[test]
    fn subjects_are_parsed_with_and_without_prefix() {
        let subject =
            |text: &str| filter(|query| query.subject = text.into()).map(|filter| filter.subject);
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
        let wrong = |change: fn(&mut AuditQuery)| filter(change).unwrap_err();
        assert_eq!(
            wrong(|query| query.subject = "Ana Ejemplo".into()),
            AuditQueryError::Subject
        );
        assert_eq!(
            wrong(|query| query.subject = "1032456789".into()),
            AuditQueryError::Subject
        );
        assert_eq!(
            wrong(|query| query.who = "ana@example.org".into()),
            AuditQueryError::Actor
        );
        assert_eq!(
            wrong(|query| query.action = "drop".into()),
            AuditQueryError::Action
        );
        assert_eq!(
            wrong(|query| query.campaign = "Á".into()),
            AuditQueryError::Campaign
        );
        assert_eq!(
            wrong(|query| query.from = "21/11/2026".into()),
            AuditQueryError::Date
        );
        assert_eq!(
            wrong(|query| query.until = "9999-12-31".into()),
            AuditQueryError::Date
        );
        assert_eq!(
            wrong(|query| query.before = "-1".into()),
            AuditQueryError::Position
        );
    }

    #[test]
    fn links_keep_the_query() {
        let query = AuditQuery {
            who: "token:café".into(),
            before: "90".into(),
            ..AuditQuery::default()
        };
        let (plain, chosen) = (
            visit("/staff/audit", "es"),
            visit("/staff/audit?lang=en", "es"),
        );
        assert_eq!(
            query.link_to(&plain, "/staff/audit", Some(40)),
            "/staff/audit?who=token%3Acaf%C3%A9&before=40"
        );
        assert_eq!(
            query.link_to(&chosen, "/staff/audit", None),
            "/staff/audit?lang=en&who=token%3Acaf%C3%A9"
        );
        assert_eq!(AuditQuery::default().link_to(&plain, "/x", None), "/x");
    }
}
