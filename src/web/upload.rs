//! Reads a submission off the network within bounds: so many bytes of photo and of text, so many parts, so long.
//! What goes past a bound is read on and thrown away, so that the client gets to read why.

mod gathered;

use std::time::Duration;

use axum::Json;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use serde_json::{Map, Value};

use super::budget::{Reserved, UploadBudget};
use super::error::Error;
use crate::domain::{Campaign, FieldRefusal, Form, Refusal};
use crate::photo::MAX_PHOTO_BYTES;
use crate::photo::inspect::PhotoRefusal;
use gathered::Gathered;

/// Largest body that is read to its end, most of it thrown away; nginx's limit is a little higher.
pub const MAX_BODY_BYTES: usize = 32 * 1024 * 1024;
/// Largest sum of all texts.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Multipart's own bytes around the photo and the texts.
const OVERHEAD_BYTES: usize = 64 * 1024;
/// Most parts: more than any campaign may ask for.
const MAX_PARTS: usize = 64;
/// Longest time for a whole body to arrive.
const ARRIVAL: Duration = Duration::from_secs(20);

/// A submission as it was sent.
#[derive(Debug)]
pub struct Upload {
    /// Every text part.
    pub form: Form,
    /// The photo.
    pub photo: Option<Bytes>,
    /// The memory that it takes; to be held until the photo is kept.
    pub reserved: Reserved,
    /// What of it went past a bound; the rest was still read, so that a form can be shown again as it was typed.
    wrong: Option<Error>,
}

impl Upload {
    /// Reads multipart (RFC 7578) or, where the campaign asks for no photo, a JSON object.
    ///
    /// # Errors
    /// [`Error`] for a body that is too slow, broken, of another type or without end, and when memory is short.
    pub async fn read(
        budget: &UploadBudget,
        campaign: &Campaign,
        request: Request,
    ) -> Result<Self, Error> {
        let declared = content_length(request.headers());
        if declared.is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
            return Err(Error::TooLarge);
        }
        let most = (MAX_PHOTO_BYTES + MAX_TEXT_BYTES + OVERHEAD_BYTES) as u64;
        let reserved = budget.reserve(declared.unwrap_or(most).min(most))?;
        let reading = tokio::time::timeout(ARRIVAL, read(campaign, request));
        let (form, photo, wrong) = reading.await.map_err(|_| Error::Slow)??;
        Ok(Self {
            form,
            photo,
            reserved,
            wrong,
        })
    }

    /// The submission, if it kept within all bounds.
    ///
    /// # Errors
    /// The first bound that it went past.
    pub fn whole(mut self) -> Result<Self, Error> {
        self.wrong.take().map_or(Ok(self), Err)
    }
}

type Read = (Form, Option<Bytes>, Option<Error>);

