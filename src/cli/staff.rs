//! `jornada staff`: manages accounts from the command line, such as the first one.

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use jiff::Timestamp;

use super::office::{Office, run};
use crate::campaigns::Campaigns;
use crate::config::{Env, site};
use crate::domain::staff::audit::{self, Action, Deed};
use crate::domain::staff::{Account, Mail, Reach, Role};
use crate::staff::accounts::{add, close, invite, vacancy};
use crate::staff::places;
use crate::staff::token::Token;
use crate::store::Store;
use crate::web::staff::accounts::address;

const CLOSED: &str = "EMAIL: this account is closed";

#[derive(Debug, Subcommand)]
pub(super) enum StaffCommand {
    /// Add an account and print a link on standard output that sets its password, once, within 48 hours
    Add {
        /// Mail address for login
        email: String,
        /// viewer: totals; clerk: search, view, correct, report; admin: everything
        #[arg(long, value_parser = role)]
        role: Role,
        /// City to which a clerk is limited; repeatable
        #[arg(long = "place")]
        places: Vec<String>,
    },
    /// List the accounts
    List,
    /// Close an account and end its sessions
    Close {
        /// Mail address of the account
        email: String,
    },
    /// Print a new link to set the password; earlier links expire
    Link {
        /// Mail address of the account
        email: String,
        /// Also disable the second factor, for a lost phone
        #[arg(long)]
        lost_second: bool,
    },
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| "expected viewer, clerk or admin".to_owned())
}

/// Runs the command.
pub(super) fn play(env: &Env, command: StaffCommand) -> anyhow::Result<()> {
    run(async {
        let office = Office::open(env).await?;
        match command {
            StaffCommand::Add {
                email,
                role,
                places,
            } => add_one(env, &office, &email, role, &places).await,
            StaffCommand::List => list(&office.store).await,
            StaffCommand::Close { email } => close_one(&office, &email).await,
            StaffCommand::Link { email, lost_second } => {
                new_link(env, &office, &email, lost_second).await
            }
        }
    })
}

async fn add_one(
    env: &Env,
    office: &Office,
    email: &str,
    role: Role,
    names: &[String],
) -> anyhow::Result<()> {
    let mail = Mail::parse(email).context("EMAIL: expected an address such as ana@example.org")?;
    if !names.is_empty() && role != Role::Clerk {
        bail!("--place: only a clerk can be limited to places");
    }
    let reach = reach(env, names)?;
    let known =
        "EMAIL: an account with this address exists (create a new link with jornada staff link)";
    let store = &office.store;
    let id = vacancy(store, &mail).await?.context(known)?;
    office
        .note(audit::assigned(Action::AccountAdded, id, role, &reach))
        .await?;
    let added = add(store, id, &mail, role, &reach, Timestamp::now()).await?;
    let link = added.context(known)?;
    for place in reach.places() {
        eprintln!("limited to: {place}");
    }
    print_link(env, &link)
}

/// Resolves the values of `--place`. None means all places.
pub(super) fn reach(env: &Env, names: &[String]) -> anyhow::Result<Reach> {
    if names.is_empty() {
        return Ok(Reach::all());
    }
    let campaigns = Campaigns::read(env.or("JORNADA_CAMPAIGNS", "campaigns").as_ref())?;
    let read = places::read(&campaigns, names);
    read.map_err(|name| anyhow::anyhow!("--place: no campaign has a place '{name}'"))
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for account in store.accounts().await? {
        let state = match (&account.closed_at, &account.password) {
            (Some(_), _) => "closed",
            (None, None) => "invited",
            (None, Some(_)) => "active",
        };
        let second = if account.second.is_some() {
            "totp"
        } else {
            "-"
        };
        let places = account.reach.places().join(", ");
        let (mail, role) = (&account.mail, account.role.name());
        println!("{mail}\t{role}\t{state}\t{second}\t{places}");
    }
    Ok(())
}

async fn close_one(office: &Office, email: &str) -> anyhow::Result<()> {
    let account = known_open(&office.store, email).await?;
    office.note(about(Action::AccountClosed, &account)).await?;
    close(&office.store, account.id, Timestamp::now()).await?;
    Ok(())
}

async fn new_link(
    env: &Env,
    office: &Office,
    email: &str,
    lost_second: bool,
) -> anyhow::Result<()> {
    let account = known_open(&office.store, email).await?;
    let deed = about(Action::AccountLink, &account).with("lost_second", lost_second);
    office.note(deed).await?;
    let link = invite(&office.store, account.id, lost_second, Timestamp::now()).await?;
    print_link(env, &link.context(CLOSED)?)
}

fn about(action: Action, account: &Account) -> Deed {
    Deed::of(action).to(audit::account(account.id))
}

async fn known_open(store: &Store, email: &str) -> anyhow::Result<Account> {
    let mail = Mail::parse(email).context("EMAIL: expected an address such as ana@example.org")?;
    let account = store.account_of(&mail).await?;
    let account =
        account.context("EMAIL: no account with this address (see jornada staff list)")?;
    ensure!(account.is_open(), CLOSED);
    Ok(account)
}

fn print_link(env: &Env, link: &Token) -> anyhow::Result<()> {
    println!("{}", address(&site(env)?, link));
    Ok(())
}
