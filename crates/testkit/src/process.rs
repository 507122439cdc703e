//! The real binary as a process.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Maximum wait for a line of the log.
const LINE_TIMEOUT: Duration = Duration::from_secs(20);

/// A running process; killed on drop.
pub struct RunningProcess {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl RunningProcess {
    /// Starts a command, and collects its output.
    pub fn start(mut command: Command) -> Self {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect_lines(child.stdout.take().unwrap(), &lines);
        collect_lines(child.stderr.take().unwrap(), &lines);
        Self { child, lines }
    }

    /// Waits for a log line with these words and returns the `http://host:port` that follows.
    pub async fn wait_for_address(&mut self, words: &str) -> String {
        let start = Instant::now();
        while start.elapsed() < LINE_TIMEOUT {
            let found = self.log().iter().find_map(|line| {
                let rest = line.split_once(words)?.1;
                let end = rest.char_indices().filter(|(_, c)| *c == '/').nth(2)?.0;
                Some(rest[..end].to_owned())
            });
            if let Some(address) = found {
                return address;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the process ended with {status}: {:?}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line with '{words}': {:?}", self.log());
    }

    /// Returns all lines of standard output and standard error so far.
    pub fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process exits.
    pub async fn wait_for_exit(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(40),
                "the process does not end"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn collect_lines(output: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            lines.lock().unwrap().push(line);
        }
    });
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
