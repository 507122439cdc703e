//! Reads a submission within limits on photo, text, number of parts and time. A body that exceeds a limit is read to
//! its end and discarded, so that the client can read the error.

use std::borrow::Cow;
use std::mem;
use std::ops::Range;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use encoding_rs::Encoding;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::arrival::ArrivalLimit;
use super::budget::{PERMIT_BYTES, UploadBudget, UploadReservation};
use crate::media_type::media_type;
use crate::multipart::{Event, MultipartParser, boundary};
use crate::upload_error::{MalformedBody, UploadError, not_json};
use jornada_domain::document::whole_digits;
use jornada_domain::json_object::{read_members, read_text};
use jornada_domain::{Campaign, FieldError, FieldKind, FormData, ValidationError};
use jornada_photo::MAX_PHOTO_BYTES;
use jornada_photo::inspect::InspectionError;

/// Maximum body size that is read to its end, mostly discarded; nginx has a lower limit.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Maximum total size of all texts, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Maximum number of parts, more than any campaign needs.
const MAX_PARTS: usize = 64;
/// Maximum size to which the buffer of a body grows before its bytes arrive: a photo, and space for the texts.
const MAX_BUFFER_BYTES: usize = MAX_PHOTO_BYTES + 256 * 1024;
/// Name of the part with the encoding of all texts (RFC 7578, section 4.6).
const CHARSET_PART: &str = "_charset_";

/// A submission as received.
#[derive(Debug)]
pub struct Upload {
    /// Text parts.
    pub form: FormData,
    /// Photo: a slice of the body, which is in memory as long as the photo.
    pub photo: Option<Bytes>,
    /// Reserved memory; hold it until the photo is stored.
    pub reservation: UploadReservation,
    /// First exceeded limit. The rest was still read, so that the form can be shown again as typed.
    first_error: Option<UploadError>,
}

impl Upload {
    /// Reads multipart (RFC 7578) or, if the campaign has no photo, a JSON object.
    ///
    /// # Errors
    /// A slow, malformed, endless or unsupported body, or insufficient memory.
    pub async fn read(
        budget: &UploadBudget,
        campaign: &Campaign,
        request: Request,
    ) -> Result<Self, UploadError> {
        let announced_bytes = content_length(request.headers());
        if announced_bytes.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
            return Err(UploadError::TooLarge);
        }
        let reader = UploadReader {
            campaign,
            arrival: ArrivalLimit::start(Instant::now()),
            announced_bytes: announced_bytes.unwrap_or(MAX_BODY_BYTES),
            received_bytes: 0,
            text_bytes: 0,
            parts: 0,
            charset: None,
            photo: None,
            upload: Self {
                form: FormData::default(),
                photo: None,
                reservation: budget.start_reservation(),
                first_error: None,
            },
        };
        reader.read(request).await
    }

    /// Returns and removes the first limit that it exceeded.
    pub fn take_error(&mut self) -> Option<UploadError> {
        self.first_error.take()
    }

    /// Returns the submission, or the first limit that it exceeded.
    pub fn into_complete(mut self) -> Result<Self, UploadError> {
        self.first_error.take().map_or(Ok(self), Err)
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

struct UploadReader<'a> {
    campaign: &'a Campaign,
    arrival: ArrivalLimit,
    /// Size of the body according to the client, or its maximum.
    announced_bytes: usize,
    received_bytes: usize,
    /// Size of names and texts; above the limit every further text is refused.
    text_bytes: usize,
    parts: usize,
    /// Label of the encoding of texts that do not name theirs, from the part `_charset_`.
    charset: Option<String>,
    /// Where the photo is in the buffer of the parser.
    photo: Option<Range<usize>>,
    upload: Upload,
}

/// What is done with the content of a part.
enum Part {
    Photo(String),
    Text(String),
    Discarded,
}

