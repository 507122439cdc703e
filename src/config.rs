//! Settings, read from the environment once, before the first connection. A settings struct is defined in the module
//! that uses it and filled here. An error is one line with the variable, the problem and the expected value.

mod consume;
pub mod env;
mod grpc;
mod hosts;
mod limits;
mod logs;
mod mail;
mod mail_hello;
mod master_keys;
mod proxies;
mod secret;
mod stores;
mod unknown;
mod watch;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

pub use consume::{ConsumeConfig, read_queue};
pub use env::{Env, FromEnv, SettingError};
pub use grpc::GrpcListen;
pub use hosts::{Hosts, is_loopback, read_exempt};
pub use proxies::Proxies;
pub use unknown::log_unknown_settings;
pub use watch::watch_data_folder;

pub use jornada_objects::{MasterKeys, ObjectStoreSetting, S3Setting};
pub use jornada_queue::QueueSetting;
pub use jornada_runtime::cache::CacheSetting;
pub use jornada_runtime::logs::{LogFormat, LogsConfig};
pub use jornada_service::admission::RateLimits;
pub use jornada_service::key::InstallationSecret;
pub use jornada_store::StoreSetting;
pub use jornada_watch::setting::{
    MailConfig, MailTransportSetting, WatchConfig, WatchLinks, WatchRules, WatchedUrl,
};

/// Help text with every setting, its default and its meaning, shown by `jornada --help`.
pub const SETTINGS: &str = "\
Settings (environment, or a .env file in the working folder):
  JORNADA_LISTEN         address of the site                        [127.0.0.1:4000]
  JORNADA_OPS_LISTEN     address of /metrics, /healthz and /readyz  [127.0.0.1:4100]
  JORNADA_GRPC_LISTEN    address of the gRPC API for votes; none; or http: the address of the site
                         [127.0.0.1:4050]
  JORNADA_PUBLIC_URL     public URL of the site, for receipts and report links
                         [taken from each request]
  JORNADA_HOSTS          further host names of the site, comma-separated; or * for any
                         [the host of JORNADA_PUBLIC_URL; without either, any]
  JORNADA_EXEMPT         addresses and networks without rate limits, comma-separated; or none
                         [127.0.0.0/8,::1]
  JORNADA_PROXY          addresses and networks of proxies that may name the client, comma-separated;
                         or none                                    [this machine and private networks]
  JORNADA_FORWARDED      where they name it: 0 for X-Client-Address, as the shipped nginx does, else
                         the place in X-Forwarded-For, counted from the right [0]
  JORNADA_LIMIT_REGISTRATIONS, _CONFLICTS, _REVIEWS, _RECEIPTS, _MISSES  per address, over all
                         instances: burst + rate per minute; the first three per campaign
                         [300+300, 60+10, 10+1, 600+600, 60+10]
  JORNADA_LIMIT_VOTES    votes without a token per address and campaign, on each instance [1000+1000]
  JORNADA_STORE          sqlite:PATH or mongodb://…/DATABASE        [sqlite:data/jornada.db]
  JORNADA_PHOTOS         file:PATH or s3://BUCKET?endpoint=URL&region=NAME, with keys in
                         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY [file:data/photos]
  JORNADA_PHOTO_KEY      64 hexadecimal digits under which photos are encrypted, the same on every
                         instance; or JORNADA_PHOTO_KEY_FILE. Several, comma-separated:
                         the first encrypts, all decrypt
                         [embedded: generated and stored in data/photo-key]
  JORNADA_CACHE          memory: or redis://…                       [memory:]
  JORNADA_QUEUE          where votes wait to be stored: direct: (nowhere), redis://…/[?stream=NAME&group=NAME]
                         or kafka://HOST:PORT,…/TOPIC[?group=NAME]  [direct:]
  JORNADA_CAMPAIGNS      folder of campaign files                   [campaigns]
  JORNADA_SECRET         at least 32 bytes, the same on every instance; or JORNADA_SECRET_FILE
                         [embedded: generated and stored in data/secret]
  JORNADA_INSTANCE       name in logs and metrics                   [host name]
  JORNADA_UPLOAD_MEMORY  memory for uploads in bytes                [268435456]
  JORNADA_MAX_REQUESTS   concurrent requests; above it 503          [2048]
  JORNADA_MAX_CONNECTIONS  concurrent connections; above it the longest idle one is closed [4096]
  JORNADA_PENDING_PHOTOS maximum bytes of photos buffered in the database while the object
                         store is unavailable                       [10737418240]
  JORNADA_ADMIN_TOTP     required: admins must set up a second factor; or optional [optional]
  JORNADA_LOG            filter of log lines, such as info or jornada=debug  [info]
  JORNADA_LOKI           base URL of Loki, which gets all log lines too  [none]
  JORNADA_LOG_FORMAT     text or json                               [text on a terminal, else json]

