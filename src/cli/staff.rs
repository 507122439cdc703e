//! `jornada staff`: manages accounts from the command line, such as the first one.

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use jiff::Timestamp;

use super::admin_context::{AdminContext, block_on};
use crate::config::{Env, campaigns_folder, site_url};
use crate::web::staff::accounts::password_link_url;
use jornada_domain::staff::audit::{self, AuditAction, AuditEvent};
use jornada_domain::staff::{Account, EmailAddress, PlaceScope, Role};
use jornada_service::campaigns::Campaigns;
use jornada_service::staff::accounts::{self, find_vacant_id, issue_link};
use jornada_service::staff::place_scope;
use jornada_service::staff::token::Token;
use jornada_store::Store;

const CLOSED: &str = "EMAIL: this account is closed";

#[derive(Debug, Subcommand)]
pub(super) enum StaffCommand {
    /// Add an account and print a link on standard output that sets its password, once, within 48 hours
    Add {
        /// Mail address for login
        email: String,
        /// viewer: totals; clerk: search, view, correct, report; admin: everything
        #[arg(long, value_parser = parse_role)]
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

fn parse_role(name: &str) -> Result<Role, String> {
    name.parse()
        .map_err(|_| "expected viewer, clerk or admin".to_owned())
}

fn parse_email(email: &str) -> anyhow::Result<EmailAddress> {
    EmailAddress::parse(email).context("EMAIL: expected an address such as ana@example.org")
}

/// Runs the command.
pub(super) fn run(env: &Env, command: StaffCommand) -> anyhow::Result<()> {
    block_on(async {
        let admin = AdminContext::open(env).await?;
        match command {
            StaffCommand::Add {
                email,
                role,
                places,
            } => add_account(env, &admin, &email, role, &places).await,
            StaffCommand::List => list_accounts(&admin.store).await,
            StaffCommand::Close { email } => close_account(&admin, &email).await,
            StaffCommand::Link { email, lost_second } => {
                create_link(env, &admin, &email, lost_second).await
            }
        }
    })
}

async fn add_account(
    env: &Env,
    admin: &AdminContext,
    email: &str,
    role: Role,
    names: &[String],
) -> anyhow::Result<()> {
    let mail = parse_email(email)?;
    if !names.is_empty() && role != Role::Clerk {
        bail!("--place: only a clerk can be limited to places");
    }
    let known =
        "EMAIL: an account with this address exists (create a new link with jornada staff link)";
    let store = &admin.store;
    let place_scope = parse_place_scope(env, store, names).await?;
    let id = find_vacant_id(store, &mail).await?.context(known)?;
    let event = audit::role_assigned(AuditAction::AccountAdded, id, role, &place_scope);
    admin.record(event).await?;
    let now = Timestamp::now();
    let added = accounts::add_account(store, id, &mail, role, &place_scope, now).await?;
    let link = added.context(known)?;
    for place in place_scope.places() {
        eprintln!("limited to: {place}");
    }
    print_link(env, &link)
}

/// Resolves the values of `--place`. None means all places.
pub(super) async fn parse_place_scope(
    env: &Env,
    store: &Store,
    names: &[String],
) -> anyhow::Result<PlaceScope> {
    if names.is_empty() {
        return Ok(PlaceScope::all());
    }
    let campaigns = Campaigns::read(&campaigns_folder(env))?;
    let read = place_scope::parse(store, &campaigns, names).await;
    read.context("--place")
}

async fn list_accounts(store: &Store) -> anyhow::Result<()> {
    for account in store.accounts().await? {
        let state = match (&account.closed_at, &account.password) {
            (Some(_), _) => "closed",
            (None, None) => "invited",
            (None, Some(_)) => "active",
        };
        let second = account.second_factor.as_ref().map_or("-", |_| "totp");
        let places = account.place_scope.places().join(", ");
        let (mail, role) = (&account.email, account.role);
        println!("{mail}\t{role}\t{state}\t{second}\t{places}");
    }
    Ok(())
}

async fn close_account(admin: &AdminContext, email: &str) -> anyhow::Result<()> {
    let account = find_open_account(&admin.store, email).await?;
    let event = audit_event(AuditAction::AccountClosed, &account);
    admin.record(event).await?;
    accounts::close_account(&admin.store, account.id, Timestamp::now()).await?;
    Ok(())
}

async fn create_link(
    env: &Env,
    admin: &AdminContext,
    email: &str,
    lost_second: bool,
) -> anyhow::Result<()> {
    let account = find_open_account(&admin.store, email).await?;
    let event =
        audit_event(AuditAction::AccountLink, &account).with_detail("lost_second", lost_second);
    admin.record(event).await?;
    let link = issue_link(&admin.store, account.id, lost_second, Timestamp::now()).await?;
    print_link(env, &link.context(CLOSED)?)
}

fn audit_event(action: AuditAction, account: &Account) -> AuditEvent {
    AuditEvent::new(action).with_subject(audit::account_subject(account.id))
}

async fn find_open_account(store: &Store, email: &str) -> anyhow::Result<Account> {
    let account = store.account_by_email(&parse_email(email)?).await?;
    let account =
        account.context("EMAIL: no account with this address (see jornada staff list)")?;
    ensure!(account.is_open(), CLOSED);
    Ok(account)
}

fn print_link(env: &Env, link: &Token) -> anyhow::Result<()> {
    println!("{}", password_link_url(&site_url(env)?, link));
    Ok(())
}
