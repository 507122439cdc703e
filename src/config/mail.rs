//! Settings of mail: transport, sender and recipients.

use lettre::Address;
use lettre::message::Mailbox;
use url::{Host, Url};

use super::env::{Env, FromEnv, SettingError};
use super::hosts::is_loopback;
use super::mail_hello::read_hello;
use jornada_watch::setting::{MailConfig, MailTransportSetting};

const SMTP: &str = "JORNADA_SMTP";
const FROM: &str = "JORNADA_MAIL_FROM";
const TO: &str = "JORNADA_MAIL_TO";
const AUTHORITY: &str = "JORNADA_SMTP_CA";
const EXPECTED: &str =
    "file:FOLDER, smtp://HOST:PORT, smtp://USER:PASSWORD@HOST?tls=required or smtps://…";
/// Maximum number of recipients.
const MAX_RECIPIENTS: usize = 20;

impl FromEnv for MailConfig {
    /// Reads `JORNADA_SMTP`, `JORNADA_SMTP_CA`, `JORNADA_MAIL_FROM`, `JORNADA_MAIL_TO` and `JORNADA_MAIL_HELLO`. SMTP
    /// requires sender and recipients.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let transport = MailTransportSetting::from_env(env)?;
        let to = read_addresses(env, TO, &transport, "administrador@localhost")?;
        if to.len() > MAX_RECIPIENTS {
            let problem = format!("has {} addresses", to.len());
            let expected = format!("at most {MAX_RECIPIENTS}");
            return Err(SettingError::with_problem(TO, problem, &expected));
        }
        let mut from = read_addresses(env, FROM, &transport, "jornada@localhost")?;
        let (Some(from), true) = (from.pop(), from.is_empty()) else {
            let problem = "has several addresses";
            return Err(SettingError::with_problem(
                FROM,
                problem,
                "one mail address",
            ));
        };
        Ok(Self {
            hello: read_hello(env, from.email.domain())?,
            authority: env.get(AUTHORITY).map(Into::into),
            transport,
            from,
            to,
        })
    }
}

impl FromEnv for MailTransportSetting {
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        env.parse_secret(SMTP, "file:data/mail", EXPECTED, |raw| {
            match raw.split_once(':') {
                Some(("file", path)) if !path.is_empty() => Ok(Self::Folder(path.into())),
                Some(("smtp" | "smtps", _)) => {
                    let url = parse_smtp_url(raw)?;
                    Ok(Self::Smtp(require_tls(url).into()))
                }
                _ => Err("has an unknown scheme"),
            }
        })
    }
}

fn parse_smtp_url(raw: &str) -> Result<Url, &'static str> {
    let url = Url::parse(raw).map_err(|_| "is not a URL")?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host");
    }
    if url.username().is_empty() != url.password().is_none() {
        return Err("has a user without password or the reverse");
    }
    for (key, value) in url.query_pairs() {
        match (&*key, &*value) {
            ("tls", "required" | "opportunistic") => {}
            ("tls", _) => return Err("has an invalid value of tls"),
            _ => return Err("has an unknown query parameter"),
        }
    }
    Ok(url)
}

/// Requires TLS for a password, except to this machine.
fn require_tls(mut url: Url) -> String {
    let is_plain = url.scheme() == "smtp" && url.query().is_none();
    let is_local = url.host_str().is_some_and(is_loopback);
    if is_plain && url.password().is_some() && !is_local {
        url.set_query(Some("tls=required"));
    }
    url.into()
}

fn read_addresses(
    env: &Env,
    name: &str,
    transport: &MailTransportSetting,
    default: &str,
) -> Result<Vec<Mailbox>, SettingError> {
    let expected = "comma-separated mail addresses, such as ana@example.org";
    let raw = match (env.get(name), transport) {
        (Some(raw), _) => raw,
        (None, MailTransportSetting::Folder(_)) => default.to_owned(),
        (None, MailTransportSetting::Smtp(_)) => {
            return Err(SettingError::not_set(name, expected));
        }
    };
    raw.split(',')
        .map(|address| parse_mailbox(address.trim()))
        .collect::<Result<_, _>>()
        .map_err(|problem| SettingError::with_problem(name, problem, expected))
}