The role consume reads JORNADA_QUEUE, _STORE, _SECRET, _CAMPAIGNS, _INSTANCE, _OPS_LISTEN and the logs' settings.

The role watch reads JORNADA_CACHE, JORNADA_INSTANCE and these:
  JORNADA_WATCH          operations URLs of the instances, comma-separated; required
  JORNADA_WATCH_ALSO     further URLs to watch, such as nginx's     [none]
  JORNADA_WATCH_LISTEN   address of the status page, /status.json, /metrics and /healthz
                         [127.0.0.1:4200]
  JORNADA_WATCH_DATA     folder of this watcher alone               [data/watch]
  JORNADA_WATCH_EVERY, _TIMEOUT    interval between probes; timeout of one  [2s, 1s]
  JORNADA_WATCH_FAILURES, _SUCCESSES  consecutive, to raise and to resolve an incident  [3, 2]
  JORNADA_WATCH_QUIET    time for which a target must answer before it is back  [10s]
  JORNADA_WATCH_LOST     time for which an address is still watched after its name lost it [1h]
  JORNADA_WATCH_GROUP    incidents that start within this time share a mail  [3s]
  JORNADA_WATCH_REMIND   interval between reminders while a target is down  [4h]
  JORNADA_WATCH_NEUTRAL  HOST:PORT or URL outside the system, to detect that the watcher itself
                         is cut off                                 [none]
  JORNADA_WATCH_URL, _DASHBOARD, _LOGS  links in mails              [none]
  JORNADA_WATCH_ZONE     time zone of mails and the status page     [America/Bogota]
  JORNADA_SMTP           file:FOLDER, smtp://…[?tls=required|opportunistic] or smtps://…
                         [file:data/mail]
  JORNADA_SMTP_CA        PEM file of certificates to accept beside those of the system
  JORNADA_MAIL_FROM      sender address; required with SMTP
  JORNADA_MAIL_TO        recipient addresses, comma-separated; required with SMTP
  JORNADA_MAIL_HELLO     name in EHLO     [full name of the machine, else domain of the sender]";

/// Valid memory for uploads in bytes: from one upload with its form to 1 TiB.
const UPLOAD_MEMORY_RANGE: std::ops::RangeInclusive<u64> = (16 << 20)..=(1 << 40);

const EXPECTED_ADDRESS: &str = "an address and a port, such as 127.0.0.1:4000";

/// Settings of the role `serve`.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// `--read-only`: takes in neither registrations nor votes, and changes nothing for staff.
    pub is_read_only: bool,
    /// `JORNADA_LISTEN`.
    pub listen: SocketAddr,
    /// `JORNADA_OPS_LISTEN`; never exposed to the public.
    pub ops_listen: SocketAddr,
    /// `JORNADA_GRPC_LISTEN`.
    pub grpc_listen: GrpcListen,
    /// `JORNADA_PUBLIC_URL`, without a trailing slash.
    pub public_url: Option<String>,
    /// `JORNADA_HOSTS`, with the host of `JORNADA_PUBLIC_URL`.
    pub hosts: Hosts,
    /// `JORNADA_EXEMPT`: addresses and networks that are exempt from rate limits.
    pub exempt: Vec<IpNet>,
    /// `JORNADA_PROXY` and `JORNADA_FORWARDED`.
    pub proxies: Proxies,
    /// `JORNADA_LIMIT_…`.
    pub limits: RateLimits,
    /// `JORNADA_STORE`.
    pub store: StoreSetting,
    /// `JORNADA_PHOTOS`.
    pub photos: ObjectStoreSetting,
    /// `JORNADA_PHOTO_KEY` or `JORNADA_PHOTO_KEY_FILE`; the same on every instance.
    pub photo_keys: MasterKeys,
    /// `JORNADA_CACHE`.
    pub cache: CacheSetting,
    /// `JORNADA_QUEUE`; the same on every instance and consumer.
    pub queue: QueueSetting,
    /// `JORNADA_CAMPAIGNS`.
    pub campaigns: PathBuf,
    /// `JORNADA_SECRET` or `JORNADA_SECRET_FILE`; the same on every instance.
    pub secret: InstallationSecret,
    /// `JORNADA_INSTANCE`.
    pub instance: String,
    /// `JORNADA_UPLOAD_MEMORY`, in bytes.
    pub upload_memory: u64,
    /// `JORNADA_MAX_REQUESTS`.
    pub max_requests: usize,
    /// `JORNADA_MAX_CONNECTIONS`.
    pub max_connections: usize,
    /// `JORNADA_PENDING_PHOTOS`, in bytes.
    pub pending_photos: u64,
    /// `JORNADA_ADMIN_TOTP`: whether admins must set up a second factor.
    pub admin_totp: bool,
}

