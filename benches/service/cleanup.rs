//! Cleans up the servers after a measurement.

use anyhow::{Context, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use jornada_testkit::instance::Installation;

/// Deletes the database, photos and totals of an installation.
pub async fn clean_up(installation: &Installation) -> Result<()> {
    let setting = |name: &str| {
        let found = installation
            .settings
            .iter()
            .find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let Some(cache) = setting("JORNADA_CACHE") else {
        return Ok(());
    };
    let store = setting("JORNADA_STORE").context("no store")?;
    let store = mongodb::Client::with_uri_str(store).await?;
    store
        .default_database()
        .context("no database")?
        .drop()
        .await?;
    let mut cache = redis::Client::open(cache)?
        .get_multiplexed_async_connection()
        .await?;
    let totals = format!("jornada:{{{}}}:*", installation.campaign);
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(totals)
        .query_async(&mut cache)
        .await?;
    if !keys.is_empty() {
        let () = redis::cmd("DEL").arg(keys).query_async(&mut cache).await?;
    }
    let key = setting("AWS_ACCESS_KEY_ID").context("no key")?;
    let secret = setting("AWS_SECRET_ACCESS_KEY").context("no key")?;
    let photos = setting("JORNADA_PHOTOS").context("no photos")?;
    delete_photos(
        photos,
        Credentials::new(key, secret, None, None, "bench"),
        &installation.campaign,
    )
    .await
}

async fn delete_photos(setting: &str, keys: Credentials, campaign: &str) -> Result<()> {
    let setting = url::Url::parse(setting)?;
    let endpoint = setting.query_pairs().find(|(name, _)| name == "endpoint");
    let (_, endpoint) = endpoint.context("no endpoint")?;
    let bucket = setting.host_str().context("no bucket")?;
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .credentials_provider(keys)
        .endpoint_url(endpoint)
        .force_path_style(true);
    let client = Client::from_conf(config.build());
    loop {
        let list = client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(format!("{campaign}/"));
        let objects = list.send().await?;
        let keys = objects.contents().iter().filter_map(|object| object.key());
        let objects = keys.map(|key| ObjectIdentifier::builder().key(key).build());
        let objects = objects.collect::<Result<Vec<_>, _>>()?;
        if objects.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()?;
        client
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await?;
    }
}
