//! The multipart parser against multer: the same parts, or both refuse; the same result whole and in pieces.
#![no_main]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use jornada_http::multipart::{Event, MultipartParser};
use libfuzzer_sys::fuzz_target;

/// The boundary that the corpus uses.
const BOUNDARY: &str = "X";

/// Complete parts with their names, and whether the final delimiter was found.
type Parts = (Vec<(Option<String>, Vec<u8>)>, bool);

/// Parses a body that arrives in pieces.
fn parse(body: &[u8], piece: usize, keeps: bool) -> Parts {
    let mut parser = MultipartParser::new(BOUNDARY);
    let mut pieces = body.chunks(piece);
    let (mut name, mut parts, mut ranges) = (None, Vec::new(), Vec::new());
    let is_final = loop {
        match parser.next_event() {
            Ok(Some(Event::Part(found))) => name = found,
            Ok(Some(Event::Content(range))) => {
                if keeps {
                    parser.keep(&range);
                }
                parts.push((name.take(), parser.content(range.clone()).to_vec()));
                ranges.push(range);
            }
            Ok(Some(Event::End)) => break true,
            Ok(None) => match pieces.next() {
                Some(piece) => parser.push(piece),
                None => break false,
            },
            Err(_) => break false,
        }
    };
    if keeps {
        for (range, (_, content)) in ranges.into_iter().zip(&parts) {
            assert_eq!(parser.content(range), content, "kept content moved");
        }
    }
    (parts, is_final)
}

async fn parse_by_multer(body: &[u8]) -> Parts {
    let whole = Ok::<_, Infallible>(Bytes::copy_from_slice(body));
    let mut multipart = multer::Multipart::new(stream::iter([whole]), BOUNDARY);
    let mut parts = Vec::new();
    loop {
        let field = match multipart.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return (parts, true),
            Err(_) => return (parts, false),
        };
        let name = field.name().map(str::to_owned);
        match field.bytes().await {
            Ok(content) => parts.push((name, content.to_vec())),
            Err(_) => return (parts, false),
        }
    }
}

/// Whether a part has no headers. RFC 2046, section 5.1, allows that; multer takes its content, up to the next empty line,
/// for headers.
fn has_part_without_headers(body: &[u8]) -> bool {
    let delimiter = format!("--{BOUNDARY}");
    (0..body.len()).any(|place| {
        let rest = body[place..].strip_prefix(delimiter.as_bytes());
        let padded = rest.map(|rest| {
            let padding = rest.iter().take_while(|byte| b" \t".contains(byte));
            &rest[padding.count()..]
        });
        padded.is_some_and(|rest| rest.starts_with(b"\r\n\r\n"))
    })
}

/// Whether a parameter `name` may have capitals. RFC 2045, section 5.1, allows that; multer looks for small letters alone.
fn has_name_in_capitals(body: &[u8]) -> bool {
    let mut words = body.windows(4);
    words.any(|word| word.eq_ignore_ascii_case(b"name") && word != b"name")
}

fuzz_target!(|data: &[u8]| {
    // The first byte selects the size of the pieces, and whether contents are kept.
    let Some((choice, body)) = data.split_first() else {
        return;
    };
    let piece = 1 + usize::from(choice >> 1);
    let whole = parse(body, usize::MAX, false);
    let in_pieces = parse(body, piece, choice & 1 == 1);
    assert_eq!(whole, in_pieces, "in pieces of {piece} bytes");
    if !has_part_without_headers(body) && !has_name_in_capitals(body) {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let by_multer = runtime.expect("a runtime").block_on(parse_by_multer(body));
        assert_eq!(whole, by_multer, "multer finds other parts");
    }
});
