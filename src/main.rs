//! Jornada's binary: reads the command and the settings, runs the command.

use std::process::ExitCode;

use clap::Parser;
use jornada::cli::Command;
use jornada::config::Env;
use tikv_jemallocator::Jemalloc;

/// Shares the work of many threads out better than the allocator of glibc; its settings are in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let command = Command::parse();
    let played = Env::read()
        .map_err(Into::into)
        .and_then(|env| command.run(&env));
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jornada: {error:#}");
            ExitCode::FAILURE
        }
    }
}
