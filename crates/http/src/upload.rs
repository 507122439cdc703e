//! Reads a submission within limits on photo, text, number of parts and time. A body that exceeds a limit is read to
//! its end and discarded, so that the client can read the error.

mod parser_buffer;

use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::budget::{UploadBudget, UploadReservation};
use crate::upload_error::UploadError;
use jornada_domain::{Campaign, FieldError, FormData, ValidationError};
use jornada_photo::MAX_PHOTO_BYTES;
use jornada_photo::inspect::InspectionError;
use parser_buffer::ParserBuffer;

/// Maximum body size that is read to its end, mostly discarded; nginx has a slightly higher limit.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Maximum total size of all texts, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Maximum number of parts, more than any campaign needs.
const MAX_PARTS: usize = 64;
/// Timeout for the whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// A submission as received.
#[derive(Debug)]
pub struct Upload {
    /// Text parts.
    pub form: FormData,
    /// Photo.
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
        let announced_length = content_length(request.headers());
        if announced_length.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
            return Err(UploadError::TooLarge);
        }
        let buffer = ParserBuffer::default();
        let request = request.map(|body| buffer.limit(body, budget.start_reservation()));
        let reader = UploadReader {
            campaign,
            buffer: buffer.clone(),
            max_photo_bytes: announced_length
                .unwrap_or(MAX_BODY_BYTES)
                .min(MAX_PHOTO_BYTES),
            reserved_bytes: 0,
            text_bytes: 0,
            parts: 0,
            upload: Self {
                form: FormData::default(),
                photo: None,
                reservation: budget.start_reservation(),
                first_error: None,
            },
        };
        let read = tokio::time::timeout(BODY_TIMEOUT, reader.read(request)).await;
        let read = read.map_err(|_| UploadError::BodyTimeout)?;
        read.map_err(|error| buffer.end_cause().unwrap_or(error))
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

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

struct UploadReader<'a> {
    campaign: &'a Campaign,
    buffer: ParserBuffer,
    /// Upper bound for a photo in this body.
    max_photo_bytes: usize,
    /// Bytes reserved for texts and photo.
    reserved_bytes: usize,
    text_bytes: usize,
    parts: usize,
    upload: Upload,
}

