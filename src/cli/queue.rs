//! `jornada queue`: creates the queue of votes, and shows what waits in it.

use anyhow::{Context, ensure};
use clap::{Subcommand, value_parser};

use super::admin_context::block_on;
use crate::config::{Env, read_queue};
use jornada_queue::{Observer, create_queue};

#[derive(Debug, Subcommand)]
pub(super) enum QueueCommand {
    /// Create the topic of Kafka, or the stream of Redis with its group. Safe to repeat
    Create {
        /// Partitions of the topic: at most so many consumers read at the same time
        #[arg(long, default_value_t = 6, value_parser = value_parser!(i32).range(1..=1_000))]
        partitions: i32,
        /// Brokers that keep each record
        #[arg(long, default_value_t = 1, value_parser = value_parser!(i32).range(1..=9))]
        replicas: i32,
    },
    /// Show how many votes wait to be stored, for how long, and how many consumers read
    Status,
}

/// Runs the command.
pub(super) fn run(env: &Env, command: &QueueCommand) -> anyhow::Result<()> {
    let setting = read_queue(env)?;
    block_on(async {
        match command {
            QueueCommand::Create {
                partitions,
                replicas,
            } => {
                let created = create_queue(&setting, *partitions, *replicas).await;
                let is_new = created.context("JORNADA_QUEUE")?;
                println!("{}", if is_new { "created" } else { "exists" });
            }
            QueueCommand::Status => {
                let observer = Observer::open(&setting).context("JORNADA_QUEUE")?;
                let observer = observer.context("JORNADA_QUEUE")?;
                let state = observer.state().await.context("JORNADA_QUEUE")?;
                println!("votes that are not stored: {}", state.lag);
                match state.oldest_age {
                    Some(age) => println!("age of the oldest: {} s", age.as_secs()),
                    None => println!("age of the oldest: unknown"),
                }
                println!("consumers: {}", state.consumers);
                ensure!(
                    state.lag == 0 || state.consumers > 0,
                    "votes wait and no consumer reads: start one with: jornada consume"
                );
            }
        }
        Ok(())
    })
}
