//! `jornada token new`: a token for someone of the staff.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use jiff::Timestamp;

use super::office::{Office, run};
use crate::config::Env;
use crate::domain::staff::audit::{self, Action, Deed, Doer, Note};
use crate::domain::staff::{ApiToken, Reach, Scopes};
use crate::staff::Audit;
use crate::staff::token::{Token, is_name};
use crate::store::Store;

/// Makes a token, keeps its hash in the store and prints it.
pub(super) fn new(env: &Env, name: &str) -> anyhow::Result<()> {
    let name = name.trim();
    ensure!(
        is_name(name),
        "NAME: expected 1 to 100 bytes without control characters"
    );
    let token = run(async {
        let office = Office::open(env).await?;
        office.note(made(name)).await?;
        make(&office.store, name).await
    })?;
    println!("{}", token.expose());
    Ok(())
}

fn made(name: &str) -> Deed {
    let deed = Deed::of(Action::TokenMade).to(audit::token(name));
    deed.with("scopes", Scopes::ALL.written())
}

/// Makes a token and keeps its hash.
async fn make(store: &Store, name: &str) -> anyhow::Result<Token> {
    let token = Token::generate().map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let kept = ApiToken {
        hash: token.hash(),
        name: name.to_owned(),
        scopes: Scopes::ALL,
        reach: Reach::all(),
        created_at: Timestamp::now(),
        expires_at: None,
        revoked_at: None,
    };
    let adding = store.add_token(&kept);
    adding.await.context("cannot keep the token")?;
    Ok(token)
}

/// Embedded mode: makes the first token once and leaves it in a file that only the owner reads.
pub(super) async fn make_once(store: &Store, audit: &Audit, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let name = "first start";
    let note = Note::by(Doer::System, made(name), Timestamp::now());
    audit.write(store, note).await?;
    let token = make(store, name).await?;
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
