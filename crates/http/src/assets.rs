//! Style sheets and scripts, embedded in the binary. Each URL contains a hash of the content, so that browsers cache a
//! file for good and still load a new version at once.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use parking_lot::Mutex;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../static/"]
struct StaticFiles;

/// Route of all static files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/static/{hash}/{*name}", get(serve_file))
}

/// Returns the URL of a file of `static/`, such as `/static/1f0c9a…/form.js`.
///
/// # Panics
/// If there is no such file: names are written in templates, and tests render every template.
pub fn asset(name: &str) -> String {
    let file = StaticFiles::get(name).expect("templates name files of static/");
    format!("/static/{}/{name}", file_hash(&file))
}

fn file_hash(file: &EmbeddedFile) -> String {
    data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8])
}

async fn serve_file(
    Path((requested_hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(file) = StaticFiles::get(&name).filter(|file| file_hash(file) == requested_hash)
    else {
        // The page belongs to another version: no file is better than one that does not match.
        return StatusCode::NOT_FOUND.into_response();
    };
    let common = [
        (CONTENT_TYPE, content_type(&name)),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "Accept-Encoding"),
    ];
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .map_or(&b""[..], HeaderValue::as_bytes);
    if accepted.windows(4).any(|word| word == b"gzip") {
        let gzip = [(CONTENT_ENCODING, "gzip")];
        return (common, gzip, compress_once(&requested_hash, &file.data)).into_response();
    }
    (common, file.data).into_response()
}

/// Compresses a file once per process instead of once per request.
fn compress_once(hash: &str, data: &[u8]) -> Bytes {
    static KNOWN: LazyLock<Mutex<HashMap<String, Bytes>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock();
    let gzip = known.entry(hash.to_owned()).or_insert_with(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory cannot fail.
        let _ = encoder.write_all(data);
        encoder.finish().unwrap_or_default().into()
    });
    gzip.clone()
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendored_files_match_their_checksums() {
        let readme = StaticFiles::get("vendor/README.md").unwrap();
        let readme = String::from_utf8(readme.data.into_owned()).unwrap();
        let vendored: Vec<_> = StaticFiles::iter()
            .filter(|name| name.starts_with("vendor/") && name != "vendor/README.md")
            .collect();
        for path in &vendored {
            let file = StaticFiles::get(path).unwrap();
            let sum = data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash());
            let name = path.trim_start_matches("vendor/");
            let row = readme
                .lines()
                .find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("{name} is not listed"));
            assert!(row.contains(&sum), "{name} has another SHA-256: {sum}");
        }
        let listed = readme.lines().filter(|line| line.starts_with("| `"));
        assert_eq!(
            listed.count(),
            vendored.len(),
            "each that is listed is there"
        );
    }

    #[tokio::test]
    async fn a_file_is_served_under_its_own_hash_only() {
        let address = asset("app.css");
        let hash = address.split('/').nth(2).unwrap().to_owned();
        let gzip = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"))]);
        let found = serve_file(Path((hash.clone(), "app.css".into())), HeaderMap::new()).await;
        assert_eq!(found.headers()[CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(!found.headers().contains_key(CONTENT_ENCODING));
        let small = serve_file(Path((hash, "app.css".into())), gzip).await;
        assert_eq!(small.headers()[CONTENT_ENCODING], "gzip");
        let missing = serve_file(Path(("0".repeat(16), "app.css".into())), HeaderMap::new()).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
}
