//! Photos through the API: rejected ones leave nothing behind, and only the image itself is stored.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, expect_problem, form_without_photo, photo_part,
};
use jornada_testkit::photos::{jpeg, jpeg_of_size};

const LIMIT: usize = 8 * 1024 * 1024;

/// Returns the paths of all photo files of an embedded installation.
pub fn stored_photos(installation: &Installation) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&installation.folder.path().join("data/photos"), &mut found);
    found
}

async fn send(app: &RunningInstance, bytes: Vec<u8>) -> reqwest::Response {
    let form = form_without_photo("Ana Ejemplo", "", "Cali").part("foto", photo_part(bytes));
    app.send(form, None).await
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
    png.extend([8, 2, 0, 0, 0]);
    png.extend([0; 4]);
    png
}

#[tokio::test]
async fn an_invalid_photo_is_rejected_and_not_stored() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let whole = jpeg(0);
    let cases: [(&str, Vec<u8>, u16); 8] = [
        ("text named .jpg", b"this is a text file".to_vec(), 415),
        (
            "SVG",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            415,
        ),
        ("HEIC", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1".to_vec(), 415),
        ("GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec(), 415),
        ("truncated JPEG", whole[..whole.len() / 2].to_vec(), 422),
        (
            "half a JPEG with an end marker",
            [&whole[..whole.len() / 2], b"\xFF\xD9"].concat(),
            422,
        ),
        ("60,000 x 60,000 PNG", png_header(60_000, 60_000), 422),
        ("no photo", Vec::new(), 422),
    ];
    for (case, bytes, status) in cases {
        let body = expect_problem(send(&app, bytes).await, status).await;
        assert_eq!(body["errors"][0]["field"], "foto", "{case}");
        assert!(
            body["errors"][0]["message"].as_str().unwrap().len() > 20,
            "{case}"
        );
    }
    assert!(stored_photos(&installation).is_empty());
    assert_eq!(app.total().await, Some(0));
}

#[tokio::test]
async fn a_photo_of_8_mib_is_accepted_and_one_byte_more_is_not() {
    let app = Installation::new(Stores::Embedded).start().await;
    assert_eq!(send(&app, jpeg_of_size(LIMIT)).await.status(), 201);
    let body = expect_problem(send(&app, jpeg_of_size(LIMIT + 1)).await, 413).await;
    assert!(body["detail"].as_str().unwrap().contains("8 MiB"));
    let body = expect_problem(send(&app, jpeg_of_size(20 * 1024 * 1024)).await, 413).await;
    assert_eq!(body["type"], "urn:jornada:problem:too-large");
}

#[tokio::test]
async fn bytes_after_the_image_are_not_stored() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let mut bytes = jpeg(3);
    let picture = bytes.clone();
    bytes.extend(b"<script>MARKED</script>");
    assert_eq!(send(&app, bytes).await.status(), 201);
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&picture));
    let files = stored_photos(&installation);
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&digest), "{name}");
}

#[tokio::test]
async fn only_staff_can_view_a_photo() {
    let installation = Installation::new(Stores::Servers);
    let app = installation.start().await;
    let registered: serde_json::Value = send(&app, jpeg(4)).await.json().await.unwrap();
    let id = registered["id"].as_str().unwrap();
    let path = format!(
        "{}/staff/c/{}/registrations/{id}/photo",
        app.base, app.campaign
    );
    assert_eq!(app.http.get(&path).send().await.unwrap().status(), 401);
    assert_eq!(
        app.http
            .get(&path)
            .bearer_auth("jornada_no")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let token = installation.create_token();
    let seen = app
        .http
        .get(&path)
        .basic_auth("staff", Some(&token))
        .send()
        .await
        .unwrap();
    assert_eq!(seen.headers()["cache-control"], "no-store");
    assert_eq!(seen.headers()["content-type"], "image/jpeg");
    assert_eq!(seen.bytes().await.unwrap(), jpeg(4));
    let other = path.replace(id, &"0".repeat(32));
    assert_eq!(
        app.http
            .get(&other)
            .bearer_auth(&token)
            .send()
            .await
            .unwrap()
            .status(),
        404
    );
}
