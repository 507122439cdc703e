//! Environment variables that look like a setting and are none, such as one that is misspelt.

use tracing::warn;

use super::{Env, SETTINGS};

const PREFIX: &str = "JORNADA_";
/// Ending of a setting that names a file with the value.
const FILE_SUFFIX: &str = "_FILE";
/// Prefix of variables that only tests read.
const TEST_PREFIX: &str = "JORNADA_TEST_";
/// Prefix of variables of the dashboards, which scripts pass to Grafana.
const GRAFANA_PREFIX: &str = "JORNADA_GRAFANA_";

/// Logs a warning for each variable that no setting reads, with the nearest setting.
pub fn log_unknown_settings(env: &Env) {
    for warning in unknown_settings(env) {
        warn!("{warning}");
    }
}

fn unknown_settings(env: &Env) -> Vec<String> {
    let known = known_settings();
    let is_known = |name: &str| {
        let name = name.strip_suffix(FILE_SUFFIX).unwrap_or(name);
        known.iter().any(|known| known == name)
            || [TEST_PREFIX, GRAFANA_PREFIX]
                .iter()
                .any(|prefix| name.starts_with(prefix))
    };
    let unknown = env.names_with(PREFIX).into_iter();
    let unknown = unknown.filter(|name| !is_known(name));
    unknown.map(|name| describe(name, &known)).collect()
}

fn describe(name: &str, known: &[String]) -> String {
    let rest = |name: &str| name.trim_start_matches(PREFIX).to_owned();
    let similarity = |known: &&String| strsim::jaro_winkler(&rest(name), &rest(known));
    let nearest = known
        .iter()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let nearest = nearest.map_or("jornada --help", String::as_str);
    format!("{name} is not a setting and has no effect: did you mean {nearest}?")
}

/// Returns the settings in the help text, where `JORNADA_A_B, _C` stands for `JORNADA_A_B` and `JORNADA_A_C`.
fn known_settings() -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for word in SETTINGS.split(|c| !is_of_name(c)) {
        if word.starts_with(PREFIX) {
            known.push(word.to_owned());
        } else if let (true, Some(last)) = (word.starts_with('_'), known.last()) {
            let prefix = last.rsplit_once('_').map_or("", |(prefix, _)| prefix);
            known.push(format!("{prefix}{word}"));
        }
    }
    known.sort_unstable();
    known.dedup();
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_the_help_is_known() {
        let known = known_settings();
        for name in [
            "JORNADA_LISTEN",
            "JORNADA_LIMIT_REGISTRATIONS",
            "JORNADA_LIMIT_MISSES",
            "JORNADA_WATCH_EVERY",
            "JORNADA_WATCH_TIMEOUT",
            "JORNADA_WATCH_SUCCESSES",
            "JORNADA_WATCH_LOGS",
            "JORNADA_MAIL_TO",
        ] {
            assert!(known.iter().any(|known| known == name), "{name}: {known:?}");
        }
    }

    #[test]
    fn an_unknown_variable_is_named_with_the_nearest_setting() {
        let env = Env::from_pairs(&[
            ("JORNADA_STORE", "sqlite:x"),
            ("JORNADA_SECRET_FILE", "x"),
            ("JORNADA_STOR", "sqlite:x"),
            ("JORNADA_LIMIT_CONFLICT", "1+1"),
            ("JORNADA_TEST_S3", "x"),
            ("OTHER", "x"),
        ]);
        let expected = [
            "JORNADA_LIMIT_CONFLICT is not a setting and has no effect: did you mean JORNADA_LIMIT_CONFLICTS?",
            "JORNADA_STOR is not a setting and has no effect: did you mean JORNADA_STORE?",
        ];
        assert_eq!(unknown_settings(&env), expected);
    }
}