/// Parses an address. Its domain becomes ASCII (IDNA, `xn--…`): few mail servers accept other letters (RFC 6531).
fn parse_mailbox(raw: &str) -> Result<Mailbox, &'static str> {
    let invalid = "contains an invalid mail address";
    let mut mailbox: Mailbox = raw.parse().map_err(|_| invalid)?;
    let user = mailbox.email.user();
    if !user.is_ascii() {
        return Err("contains a mail address with other letters than a to z before the @");
    }
    if !mailbox.email.domain().is_ascii() {
        let domain = Host::parse(mailbox.email.domain()).map_err(|_| invalid)?;
        mailbox.email = Address::new(user, domain.to_string()).map_err(|_| invalid)?;
    }
    Ok(mailbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(settings: &[(&str, &str)]) -> String {
        MailConfig::from_env(&Env::from_pairs(settings))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn embedded_mode_needs_no_settings() {
        let mail = MailConfig::from_env(&Env::from_pairs(&[])).unwrap();
        assert!(
            matches!(mail.transport, MailTransportSetting::Folder(path) if path.ends_with("mail"))
        );
        assert_eq!(mail.to.len(), 1);
    }

    #[test]
    fn smtp_needs_sender_and_recipients() {
        let smtp = ("JORNADA_SMTP", "smtp://127.0.0.1:1025");
        assert!(wrong(&[smtp]).starts_with("JORNADA_MAIL_TO"));
        let to = ("JORNADA_MAIL_TO", "ana@example.org, luis@example.org");
        assert!(wrong(&[smtp, to]).starts_with("JORNADA_MAIL_FROM"));
        let from = ("JORNADA_MAIL_FROM", "Jornada <jornada@example.org>");
        let mail = MailConfig::from_env(&Env::from_pairs(&[smtp, to, from])).unwrap();
        assert_eq!(mail.to.len(), 2);
    }

    #[test]
    fn domains_become_ascii_and_other_letters_are_rejected() {
        for (raw, sent) in [
            ("alertas@bogotá.gov.co", "alertas@xn--bogot-1qa.gov.co"),
            ("Alcaldía <a@BOGOTÁ.gov.co>", "a@xn--bogot-1qa.gov.co"),
            ("ana@example.org", "ana@example.org"),
        ] {
            let settings = [("JORNADA_MAIL_FROM", raw), ("JORNADA_MAIL_TO", raw)];
            let mail = MailConfig::from_env(&Env::from_pairs(&settings)).unwrap();
            assert_eq!(mail.from.email.to_string(), sent);
            assert_eq!(mail.to[0].email.to_string(), sent);
        }
        for raw in ["señor@example.org", "ana@ex ample.org", "ana@\u{301}.org"] {
            for name in ["JORNADA_MAIL_FROM", "JORNADA_MAIL_TO"] {
                let told = wrong(&[(name, raw)]);
                assert!(told.starts_with(name) && !told.contains(raw), "{told}");
            }
        }
    }

    #[test]
    fn a_password_requires_tls() {
        for (raw, guarded_to) in [
            ("smtp://a:b@host:587", "smtp://a:b@host:587?tls=required"),
            ("smtp://a:b@127.0.0.1:25", "smtp://a:b@127.0.0.1:25"),
            ("smtps://a:b@host", "smtps://a:b@host"),
            ("smtp://host:25", "smtp://host:25"),
        ] {
            assert_eq!(require_tls(Url::parse(raw).unwrap()), guarded_to);
        }
    }

    #[test]
    fn an_error_shows_the_setting_but_no_password() {
        for value in [
            "http://host",
            "smtp:",
            "smtp://",
            "smtp://secreta@host",
            "smtps://ana:secreta@host?tls=perhaps",
            "smtp://ana:secreta@host?retry=1",
            "file:",
        ] {
            let told = wrong(&[("JORNADA_SMTP", value)]);
            assert!(told.starts_with("JORNADA_SMTP: "), "{told}");
            assert!(!told.contains("secreta"), "{told}");
        }
        for name in ["JORNADA_MAIL_FROM", "JORNADA_MAIL_TO"] {
            assert!(wrong(&[(name, "nobody")]).starts_with(name));
        }
        assert!(wrong(&[("JORNADA_MAIL_FROM", "a@b.co,c@d.co")]).starts_with("JORNADA_MAIL_FROM"));
    }
}
