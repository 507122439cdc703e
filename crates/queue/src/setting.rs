//! `JORNADA_QUEUE`.

use std::borrow::Cow;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Name of the group of consumers by default.
const GROUP: &str = "jornada";

/// Name of the stream in Redis by default.
const STREAM: &str = "jornada:votes";

/// Time after which entries of a consumer of Redis are claimed by another.
const CLAIM_AFTER: Duration = Duration::from_secs(20);

/// The queue between doors and store.
#[derive(Clone, Debug)]
pub enum QueueSetting {
    /// `direct:`; votes are inserted into the store at once.
    Direct,
    /// `redis://…` or `rediss://…`; a stream of Redis.
    Redis(RedisSetting),
    /// `kafka://…`; a topic of Kafka.
    Kafka(KafkaSetting),
}

/// A stream of Redis.
#[derive(Clone, Debug)]
pub struct RedisSetting {
    /// URL of the server, without stream and group.
    pub url: SecretString,
    /// Key of the stream.
    pub stream: String,
    /// Name of the group of consumers.
    pub group: String,
    /// Time after which entries that another consumer holds are claimed: it died, or is slow; reading twice is harmless.
    pub claim_after: Duration,
}

/// A topic of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaSetting {
    /// `HOST:PORT` of brokers, comma-separated.
    pub brokers: String,
    /// Name of the topic.
    pub topic: String,
    /// Name of the group of consumers.
    pub group: String,
    /// Whether connections use TLS.
    pub tls: bool,
    /// Login of the client.
    pub login: Option<KafkaLogin>,
}

/// Login of a client of Kafka.
#[derive(Clone, Debug)]
pub struct KafkaLogin {
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Name of the user.
    pub user: String,
    /// Password.
    pub password: SecretString,
}

impl QueueSetting {
    /// Parses the setting. The error says what is wrong with it, without the value.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        match raw.split_once(':') {
            Some(("direct", "")) => Ok(Self::Direct),
            Some(("redis" | "rediss", _)) => parse_redis(raw).map(Self::Redis),
            Some(("kafka", _)) => parse_kafka(raw).map(Self::Kafka),
            _ => Err("has an unknown scheme"),
        }
    }
}

fn parse_redis(raw: &str) -> Result<RedisSetting, &'static str> {
    let mut url = Url::parse(raw).map_err(|_| "is not a URL")?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host");
    }
    let (mut stream, mut group) = (STREAM.to_owned(), GROUP.to_owned());
    for (name, value) in url.query_pairs() {
        match &*name {
            "stream" => stream = value.into_owned(),
            "group" => group = value.into_owned(),
            _ => return Err("has an unknown parameter after the ?"),
        }
    }
    if stream.is_empty() || group.is_empty() {
        return Err("has an empty parameter after the ?");
    }
    url.set_query(None);
    let url: String = url.into();
    redis::Client::open(url.as_str()).map_err(|_| "is not a URL of Redis")?;
    Ok(RedisSetting {
        url: url.into(),
        stream,
        group,
        claim_after: CLAIM_AFTER,
    })
}

/// Parses `kafka://[USER:PASSWORD@]HOST:PORT,HOST:PORT/TOPIC[?group=NAME&tls=true&sasl=MECHANISM]`. A URL cannot name several
/// hosts, so the first stands for all while it is parsed.
fn parse_kafka(raw: &str) -> Result<KafkaSetting, &'static str> {
    let rest = raw.strip_prefix("kafka://").ok_or("has no //")?;
    let (authority, path) = rest.split_once('/').ok_or("has no topic")?;
    let (user_info, brokers) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_broker = |broker: &str| {
        let parts = broker.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if !brokers.split(',').all(is_broker) {
        return Err("needs HOST:PORT for each broker");
    }
    let url = format!("kafka://{user_info}@broker/{path}");
    let url = Url::parse(&url).map_err(|_| "is not a URL")?;
    let topic = url.path().trim_start_matches('/').to_owned();
    if !is_topic(&topic) {
        return Err("needs a topic of letters, digits, dots, _ and -");
    }
    let (mut group, mut tls, mut mechanism) = (GROUP.to_owned(), false, None);
    for (name, value) in url.query_pairs() {
        match (&*name, &*value) {
            ("group", value) if !value.is_empty() => value.clone_into(&mut group),
            ("tls", "true") => tls = true,
            ("tls", "false") => tls = false,
            ("sasl", "plain" | "scram-sha-256" | "scram-sha-512") => {
                mechanism = Some(value.to_ascii_uppercase());
            }
            ("group" | "tls" | "sasl", _) => return Err("has a wrong value after the ?"),
            _ => return Err("has an unknown parameter after the ?"),
        }
    }
    let login = parse_login(&url, mechanism)?;
    if (tls || login.is_some()) && !cfg!(feature = "kafka-tls") {
        return Err(
            "needs TLS or a login, for which the program must be built with --features kafka-tls",
        );
    }
    Ok(KafkaSetting {
        brokers: brokers.to_owned(),
        topic,
        group,
        tls,
        login,
    })
}

