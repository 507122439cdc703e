//! Commands of the binary.

mod archive;
mod audit;
mod campaign;
mod end;
mod erased;
mod files;
mod health;
mod load;
mod office;
mod person;
mod photos;
mod serve;
mod staff;
mod sweep;
mod token;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Env, SETTINGS};

/// Registrations with photos for events of a town: public forms, lists for the staff, live totals for everyone.
#[derive(Debug, Parser)]
#[command(version, after_help = SETTINGS)]
pub struct Command {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve the site (default)
    Serve,
    /// Exit with 0 if the instance on this machine is alive
    Health,
    /// Check campaign files
    #[command(subcommand)]
    Campaign(CampaignCommand),
    /// Create API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Manage staff accounts
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Verify or export the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Watch the instances and mail the administrator when one goes down or comes back
    Watch(watch::WatchArgs),
    /// Re-encrypt photos after a change of keys
    #[command(subcommand)]
    Photos(photos::PhotosCommand),
    /// Delete expired registrations and photos, and orphaned data (instances do so daily)
    Sweep(sweep::SweepArgs),
    /// Erase the registration and photo of one person
    Erase(person::EraseArgs),
    /// Re-apply erasures after restoring an older backup
    #[command(subcommand)]
    Erased(erased::ErasedCommand),
    /// Export all data about one person into a ZIP file
    Export(person::ExportArgs),
    /// Load-test a site with invented people and verify that nothing is lost
    #[command(subcommand)]
    Load(load::LoadCommand),
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Print file, line and field of every error
    Check {
        /// Campaign files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print a new token on standard output; it is not shown again
    New(token::NewToken),
}

impl Command {
    /// Runs the selected command, `serve` by default.
    pub fn run(self, env: &Env) -> anyhow::Result<()> {
        match self.role.unwrap_or(Role::Serve) {
            Role::Serve => serve::run(env),
            Role::Health => health::check(env),
            Role::Campaign(CampaignCommand::Check { files }) => campaign::check(&files),
            Role::Token(TokenCommand::New(wanted)) => token::new(env, &wanted),
            Role::Staff(command) => staff::play(env, command),
            Role::Audit(command) => audit::play(env, command),
            Role::Watch(args) => watch::play(env, args),
            Role::Photos(command) => photos::play(env, &command),
            Role::Sweep(args) => sweep::play(env, &args),
            Role::Erase(args) => person::erase(env, &args),
            Role::Erased(command) => erased::play(env, &command),
            Role::Export(args) => person::export(env, &args),
            Role::Load(command) => load::play(env, command),
        }
    }
}
