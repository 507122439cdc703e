//! The roles of the binary.

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

/// Takes in what a whole town sends on one day: registrations with a photo, lists for the staff, totals for everyone.
#[derive(Debug, Parser)]
#[command(version, after_help = SETTINGS)]
pub struct Command {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serves the site (the default).
    Serve,
    /// Tells by its exit code whether the instance on this machine lives.
    Health,
    /// Checks campaign files.
    #[command(subcommand)]
    Campaign(CampaignCommand),
    /// Makes tokens for programs of the staff.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Adds, lists and closes accounts of the staff.
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Verifies the record of who looked at what, and prints it.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Watches the instances, and mails the administrator when one stops answering and when it is back.
    Watch(watch::WatchArgs),
    /// Keeps the photos sealed under the keys that are set.
    #[command(subcommand)]
    Photos(photos::PhotosCommand),
    /// Erases registrations and photos whose time is over, and what belongs to nobody; an instance does so every day.
    Sweep(sweep::SweepArgs),
    /// Erases one person's registration and photo.
    Erase(person::EraseArgs),
    /// Keeps whom people had erased from coming back with an older backup.
    #[command(subcommand)]
    Erased(erased::ErasedCommand),
    /// Writes all that is kept of one person into a zip file.
    Export(person::ExportArgs),
    /// Loads a site with invented people, and proves that nothing of it was lost.
    #[command(subcommand)]
    Load(load::LoadCommand),
}

#[derive(Debug, Subcommand)]
enum CampaignCommand {
    /// Names file, line and field of every mistake.
    Check {
        /// Campaign files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Prints a new token, alone, on standard output; it is not shown again.
    New(token::NewToken),
}

impl Command {
    /// Plays the role that was asked for.
    ///
    /// # Errors
    /// Whatever stopped it, in words for the operator.
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
