//! Inflates the pixels of a PNG and checks them against its rows; keeps none of them.

use std::io::{Read, Write};

use flate2::read::DeflateDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};

use super::super::InspectionError;
use super::super::picture::ensure;
use super::header::Header;

const BUFFER: usize = 32 * 1024;

/// Length of the header of a zlib stream.
const ZLIB_HEADER: usize = 2;

/// The compressed pixels, read chunk by chunk.
pub(super) struct PixelStream {
    inflater: Decompress,
    rows: RowCounter,
    buffer: Vec<u8>,
    state: StreamState,
}

/// How far the pixels were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum StreamState {
    /// More data is expected.
    Open,
    /// All rows were read, and the stream ended behind them.
    Ended,
    /// All rows were read, but more pixels or a wrong checksum follow: the stream must be written again.
    NeedsRewriting,
}

impl PixelStream {
    pub(super) fn new(header: &Header) -> Self {
        Self {
            inflater: Decompress::new(true),
            rows: RowCounter::new(header),
            buffer: vec![0; BUFFER],
            state: StreamState::Open,
        }
    }

    /// Reads the data of a chunk; returns the length that belongs to the stream.
    pub(super) fn read(&mut self, data: &[u8]) -> Result<usize, InspectionError> {
        let begin = self.inflater.total_in();
        let mut used = 0;
        while self.state == StreamState::Open {
            let before = self.inflater.total_out();
            let rest = &data[used..];
            let status = self
                .inflater
                .decompress(rest, &mut self.buffer, FlushDecompress::None);
            let written = usize::try_from(self.inflater.total_out() - before).unwrap_or(BUFFER);
            let has_excess = !self.rows.read(&self.buffer[..written])?;
            let step = usize::try_from(self.inflater.total_in() - begin).unwrap_or(0) - used;
            used += step;
            match status {
                Ok(Status::StreamEnd) if self.rows.is_complete() && !has_excess => {
                    self.state = StreamState::Ended;
                }
                Ok(Status::StreamEnd) if !self.rows.is_complete() => {
                    return Err(InspectionError::Truncated);
                }
                Err(_) if !self.rows.is_complete() => return Err(InspectionError::Damaged),
                Ok(Status::StreamEnd) | Err(_) => self.state = StreamState::NeedsRewriting,
                Ok(_) if has_excess => self.state = StreamState::NeedsRewriting,
                // Nothing happened: the rest of the stream is in the next chunk.
                Ok(_) if step == 0 && written == 0 => break,
                Ok(_) => {}
            }
        }
        Ok(used)
    }

    pub(super) fn state(&self) -> StreamState {
        self.state
    }
}

/// Compresses the rows of a stream again, without what follows them.
pub(super) fn rewrite(header: &Header, stream: &[u8]) -> Result<Vec<u8>, InspectionError> {
    let length = header.passes().iter().map(|(row, rows)| row * rows).sum();
    let compressed = stream.get(ZLIB_HEADER..).unwrap_or_default();
    let mut rows = DeflateDecoder::new(compressed).take(length);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let copied = std::io::copy(&mut rows, &mut encoder);
    ensure(copied.is_ok_and(|copied| copied == length) && encoder.flush().is_ok())?;
    encoder.finish().map_err(|_| InspectionError::Damaged)
}

/// Counts the bytes of rows, and checks their filters.
struct RowCounter {
    /// Bytes per row and rows of the passes that follow, the last first.
    passes: Vec<(u64, u64)>,
    /// Bytes of the current row that follow; 0 at the filter of the next row.
    rest: u64,
}

impl RowCounter {
    fn new(header: &Header) -> Self {
        let mut passes = header.passes();
        passes.reverse();
        Self { passes, rest: 0 }
    }

    fn is_complete(&self) -> bool {
        self.passes.is_empty() && self.rest == 0
    }

    /// Reads inflated bytes; returns whether all of them belong to rows.
    fn read(&mut self, mut bytes: &[u8]) -> Result<bool, InspectionError> {
        while let Some(first) = bytes.first() {
            if self.rest == 0 {
                let Some((row, rows)) = self.passes.last_mut() else {
                    return Ok(false);
                };
                // None, sub, up, average, Paeth.
                ensure(*first <= 4)?;
                self.rest = *row;
                *rows -= 1;
                if *rows == 0 {
                    self.passes.pop();
                }
            }
            let step = bytes
                .len()
                .min(usize::try_from(self.rest).unwrap_or(usize::MAX));
            bytes = &bytes[step..];
            self.rest -= step as u64;
        }
        Ok(true)
    }
}
