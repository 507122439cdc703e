//! `jornada token new`: a token for someone of the staff.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, ensure};
use jiff::Timestamp;

use crate::config::{Env, StoreSetting};
use crate::domain::staff::{ApiToken, Reach, Scopes};
use crate::staff::token::{Token, is_name};
use crate::store::Store;

/// Makes a token, keeps its hash in the store and prints it.
pub(super) fn new(env: &Env, name: &str) -> anyhow::Result<()> {
    let name = name.trim();
    ensure!(
        is_name(name),
        "NAME: expected 1 to 100 bytes without control characters"
    );
    let setting = StoreSetting::from_env(env)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let token = runtime.block_on(async {
        let store = Store::open(&setting).await.context("JORNADA_STORE")?;
        make(&store, name).await
    })?;
    println!("{}", token.expose());
    Ok(())
}

/// Makes a token and keeps its hash.
pub(super) async fn make(store: &Store, name: &str) -> anyhow::Result<Token> {
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
pub(super) async fn make_once(store: &Store, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let token = make(store, "first start").await?;
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
