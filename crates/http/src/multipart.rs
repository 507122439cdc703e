//! Parses `multipart/form-data` (RFC 7578, RFC 2046) while the body arrives, in one buffer: the content of a part is a
//! range of the buffer. multer, the parser of axum, copies the body into a buffer and returns a part in pieces, which
//! must be copied again.
//!
//! Accepts what multer accepts: `fuzz/fuzz_targets/multipart.rs` compares both.

mod part_head;

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem::{self, Finder};

use crate::upload_error::{MalformedBody, UploadError};
use part_head::{PartHead, read_head};

/// Maximum size of the head of a part: its delimiter and headers, for the first part also the preamble.
const MAX_HEAD_BYTES: usize = 256 * 1024;
/// Maximum number of bytes that stay in the buffer although nobody needs them: removing them moves those that follow.
const MAX_UNNEEDED_BYTES: usize = 4 * 1024;
/// The buffer shrinks if more bytes are removed at once.
const MAX_FREE_BYTES: usize = 256 * 1024;

/// Parser with the buffer of the body.
#[derive(Debug)]
pub struct MultipartParser {
    /// CRLF, `--` and the boundary.
    delimiter: Finder<'static>,
    buffer: Vec<u8>,
    state: State,
    /// Bytes before this are kept for [`Self::into_content`].
    kept: usize,
    /// Where the head of the current part begins.
    part: usize,
    /// Bytes before this are parsed; the content of the current part begins here.
    parsed: usize,
    /// From `parsed` to here the end of the state was searched and not found.
    searched: usize,
    /// Whether the content of the current part is removed as it arrives.
    discards: bool,
    /// Label of the encoding of the current part.
    charset: Option<String>,
}

/// What the parser expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Preamble,
    AfterDelimiter,
    Padding,
    Headers,
    Content,
    End,
}

/// The next element of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A part begins; with its name, if it has a valid one.
    Part(Option<String>),
    /// The complete content of the part, as a range of the buffer; see [`MultipartParser::content`].
    Content(Range<usize>),
    /// The final delimiter. What follows is ignored.
    End,
}

/// Returns the boundary of a media type.
pub fn boundary(content_type: &str) -> Option<String> {
    let media_type: mime::Mime = content_type.parse().ok()?;
    let boundary = media_type.get_param(mime::BOUNDARY)?;
    Some(boundary.as_str().to_owned())
}

