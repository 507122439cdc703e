//! Texts of mails.

use jiff::{SignedDuration, Timestamp};

use super::{IncidentItem, MailContent, MailPart};
use crate::probe::ProbeResult;
use crate::snapshot::InstanceCount;
use crate::store::incidents::Incident;
use crate::store::mail_kind::MailKind;
use crate::store::recipients::RefusedRecipient;
use jornada_domain::Lang;

/// Maximum number of names in a subject.
const MAX_SUBJECT_NAMES: usize = 3;

impl MailContent<'_> {
    /// Returns the subject, in both languages.
    pub(super) fn subject(&self) -> String {
        format!(
            "Jornada: {} · {}",
            self.headline(Lang::Es),
            self.headline(Lang::En)
        )
    }

    fn headline(&self, lang: Lang) -> String {
        let names = self.join_names();
        let count = self.incidents.len();
        let InstanceCount { up, all } = self.instances;
        let left = text!(lang, "watch-mail-left", up = up, all = all);
        match (self.kind, self.incidents) {
            (None, _) => text!(lang, "watch-mail-test").to_owned(),
            (Some(MailKind::Refused), _) => {
                text!(lang, "watch-mail-refused", count = self.refusals.len())
            }
            (Some(MailKind::Raised), _) if self.is_all_down() => match self.common_cause() {
                Some(cause) => {
                    let cause = dependency_names(lang, cause);
                    text!(lang, "watch-mail-cause-down", cause = cause)
                }
                None => text!(lang, "watch-mail-all-down").to_owned(),
            },
            (Some(MailKind::Raised), _) => {
                text!(
                    lang,
                    "watch-mail-raised",
                    names = names,
                    count = count,
                    left = left
                )
            }
            (Some(MailKind::Reminder), _) => {
                text!(
                    lang,
                    "watch-mail-reminder",
                    names = names,
                    count = count,
                    left = left
                )
            }
            (Some(MailKind::Resolved), [one]) => {
                let duration = format_duration(incident_duration(one));
                text!(
                    lang,
                    "watch-mail-resolved",
                    name = names,
                    duration = duration
                )
            }
            (Some(MailKind::Resolved), _) => text!(lang, "watch-mail-all-resolved", names = names),
        }
    }

    fn join_names(&self) -> String {
        let labels = self.incidents.iter().map(|one| one.label.as_str());
        let mut labels: Vec<_> = labels.collect();
        labels.dedup();
        let more = labels.len().saturating_sub(MAX_SUBJECT_NAMES);
        labels.truncate(MAX_SUBJECT_NAMES);
        let names = labels.join(", ");
        if more > 0 {
            format!("{names} +{more}")
        } else {
            names
        }
    }

    pub(super) fn part(&self, lang: Lang) -> MailPart {
        let incidents = self.incidents.iter().map(|one| self.item(lang, one));
        let refusals = self.refusals.iter();
        let items = incidents.chain(refusals.map(|one| self.refusal_item(lang, one)));
        MailPart {
            lang: lang.tag(),
            title: self.headline(lang),
            paragraphs: self.paragraphs(lang),
            items: items.collect(),
            links: self.links(lang),
        }
    }

    fn paragraphs(&self, lang: Lang) -> Vec<String> {
        if self.kind.is_none() {
            return vec![text!(lang, "watch-mail-test-body").to_owned()];
        }
        if self.kind == Some(MailKind::Refused) {
            return vec![text!(lang, "watch-mail-refused-body").to_owned()];
        }
        let mut paragraphs = Vec::new();
        if self.is_cut_off() {
            paragraphs.push(text!(lang, "watch-mail-cut-off").to_owned());
        }
        let InstanceCount { up, all } = self.instances;
        paragraphs.push(text!(lang, "watch-mail-instances", up = up, all = all));
        paragraphs
    }

    fn item(&self, lang: Lang, one: &Incident) -> IncidentItem {
        let mut facts = vec![(text!(lang, "watch-mail-since"), self.format_time(one.since))];
        if let Some(until) = one.until {
            facts.push((text!(lang, "common-until"), self.format_time(until)));
        }
        let lasted = text!(lang, "watch-lasted");
        match self.kind {
            Some(MailKind::Resolved) => {
                facts.push((lasted, format_duration(incident_duration(one))));
                if one.outages > 1 {
                    let times = text!(lang, "watch-mail-times", count = one.outages.to_string());
                    facts.push((text!(lang, "watch-mail-fell"), times));
                }
            }
            Some(MailKind::Reminder) => {
                facts.push((lasted, format_duration(self.now.duration_since(one.since))));
            }
            Some(MailKind::Raised | MailKind::Refused) | None => {}
        }
        if one.address_removed {
            let why = text!(lang, "watch-mail-address-removed");
            facts.push((text!(lang, "watch-mail-note"), why.to_owned()));
        }
        facts.push((
            text!(lang, "watch-mail-what-was-seen"),
            describe_result(lang, &one.probe_result),
        ));
        facts.push((text!(lang, "watch-mail-address"), one.target.clone()));
        IncidentItem {
            label: one.label.clone(),
            facts,
        }
    }

    fn refusal_item(&self, lang: Lang, one: &RefusedRecipient) -> IncidentItem {
        IncidentItem {
            label: one.address.clone(),
            facts: vec![
                (text!(lang, "watch-mail-since"), self.format_time(one.since)),
                (
                    text!(lang, "watch-mail-server-said"),
                    describe_refusal(lang, one),
                ),
            ],
        }
    }

    fn links(&self, lang: Lang) -> Vec<(&'static str, String)> {
        let links = [
            (text!(lang, "watch-mail-status"), &self.links.page),
            (text!(lang, "watch-mail-dashboard"), &self.links.dashboard),
            (text!(lang, "watch-mail-logs"), &self.links.logs),
        ];
        let set = links.into_iter();
        set.filter_map(|(label, url)| Some((label, url.as_ref()?.to_string())))
            .collect()
    }

    fn format_time(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.links.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S (%:z)").to_string()
    }
}

