//! Standard output behind a queue and a thread of its own: whoever reads it may be slow, or stop reading, and no request
//! waits for it.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tracing::warn;

use super::Dropped;

/// Most bytes that wait to be written; lines past them are left out.
const MOST_BYTES: usize = 4 << 20;
/// What a line takes beside its own bytes: its vector and its place in the queue.
const LINE_EXTRA: usize = 64;
/// After writing, the thread rests before it looks again: to be woken for each line costs the requests more than the
/// line itself.
const REST: Duration = Duration::from_millis(10);
/// Longest wait for what is left at the end.
const LAST_LINES: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// Answered once everything before it is written.
    End(Sender<()>),
}

/// Takes whole lines; never waits.
pub(super) struct Writer {
    lines: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    dropped: Dropped,
}

/// Writes out the rest when it is dropped.
#[derive(Debug)]
pub(super) struct Output(Sender<Message>);

/// Starts the thread that writes.
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

/// `tracing_subscriber` calls this once a line, with all of it.
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

/// Writes until there is no one left who could send. What cannot be written (a pipe that was closed) is lost: there is
/// no place to tell it.
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
                "standard output takes log lines again; {left_out} were left out"
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
