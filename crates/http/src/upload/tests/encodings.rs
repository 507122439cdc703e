//! Encodings of texts, and numbers of JSON.

use super::*;

#[tokio::test]
async fn texts_are_read_in_the_encoding_that_they_name() {
    let text = |charset: &str, bytes: &[u8]| {
        let head = format!(
            "--B\r\nContent-Disposition: form-data; name=nombre\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
        );
        [head.as_bytes(), bytes, b"\r\n"].concat()
    };
    for (charset, bytes) in [
        ("ISO-8859-1", &b"Jos\xE9 \xD1"[..]),
        ("\"windows-1252\"", b"Jos\xE9 \xD1"),
        ("utf-8", "José Ñ".as_bytes()),
        ("us-ascii", "José Ñ".as_bytes()),
        ("UTF-16LE", b"\xFF\xFEJ\0o\0s\0\xE9\0 \0\xD1\0"),
    ] {
        let upload = read(&body(&[text(charset, bytes)])).await.unwrap();
        let expected = texts(&[("nombre", "José Ñ")]);
        assert_eq!(
            upload.into_complete().unwrap().form.parts,
            expected,
            "{charset}"
        );
    }
    let of_all = body(&[part("_charset_", "iso-8859-1"), part("nombre", b"Jos\xE9")]);
    let upload = read(&of_all).await.unwrap().into_complete().unwrap();
    assert_eq!(upload.form.parts, texts(&[("nombre", "José")]));
    for refused in [
        text("klingon", b"Ana"),
        text("utf-8", b"\xE9"),
        part("nombre", b"\xE9"),
    ] {
        let refusal = FieldError::new("nombre", ValidationError::UnreadableText);
        match read(&body(&[refused])).await.unwrap().into_complete() {
            Err(UploadError::Refused(error)) => assert_eq!(error, refusal),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_document_in_json_is_that_number_or_refused() {
    let file = include_str!("../../../../../campaigns/vacunacion.toml");
    let (file, _) = file.rsplit_once("[[fields]]").unwrap();
    let file = file.replace("photos = 30", "photos = 365");
    let cities = include_str!("../../../../../campaigns/ciudades-colombia.csv");
    let campaign = Campaign::parse(&file, |_| Ok(cities.to_owned())).unwrap();
    for (number, expected) in [
        ("1032456789", Some("1032456789")),
        ("1032456789.0", Some("1032456789")),
        ("1e9", Some("1000000000")),
        ("9007199254740993", Some("9007199254740993")),
        ("123456789012345678901", Some("123456789012345678901")),
        ("\"1.5\"", Some("1.5")),
        ("1032456789.5", None),
        ("103.456", None),
        ("-1032456789", None),
    ] {
        let json = format!("{{\"documento\": {number}}}");
        let expected = expected.map(|text| texts(&[("documento", text)]));
        match Sent::json(&json).read(&campaign).await {
            Ok(upload) => assert_eq!(Some(upload.form.parts), expected, "{number}"),
            Err(UploadError::Refused(error)) => {
                assert_eq!(
                    error,
                    FieldError::new("documento", ValidationError::NotADocument)
                );
                assert_eq!(expected, None, "{number}");
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}