fn incident_duration(one: &Incident) -> SignedDuration {
    one.until.unwrap_or(one.since).duration_since(one.since)
}

/// Formats a duration in its two largest units, the same in both languages: `1 h 5 min`.
pub fn format_duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

/// Describes the result of a probe.
pub fn describe_result(lang: Lang, seen: &ProbeResult) -> String {
    let fixed = match seen {
        ProbeResult::Healthy => text!(lang, "watch-result-healthy"),
        ProbeResult::Refused => text!(lang, "watch-result-refused"),
        ProbeResult::TimedOut => text!(lang, "watch-result-timed-out"),
        ProbeResult::NoName => text!(lang, "watch-result-no-name"),
        ProbeResult::Broken => text!(lang, "watch-result-broken"),
        ProbeResult::Status {
            status,
            draining,
            unavailable: without,
        } => {
            let mut words = text!(lang, "watch-result-status", status = status.to_string());
            if *draining {
                words.push_str(text!(lang, "watch-result-draining"));
            }
            if !without.is_empty() {
                let names = dependency_names(lang, without);
                words.push_str(&text!(lang, "watch-result-lacking", names = names));
            }
            return words;
        }
    };
    fixed.to_owned()
}

/// Describes why a recipient is refused.
pub fn describe_refusal(lang: Lang, one: &RefusedRecipient) -> String {
    match one.code {
        Some(code) => text!(
            lang,
            "watch-refused-answer",
            code = code.to_string(),
            step = one.step.as_str()
        ),
        None => text!(lang, "watch-refused-delay").to_owned(),
    }
}

fn dependency_names(lang: Lang, names: &[String]) -> String {
    let names = names.iter().map(|name| dependency_name(lang, name));
    names.collect::<Vec<_>>().join(", ")
}

