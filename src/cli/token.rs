//! `jornada token new`: creates an API token.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::admin_context::{AdminContext, block_on};
use super::staff::parse_place_scope;
use crate::config::Env;
use jornada_domain::staff::audit::{self, AuditRecord, SystemActor};
use jornada_domain::staff::{ApiToken, PlaceScope, Scope, Scopes};
use jornada_service::staff::AuditLog;
use jornada_service::staff::token::{Token, is_valid_name};
use jornada_store::Store;

/// Maximum validity of a token in days.
const MAX_DAYS: u32 = 3_650;

#[derive(Debug, Args)]
pub(super) struct NewToken {
    /// Purpose, such as a program or an office. Stored in the audit log, so no names of people
    name: String,
    /// report (lists and their photos), chart (totals), votes (sending votes) or votes:read (reading single votes);
    /// repeatable; all by default
    #[arg(long = "scope", value_parser = parse_scope)]
    scopes: Vec<Scope>,
    /// City to which the token is limited, then without the scope votes; repeatable
    #[arg(long = "place")]
    places: Vec<String>,
    /// Validity in days; unlimited by default
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DAYS)))]
    days: Option<u32>,
}

fn parse_scope(name: &str) -> Result<Scope, String> {
    name.parse()
        .map_err(|_| "expected report, chart, votes or votes:read".to_owned())
}

/// Creates a token, stores its hash and prints it.
pub(super) fn create(env: &Env, args: &NewToken) -> anyhow::Result<()> {
    let name = args.name.trim();
    ensure!(
        is_valid_name(name),
        "NAME: expected 1 to 100 bytes without control characters"
    );
    ensure!(
        args.places.is_empty() || !args.scopes.contains(&Scope::Votes),
        "--place: a token of the scope votes cannot be limited to cities"
    );
    let token = generate_token()?;
    block_on(async {
        let admin = AdminContext::open(env).await?;
        let unlimited = unlimited_token(&token, name);
        let duration = |days| SignedDuration::from_hours(24 * i64::from(days));
        let record = ApiToken {
            scopes: match &*args.scopes {
                [] => Scopes {
                    votes: args.places.is_empty(),
                    ..Scopes::ALL
                },
                scopes => Scopes::new(scopes),
            },
            place_scope: parse_place_scope(env, &admin.store, &args.places).await?,
            expires_at: args.days.map(|days| unlimited.created_at + duration(days)),
            ..unlimited
        };
        admin.record(audit::token_created(&record)).await?;
        store_token(&admin.store, &record).await
    })?;
    println!("{}", token.expose());
    Ok(())
}

fn generate_token() -> anyhow::Result<Token> {
    Token::generate().map_err(|error| anyhow::anyhow!("cannot get random bytes: {error}"))
}

/// Creates a token with all scopes and places and no expiry.
fn unlimited_token(token: &Token, name: &str) -> ApiToken {
    ApiToken {
        hash: token.hash(),
        name: name.to_owned(),
        scopes: Scopes::ALL,
        place_scope: PlaceScope::all(),
        created_at: Timestamp::now(),
        expires_at: None,
        revoked_at: None,
    }
}

async fn store_token(store: &Store, record: &ApiToken) -> anyhow::Result<()> {
    let stored = store.add_token(record).await;
    stored.context("cannot store the token")
}

/// Embedded mode: creates the first token and stores it in a file that only the owner can read.
pub(super) async fn create_first_token(
    store: &Store,
    audit: &AuditLog,
    path: &Path,
) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let token = generate_token()?;
    let record = unlimited_token(&token, "first start");
    let (event, now) = (audit::token_created(&record), Timestamp::now());
    let entry = AuditRecord::from_system(SystemActor::System, event, now);
    audit.write(store, entry).await?;
    store_token(store, &record).await?;
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
