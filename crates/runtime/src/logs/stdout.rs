//! Standard output behind a queue and a thread: a slow or stopped reader never blocks a request.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tracing::warn;

use super::DroppedLines;

/// Maximum number of queued bytes; further lines are dropped.
const MAX_QUEUED_BYTES: usize = 4 << 20;
/// Overhead per line in bytes: its vector and its queue slot.
const LINE_OVERHEAD: usize = 64;
/// Pause of the thread after writing: waking it for each line would cost the requests more than the line itself.
const WRITE_INTERVAL: Duration = Duration::from_millis(10);
/// Timeout for the remaining lines at shutdown.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// Answered once all earlier lines are written.
    End(Sender<()>),
}

/// Queues complete lines; never blocks.
pub(super) struct LineSender {
    lines: Sender<Message>,
    queued_bytes: Arc<AtomicUsize>,
    dropped: DroppedLines,
}

/// Writes the queued lines when dropped.
#[derive(Debug)]
pub(super) struct OutputGuard(Sender<Message>);

/// Starts the writing thread.
pub(super) fn start(dropped: DroppedLines) -> io::Result<(LineSender, OutputGuard)> {
    let (sender, lines) = channel();
    let writer = LineSender {
        lines: sender.clone(),
        queued_bytes: Arc::default(),
        dropped: dropped.clone(),
    };
    let waiting = writer.queued_bytes.clone();
    std::thread::Builder::new()
        .name("stdout".into())
        .spawn(move || write_lines(&lines, &waiting, &dropped))?;
    Ok((writer, OutputGuard(sender)))
}

/// `tracing_subscriber` calls this once per line with the whole line.
impl Write for &LineSender {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let bytes = line.len() + LINE_OVERHEAD;
        let waiting = self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = waiting + bytes <= MAX_QUEUED_BYTES;
        if !has_room || self.lines.send(Message::Line(line.to_vec())).is_err() {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
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
fn write_lines(lines: &Receiver<Message>, queued_bytes: &AtomicUsize, dropped: &DroppedLines) {
    let mut output = BufWriter::with_capacity(64 << 10, io::stdout());
    let mut reported = 0;
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Line(line) => {
                    output.write_all(&line).ok();
                    queued_bytes.fetch_sub(line.len() + LINE_OVERHEAD, Ordering::Relaxed);
                }
                Message::End(answer) => {
                    output.flush().ok();
                    answer.send(()).ok();
                }
            }
            next = lines.try_recv().ok();
        }
        output.flush().ok();
        let left_out = dropped.stdout_full.get() - reported;
        if left_out > 0 {
            reported += left_out;
            warn!(
                left_out,
                "standard output accepts log lines again; {left_out} were dropped"
            );
        }
        std::thread::sleep(WRITE_INTERVAL);
    }
}

impl Drop for OutputGuard {
    fn drop(&mut self) {
        let (answer, written) = channel();
        if self.0.send(Message::End(answer)).is_ok() {
            written.recv_timeout(FLUSH_TIMEOUT).ok();
        }
    }
}
