//! Settings of database, object store, cache and queue, each with an embedded default.

use url::Url;

use super::env::{Env, FromEnv, SettingError};
use jornada_objects::{ObjectStoreSetting, S3Setting};
use jornada_queue::QueueSetting;
use jornada_runtime::cache::CacheSetting;
use jornada_store::StoreSetting;

impl FromEnv for StoreSetting {
    /// Reads `JORNADA_STORE`. A `MongoDB` URL must name a database.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "sqlite:PATH or mongodb://HOST,…/DATABASE";
        let default = "sqlite:data/jornada.db";
        env.parse_secret("JORNADA_STORE", default, expected, |raw| {
            match raw.split_once(':') {
                Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(path.into())),
                Some(("mongodb" | "mongodb+srv", rest)) => {
                    let path = rest.trim_start_matches('/').split_once('/');
                    let database = path.and_then(|(_, path)| path.split('?').next());
                    let has_database = database.is_some_and(|database| !database.is_empty());
                    let mongo = has_database.then(|| Self::Mongo(raw.into()));
                    mongo.ok_or("has no database")
                }
                _ => Err("has an unknown scheme"),
            }
        })
    }
}

impl FromEnv for ObjectStoreSetting {
    /// Reads `JORNADA_PHOTOS` and, for S3, `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let name = "JORNADA_PHOTOS";
        let expected = "file:PATH or s3://BUCKET?endpoint=URL&region=NAME";
        let raw = env.get_or(name, "file:data/photos");
        match raw.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::Disk(path.into())),
            Some(("s3", _)) => {
                let url = Url::parse(&raw).map_err(|_| SettingError::new(name, &raw, expected))?;
                s3(&url, env).map(Self::S3)
            }
            _ => Err(SettingError::new(name, &raw, expected)),
        }
    }
}

fn s3(url: &Url, env: &Env) -> Result<S3Setting, SettingError> {
    let name = "JORNADA_PHOTOS";
    let mut endpoint = None;
    let mut region = env.get_or("AWS_REGION", "us-east-1");
    for (key, value) in url.query_pairs() {
        match &*key {
            "endpoint" => {
                let parsed = Url::parse(&value).ok();
                let parsed = parsed.filter(|url| matches!(url.scheme(), "http" | "https"));
                let wrong = || SettingError::new(name, &value, "endpoint=http://HOST:PORT");
                endpoint = Some(parsed.ok_or_else(wrong)?);
            }
            "region" => region = value.into_owned(),
            other => {
                let expected = "only endpoint and region after the ?";
                return Err(SettingError::new(name, other, expected));
            }
        }
    }
    let bucket = url.host_str().filter(|bucket| bucket.len() >= 3);
    let key = |variable: &str| {
        let expected = "the key of the S3 store in JORNADA_PHOTOS";
        let value = env.get(variable);
        value.ok_or_else(|| SettingError::not_set(variable, expected))
    };
    Ok(S3Setting {
        bucket: bucket
            .ok_or_else(|| SettingError::with_problem(name, "has no bucket", "s3://BUCKET"))?
            .to_owned(),
        endpoint,
        region,
        access_key: key("AWS_ACCESS_KEY_ID")?,
        secret_key: key("AWS_SECRET_ACCESS_KEY")?.into(),
        session_token: env.get("AWS_SESSION_TOKEN").map(Into::into),
    })
}

impl FromEnv for CacheSetting {
    /// Reads `JORNADA_CACHE`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "memory: or redis://HOST:PORT/";
        env.parse_secret("JORNADA_CACHE", "memory:", expected, |raw| {
            match raw.split_once(':') {
                Some(("memory", "")) => Ok(Self::Memory),
                Some(("redis" | "rediss", _)) => Ok(Self::Redis(raw.into())),
                _ => Err("has an unknown scheme"),
            }
        })
    }
}

impl FromEnv for QueueSetting {
    /// Reads `JORNADA_QUEUE`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "direct:, redis://HOST:PORT/[?stream=NAME&group=NAME] or kafka://HOST:PORT,…/TOPIC[?group=NAME]";
        env.parse_secret("JORNADA_QUEUE", "direct:", expected, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_is_the_default() {
        let env = Env::from_pairs(&[]);
        assert!(matches!(
            StoreSetting::from_env(&env),
            Ok(StoreSetting::Sqlite(_))
        ));
        assert!(matches!(
            ObjectStoreSetting::from_env(&env),
            Ok(ObjectStoreSetting::Disk(_))
        ));
        assert!(matches!(
            CacheSetting::from_env(&env),
            Ok(CacheSetting::Memory)
        ));
    }

    #[test]
    fn an_invalid_value_is_reported_with_its_setting() {
        for (name, value) in [
            ("JORNADA_STORE", "postgres://x"),
            ("JORNADA_STORE", "mongodb://host"),
            ("JORNADA_STORE", "mongodb://host/?replicaSet=rs0"),
            ("JORNADA_PHOTOS", "s3://"),
            ("JORNADA_PHOTOS", "s3://bucket?endpoint=nothing"),
            ("JORNADA_PHOTOS", "s3://bucket?endpont=http://x"),
            ("JORNADA_CACHE", "memcached:"),
            ("JORNADA_QUEUE", "kafka://host/votes"),
        ] {
            let env = Env::from_pairs(&[(name, value)]);
            let wrong = [
                StoreSetting::from_env(&env).err(),
                ObjectStoreSetting::from_env(&env).err(),
                CacheSetting::from_env(&env).err(),
                QueueSetting::from_env(&env).err(),
            ];
            let told = wrong.into_iter().flatten().next().expect(value).to_string();
            assert!(told.starts_with(name), "{told}");
        }
    }

    #[test]
    fn s3_needs_its_keys() {
        let env = Env::from_pairs(&[("JORNADA_PHOTOS", "s3://fotos?endpoint=http://127.0.0.1:1")]);
        assert!(
            ObjectStoreSetting::from_env(&env)
                .unwrap_err()
                .to_string()
                .starts_with("AWS_ACCESS_KEY_ID")
        );
    }
}