fn parse_login(url: &Url, mechanism: Option<String>) -> Result<Option<KafkaLogin>, &'static str> {
    let decoded = |raw: &str| {
        let decoded = percent_encoding::percent_decode_str(raw).decode_utf8();
        decoded.map(Cow::into_owned)
    };
    match (mechanism, url.username(), url.password()) {
        (None, "", None) => Ok(None),
        (Some(mechanism), user, Some(password)) if !user.is_empty() => {
            let wrong = |_| "has a wrong user or password";
            Ok(Some(KafkaLogin {
                mechanism,
                user: decoded(user).map_err(wrong)?,
                password: decoded(password).map_err(wrong)?.into(),
            }))
        }
        (None, ..) => Err("has a user but no sasl=plain, scram-sha-256 or scram-sha-512"),
        (Some(_), ..) => Err("has sasl but no user and password"),
    }
}

/// Returns whether Kafka takes this name of a topic.
fn is_topic(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=249).contains(&name.len()) && name.bytes().all(is_allowed) && name != "." && name != ".."
}

impl RedisSetting {
    /// Returns a client. It does not connect.
    pub(crate) fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.url.expose_secret())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_with_several_brokers_is_parsed() {
        let parsed = QueueSetting::parse("kafka://a:9092,[::1]:9093/votes?group=g");
        let Ok(QueueSetting::Kafka(kafka)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(
            (&*kafka.brokers, &*kafka.topic, &*kafka.group, kafka.tls),
            ("a:9092,[::1]:9093", "votes", "g", false)
        );
    }

    #[test]
    fn a_stream_is_parsed_and_its_name_taken_from_the_url() {
        let parsed = QueueSetting::parse("redis://:pw@h:1/2?stream=s&group=g");
        let Ok(QueueSetting::Redis(redis)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(redis.url.expose_secret(), "redis://:pw@h:1/2");
        assert_eq!((&*redis.stream, &*redis.group), ("s", "g"));
    }

    #[test]
    fn a_login_needs_the_feature() {
        let parsed = QueueSetting::parse("kafka://u:p%40@h:9092/votes?tls=true&sasl=scram-sha-512");
        if cfg!(feature = "kafka-tls") {
            let Ok(QueueSetting::Kafka(KafkaSetting {
                login: Some(login), ..
            })) = parsed
            else {
                panic!("{parsed:?}");
            };
            assert_eq!(login.mechanism, "SCRAM-SHA-512");
            assert_eq!(login.password.expose_secret(), "p@");
        } else {
            assert!(parsed.unwrap_err().contains("--features kafka-tls"));
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (raw, problem) in [
            ("votes", "has an unknown scheme"),
            ("direct:x", "has an unknown scheme"),
            ("amqp://h/x", "has an unknown scheme"),
            ("kafka:h:9092/votes", "has no //"),
            ("kafka://h:9092", "has no topic"),
            ("kafka://h:9092/", "needs a topic"),
            ("kafka://h:9092/a/b", "needs a topic"),
            ("kafka://h/votes", "needs HOST:PORT"),
            ("kafka://h:99999/votes", "needs HOST:PORT"),
            ("kafka://h:1,/votes", "needs HOST:PORT"),
            ("kafka://h:1/votes?x=1", "has an unknown parameter"),
            ("kafka://h:1/votes?tls=yes", "has a wrong value"),
            ("kafka://u:p@h:1/votes", "has a user but no sasl"),
            ("kafka://h:1/votes?sasl=plain", "has sasl but no user"),
            ("redis://", "has no host"),
            ("redis://h/x", "is not a URL of Redis"),
            ("redis://h/?strem=x", "has an unknown parameter"),
            ("redis://h/?stream=", "has an empty parameter"),
        ] {
            let told = QueueSetting::parse(raw).expect_err(raw);
            assert!(told.starts_with(problem), "{raw}: {told}");
        }
    }
}