impl UploadReader<'_> {
    async fn read(mut self, request: Request) -> Result<Upload, UploadError> {
        let takes_json = self.campaign.photo_field().is_none();
        match media_type(request.headers()) {
            Some("multipart/form-data") => self.read_multipart(request).await?,
            Some("application/json") if takes_json => self.read_json(request).await?,
            _ => return Err(UploadError::MediaType { json: takes_json }),
        }
        Ok(self.upload)
    }

    async fn read_multipart(&mut self, request: Request) -> Result<(), UploadError> {
        let multipart = Multipart::from_request(request, &()).await;
        let mut multipart = multipart.map_err(|_| UploadError::Malformed("multipart boundary"))?;
        while let Some(field) = multipart.next_field().await.map_err(from_multipart_error)? {
            self.buffer.reset();
            self.read_part(field).await?;
        }
        Ok(())
    }

    async fn read_json(&mut self, request: Request) -> Result<(), UploadError> {
        self.upload.form = parse_json(request).await?;
        let texts = self.upload.form.parts.iter();
        self.reserve(texts.map(|(name, text)| name.len() + text.len()).sum())
    }

    async fn read_part(&mut self, field: Field<'_>) -> Result<(), UploadError> {
        self.parts += 1;
        let Some(name) = field.name().map(str::to_owned) else {
            self.record_error(UploadError::Malformed("a part without a name"));
            return self.drain(field).await;
        };
        if self.parts > MAX_PARTS {
            self.record_error(UploadError::Malformed("more parts than any form has"));
            return self.drain(field).await;
        }
        match self.campaign.field(&name) {
            Some(asked) if asked.is_photo() => self.read_photo(name, field).await,
            _ => self.read_text(name, field).await,
        }
    }

    /// Only the first error is reported.
    fn record_error(&mut self, error: UploadError) {
        self.upload.first_error.get_or_insert(error);
    }

    /// Adjusts the reservation for texts and photo before they are stored.
    fn reserve(&mut self, bytes: usize) -> Result<(), UploadError> {
        self.upload.reservation.resize(bytes)?;
        self.reserved_bytes = bytes;
        Ok(())
    }

    async fn read_text(&mut self, name: String, mut field: Field<'_>) -> Result<(), UploadError> {
        let mut bytes = Vec::new();
        self.text_bytes += name.len();
        while let Some(chunk) = self.next_chunk(&mut field).await? {
            if let Err(error) = self.push_text(&mut bytes, &chunk) {
                self.record_error(error);
                return self.drain(field).await;
            }
        }
        if let Ok(value) = String::from_utf8(bytes) {
            self.upload.form.parts.push((name, value));
        } else {
            let refusal = FieldError::new(&name, ValidationError::ControlCharacter);
            self.record_error(UploadError::Refused(refusal));
        }
        Ok(())
    }

    fn push_text(&mut self, text: &mut Vec<u8>, chunk: &[u8]) -> Result<(), UploadError> {
        self.text_bytes = self.text_bytes.saturating_add(chunk.len());
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(UploadError::TextTooLarge);
        }
        self.reserve(self.reserved_bytes + chunk.len())?;
        text.extend_from_slice(chunk);
        Ok(())
    }

    async fn read_photo(&mut self, name: String, mut field: Field<'_>) -> Result<(), UploadError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next_chunk(&mut field).await? {
            if let Err(error) = self.push_photo(&name, &mut bytes, &chunk) {
                let room = bytes.capacity();
                drop(bytes);
                self.reserve(self.reserved_bytes - room)?;
                self.upload.form.has_photo = true;
                self.record_error(error);
                return self.drain(field).await;
            }
        }
        // A form without a chosen photo sends an empty part.
        if !bytes.is_empty() {
            self.upload.form.has_photo = true;
            self.upload.photo = Some(bytes.into());
        }
        Ok(())
    }

    fn push_photo(
        &mut self,
        name: &str,
        photo: &mut Vec<u8>,
        chunk: &[u8],
    ) -> Result<(), UploadError> {
        let length = photo.len() + chunk.len();
        if self.upload.form.has_photo && length > 0 {
            let refusal = FieldError::new(name, ValidationError::Repeated);
            return Err(UploadError::Refused(refusal));
        }
        if length > MAX_PHOTO_BYTES {
            return Err(UploadError::Photo {
                field: name.to_owned(),
                error: InspectionError::TooLarge,
            });
        }
        if length > photo.capacity() {
            // Reserve twice the received size, to copy little, but no more than can still arrive.
            let room = length.max(self.max_photo_bytes.min(2 * length));
            self.reserve(self.reserved_bytes - photo.capacity() + room)?;
            photo.reserve_exact(room - photo.len());
        }
        photo.extend_from_slice(chunk);
        Ok(())
    }

    async fn next_chunk(&self, field: &mut Field<'_>) -> Result<Option<Bytes>, UploadError> {
        let chunk = field.chunk().await.map_err(from_multipart_error)?;
        self.buffer.reset();
        Ok(chunk)
    }

    async fn drain(&self, mut field: Field<'_>) -> Result<(), UploadError> {
        while self.next_chunk(&mut field).await?.is_some() {}
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "signature for map_err")]
fn from_multipart_error(error: MultipartError) -> UploadError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UploadError::TooLarge
    } else {
        UploadError::Malformed("a multipart body that ends or breaks half-way")
    }
}

async fn parse_json(request: Request) -> Result<FormData, UploadError> {
    let limited = request
        .map(|body| axum::body::Body::new(http_body_util::Limited::new(body, MAX_TEXT_BYTES)));
    let object = Json::<Map<String, Value>>::from_request(limited, &()).await;
    let Json(object) = object.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => UploadError::TextTooLarge,
        _ => UploadError::Malformed("a body that is not a JSON object"),
    })?;
    let mut form = FormData::default();
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(UploadError::Malformed(
                    "a value that is neither text nor number",
                ));
            }
        };
        form.parts.push((name, text));
    }
    Ok(form)
}