impl ServeConfig {
    /// Reads and validates all settings.
    pub fn from_env(env: &Env) -> Result<Self, SettingError> {
        let store = StoreSetting::from_env(env)?;
        let public_url = read_public_url(env)?;
        Ok(Self {
            is_read_only: false,
            listen: env.parse("JORNADA_LISTEN", "127.0.0.1:4000", EXPECTED_ADDRESS)?,
            ops_listen: read_ops_listen(env)?,
            grpc_listen: GrpcListen::from_env(env)?,
            hosts: Hosts::from_env(env, public_url.as_deref())?,
            exempt: read_exempt(env)?,
            proxies: Proxies::from_env(env)?,
            limits: RateLimits::from_env(env)?,
            public_url,
            photos: ObjectStoreSetting::from_env(env)?,
            photo_keys: MasterKeys::from_env(env)?,
            cache: CacheSetting::from_env(env)?,
            queue: QueueSetting::from_env(env)?,
            campaigns: campaigns_folder(env),
            secret: InstallationSecret::from_env(env)?,
            instance: instance_name(env),
            upload_memory: read_upload_memory(env)?,
            max_requests: read_maximum(env, "JORNADA_MAX_REQUESTS", "2048")?,
            max_connections: read_maximum(env, "JORNADA_MAX_CONNECTIONS", "4096")?,
            pending_photos: env.parse(
                "JORNADA_PENDING_PHOTOS",
                "10737418240",
                "a number of bytes, such as 10737418240 (10 GiB)",
            )?,
            admin_totp: read_admin_totp(env)?,
            store,
        })
    }
}

/// Reads `JORNADA_CAMPAIGNS` alone.
pub fn campaigns_folder(env: &Env) -> PathBuf {
    env.get_or("JORNADA_CAMPAIGNS", "campaigns").into()
}

/// Returns the URL of the site: `JORNADA_PUBLIC_URL`, or else one from `JORNADA_LISTEN`.
pub fn site_url(env: &Env) -> Result<String, SettingError> {
    let listen: SocketAddr = env.parse("JORNADA_LISTEN", "127.0.0.1:4000", EXPECTED_ADDRESS)?;
    Ok(read_public_url(env)?.unwrap_or_else(|| format!("http://{listen}")))
}

/// Reads `JORNADA_OPS_LISTEN` alone, for commands that only query the local instance.
pub fn read_ops_listen(env: &Env) -> Result<SocketAddr, SettingError> {
    env.parse("JORNADA_OPS_LISTEN", "127.0.0.1:4100", EXPECTED_ADDRESS)
}

fn read_public_url(env: &Env) -> Result<Option<String>, SettingError> {
    let expected = "a URL without path, such as https://jornada.example.org";
    env.parse_optional("JORNADA_PUBLIC_URL", expected, |raw| {
        let url = Url::parse(raw).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https");
        let is_bare = url.path() == "/" && url.query().is_none();
        (is_http && is_bare).then(|| url.as_str().trim_end_matches('/').to_owned())
    })
}

fn read_admin_totp(env: &Env) -> Result<bool, SettingError> {
    let (name, default) = ("JORNADA_ADMIN_TOTP", "optional");
    env.parse_with(name, default, "required or optional", |raw| match raw {
        "required" => Some(true),
        "optional" => Some(false),
        _ => None,
    })
}

fn read_upload_memory(env: &Env) -> Result<u64, SettingError> {
    let expected = "a number of bytes from 16777216 (one upload) to 1099511627776";
    env.parse_with("JORNADA_UPLOAD_MEMORY", "268435456", expected, |raw| {
        raw.parse()
            .ok()
            .filter(|bytes| UPLOAD_MEMORY_RANGE.contains(bytes))
    })
}

/// Reads a number above zero.
fn read_maximum(env: &Env, name: &str, default: &str) -> Result<usize, SettingError> {
    let number: NonZeroUsize = env.parse(name, default, "a number above 0")?;
    Ok(number.get())
}

/// Returns `JORNADA_INSTANCE`, the name of this process in logs and metrics. Defaults to the host name.
pub fn instance_name(env: &Env) -> String {
    env.get("JORNADA_INSTANCE").unwrap_or_else(host_name)
}

fn host_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "jornada".into())
}
