//! Reads a submission within limits on photo, text, number of parts and time. A body that exceeds a limit is read to
//! its end and discarded, so that the client can read the error.

mod error;
mod gathered;

use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::budget::{Reserved, UploadBudget};
use crate::domain::{Campaign, FieldRefusal, Form, Refusal};
use crate::photo::MAX_PHOTO_BYTES;
use crate::photo::inspect::PhotoRefusal;
use gathered::Gathered;

pub use error::UploadError;

/// Maximum body size that is read to its end, mostly discarded; nginx has a slightly higher limit.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Maximum total size of all texts, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Maximum number of parts, more than any campaign needs.
const MAX_PARTS: usize = 64;
/// Timeout for the whole body.
const ARRIVAL: Duration = Duration::from_secs(20);

/// A submission as received.
#[derive(Debug)]
pub struct Upload {
    /// Text parts.
    pub form: Form,
    /// Photo.
    pub photo: Option<Bytes>,
    /// Reserved memory; hold it until the photo is stored.
    pub reserved: Reserved,
    /// First exceeded limit. The rest was still read, so that the form can be shown again as typed.
    wrong: Option<UploadError>,
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
        let announced = content_length(request.headers());
        if announced.is_some_and(|bytes| bytes > MAX_BODY_BYTES) {
            return Err(UploadError::TooLarge);
        }
        let gathered = Gathered::default();
        let request = request.map(|body| gathered.bound(body, budget.begin()));
        let reader = Reader {
            campaign,
            gathered: gathered.clone(),
            longest_photo: announced.unwrap_or(MAX_BODY_BYTES).min(MAX_PHOTO_BYTES),
            held: 0,
            text_bytes: 0,
            parts: 0,
            read: Self {
                form: Form::default(),
                photo: None,
                reserved: budget.begin(),
                wrong: None,
            },
        };
        let read = tokio::time::timeout(ARRIVAL, reader.read(request)).await;
        let read = read.map_err(|_| UploadError::BodyTimeout)?;
        read.map_err(|error| gathered.why_ended().unwrap_or(error))
    }

    /// Returns the submission, or the first limit that it exceeded.
    pub fn whole(mut self) -> Result<Self, UploadError> {
        self.wrong.take().map_or(Ok(self), Err)
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

struct Reader<'a> {
    campaign: &'a Campaign,
    gathered: Gathered,
    /// Upper bound for a photo in this body.
    longest_photo: usize,
    /// Bytes reserved for texts and photo.
    held: usize,
    text_bytes: usize,
    parts: usize,
    read: Upload,
}