fn dependency_name(lang: Lang, name: &str) -> &str {
    match name {
        "store" => text!(lang, "watch-dependency-store"),
        "photos" => text!(lang, "watch-dependency-photos"),
        "cache" => text!(lang, "watch-dependency-cache"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::notification::tests::{at, incident};
    use crate::setting::{MailConfig, WatchLinks};
    use crate::snapshot::InstanceCount;

    fn links() -> WatchLinks {
        WatchLinks {
            page: None,
            dashboard: Some("http://grafana.example/".parse().unwrap()),
            logs: Some("http://logs.example/?a=1&b=2".parse().unwrap()),
            zone: TimeZone::get("America/Bogota").unwrap(),
        }
    }

    fn written(kind: Option<MailKind>, incidents: &[Incident], up: usize) -> (String, String) {
        let links = links();
        let mail = MailContent {
            kind,
            incidents,
            refusals: &[],
            instances: InstanceCount { up, all: 3 },
            links: &links,
            watcher: "vigia-1",
            now: at(90),
        };
        let config = MailConfig::to_folder("mail".into());
        let (id, bytes) = mail.write(&config).unwrap();
        let wrapped = String::from_utf8(bytes).unwrap();
        let text = wrapped.replace("=\r\n", "");
        assert!(text.contains(&id), "{text}");
        assert!(text.contains("text/plain") && text.contains("text/html"));
        assert!(
            text.contains("Auto-Submitted: auto-generated\r\n"),
            "{text}"
        );
        (mail.subject(), text)
    }

    #[test]
    fn the_subject_names_the_instance_and_how_many_are_left() {
        let down = incident("a", 0, None);
        let (subject, text) = written(Some(MailKind::Raised), &[down], 2);
        assert_eq!(
            subject,
            "Jornada: app1 no responde (quedan 2 de 3) · app1 is down (2 of 3 left)"
        );
        for words in [
            "grafana.example",
            "connection refused",
            "10.0.0.1:4100",
            "vigia-1",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn all_down_has_its_own_subject() {
        let mut down = incident("a", 0, None);
        down.raised.cut_off = true;
        let (subject, text) = written(Some(MailKind::Raised), &[down], 0);
        assert!(subject.contains("NINGUNA instancia responde · ALL instances are down"));
        assert!(text.contains("watcher itself that is cut off"));
    }

    #[test]
    fn a_part_that_all_lack_is_named_instead() {
        let mut lacking = incident("a", 0, None);
        let seen = r#"{"kind":"status","status":503,"draining":false,"without":["store"]}"#;
        lacking.raised.probe_result = serde_json::from_str(seen).unwrap();
        let (subject, _) = written(Some(MailKind::Raised), &[lacking.clone()], 0);
        assert!(subject.ends_with("the store does not answer: no instance is ready"));
        let both = [lacking, incident("b", 0, None)];
        let (subject, _) = written(Some(MailKind::Raised), &both, 0);
        assert!(subject.ends_with("ALL instances are down"), "{subject}");
    }

    #[test]
    fn a_recovery_mail_shows_the_duration() {
        let mut over = incident("a", 0, Some(75));
        over.outages = 10;
        let (subject, text) = written(Some(MailKind::Resolved), &[over], 3);
        assert!(
            subject.ends_with("app1 is back after 1 min 15 s"),
            "{subject}"
        );
        assert!(text.contains("10 times"), "{text}");
    }

    #[test]
    fn the_subject_names_three_targets_at_most() {
        let many: Vec<_> = ["a", "b", "c", "d", "e"]
            .map(|name| {
                let mut one = incident(name, 0, None);
                one.raised.label = name.into();
                one
            })
            .into();
        let (subject, _) = written(Some(MailKind::Reminder), &many, 1);
        assert!(
            subject.ends_with("a, b, c +2 are still down (1 of 3 left)"),
            "{subject}"
        );
        assert!(written(None, &[], 3).0.ends_with("test message"));
    }

    #[test]
    fn the_message_id_depends_only_on_what_is_reported() {
        let links = links();
        let id = |kind, names: &[&str], told_at: Option<i64>, up| {
            let incidents: Vec<_> = names
                .iter()
                .map(|name| Incident {
                    last_reported_at: told_at.map(at),
                    ..incident(name, 0, None)
                })
                .collect();
            let mail = MailContent {
                kind: Some(kind),
                incidents: &incidents,
                refusals: &[],
                instances: InstanceCount { up, all: 3 },
                links: &links,
                watcher: if up == 2 { "one" } else { "two" },
                now: at(i64::try_from(up).unwrap()),
            };
            mail.message_id("example.org")
        };
        let one = id(MailKind::Raised, &["a", "b"], None, 2);
        assert_eq!(one, id(MailKind::Raised, &["b", "a"], Some(7), 1));
        assert_ne!(one, id(MailKind::Resolved, &["a", "b"], None, 2));
        assert_ne!(one, id(MailKind::Raised, &["a"], None, 2));
        let first = id(MailKind::Reminder, &["a"], Some(1), 2);
        assert_ne!(first, id(MailKind::Reminder, &["a"], Some(2), 2));
    }

    #[test]
    fn durations_have_two_units() {
        let texts =
            [0, 59, 61, 3_700, 90_000].map(|s| format_duration(SignedDuration::from_secs(s)));
        assert_eq!(texts, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
