//! A server process that a test starts and stops.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jornada_testkit::instance::DEFAULT_TIMEOUT;

/// One running server.
pub struct Process {
    child: Child,
    /// `http://host:port` of its web interface.
    pub base: String,
}

impl Process {
    /// Starts the command with its output in a file of `folder` and waits until `address` answers.
    pub async fn start(
        folder: &Path,
        address: std::net::SocketAddr,
        command: &mut Command,
    ) -> Self {
        let name = command.get_program().to_string_lossy().replace('/', "-");
        let log = folder.join(format!("{name}-{}.log", address.port()));
        let child = command
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap_or_else(|_| panic!("{name}: run `bash test.sh`, which installs it"));
        let mut process = Self {
            child,
            base: format!("http://{address}"),
        };
        let start = Instant::now();
        while reqwest::get(&process.base).await.is_err() {
            let ended = process.child.try_wait().unwrap().is_some();
            let output = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(
                !ended && start.elapsed() < DEFAULT_TIMEOUT,
                "{name} does not answer: {}",
                output()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        process
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
