//! A queue of votes of its own, on the servers of the tests.

use crate::installation::Installation;
use crate::process::RunningProcess;
use crate::servers::{random_name, variable};

/// Which queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueKind {
    Kafka,
    Redis,
}

/// A running `jornada consume`; killed on drop.
pub struct RunningConsumer {
    pub process: RunningProcess,
    pub ops: String,
}

impl QueueKind {
    /// Returns a value of `JORNADA_QUEUE` with a new name.
    pub fn new_url(self) -> String {
        self.url_at(&self.address())
    }

    /// Returns a value of `JORNADA_QUEUE` with a new name on this server.
    pub fn url_at(self, address: &str) -> String {
        let name = random_name();
        match self {
            Self::Kafka => format!("kafka://{address}/votes-{name}?group=group-{name}"),
            Self::Redis => format!("redis://{address}/?stream=votes-{name}"),
        }
    }

    /// Returns host and port of the server.
    pub fn address(self) -> String {
        match self {
            Self::Kafka => variable("JORNADA_TEST_KAFKA"),
            Self::Redis => {
                let url = variable("JORNADA_TEST_REDIS_QUEUE");
                let url = url.trim_start_matches("redis://");
                url.trim_end_matches('/').to_owned()
            }
        }
    }
}

impl Installation {
    /// Sets and creates a queue.
    pub fn create_queue(&mut self, url: &str) {
        self.set("JORNADA_QUEUE", url);
        let create = self.command(&["queue", "create", "--partitions", "3"]);
        run(create);
    }

    /// Starts a consumer.
    pub async fn start_consumer(&self) -> RunningConsumer {
        let mut process = RunningProcess::start(self.command(&["consume"]));
        let ops = process.wait_for_address("readiness are at ").await;
        RunningConsumer { process, ops }
    }

    /// Runs a command to its end, and returns its output. Panics if it fails.
    pub fn run(&self, arguments: &[&str]) -> String {
        run(self.command(arguments))
    }
}

fn run(mut command: std::process::Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
