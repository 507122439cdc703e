use super::*;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Final,
    Missing,
    Malformed,
}

type Parts = Vec<(Option<String>, Vec<u8>)>;

/// Parses a body that arrives in pieces. Returns the complete parts.
fn parse_pieces(body: &[u8], piece: usize) -> (Parts, End) {
    let mut parser = MultipartParser::new("B");
    let mut pieces = body.chunks(piece);
    let (mut parts, mut part) = (Vec::new(), None);
    loop {
        match parser.next_event() {
            Ok(Some(Event::Part(name))) => part = name,
            Ok(Some(Event::Content(range))) => {
                parts.push((part.take(), parser.content(range).to_vec()));
            }
            Ok(Some(Event::End)) => return (parts, End::Final),
            Ok(None) => match pieces.next() {
                Some(piece) => parser.push(piece),
                None => return (parts, End::Missing),
            },
            Err(_) => return (parts, End::Malformed),
        }
    }
}

/// Parses a body whole and in pieces of several sizes, with the same result.
fn parse(body: impl AsRef<[u8]>) -> (Parts, End) {
    let body = body.as_ref();
    let whole = parse_pieces(body, usize::MAX);
    for piece in [1, 2, 3, 5, 7, 64, 1000] {
        assert_eq!(parse_pieces(body, piece), whole, "in pieces of {piece}");
    }
    whole
}

fn part(name: &str, content: &str) -> String {
    format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
}

fn parts(expected: &[(&str, &str)]) -> Parts {
    let part = |(name, content): &(&str, &str)| (Some((*name).into()), content.as_bytes().into());
    expected.iter().map(part).collect()
}

#[test]
fn parts_have_their_order_and_content() {
    let body = part("b", "one") + &part("a", "") + &part("b", "\r\n") + "--B--\r\n";
    let expected = parts(&[("b", "one"), ("a", ""), ("b", "\r\n")]);
    assert_eq!(parse(body), (expected, End::Final));
    assert_eq!(parse("--B--"), (Vec::new(), End::Final));
}

#[test]
fn content_may_contain_what_resembles_a_delimiter() {
    for content in [
        "--B",
        "x--B--",
        "\r\n-B",
        "\r\n--b",
        "\n--B\n",
        "\r--B",
        "\r\n\r\n--",
        "\r\r\n-",
    ] {
        let body = part("a", content) + "--B--";
        assert_eq!(
            parse(&body),
            (parts(&[("a", content)]), End::Final),
            "{content:?}"
        );
    }
}

#[test]
fn a_delimiter_needs_a_line_break_or_the_final_hyphens() {
    let first = parts(&[("a", "one")]);
    for rest in ["--Bx\r\n", "--B\n\n", "--B\r\r", "--B-\r\n", "--B x\r\n"] {
        let body = part("a", "one") + rest;
        assert_eq!(
            parse(&body),
            (first.clone(), End::Malformed),
            "{rest:?} follows"
        );
    }
    let padded =
        part("a", "one") + "--B \t \r\nContent-Disposition: form-data; name=b\r\n\r\ntwo\r\n--B--";
    assert_eq!(
        parse(padded),
        (parts(&[("a", "one"), ("b", "two")]), End::Final)
    );
    let lines = (part("a", "one") + "--B--").replace("\r\n", "\n");
    assert_eq!(parse(lines), (Vec::new(), End::Malformed));
}

#[test]
fn preamble_and_epilogue_are_ignored() {
    let body =
        String::from("preamble\r\n-B\r\n") + &part("a", "one") + "--B--\r\n" + &part("b", "");
    assert_eq!(parse(body), (parts(&[("a", "one")]), End::Final));
}

#[test]
fn a_part_may_have_no_headers_or_no_name() {
    let body = "--B\r\n\r\none\r\n--B\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--B--";
    let nameless = |content: &str| (None, content.as_bytes().to_vec());
    assert_eq!(
        parse(body),
        (vec![nameless("one"), nameless("two")], End::Final)
    );
}

#[test]
fn a_body_that_is_cut_at_any_byte_has_no_end() {
    let body = part("a", "one") + &part("foto", "\r\n--\r\n") + "--B--";
    for length in 0..body.len() {
        let (parts, end) = parse(&body[..length]);
        assert_eq!(end, End::Missing, "after {length} bytes");
        assert!(parts.len() <= 2);
    }
    assert_eq!(parse(body).1, End::Final);
}

