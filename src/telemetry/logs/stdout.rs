//! Standard output behind a queue and a thread: a slow or stopped reader never blocks a request.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tracing::warn;

use super::Dropped;

/// Maximum number of queued bytes; further lines are dropped.
const MOST_BYTES: usize = 4 << 20;
/// Overhead per line in bytes: its vector and its queue slot.
const LINE_EXTRA: usize = 64;
/// Pause of the thread after writing: waking it for each line would cost the requests more than the line itself.
const REST: Duration = Duration::from_millis(10);
/// Timeout for the remaining lines at shutdown.
const LAST_LINES: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// Answered once all earlier lines are written.
    End(Sender<()>),
}

/// Queues complete lines; never blocks.
pub(super) struct Writer {
    lines: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    dropped: Dropped,
}

/// Writes the queued lines when dropped.
#[derive(Debug)]
pub(super) struct Output(Sender<Message>);

/// Starts the writing thread.
pub(super) fn start(dropped: Dropped) -> io::Result<(Writer, Output)> {
    let (sender, lines) = channel();
    let writer = Writer {
        lines: sender.clone(),
        waiting: Arc::default(),
        dropped: dropped.clone(),
    };
    let waiting = writer.waiting.clone();
    std::thread::Builder::new()
        .name("stdout".into())
        .spawn(move || write_all(&lines, &waiting, &dropped))?;
    Ok((writer, Output(sender)))
}

/// `tracing_subscriber` calls this once per line with the whole line.
impl Write for &Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let bytes = line.len() + LINE_EXTRA;
        let waiting = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let has_room = waiting + bytes <= MOST_BYTES;
        if !has_room || self.lines.send(Message::Line(line.to_vec())).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped.stdout_full.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until all senders are gone. Lines that cannot be written (closed pipe) are lost, since there is nowhere to
/// report them.
fn write_all(lines: &Receiver<Message>, waiting: &AtomicUsize, dropped: &Dropped) {
    let mut output = BufWriter::with_capacity(64 << 10, io::stdout());
    let mut told = 0;
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => {
                    output.write_all(&line).ok();
                    waiting.fetch_sub(line.len() + LINE_EXTRA, Ordering::Relaxed);
                }
                Message::End(answer) => {
                    output.flush().ok();
                    answer.send(()).ok();
                }
            }
            next = lines.try_recv().ok();
        }
        output.flush().ok();
        let left_out = dropped.stdout_full.get() - told;
        if left_out > 0 {
            told += left_out;
            warn!(
                left_out,
                "standard output accepts log lines again; {left_out} were dropped"
            );
        }
        std::thread::sleep(REST);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let (answer, written) = channel();
        if self.0.send(Message::End(answer)).is_ok() {
            written.recv_timeout(LAST_LINES).ok();
        }
    }
}