impl UploadReader<'_> {
    async fn read(mut self, request: Request) -> Result<Upload, UploadError> {
        let takes_json = self.campaign.photo_field().is_none();
        let (head, body) = request.into_parts();
        let content_type = content_type(&head.headers).unwrap_or_default();
        match media_type(&head.headers).as_str() {
            "multipart/form-data" => {
                let boundary = boundary(content_type);
                let boundary = boundary.ok_or(UploadError::Malformed(MalformedBody::NoBoundary))?;
                let parser = MultipartParser::new(&boundary);
                self.read_multipart(parser, body).await?;
            }
            "application/json" if takes_json => self.read_json(body).await?,
            _ => return Err(UploadError::MediaType { json: takes_json }),
        }
        Ok(self.upload)
    }

    async fn read_json(&mut self, mut body: Body) -> Result<(), UploadError> {
        let mut json = Vec::new();
        while let Some(piece) = self.next_piece(&mut body).await.map_err(not_json)? {
            let length = json.len() + piece.len();
            if length > MAX_TEXT_BYTES {
                return Err(UploadError::TextTooLarge);
            }
            self.upload.reservation.resize(length)?;
            json.extend_from_slice(&piece);
        }
        self.upload.form = parse_json(self.campaign, &json)?;
        let texts = self.upload.form.parts.iter();
        let bytes = texts.map(|(name, text)| name.len() + text.len()).sum();
        self.upload.reservation.resize(bytes)
    }

    async fn read_multipart(
        &mut self,
        mut parser: MultipartParser,
        mut body: Body,
    ) -> Result<(), UploadError> {
        let mut part = Part::Discarded;
        loop {
            match parser.next_event()? {
                Some(Event::Part(name)) => part = self.start_part(name),
                Some(Event::Content(range)) => {
                    let part = mem::replace(&mut part, Part::Discarded);
                    self.finish_part(part, &mut parser, range);
                }
                Some(Event::End) => break,
                None if self.allows(&part, parser.pending()) => {
                    let piece = self.receive(&mut body).await?;
                    if !self.make_room(&mut parser, piece.len()) {
                        self.record_busy(&part);
                        part = Part::Discarded;
                        parser.discard();
                        parser.remove_unneeded();
                        if !self.make_room(&mut parser, piece.len()) {
                            return Err(UploadError::Busy);
                        }
                    }
                    parser.push(&piece);
                }
                None => part = Part::Discarded,
            }
            if matches!(part, Part::Discarded) {
                parser.discard();
            }
        }
        let photo = self.photo.take();
        self.reserve(photo.as_ref().map_or(0, |_| parser.capacity()))?;
        self.upload.photo = photo.map(|range| parser.into_content(range));
        Ok(())
    }

    /// Waits for the next bytes of a multipart body.
    async fn receive(&mut self, body: &mut Body) -> Result<Bytes, UploadError> {
        let piece = self.next_piece(body).await?;
        let piece = piece.ok_or(UploadError::Malformed(MalformedBody::Incomplete))?;
        self.received_bytes = self.received_bytes.saturating_add(piece.len());
        if self.received_bytes > MAX_BODY_BYTES {
            return Err(UploadError::TooLarge);
        }
        Ok(piece)
    }

    async fn next_piece(&mut self, body: &mut Body) -> Result<Option<Bytes>, UploadError> {
        let reservation = &mut self.upload.reservation;
        self.arrival.next_piece(body, reservation).await
    }

    /// Grows the buffer for a piece that was received. Returns false if there is not enough memory.
    fn make_room(&mut self, parser: &mut MultipartParser, piece: usize) -> bool {
        let length = parser.buffered() + piece;
        let mut capacity = parser.capacity();
        if length > capacity {
            // Twice what arrived, to copy little, but no more than can still arrive.
            let missing = self.announced_bytes.saturating_sub(self.received_bytes);
            let most = (length + missing).min(MAX_BUFFER_BYTES);
            capacity = most.min(PERMIT_BYTES.max(2 * length)).max(length);
        }
        let has_room = self.reserve(capacity).is_ok();
        if has_room {
            parser.grow(capacity);
        }
        has_room
    }

    /// Reserves memory for the buffer of the parser and the texts.
    fn reserve(&mut self, buffer: usize) -> Result<(), UploadError> {
        let texts = self.text_bytes.min(MAX_TEXT_BYTES);
        self.upload.reservation.resize(buffer + texts)
    }

    /// Records that there is not enough memory for a part.
    fn record_busy(&mut self, part: &Part) {
        self.upload.form.has_photo |= matches!(part, Part::Photo(_));
        self.record_error(UploadError::Busy);
    }

    fn start_part(&mut self, name: Option<String>) -> Part {
        self.parts += 1;
        let Some(name) = name else {
            self.record_error(UploadError::Malformed(MalformedBody::UnnamedPart));
            return Part::Discarded;
        };
        if self.parts > MAX_PARTS {
            self.record_error(UploadError::Malformed(MalformedBody::TooManyParts));
            return Part::Discarded;
        }
        match self.campaign.field(&name) {
            Some(asked) if asked.is_photo() => Part::Photo(name),
            _ => {
                self.text_bytes += name.len();
                Part::Text(name)
            }
        }
    }

    fn finish_part(&mut self, part: Part, parser: &mut MultipartParser, content: Range<usize>) {
        if !self.allows(&part, content.len()) {
            return;
        }
        match part {
            Part::Discarded => {}
            Part::Text(name) => {
                let charset = parser.charset().map(str::to_owned);
                self.add_text(name, charset, parser.content(content));
            }
            // A form without a chosen photo sends an empty part.
            Part::Photo(_) if content.is_empty() => {}
            Part::Photo(_) => {
                parser.keep(&content);
                self.photo = Some(content);
                self.upload.form.has_photo = true;
            }
        }
    }

    fn add_text(&mut self, name: String, charset: Option<String>, text: &[u8]) {
        self.text_bytes += text.len();
        if name == CHARSET_PART {
            self.charset = str::from_utf8(text).ok().map(str::to_owned);
            return;
        }
        let charset = charset.or_else(|| self.charset.clone());
        if let Some(text) = decode_text(charset.as_deref(), text) {
            self.upload.form.parts.push((name, text.into_owned()));
        } else {
            let refusal = FieldError::new(&name, ValidationError::UnreadableText);
            self.record_error(UploadError::Refused(refusal));
        }
    }

    /// Checks the limits of a part of which `length` bytes have arrived. Records the first error.
    fn allows(&mut self, part: &Part, length: usize) -> bool {
        let exceeded = match part {
            Part::Discarded => return true,
            Part::Text(_) => self.check_text(length),
            Part::Photo(name) => self.check_photo(name, length),
        };
        exceeded.map_err(|error| self.record_error(error)).is_ok()
    }

    fn check_text(&mut self, length: usize) -> Result<(), UploadError> {
        let text_bytes = self.text_bytes.saturating_add(length);
        if text_bytes > MAX_TEXT_BYTES {
            self.text_bytes = text_bytes;
            return Err(UploadError::TextTooLarge);
        }
        Ok(())
    }

    fn check_photo(&mut self, name: &str, length: usize) -> Result<(), UploadError> {
        if self.upload.form.has_photo && length > 0 {
            let refusal = FieldError::new(name, ValidationError::Repeated);
            return Err(UploadError::Refused(refusal));
        }
        if length > MAX_PHOTO_BYTES {
            self.upload.form.has_photo = true;
            return Err(UploadError::Photo {
                field: name.to_owned(),
                error: InspectionError::TooLarge,
            });
        }
        Ok(())
    }

    /// Only the first error is reported.
    fn record_error(&mut self, error: UploadError) {
        self.upload.first_error.get_or_insert(error);
    }
}