async fn read(campaign: &Campaign, request: Request) -> Result<Read, Error> {
    match media_type(request.headers()) {
        Some("multipart/form-data") => {
            let length = content_length(request.headers());
            let gathered = Gathered::default();
            let request = request.map(|body| gathered.bound(body));
            let multipart = Multipart::from_request(request, &()).await;
            let multipart = multipart.map_err(|_| Error::Malformed("multipart boundary"))?;
            let reader = Reader::new(campaign, length, gathered);
            reader.read(multipart).await
        }
        Some("application/json") if campaign.photo().is_none() => {
            Ok((json(request).await?, None, None))
        }
        _ => Err(Error::MediaType {
            json: campaign.photo().is_none(),
        }),
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
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
    expected: usize,
    form: Form,
    photo: Option<Bytes>,
    text_bytes: usize,
    parts: usize,
    wrong: Option<Error>,
}

impl<'a> Reader<'a> {
    fn new(campaign: &'a Campaign, length: Option<u64>, gathered: Gathered) -> Self {
        let length = length
            .and_then(|bytes| usize::try_from(bytes).ok())
            .unwrap_or(0);
        Self {
            campaign,
            gathered,
            expected: length.min(MAX_PHOTO_BYTES),
            form: Form::default(),
            photo: None,
            text_bytes: 0,
            parts: 0,
            wrong: None,
        }
    }

    async fn read(mut self, mut multipart: Multipart) -> Result<Read, Error> {
        while let Some(field) = multipart.next_field().await.map_err(broken)? {
            self.gathered.handed_out();
            self.part(field).await?;
        }
        Ok((self.form, self.photo, self.wrong))
    }

    async fn part(&mut self, field: Field<'_>) -> Result<(), Error> {
        self.parts += 1;
        let Some(name) = field.name().map(str::to_owned) else {
            self.wrong(Error::Malformed("a part without a name"));
            return self.drain(field).await;
        };
        if self.parts > MAX_PARTS {
            self.wrong(Error::Malformed("more parts than any form has"));
            return self.drain(field).await;
        }
        match self.campaign.field(&name) {
            Some(asked) if asked.is_photo() => self.photo_part(name, field).await,
            _ => self.text_part(name, field).await,
        }
    }

    /// The first thing that was wrong is what is told.
    fn wrong(&mut self, error: Error) {
        self.wrong.get_or_insert(error);
    }

    async fn text_part(&mut self, name: String, mut field: Field<'_>) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.text_bytes += name.len();
        while let Some(chunk) = self.chunk(&mut field).await? {
            self.text_bytes = self.text_bytes.saturating_add(chunk.len());
            if self.text_bytes > MAX_TEXT_BYTES {
                self.wrong(Error::TextTooLarge);
                return self.drain(field).await;
            }
            bytes.extend_from_slice(&chunk);
        }
        if let Ok(value) = String::from_utf8(bytes) {
            self.form.parts.push((name, value));
        } else {
            let refusal = FieldRefusal::new(&name, Refusal::ControlCharacter);
            self.wrong(Error::Refused(vec![refusal]));
        }
        Ok(())
    }

    async fn photo_part(&mut self, name: String, mut field: Field<'_>) -> Result<(), Error> {
        let mut bytes = BytesMut::with_capacity(self.expected);
        while let Some(chunk) = self.chunk(&mut field).await? {
            if bytes.len() + chunk.len() > MAX_PHOTO_BYTES {
                self.form.has_photo = true;
                let refusal = PhotoRefusal::TooLarge;
                self.wrong(Error::Photo {
                    field: name,
                    refusal,
                });
                return self.drain(field).await;
            }
            bytes.extend_from_slice(&chunk);
        }
        // A form whose photo was not chosen sends an empty part.
        if bytes.is_empty() {
            return Ok(());
        }
        if self.photo.is_some() {
            self.wrong(Error::Refused(vec![FieldRefusal::new(
                &name,
                Refusal::Repeated,
            )]));
        }
        self.form.has_photo = true;
        self.photo = Some(bytes.freeze());
        Ok(())
    }

    async fn chunk(&self, field: &mut Field<'_>) -> Result<Option<Bytes>, Error> {
        let chunk = field.chunk().await.map_err(broken)?;
        self.gathered.handed_out();
        Ok(chunk)
    }

    async fn drain(&self, mut field: Field<'_>) -> Result<(), Error> {
        while self.chunk(&mut field).await?.is_some() {}
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn broken(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::TooLarge
    } else {
        Error::Malformed("a multipart body that ends or breaks half-way")
    }
}

async fn json(request: Request) -> Result<Form, Error> {
    let limited = request
        .map(|body| axum::body::Body::new(http_body_util::Limited::new(body, MAX_TEXT_BYTES)));
    let object = Json::<Map<String, Value>>::from_request(limited, &()).await;
    let Json(object) = object.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TextTooLarge,
        _ => Error::Malformed("a body that is not a JSON object"),
    })?;
    let mut form = Form::default();
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null => String::new(),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::Malformed("a value that is neither text nor number"));
            }
        };
        form.parts.push((name, text));
    }
    Ok(form)
}
