//! Settings of the role `watch`: targets, alert rules and recipients.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use url::Url;

use super::env::{Env, FromEnv, SettingError};
use super::{EXPECTED_ADDRESS, instance_name};
use jornada_runtime::cache::CacheSetting;
use jornada_watch::setting::{MailConfig, WatchConfig, WatchLinks, WatchRules, WatchedUrl};

const WATCH: &str = "JORNADA_WATCH";
const ALSO: &str = "JORNADA_WATCH_ALSO";
const EXPECTED_URLS: &str = "http://HOST:PORT, comma-separated";
/// Maximum number of watched URLs.
const MAX_WATCHED_URLS: usize = 100;
const DAY: Duration = Duration::from_hours(24);

impl FromEnv for WatchConfig {
    /// Reads and validates all settings of the role.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let every = read_duration(env, "JORNADA_WATCH_EVERY", "2s", ms(100)..=ms(600_000))?;
        let timeout = read_duration(env, "JORNADA_WATCH_TIMEOUT", "1s", ms(20)..=every)?;
        let signed = |name, default, range| read_duration(env, name, default, range);
        Ok(Self {
            watched: read_watched_urls(env)?,
            listen: env.parse("JORNADA_WATCH_LISTEN", "127.0.0.1:4200", EXPECTED_ADDRESS)?,
            data_folder: watch_data_folder(env),
            probe_interval: every,
            timeout,
            rules: WatchRules {
                failures: read_count(env, "JORNADA_WATCH_FAILURES", "3")?,
                successes: read_count(env, "JORNADA_WATCH_SUCCESSES", "2")?,
                recovery_period: signed("JORNADA_WATCH_QUIET", "10s", ms(0)..=ms(3_600_000))?,
                lost_period: signed("JORNADA_WATCH_LOST", "1h", ms(0)..=7 * DAY)?,
            },
            group_period: signed("JORNADA_WATCH_GROUP", "3s", ms(0)..=ms(300_000))?,
            reminder_interval: signed("JORNADA_WATCH_REMIND", "4h", ms(1_000)..=30 * DAY)?,
            neutral: read_neutral(env)?,
            mail: MailConfig::from_env(env)?,
            links: WatchLinks::from_env(env)?,
            cache: CacheSetting::from_env(env)?,
            instance: instance_name(env),
        })
    }
}

/// Reads `JORNADA_WATCH_DATA` alone, for commands beside a running watcher.
pub fn watch_data_folder(env: &Env) -> PathBuf {
    env.get_or("JORNADA_WATCH_DATA", "data/watch").into()
}

impl FromEnv for WatchLinks {
    /// Reads the links and the time zone.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let (name, default) = ("JORNADA_WATCH_ZONE", "America/Bogota");
        let zone = |raw: &str| TimeZone::get(raw).ok();
        Ok(Self {
            page: read_link(env, "JORNADA_WATCH_URL")?,
            dashboard: read_link(env, "JORNADA_WATCH_DASHBOARD")?,
            logs: read_link(env, "JORNADA_WATCH_LOGS")?,
            zone: env.parse_with(name, default, "a zone such as America/Bogota", zone)?,
        })
    }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn read_watched_urls(env: &Env) -> Result<Vec<WatchedUrl>, SettingError> {
    let mut all = Vec::new();
    for name in [WATCH, ALSO] {
        let raw = env.get_or(name, "");
        if name == WATCH && raw.is_empty() {
            return Err(SettingError::not_set(WATCH, EXPECTED_URLS));
        }
        for address in raw.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let one = watched_url(address, name == WATCH)
                .ok_or_else(|| SettingError::new(name, address, EXPECTED_URLS))?;
            if all.contains(&one) {
                return Err(SettingError::new(name, address, "each URL only once"));
            }
            all.push(one);
        }
    }
    match all.len() {
        0 => Err(SettingError::not_set(WATCH, EXPECTED_URLS)),
        1..=MAX_WATCHED_URLS => Ok(all),
        more => Err(SettingError::with_problem(
            WATCH,
            format!("has {more} targets"),
            &format!("at most {MAX_WATCHED_URLS}"),
        )),
    }
}

/// Parses a URL. For an instance without a path, adds `/readyz`.
fn watched_url(raw: &str, is_instance: bool) -> Option<WatchedUrl> {
    let mut url = Url::parse(raw).ok()?;
    let host = url.host_str().filter(|_| {
        url.scheme() == "http" && url.username().is_empty() && url.password().is_none()
    })?;
    let port = url.port_or_known_default()?;
    let name = format!("{host}:{port}");
    if is_instance && url.path() == "/" {
        url.set_path("/readyz");
    }
    Some(WatchedUrl {
        url,
        name,
        is_instance,
    })
}