impl MultipartParser {
    /// Creates a parser with an empty buffer.
    pub fn new(boundary: &str) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            delimiter: Finder::new(delimiter.as_bytes()).into_owned(),
            buffer: Vec::new(),
            state: State::Preamble,
            kept: 0,
            part: 0,
            parsed: 0,
            searched: 0,
            discards: false,
            charset: None,
        }
    }

    /// Returns the number of buffered bytes.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Returns the size of the buffer in bytes.
    pub fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Grows the buffer to `capacity` bytes.
    pub fn grow(&mut self, capacity: usize) {
        let additional = capacity.saturating_sub(self.buffer.len());
        self.buffer.reserve_exact(additional);
    }

    /// Appends bytes of the body.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Returns how many bytes of an incomplete content have arrived, without those that may begin a delimiter.
    pub fn pending(&self) -> usize {
        match self.state {
            State::Content => self.searched - self.parsed,
            _ => 0,
        }
    }

    /// Removes the content of the current part as it arrives.
    pub fn discard(&mut self) {
        self.discards = true;
    }

    /// Returns the label of the encoding of the current part, or of the one whose content was returned last.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    /// Returns a content. Its range is valid until the next call of [`Self::next_event`], if it is not kept.
    pub fn content(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// Keeps a content in the buffer until [`Self::into_content`].
    pub fn keep(&mut self, range: &Range<usize>) {
        self.kept = self.kept.max(range.end.min(self.part));
    }

    /// Returns a kept content as a slice of the buffer. The whole buffer lives as long as the slice.
    pub fn into_content(self, range: Range<usize>) -> Bytes {
        let end = range.end.min(self.kept);
        Bytes::from(self.buffer).slice(range.start.min(end)..end)
    }

    /// Returns the next event, or `None` if more of the body must be pushed first.
    ///
    /// # Errors
    /// [`UploadError::Malformed`], also if the head of a part is too large.
    pub fn next_event(&mut self) -> Result<Option<Event>, UploadError> {
        loop {
            let state = self.state;
            let event = match state {
                State::Preamble => self.find_first_delimiter(),
                State::AfterDelimiter => self.find_end(),
                State::Padding => self.skip_padding()?,
                State::Headers => self.read_headers()?,
                State::Content => self.find_delimiter(),
                State::End => Some(Event::End),
            };
            let waits = event.is_none() && self.state == state;
            let head = if waits { self.buffered() } else { self.parsed };
            if state.is_head() && head - self.part > MAX_HEAD_BYTES {
                return Err(UploadError::Malformed(MalformedBody::Incomplete));
            }
            if event.is_some() {
                return Ok(event);
            }
            if waits {
                self.remove_unneeded();
                return Ok(None);
            }
        }
    }

    /// Continues at `place` in `state`.
    fn advance(&mut self, place: usize, state: State) {
        (self.parsed, self.searched, self.state) = (place, place, state);
    }

    fn find_first_delimiter(&mut self) -> Option<Event> {
        let delimiter = &self.delimiter.needle()[b"\r\n".len()..];
        let length = delimiter.len();
        let found = memmem::find(&self.buffer[self.searched..], delimiter);
        if let Some(place) = self.place(found, length) {
            self.advance(place + length, State::AfterDelimiter);
        }
        None
    }

    fn find_end(&mut self) -> Option<Event> {
        let next = self.buffer.get(self.parsed..self.parsed + 2)?;
        if next == b"--" {
            self.state = State::End;
            return Some(Event::End);
        }
        self.state = State::Padding;
        None
    }

    fn skip_padding(&mut self) -> Result<Option<Event>, UploadError> {
        let rest = &self.buffer[self.parsed..];
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
        let end = self.parsed + padding.count();
        self.advance(end, State::Padding);
        match self.buffer.get(end..end + 2) {
            None => {}
            Some(b"\r\n") => self.advance(end + 2, State::Headers),
            Some(_) => return Err(UploadError::Malformed(MalformedBody::Incomplete)),
        }
        Ok(None)
    }

    fn read_headers(&mut self) -> Result<Option<Event>, UploadError> {
        let end = match self.buffer.get(self.parsed..self.parsed + 2) {
            None => None,
            // A part without headers.
            Some(b"\r\n") => Some(self.parsed + 2),
            Some(_) => {
                let found = memmem::find(&self.buffer[self.searched..], b"\r\n\r\n");
                self.place(found, 4).map(|place| place + 4)
            }
        };
        let Some(end) = end else { return Ok(None) };
        let PartHead { name, charset } = read_head(&self.buffer[self.parsed..end])?;
        self.charset = charset;
        self.advance(end, State::Content);
        self.discards = false;
        Ok(Some(Event::Part(name)))
    }

    fn find_delimiter(&mut self) -> Option<Event> {
        let length = self.delimiter.needle().len();
        let found = self.delimiter.find(&self.buffer[self.searched..]);
        let end = self.place(found, length)?;
        let content = self.parsed..end;
        self.part = end;
        self.advance(end + length, State::AfterDelimiter);
        Some(Event::Content(content))
    }

    /// Returns where something of `length` bytes was found after `searched`. Otherwise moves `searched` on: only the last
    /// bytes may begin it.
    fn place(&mut self, found: Option<usize>, length: usize) -> Option<usize> {
        if found.is_none() {
            let may_begin = self.buffer.len().saturating_sub(length - 1);
            self.searched = self.searched.max(may_begin);
        }
        found.map(|place| self.searched + place)
    }

    /// Removes what is neither kept nor needed to continue, and shrinks the buffer if that is much.
    pub fn remove_unneeded(&mut self) {
        let needed = match self.state {
            State::Content if self.discards => self.searched,
            State::Content => self.parsed,
            _ => self.part,
        };
        let unneeded = needed - self.kept;
        if unneeded <= MAX_UNNEEDED_BYTES {
            return;
        }
        self.buffer.drain(self.kept..needed);
        self.parsed = self.parsed.max(needed) - unneeded;
        self.searched -= unneeded;
        self.part = self.part.max(needed) - unneeded;
        if unneeded > MAX_FREE_BYTES {
            self.buffer.shrink_to_fit();
        }
    }
}

impl State {
    /// Whether it is before the content of a part.
    fn is_head(self) -> bool {
        !matches!(self, Self::Content | Self::End)
    }
}

#[cfg(test)]
mod tests;
