use std::convert::Infallible;
use std::fmt::Write;
use std::pin::pin;

use futures_util::{StreamExt, poll, stream};
use prometheus::IntGauge;

use super::*;

mod encodings;

const MULTIPART: &str = "multipart/form-data; boundary=B";
const MEMORY: usize = 16 * 1024 * 1024;

/// A campaign whose photo is called `foto`.
fn campaign() -> Campaign {
    let cities = include_str!("../../../../campaigns/ciudades-colombia.csv");
    let file = include_str!("../../../../campaigns/vacunacion.toml");
    Campaign::parse(file, |_| Ok(cities.to_owned())).unwrap()
}

fn campaign_without_photo() -> Campaign {
    let file = include_str!("../../../../campaigns/mejor-disco.toml");
    Campaign::parse(file, |_| Err(String::new())).unwrap()
}

fn budget(bytes: usize) -> (UploadBudget, IntGauge) {
    let in_use = IntGauge::new("in_use", "test").unwrap();
    (UploadBudget::new(bytes as u64, in_use.clone()), in_use)
}

/// A body that arrives in pieces.
#[derive(Clone, Copy)]
struct Sent<'a> {
    content_type: &'a str,
    length: Option<usize>,
    body: &'a [u8],
    piece: usize,
}

impl<'a> Sent<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self {
            content_type: MULTIPART,
            length: None,
            body,
            piece: 64 * 1024,
        }
    }

    fn json(body: &'a str) -> Self {
        Self {
            content_type: "application/json",
            ..Self::new(body.as_bytes())
        }
    }

    fn request(self) -> Request {
        let pieces = self.body.chunks(self.piece).map(Bytes::copy_from_slice);
        let pieces: Vec<_> = pieces.map(Ok::<_, Infallible>).collect();
        let mut request = Request::post("/").header(header::CONTENT_TYPE, self.content_type);
        if let Some(length) = self.length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        let body = Body::from_stream(stream::iter(pieces));
        request.body(body).unwrap()
    }

    /// Reads it and checks the memory that the upload reserves.
    async fn read(self, campaign: &Campaign) -> Result<Upload, UploadError> {
        let (budget, in_use) = budget(MEMORY);
        let read = Upload::read(&budget, campaign, self.request()).await;
        let photo = read.as_ref().map(|upload| upload.photo.as_ref());
        match photo {
            Ok(Some(photo)) => assert!(in_use.get() >= i64::try_from(photo.len()).unwrap()),
            Ok(None) => {}
            Err(_) => assert_eq!(in_use.get(), 0),
        }
        read
    }
}

async fn read(body: &[u8]) -> Result<Upload, UploadError> {
    Sent::new(body).read(&campaign()).await
}

fn part(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let head = format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    [head.as_bytes(), content.as_ref(), b"\r\n"].concat()
}

fn body(parts: &[Vec<u8>]) -> Vec<u8> {
    [&parts.concat(), &b"--B--\r\n"[..]].concat()
}

fn texts(texts: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).into(), (*text).into());
    texts.iter().map(owned).collect()
}

