//! The headers of a part: parameter `name` of `Content-Disposition` and `charset` of `Content-Type` (RFC 7578, sections 4.2
//! and 4.4).

use memchr::{memchr, memchr2};

use crate::upload_error::{MalformedBody, UploadError};

/// Name of the parameter.
const NAME: &[u8] = b"name";
/// Maximum number of headers of a part.
const MAX_HEADERS: usize = 32;

/// The headers of a part, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PartHead {
    /// The name, if there is a valid one.
    pub(super) name: Option<String>,
    /// Label of the encoding of a text.
    pub(super) charset: Option<String>,
}

/// Reads the headers of a part. Of several `Content-Disposition` headers the last one counts.
pub(super) fn read_head(headers: &[u8]) -> Result<PartHead, UploadError> {
    let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let Ok(httparse::Status::Complete((_, parsed))) = httparse::parse_headers(headers, &mut parsed)
    else {
        return Err(UploadError::Malformed(MalformedBody::Incomplete));
    };
    let last = |name: &str| {
        let found = parsed
            .iter()
            .rfind(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value)
    };
    Ok(PartHead {
        name: last("content-disposition").and_then(name_parameter),
        charset: last("content-type").and_then(charset_parameter),
    })
}

fn charset_parameter(content_type: &[u8]) -> Option<String> {
    let media_type: mime::Mime = str::from_utf8(content_type).ok()?.parse().ok()?;
    let charset = media_type.get_param(mime::CHARSET)?;
    Some(charset.as_str().to_owned())
}

/// Finds the first `name` at the beginning of a word, and returns the value after it.
fn name_parameter(mut disposition: &[u8]) -> Option<String> {
    loop {
        let place = find_name(disposition)?;
        let before = place.checked_sub(1).map(|place| disposition[place]);
        disposition = &disposition[place + NAME.len()..];
        // Otherwise it is the end of another word, such as `filename`.
        if before.is_none_or(|byte| byte == b';' || byte.is_ascii_whitespace()) {
            let value = disposition.trim_ascii_start().strip_prefix(b"=")?;
            return parameter_value(value.trim_ascii_start());
        }
    }
}

/// Finds `name`, regardless of case.
fn find_name(text: &[u8]) -> Option<usize> {
    let mut windows = text.windows(NAME.len());
    windows.position(|window| window.eq_ignore_ascii_case(NAME))
}

/// Returns a value, with or without quotes. In quotes, `\"` is a quote and every other backslash is itself: browsers send
/// it as it is.
fn parameter_value(text: &[u8]) -> Option<String> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = memchr2(b';', b' ', text).unwrap_or(text.len());
        return String::from_utf8(text[..end].to_vec()).ok();
    };
    let mut end = memchr(b'"', quoted)?;
    while end > 0 && quoted[end - 1] == b'\\' {
        end += 1 + memchr(b'"', &quoted[end + 1..])?;
    }
    let value = std::str::from_utf8(&quoted[..end]).ok()?;
    Some(value.replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part_name(headers: &[u8]) -> Result<Option<String>, UploadError> {
        read_head(headers).map(|head| head.name)
    }

    fn name(disposition: &str) -> Option<String> {
        let headers = format!("Content-Disposition: {disposition}\r\n\r\n");
        part_name(headers.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_is_found_with_and_without_quotes_in_any_place() {
        for disposition in [
            "form-data; name=\"foto\"",
            "FORM-DATA; Name=\"foto\"",
            "form-data; FileName=\"a.jpg\"; NAME=foto",
            "form-data; name=foto",
            "form-data; name = foto ",
            "form-data;name=foto; filename=a.jpg",
            "form-data; filename=\"a; b.jpg\"; name=\"foto\"",
            "form-data; filename*=UTF-8''a.jpg; name=\"foto\"",
            "form-data; name=\"foto\"; filename=\"a.jpg\"; filename*=UTF-8''%C3%A1.jpg",
        ] {
            assert_eq!(name(disposition).as_deref(), Some("foto"), "{disposition}");
        }
        assert_eq!(
            name("form-data; name=\"a \\\"b\\\" \\c\"").unwrap(),
            "a \"b\" \\c"
        );
        assert_eq!(
            name("form-data; name=\"ciudad de ñ\"").unwrap(),
            "ciudad de ñ"
        );
        assert_eq!(name("form-data; name=\"\"").unwrap(), "");
    }

    #[test]
    fn a_part_may_have_no_name() {
        for disposition in [
            "form-data",
            "form-data; filename=\"a.jpg\"",
            "form-data; name=\"open",
            "form-data; name",
            "form-data; name*=UTF-8''foto",
        ] {
            assert_eq!(name(disposition), None, "{disposition}");
        }
        assert_eq!(part_name(b"\r\n").unwrap(), None);
        let other = b"Content-Type: image/jpeg\r\n\r\n";
        assert_eq!(part_name(other).unwrap(), None);
        let not_utf8 = b"Content-Disposition: form-data; name=\"\xFF\"\r\n\r\n";
        assert_eq!(part_name(not_utf8).unwrap(), None);
    }

    #[test]
    fn header_names_ignore_case_and_the_last_header_counts() {
        let twice = b"content-disposition: form-data; name=a\r\nCONTENT-DISPOSITION: form-data; name=b\r\n\r\n";
        assert_eq!(part_name(twice).unwrap().unwrap(), "b");
    }

    #[test]
    fn malformed_or_too_many_headers_are_refused() {
        assert!(part_name(b"no colon\r\n\r\n").is_err());
        assert!(part_name(b"A: \x01\r\n\r\n").is_err());
        let many = "A: b\r\n".repeat(MAX_HEADERS);
        assert!(part_name(format!("{many}\r\n").as_bytes()).is_ok());
        assert!(part_name(format!("{many}A: b\r\n\r\n").as_bytes()).is_err());
    }

    #[test]
    fn the_encoding_of_a_text_is_told_by_its_media_type() {
        for (content_type, charset) in [
            ("text/plain; charset=ISO-8859-1", Some("iso-8859-1")),
            ("text/plain;charset=\"windows-1252\"", Some("windows-1252")),
            ("TEXT/PLAIN; CHARSET=utf-8", Some("utf-8")),
            ("text/plain", None),
            ("text", None),
        ] {
            let headers = format!("Content-Type: {content_type}\r\n\r\n");
            let head = read_head(headers.as_bytes()).unwrap();
            assert_eq!(
                head.charset.map(|label| label.to_lowercase()).as_deref(),
                charset
            );
        }
    }
}
