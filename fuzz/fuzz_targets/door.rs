//! The multipart parser: any body stays within the limits, and the result does not depend on how it is split.
#![no_main]

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures_util::stream;
use jornada_domain::Campaign;
use jornada_http::budget::UploadBudget;
use jornada_http::upload::Upload;
use jornada_photo::MAX_PHOTO_BYTES;
use libfuzzer_sys::fuzz_target;
use prometheus::IntGauge;

/// Media type with the boundary that the corpus uses.
const MULTIPART: &str = "multipart/form-data; boundary=X";
/// Maximum sum of names and texts that the parser allows.
const MAX_TEXT_BYTES: usize = 64 * 1024;
const MEMORY: u64 = 64 * 1024 * 1024;

static WITH_PHOTO: LazyLock<Campaign> = LazyLock::new(|| {
    let cities = include_str!("../../campaigns/ciudades-colombia.csv");
    let file = include_str!("../../campaigns/vacunacion.toml");
    Campaign::parse(file, |_| Ok(cities.to_owned())).expect("the campaign that is shipped")
});
static WITHOUT_PHOTO: LazyLock<Campaign> = LazyLock::new(|| {
    let file = include_str!("../../campaigns/mejor-disco.toml");
    Campaign::parse(file, |_| Err(String::new())).expect("the campaign that is shipped")
});

/// Parses a body that arrives in pieces and describes the result, for comparison.
fn read(campaign: &Campaign, media_type: &str, body: &[u8], piece: usize) -> String {
    let in_use = IntGauge::new("in_use", "of the uploads").expect("a name");
    let budget = UploadBudget::new(MEMORY, in_use.clone());
    let pieces: Vec<Result<Bytes, Infallible>> = body
        .chunks(piece)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let request = Request::post("/")
        .header("content-type", media_type)
        .body(Body::from_stream(stream::iter(pieces)))
        .expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let read = runtime.block_on(Upload::read(&budget, campaign, request));
    let result = match read.and_then(Upload::into_complete) {
        Ok(upload) => describe(campaign, &upload),
        Err(error) => format!("{error:?}"),
    };
    assert_eq!(in_use.get(), 0, "memory is released");
    result
}

fn describe(campaign: &Campaign, upload: &Upload) -> String {
    let texts = upload.form.parts.iter();
    let bytes: usize = texts.map(|(name, value)| name.len() + value.len()).sum();
    assert!(bytes <= MAX_TEXT_BYTES);
    assert_eq!(upload.form.has_photo, upload.photo.is_some());
    let photo = upload.photo.as_ref();
    assert!(photo.is_none_or(|photo| photo.len() <= MAX_PHOTO_BYTES));
    let mut text = format!("{:?} {photo:?}", upload.form);
    let _ = write!(text, " {:?}", campaign.validate(&upload.form));
    text
}

fuzz_target!(|data: &[u8]| {
    // The first byte selects campaign, media type and the size of the pieces.
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let campaign = if choice & 1 == 0 {
        &*WITH_PHOTO
    } else {
        &*WITHOUT_PHOTO
    };
    let media_type = if choice & 2 == 0 {
        MULTIPART
    } else {
        "application/json"
    };
    let piece = 1 + usize::from(choice >> 2);
    let whole = read(campaign, media_type, body, usize::MAX);
    let in_pieces = read(campaign, media_type, body, piece);
    assert_eq!(
        whole, in_pieces,
        "pieces of {piece} bytes give another result"
    );
});