fn malformed(read: Result<Upload, UploadError>) -> MalformedBody {
    match read.and_then(Upload::into_complete) {
        Err(UploadError::Malformed(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn photo_and_texts_are_read_from_pieces_of_any_size_and_announcement() {
    let photo: Vec<u8> = (0..50_000_u32)
        .map(|number| number.to_be_bytes()[3])
        .collect();
    let whole = body(&[
        part("ciudad", "Cali"),
        part("foto", &photo),
        part("nombre", "Ana"),
    ]);
    let length = whole.len();
    for (piece, length) in [
        (1000, Some(length)),
        (7, None),
        (length, Some(10)),
        (1000, Some(length - 1)),
        (1000, Some(MAX_BODY_BYTES)),
    ] {
        let sent = Sent {
            length,
            piece,
            ..Sent::new(&whole)
        };
        let upload = sent.read(&campaign()).await.unwrap();
        let upload = upload.into_complete().unwrap();
        assert!(upload.photo.unwrap() == photo && upload.form.has_photo);
        let expected = texts(&[("ciudad", "Cali"), ("nombre", "Ana")]);
        assert_eq!(upload.form.parts, expected);
    }
}

#[tokio::test]
async fn an_empty_photo_is_no_photo() {
    let whole = body(&[part("foto", ""), part("nombre", "")]);
    let upload = read(&whole).await.unwrap().into_complete().unwrap();
    assert!(upload.photo.is_none() && !upload.form.has_photo);
    assert_eq!(upload.form.parts, texts(&[("nombre", "")]));
}

#[tokio::test]
async fn the_texts_around_a_refused_photo_are_read() {
    let photo = vec![0; MAX_PHOTO_BYTES + 1];
    let whole = body(&[
        part("nombre", "Ana"),
        part("foto", photo),
        part("ciudad", "Cali"),
    ]);
    for piece in [64 * 1024, whole.len()] {
        let sent = Sent {
            piece,
            ..Sent::new(&whole)
        };
        let upload = sent.read(&campaign()).await.unwrap();
        assert!(upload.form.has_photo && upload.photo.is_none());
        let expected = texts(&[("nombre", "Ana"), ("ciudad", "Cali")]);
        assert_eq!(upload.form.parts, expected);
        let error = upload.into_complete().unwrap_err();
        assert!(
            matches!(&error, UploadError::Photo { field, error: InspectionError::TooLarge } if field == "foto"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn the_largest_photo_fits_into_its_buffer() {
    let photo = part("foto", vec![7; MAX_PHOTO_BYTES]);
    let whole = body(&[part("nombre", "Ana"), photo]);
    for length in [Some(whole.len()), None] {
        let sent = Sent {
            length,
            ..Sent::new(&whole)
        };
        let (budget, in_use) = budget(MAX_BUFFER_BYTES + PERMIT_BYTES);
        let upload = Upload::read(&budget, &campaign(), sent.request()).await;
        let upload = upload.unwrap().into_complete().unwrap();
        assert_eq!(upload.photo.as_ref().unwrap().len(), MAX_PHOTO_BYTES);
        drop(upload);
        assert_eq!(in_use.get(), 0);
    }
}

#[tokio::test]
async fn an_announced_body_reserves_little_more_than_what_arrived() {
    let (budget, in_use) = budget(MEMORY);
    let (campaign, begun) = (campaign(), part("foto", vec![7; 100_000]));
    for arrived in [1, 1000, 20_000, 100_000] {
        let piece = Ok::<_, Infallible>(Bytes::copy_from_slice(&begun[..arrived]));
        let unfinished = stream::iter([piece]).chain(stream::pending());
        let request = Request::post("/")
            .header(header::CONTENT_TYPE, MULTIPART)
            .header(header::CONTENT_LENGTH, 8_000_000)
            .body(Body::from_stream(unfinished))
            .unwrap();
        let mut reading = pin!(Upload::read(&budget, &campaign, request));
        assert!(poll!(&mut reading).is_pending());
        let reserved = usize::try_from(in_use.get()).unwrap();
        let most = 2 * arrived + PERMIT_BYTES;
        assert!(
            (arrived..=most).contains(&reserved),
            "{reserved} for {arrived}"
        );
    }
    assert_eq!(in_use.get(), 0);
}

#[tokio::test]
async fn without_memory_for_the_photo_the_texts_are_read() {
    let photo = part("foto", vec![7; 20 * PERMIT_BYTES]);
    let whole = body(&[part("nombre", "Ana"), photo, part("ciudad", "Cali")]);
    let (budget, in_use) = budget(10 * PERMIT_BYTES);
    let read = Upload::read(&budget, &campaign(), Sent::new(&whole).request()).await;
    let upload = read.unwrap();
    assert!(upload.form.has_photo && upload.photo.is_none());
    let expected = texts(&[("nombre", "Ana"), ("ciudad", "Cali")]);
    assert_eq!(upload.form.parts, expected);
    let error = upload.into_complete().unwrap_err();
    assert!(matches!(error, UploadError::Busy), "{error:?}");
    assert_eq!(in_use.get(), 0);
}

#[tokio::test]
async fn without_any_memory_a_body_is_refused() {
    let (budget, _) = budget(PERMIT_BYTES);
    let mut all = budget.start_reservation();
    all.resize(PERMIT_BYTES).unwrap();
    let multipart = body(&[part("album", "a")]);
    for sent in [Sent::new(&multipart), Sent::json("{}")] {
        let read = Upload::read(&budget, &campaign_without_photo(), sent.request()).await;
        assert!(matches!(read, Err(UploadError::Busy)), "{read:?}");
    }
}

#[tokio::test]
async fn too_much_text_is_refused() {
    let long = "a".repeat(MAX_TEXT_BYTES);
    let almost = part("nombre", &long[..MAX_TEXT_BYTES - "nombre".len()]);
    let upload = read(&body(std::slice::from_ref(&almost))).await.unwrap();
    assert!(upload.into_complete().is_ok());
    for parts in [
        vec![part("nombre", &long)],
        vec![part("nombre", long.repeat(10)), part("ciudad", "Cali")],
        vec![almost, part("ciudad", "")],
        vec![part(&long, "a")],
    ] {
        let error = read(&body(&parts)).await.unwrap().into_complete();
        assert!(matches!(error, Err(UploadError::TextTooLarge)), "{error:?}");
    }
}

#[tokio::test]
async fn a_second_photo_is_refused_unless_one_is_empty() {
    let (photo, empty) = (part("foto", "a"), part("foto", ""));
    let twice = read(&body(&[photo.clone(), photo.clone()])).await.unwrap();
    let Err(UploadError::Refused(refusal)) = twice.into_complete() else {
        panic!("two photos");
    };
    assert_eq!(refusal.error, ValidationError::Repeated);
    for parts in [[empty.clone(), photo.clone()], [photo, empty]] {
        let upload = read(&body(&parts)).await.unwrap().into_complete();
        assert_eq!(upload.unwrap().photo.unwrap(), "a");
    }
}

#[tokio::test]
async fn nameless_and_too_many_parts_are_refused() {
    let many: Vec<_> = (0..=MAX_PARTS)
        .map(|number| part(&number.to_string(), "x"))
        .collect();
    let fits = read(&body(&many[1..])).await.unwrap();
    assert!(fits.into_complete().is_ok());
    let told = malformed(read(&body(&many)).await);
    assert_eq!(told, MalformedBody::TooManyParts);
    let nameless = b"--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--";
    let told = malformed(read(nameless).await);
    assert_eq!(told, MalformedBody::UnnamedPart);
}

#[tokio::test]
async fn a_body_that_is_cut_at_any_byte_is_malformed() {
    let whole = body(&[part("nombre", "Ana"), part("foto", "\r\n--\r\n")]);
    let end = whole.len() - "\r\n".len();
    for length in 0..end {
        let told = malformed(read(&whole[..length]).await);
        assert_eq!(told, MalformedBody::Incomplete, "{length}");
    }
    assert!(read(&whole[..end]).await.is_ok());
}

#[tokio::test]
async fn endless_bodies_are_refused() {
    let endless = vec![b'x'; MAX_BODY_BYTES + 1];
    let photo = part("foto", &endless);
    let announced = Sent {
        length: Some(MAX_BODY_BYTES + 1),
        ..Sent::new(b"")
    };
    for sent in [Sent::new(&photo), announced] {
        let read = sent.read(&campaign()).await;
        assert!(matches!(read, Err(UploadError::TooLarge)), "{read:?}");
    }
    malformed(read(&endless).await);
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let sent = |content_type| Sent {
        content_type,
        ..Sent::new(b"{\"album\": \"a\", \"puesto\": 1}")
    };
    let json = sent("application/json; charset=utf-8");
    let upload = json.read(&campaign_without_photo()).await.unwrap();
    let expected = texts(&[("album", "a"), ("puesto", "1")]);
    assert_eq!(upload.form.parts, expected);
    let read = json.read(&campaign()).await;
    assert!(matches!(read, Err(UploadError::MediaType { json: false })));
    for content_type in ["", "text/plain", "multipart/mixed; boundary=B"] {
        let read = sent(content_type).read(&campaign_without_photo()).await;
        assert!(matches!(read, Err(UploadError::MediaType { json: true })));
    }
    let read = sent("multipart/form-data").read(&campaign()).await;
    assert_eq!(malformed(read), MalformedBody::NoBoundary);
}

#[tokio::test]
async fn json_that_is_no_object_of_texts_or_too_large_is_refused() {
    let campaign = campaign_without_photo();
    for (json, expected) in [
        ("[]", MalformedBody::NotJson),
        ("{", MalformedBody::NotJson),
        ("{} x", MalformedBody::NotJson),
        ("{\"a\": [1]}", MalformedBody::JsonValue),
    ] {
        let read = Sent::json(json).read(&campaign).await;
        assert_eq!(malformed(read), expected, "{json}");
    }
    let mut long = String::from("{");
    for number in 0..MAX_TEXT_BYTES / 10 {
        write!(long, "\"{number}\": 123456,").unwrap();
    }
    let read = Sent::json(&long).read(&campaign).await;
    assert!(matches!(read, Err(UploadError::TextTooLarge)), "{read:?}");
}

#[tokio::test]
async fn a_repeated_json_key_is_a_repeated_part() {
    let json = "{\"album\": \"a\", \"puesto\": 1, \"album\": \"b\"}";
    let upload = Sent::json(json).read(&campaign_without_photo()).await;
    let expected = texts(&[("album", "a"), ("puesto", "1"), ("album", "b")]);
    assert_eq!(upload.unwrap().form.parts, expected);
}