impl Reader<'_> {
    async fn read(mut self, request: Request) -> Result<Upload, UploadError> {
        let takes_json = self.campaign.photo().is_none();
        match media_type(request.headers()) {
            Some("multipart/form-data") => self.multipart(request).await?,
            Some("application/json") if takes_json => self.json(request).await?,
            _ => return Err(UploadError::MediaType { json: takes_json }),
        }
        Ok(self.read)
    }

    async fn multipart(&mut self, request: Request) -> Result<(), UploadError> {
        let multipart = Multipart::from_request(request, &()).await;
        let mut multipart = multipart.map_err(|_| UploadError::Malformed("multipart boundary"))?;
        while let Some(field) = multipart.next_field().await.map_err(broken)? {
            self.gathered.handed_out();
            self.part(field).await?;
        }
        Ok(())
    }

    async fn json(&mut self, request: Request) -> Result<(), UploadError> {
        self.read.form = json(request).await?;
        let texts = self.read.form.parts.iter();
        self.hold(texts.map(|(name, text)| name.len() + text.len()).sum())
    }

    async fn part(&mut self, field: Field<'_>) -> Result<(), UploadError> {
        self.parts += 1;
        let Some(name) = field.name().map(str::to_owned) else {
            self.wrong(UploadError::Malformed("a part without a name"));
            return self.drain(field).await;
        };
        if self.parts > MAX_PARTS {
            self.wrong(UploadError::Malformed("more parts than any form has"));
            return self.drain(field).await;
        }
        match self.campaign.field(&name) {
            Some(asked) if asked.is_photo() => self.photo_part(name, field).await,
            _ => self.text_part(name, field).await,
        }
    }

    /// Only the first error is reported.
    fn wrong(&mut self, error: UploadError) {
        self.read.wrong.get_or_insert(error);
    }

    /// Adjusts the reservation for texts and photo before they are stored.
    fn hold(&mut self, bytes: usize) -> Result<(), UploadError> {
        self.read.reserved.resize(bytes)?;
        self.held = bytes;
        Ok(())
    }

    async fn text_part(&mut self, name: String, mut field: Field<'_>) -> Result<(), UploadError> {
        let mut bytes = Vec::new();
        self.text_bytes += name.len();
        while let Some(chunk) = self.chunk(&mut field).await? {
            if let Err(error) = self.keep_text(&mut bytes, &chunk) {
                self.wrong(error);
                return self.drain(field).await;
            }
        }
        if let Ok(value) = String::from_utf8(bytes) {
            self.read.form.parts.push((name, value));
        } else {
            let refusal = FieldRefusal::new(&name, Refusal::ControlCharacter);
            self.wrong(UploadError::Refused(refusal));
        }
        Ok(())
    }

    fn keep_text(&mut self, text: &mut Vec<u8>, chunk: &[u8]) -> Result<(), UploadError> {
        self.text_bytes = self.text_bytes.saturating_add(chunk.len());
        if self.text_bytes > MAX_TEXT_BYTES {
            return Err(UploadError::TextTooLarge);
        }
        self.hold(self.held + chunk.len())?;
        text.extend_from_slice(chunk);
        Ok(())
    }

    async fn photo_part(&mut self, name: String, mut field: Field<'_>) -> Result<(), UploadError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut field).await? {
            if let Err(error) = self.keep_photo(&name, &mut bytes, &chunk) {
                let room = bytes.capacity();
                drop(bytes);
                self.hold(self.held - room)?;
                self.read.form.has_photo = true;
                self.wrong(error);
                return self.drain(field).await;
            }
        }
        // A form without a chosen photo sends an empty part.
        if !bytes.is_empty() {
            self.read.form.has_photo = true;
            self.read.photo = Some(bytes.into());
        }
        Ok(())
    }

    fn keep_photo(
        &mut self,
        name: &str,
        photo: &mut Vec<u8>,
        chunk: &[u8],
    ) -> Result<(), UploadError> {
        let length = photo.len() + chunk.len();
        if self.read.form.has_photo && length > 0 {
            let refusal = FieldRefusal::new(name, Refusal::Repeated);
            return Err(UploadError::Refused(refusal));
        }
        if length > MAX_PHOTO_BYTES {
            return Err(UploadError::Photo {
                field: name.to_owned(),
                refusal: PhotoRefusal::TooLarge,
            });
        }
        if length > photo.capacity() {
            // Reserve twice the received size, to copy little, but no more than can still arrive.
            let room = length.max(self.longest_photo.min(2 * length));
            self.hold(self.held - photo.capacity() + room)?;
            photo.reserve_exact(room - photo.len());
        }
        photo.extend_from_slice(chunk);
        Ok(())
    }

    async fn chunk(&self, field: &mut Field<'_>) -> Result<Option<Bytes>, UploadError> {
        let chunk = field.chunk().await.map_err(broken)?;
        self.gathered.handed_out();
        Ok(chunk)
    }

    async fn drain(&self, mut field: Field<'_>) -> Result<(), UploadError> {
        while self.chunk(&mut field).await?.is_some() {}
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "signature for map_err")]
fn broken(error: MultipartError) -> UploadError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        UploadError::TooLarge
    } else {
        UploadError::Malformed("a multipart body that ends or breaks half-way")
    }
}

async fn json(request: Request) -> Result<Form, UploadError> {
    let limited = request
        .map(|body| axum::body::Body::new(http_body_util::Limited::new(body, MAX_TEXT_BYTES)));
    let object = Json::<Map<String, Value>>::from_request(limited, &()).await;
    let Json(object) = object.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => UploadError::TextTooLarge,
        _ => UploadError::Malformed("a body that is not a JSON object"),
    })?;
    let mut form = Form::default();
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