#[test]
fn a_large_head_is_refused_wherever_it_is() {
    let fits = "x".repeat(MAX_HEAD_BYTES - 1000);
    let large = "x".repeat(MAX_HEAD_BYTES + 1);
    let bodies = |filler: &str| {
        let header = format!("--B\r\nX: {filler}\r\n\r\none\r\n--B--");
        [
            format!("{filler}{}--B--", part("a", "one")),
            part("a", "two") + &header,
            part("a", "two") + "--B" + &filler.replace('x', " ") + "\r\n\r\none\r\n--B--",
        ]
    };
    for (filler, expected) in [(fits, End::Final), (large, End::Malformed)] {
        for body in bodies(&filler) {
            for piece in [1000, 70_000, usize::MAX] {
                assert_eq!(parse_pieces(body.as_bytes(), piece).1, expected);
            }
        }
    }
    let endless = vec![b'x'; 2 * MAX_HEAD_BYTES];
    assert_eq!(parse_pieces(&endless, 1000).1, End::Malformed);
}

#[test]
fn the_boundary_may_be_quoted() {
    let quoted = "multipart/form-data; charset=utf-8; boundary=\"a b:c\"";
    assert_eq!(boundary(quoted).as_deref(), Some("a b:c"));
    let plain = "multipart/form-data;boundary=----x";
    assert_eq!(boundary(plain).as_deref(), Some("----x"));
    for without in ["multipart/form-data", "multipart/form-data; boundary", ""] {
        assert_eq!(boundary(without), None, "{without}");
    }
}

/// Pushes pieces until the parser has an event.
fn next_event(parser: &mut MultipartParser, pieces: &mut dyn Iterator<Item = &[u8]>) -> Event {
    loop {
        if let Some(event) = parser.next_event().unwrap() {
            return event;
        }
        parser.push(pieces.next().unwrap());
    }
}

#[test]
fn only_kept_content_stays_in_the_buffer() {
    let texts: String = (0..100)
        .map(|number| part(&number.to_string(), &"t".repeat(1000)))
        .collect();
    let photo = "p".repeat(20_000);
    let body = texts.clone() + &part("foto", &photo) + &texts + "--B--";
    let mut pieces = body.as_bytes().chunks(1000);
    let (mut parser, mut photo_range) = (MultipartParser::new("B"), None);
    let (mut name, mut largest) = (None, 0);
    loop {
        match next_event(&mut parser, &mut pieces) {
            Event::Part(found) => name = found,
            Event::Content(range) if name.as_deref() == Some("foto") => {
                parser.keep(&range);
                photo_range = Some(range);
            }
            Event::Content(range) => {
                assert!(parser.content(range).iter().all(|byte| *byte == b't'));
            }
            Event::End => break,
        }
        largest = largest.max(parser.buffered());
    }
    let most = photo.len() + 2 * MAX_UNNEEDED_BYTES + 4000;
    assert!(largest <= most, "{largest} bytes were buffered");
    let kept = parser.into_content(photo_range.unwrap());
    assert!(kept == photo);
}

#[test]
fn discarded_content_leaves_the_buffer_and_its_memory() {
    let large = "x".repeat(4 * MAX_FREE_BYTES);
    let body = part("a", &large) + &part("b", "two") + "--B--";
    let mut pieces = body.as_bytes().chunks(1000);
    let mut parser = MultipartParser::new("B");
    next_event(&mut parser, &mut pieces);
    while parser.pending() < 2 * MAX_FREE_BYTES {
        parser.push(pieces.next().unwrap());
        assert_eq!(parser.next_event().unwrap(), None);
    }
    parser.discard();
    assert_eq!(parser.next_event().unwrap(), None);
    assert!(parser.capacity() < 1000, "{}", parser.capacity());
    while parser.next_event().unwrap().is_none() {
        parser.push(pieces.next().unwrap());
        assert!(parser.buffered() <= MAX_UNNEEDED_BYTES + 2000);
    }
    let event = next_event(&mut parser, &mut pieces);
    assert_eq!(event, Event::Part(Some("b".into())));
    let Event::Content(range) = next_event(&mut parser, &mut pieces) else {
        panic!("no content");
    };
    assert_eq!(parser.content(range), b"two");
}