/// Decodes a text. `None` if the encoding is unknown, or the text is not in it.
fn decode_text<'a>(label: Option<&str>, text: &'a [u8]) -> Option<Cow<'a, str>> {
    // Programs also say US-ASCII of UTF-8.
    let is_ascii = label.is_some_and(|label| label.trim().eq_ignore_ascii_case("us-ascii"));
    let encoding = match label.filter(|_| !is_ascii) {
        None => encoding_rs::UTF_8,
        Some(label) => Encoding::for_label(label.as_bytes())?,
    };
    let (text, has_errors) = encoding.decode_with_bom_removal(text);
    (!has_errors).then_some(text)
}

/// Parses a JSON object. A repeated key becomes a repeated part, which no campaign accepts.
fn parse_json(campaign: &Campaign, json: &[u8]) -> Result<FormData, UploadError> {
    let (mut form, mut error) = (FormData::default(), None);
    let read = read_members(json, |name, value| {
        match read_value(campaign, &name, value) {
            Ok(text) => form.parts.push((name.into_owned(), text.into_owned())),
            Err(other) => {
                error.get_or_insert(other);
            }
        }
    });
    read.map_err(|_| UploadError::NOT_JSON)?;
    error.map_or(Ok(form), Err)
}

/// Returns a JSON value as text. The number of a document has no point and no exponent then: they would group its digits.
fn read_value<'a>(
    campaign: &Campaign,
    name: &str,
    value: &'a RawValue,
) -> Result<Cow<'a, str>, UploadError> {
    let text = read_text(value).ok_or(UploadError::Malformed(MalformedBody::JsonValue))?;
    let is_number = value
        .get()
        .starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let field = campaign.field(name);
    if is_number && field.is_some_and(|field| matches!(field.kind, FieldKind::Document)) {
        let refusal = || UploadError::Refused(FieldError::new(name, ValidationError::NotADocument));
        return whole_digits(value.get()).ok_or_else(refusal);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
