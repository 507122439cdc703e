//! Settings of logging, the same for every long-running role.

use secrecy::SecretString;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::env::{Env, FromEnv, SettingError};
use jornada_runtime::logs::{LogFormat, LogsConfig};

impl FromEnv for LogsConfig {
    /// Reads `JORNADA_LOG`, `JORNADA_LOG_FORMAT`, `JORNADA_LOKI` and `JORNADA_INSTANCE`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        Ok(Self {
            filter: read_filter(env)?,
            format: read_format(env)?,
            loki: read_loki(env)?,
            instance: super::instance_name(env),
        })
    }
}

fn read_filter(env: &Env) -> Result<String, SettingError> {
    let expected = "a level or filter, such as info or jornada=debug";
    env.parse_with("JORNADA_LOG", "info", expected, |raw| {
        EnvFilter::try_new(raw).ok().map(|_| raw.to_owned())
    })
}

fn read_format(env: &Env) -> Result<Option<LogFormat>, SettingError> {
    env.parse_optional("JORNADA_LOG_FORMAT", "text or json", |raw| match raw {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    })
}

fn read_loki(env: &Env) -> Result<Option<SecretString>, SettingError> {
    let expected = "the base URL of Loki, such as http://127.0.0.1:3100";
    env.parse_secret("JORNADA_LOKI", "", expected, |raw| {
        if raw.is_empty() {
            return Ok(None);
        }
        let base = Url::parse(raw).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
                && !url.path().contains("/loki/api/")
        });
        let base = base.ok_or("is not a valid URL")?;
        let slash = if base.path().ends_with('/') { "" } else { "/" };
        Ok(Some(format!("{base}{slash}").into()))
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_base_url_ends_with_a_slash() {
        for (given, kept) in [
            ("http://loki:3100", "http://loki:3100/"),
            (
                "https://a:b@logs.example.org/here",
                "https://a:b@logs.example.org/here/",
            ),
        ] {
            let config =
                LogsConfig::from_env(&Env::from_pairs(&[("JORNADA_LOKI", given)])).unwrap();
            assert_eq!(config.loki.unwrap().expose_secret(), kept);
        }
        assert!(
            LogsConfig::from_env(&Env::from_pairs(&[]))
                .unwrap()
                .loki
                .is_none()
        );
    }

    #[test]
    fn an_error_shows_the_setting_but_no_password() {
        for value in [
            "loki:3100",
            "ftp://loki",
            "http://a:geheim@loki/loki/api/v1/push",
            "http://a:geheim@loki/?x",
        ] {
            let wrong =
                LogsConfig::from_env(&Env::from_pairs(&[("JORNADA_LOKI", value)])).unwrap_err();
            let told = wrong.to_string();
            assert!(told.starts_with("JORNADA_LOKI: "), "{told}");
            assert!(!told.contains("geheim"), "{told}");
        }
    }
}