fn read_neutral(env: &Env) -> Result<Option<(String, u16)>, SettingError> {
    let expected = "HOST:PORT or a URL that answers independently of the system";
    env.parse_optional("JORNADA_WATCH_NEUTRAL", expected, |raw| {
        let scheme = if raw.contains("://") { "" } else { "tcp://" };
        let url = Url::parse(&format!("{scheme}{raw}")).ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some((host, url.port_or_known_default()?))
    })
}

fn read_link(env: &Env, name: &str) -> Result<Option<Url>, SettingError> {
    env.parse_optional(name, "a URL, such as https://example.org/", |raw| {
        let url = Url::parse(raw).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    })
}

fn read_count(env: &Env, name: &str, default: &str) -> Result<u32, SettingError> {
    env.parse_with(name, default, "a number from 1 to 100", |raw| {
        raw.parse().ok().filter(|number| (1..=100).contains(number))
    })
}

/// Reads a duration such as `2s`, within a range.
fn read_duration<T: TryFrom<Duration>>(
    env: &Env,
    name: &str,
    default: &str,
    range: RangeInclusive<Duration>,
) -> Result<T, SettingError> {
    let (least, most) = (range.start(), range.end());
    let expected = format!("a time such as 500ms, 2s, 30m or 4h, from {least:?} to {most:?}");
    env.parse_with(name, default, &expected, |raw| {
        let time = Duration::try_from(raw.parse::<SignedDuration>().ok()?).ok()?;
        time.try_into().ok().filter(|_| range.contains(&time))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<WatchConfig, SettingError> {
        WatchConfig::from_env(&Env::from_pairs(settings))
    }

    const ONE: (&str, &str) = (WATCH, "http://127.0.0.1:4101");

    #[test]
    fn one_url_is_enough() {
        let config = read(&[(WATCH, "http://app1:4100, http://10.0.0.2:4100/own")]).unwrap();
        let urls: Vec<_> = config.watched.iter().map(|one| one.url.as_str()).collect();
        assert_eq!(
            urls,
            ["http://app1:4100/readyz", "http://10.0.0.2:4100/own"]
        );
        assert_eq!(config.watched[0].name, "app1:4100");
        assert_eq!(config.probe_interval, Duration::from_secs(2));
        assert_eq!(config.rules.failures, 3);
        assert_eq!(config.reminder_interval, SignedDuration::from_hours(4));
    }

    #[test]
    fn a_neutral_check_is_an_address_or_a_url() {
        for (raw, host, port) in [
            ("10.0.0.1:53", "10.0.0.1", 53),
            ("https://example.org/x", "example.org", 443),
            ("[::1]:53", "::1", 53),
        ] {
            let config = read(&[ONE, ("JORNADA_WATCH_NEUTRAL", raw)]).unwrap();
            assert_eq!(config.neutral, Some((host.to_owned(), port)));
        }
    }

    #[test]
    fn an_invalid_setting_is_reported_in_one_line() {
        let told = read(&[]).unwrap_err().to_string();
        assert!(told.starts_with("JORNADA_WATCH: is not set"), "{told}");
        for (name, value) in [
            (WATCH, "127.0.0.1:4101"),
            (WATCH, "https://app1:4100"),
            (WATCH, "http://a:1,http://a:1/"),
            (ALSO, "ftp://x"),
            ("JORNADA_WATCH_LISTEN", "4200"),
            ("JORNADA_WATCH_EVERY", "2"),
            ("JORNADA_WATCH_EVERY", "1ms"),
            ("JORNADA_WATCH_TIMEOUT", "3s"),
            ("JORNADA_WATCH_FAILURES", "0"),
            ("JORNADA_WATCH_SUCCESSES", "many"),
            ("JORNADA_WATCH_QUIET", "-1s"),
            ("JORNADA_WATCH_LOST", "8d"),
            ("JORNADA_WATCH_GROUP", "1h"),
            ("JORNADA_WATCH_REMIND", "0s"),
            ("JORNADA_WATCH_NEUTRAL", "host"),
            ("JORNADA_WATCH_ZONE", "Nowhere/Here"),
            ("JORNADA_WATCH_URL", "ftp://x"),
            ("JORNADA_WATCH_DASHBOARD", "x"),
            ("JORNADA_WATCH_LOGS", "x"),
            ("JORNADA_CACHE", "x"),
            ("JORNADA_SMTP", "x"),
        ] {
            let mut settings = vec![(name, value)];
            if name != WATCH {
                settings.push(ONE);
            }
            let told = read(&settings).expect_err(value).to_string();
            assert!(told.starts_with(&format!("{name}: ")), "{told}");
            assert!(!told.contains('\n'));
        }
    }
}
