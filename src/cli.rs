//! Commands of the binary.

mod admin_context;
mod audit;
mod backup;
mod campaign;
mod consume;
mod dead_letters;
mod disputes;
mod erased;
mod file_limit;
mod health;
mod load;
mod maintenance_context;
mod person;
mod photos;
mod queue;
mod role;
mod serve;
mod shutdown;
mod staff;
mod store;
mod sweep;
mod token;
mod votes;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::config::{Env, SETTINGS};

/// Registrations with photos for events of a town: public forms, lists for the staff, live totals for everyone.
#[derive(Debug, Parser)]
#[command(version, after_help = SETTINGS)]
pub struct Command {
    #[command(subcommand)]
    command: Option<CliCommand>,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve the site (default)
    Serve(serve::ServeArgs),
    /// Take votes from the queue into the store
    Consume,
    /// Create the queue of votes, or show what waits in it
    #[command(subcommand)]
    Queue(queue::QueueCommand),
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
    /// Back up MongoDB and the photos, while the site runs
    Backup(backup::BackupArgs),
    /// Verify a backup and restore it. Stop all instances and consumers first
    Restore(backup::RestoreArgs),
    /// Check the version of the stored data
    #[command(subcommand)]
    Store(store::StoreCommand),
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
    /// Import, export or erase the votes of a campaign
    #[command(subcommand)]
    Votes(votes::VotesCommand),
    /// List, show, replay or drop records of the vote queue that cannot become a vote
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
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
        match self
            .command
            .unwrap_or(CliCommand::Serve(serve::ServeArgs::default()))
        {
            CliCommand::Serve(args) => serve::run(env, args),
            CliCommand::Consume => consume::run(env),
            CliCommand::Queue(command) => queue::run(env, &command),
            CliCommand::Health => health::check(env),
            CliCommand::Campaign(CampaignCommand::Check { files }) => campaign::check(&files),
            CliCommand::Token(TokenCommand::New(wanted)) => token::create(env, &wanted),
            CliCommand::Staff(command) => staff::run(env, command),
            CliCommand::Audit(command) => audit::run(env, command),
            CliCommand::Backup(args) => backup::backup(env, &args),
            CliCommand::Restore(args) => backup::restore(env, &args),
            CliCommand::Store(command) => store::run(env, command),
            CliCommand::Watch(args) => watch::run(env, args),
            CliCommand::Photos(command) => photos::run(env, &command),
            CliCommand::Sweep(args) => sweep::run(env, &args),
            CliCommand::Erase(args) => person::erase(env, &args),
            CliCommand::Erased(command) => erased::run(env, &command),
            CliCommand::Export(args) => person::export(env, &args),
            CliCommand::Votes(command) => votes::run(env, &command),
            CliCommand::DeadLetters(command) => dead_letters::run(env, &command),
            CliCommand::Load(command) => load::run(env, command),
        }
    }
}
