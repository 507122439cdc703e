//! `jornada token new`: creates an API token.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::office::{Office, run};
use super::staff::reach;
use crate::config::Env;
use crate::domain::staff::audit::{self, Doer, Note};
use crate::domain::staff::{ApiToken, Reach, Scope, Scopes};
use crate::staff::Audit;
use crate::staff::token::{Token, is_name};
use crate::store::Store;

/// Maximum validity of a token in days.
const MOST_DAYS: u32 = 3_650;

#[derive(Debug, Args)]
pub(super) struct NewToken {
    /// Purpose, such as a program or an office. Stored in the audit log, so no names of people
    name: String,
    /// report (lists and their photos) or chart (totals); repeatable; all by default
    #[arg(long = "scope", value_parser = scope)]
    scopes: Vec<Scope>,
    /// City to which the token is limited; repeatable
    #[arg(long = "place")]
    places: Vec<String>,
    /// Validity in days; unlimited by default
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DAYS)))]
    days: Option<u32>,
}

fn scope(name: &str) -> Result<Scope, String> {
    Scope::parse(name).ok_or_else(|| "expected report or chart".to_owned())
}

/// Creates a token, stores its hash and prints it.
pub(super) fn new(env: &Env, wanted: &NewToken) -> anyhow::Result<()> {
    let name = wanted.name.trim();
    ensure!(
        is_name(name),
        "NAME: expected 1 to 100 bytes without control characters"
    );
    let token = generate()?;
    let unlimited = unlimited(&token, name);
    let kept = ApiToken {
        scopes: match &*wanted.scopes {
            [] => Scopes::ALL,
            scopes => Scopes::of(scopes),
        },
        reach: reach(env, &wanted.places)?,
        expires_at: wanted
            .days
            .map(|days| unlimited.created_at + days_long(days)),
        ..unlimited
    };
    run(async {
        let office = Office::open(env).await?;
        office.note(audit::token_made(&kept)).await?;
        keep(&office.store, &kept).await
    })?;
    println!("{}", token.expose());
    Ok(())
}

fn generate() -> anyhow::Result<Token> {
    Token::generate().map_err(|error| anyhow::anyhow!("cannot get random bytes: {error}"))
}

fn days_long(days: u32) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}

/// Creates a token with all scopes and places and no expiry.
fn unlimited(token: &Token, name: &str) -> ApiToken {
    ApiToken {
        hash: token.hash(),
        name: name.to_owned(),
        scopes: Scopes::ALL,
        reach: Reach::all(),
        created_at: Timestamp::now(),
        expires_at: None,
        revoked_at: None,
    }
}

async fn keep(store: &Store, kept: &ApiToken) -> anyhow::Result<()> {
    store
        .add_token(kept)
        .await
        .context("cannot store the token")
}

/// Embedded mode: creates the first token and stores it in a file that only the owner can read.
pub(super) async fn make_once(store: &Store, audit: &Audit, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let token = generate()?;
    let kept = unlimited(&token, "first start");
    let note = Note::by(Doer::System, audit::token_made(&kept), Timestamp::now());
    audit.write(store, note).await?;
    keep(store, &kept).await?;
    let cannot = || format!("cannot write {}", path.display());
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(cannot)?;
    writeln!(file, "{}", token.expose()).with_context(cannot)?;
    file.sync_all().with_context(cannot)
}
