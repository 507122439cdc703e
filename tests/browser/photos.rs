//! The photo that the page sends: the one that was chosen, in a format that the server takes.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use image::ImageFormat;

use crate::registering::fill_in;
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

/// 320 × 240 pixels, smaller than the JPEG that the page makes of it.
const AVIF: &[u8] = include_bytes!("data/small.avif");

/// Writes a PNG that is smaller than the JPEG that the page makes of it.
fn small_png(installation: &Installation) -> PathBuf {
    let path = installation.folder.path().join("foto.png");
    let picture = image::GrayImage::from_fn(320, 240, |x, y| {
        image::Luma([if (x / 5 + y / 5) % 2 == 0 { 0 } else { 255 }])
    });
    picture.save(&path).unwrap();
    path
}

async fn open_form(app: &RunningInstance) -> Window {
    let window = Window::open(Device::Phone).await;
    let form = format!("{}/c/{}?lang=es", app.base, app.campaign);
    window.go(&form).await;
    window
}

async fn send(window: &Window) {
    window.click("#f-consent").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
}

/// Returns the bytes of the only stored photo.
async fn stored_photo(installation: &Installation, app: &RunningInstance) -> Vec<u8> {
    let token = installation.create_token();
    let list = app.report("_all.csv", &token).await.text().await.unwrap();
    let cells = list.split([';', '\n', '\r']);
    let links: Vec<_> = cells.filter(|cell| cell.ends_with("/photo")).collect();
    assert_eq!(links.len(), 1);
    let answer = app.http.get(links[0]).bearer_auth(token).send().await;
    answer.unwrap().bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_photo_is_sent_as_it_was_chosen_though_its_file_changes_or_goes() {
    for is_deleted in [false, true] {
        let installation = Installation::new(Stores::Embedded);
        let app = installation.start().await;
        let path = small_png(&installation);
        let chosen = std::fs::read(&path).unwrap();
        let window = open_form(&app).await;
        fill_in(&window, "Ana Inventada", "Cali", &path).await;
        window
            .wait_until("document.querySelector('.preview').naturalWidth > 0")
            .await;
        if is_deleted {
            std::fs::remove_file(&path).unwrap();
        } else {
            std::fs::write(&path, "otra cosa").unwrap();
        }
        send(&window).await;
        drop(window);
        assert_eq!(stored_photo(&installation, &app).await, chosen);
    }
}

#[tokio::test]
async fn a_photo_that_cannot_be_read_must_be_chosen_again_at_once() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let path = small_png(&installation);
    let window = open_form(&app).await;
    // Reading fails as in Chrome on Android for files of apps and of the cloud.
    window
        .run("window.read = File.prototype.arrayBuffer; File.prototype.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotReadableError'))")
        .await;
    let chosen = Instant::now();
    fill_in(&window, "Ana Inventada", "Cali", &path).await;
    window
        .wait_until("!document.querySelector('#f-foto-error').hidden")
        .await;
    assert!(chosen.elapsed() < Duration::from_secs(4));
    assert!(
        window
            .text("#f-foto-error")
            .await
            .contains("Elija de nuevo la foto")
    );
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
    assert_eq!(window.value("#f-foto").await, "");
    window.run("File.prototype.arrayBuffer = window.read").await;
    window.write("#f-foto", path.to_str().unwrap()).await;
    send(&window).await;
    drop(window);
    stored_photo(&installation, &app).await;
}

#[tokio::test]
async fn what_only_the_browser_shows_arrives_as_jpeg_also_if_that_is_larger() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    // The name says nothing: some apps call every picture JPEG.
    for name in ["foto.avif", "foto.jpg"] {
        std::fs::write(installation.folder.path().join(name), AVIF).unwrap();
    }
    let window = open_form(&app).await;
    fill_in(
        &window,
        "Ana Inventada",
        "Cali",
        &installation.folder.path().join("foto.jpg"),
    )
    .await;
    let avif = installation.folder.path().join("foto.avif");
    window.write("#f-foto", avif.to_str().unwrap()).await;
    send(&window).await;
    drop(window);
    let stored = stored_photo(&installation, &app).await;
    assert_eq!(image::guess_format(&stored).unwrap(), ImageFormat::Jpeg);
    assert!(stored.len() > AVIF.len());
}
