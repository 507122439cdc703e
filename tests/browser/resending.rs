//! Networks and servers fail while somebody sends: the form sends again by itself, and nobody is registered twice.

use crate::registering::{camera_photo, fill_in};
use crate::support::app::{Installation, Stores};
use crate::window::{Kind, Window};

/// Slow enough that a photo is on its way for seconds.
const SLOW: u64 = 150_000;

#[tokio::test]
async fn a_server_that_dies_and_comes_back_gets_it_once() {
    let mut installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Kind::Phone).await;
    window.go(&format!("{}/?lang=es", app.base)).await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .until("document.getElementById('progress').value > 5")
        .await;
    let address = app.base.replace("http://", "");
    app.signal("-KILL");
    drop(app);
    window
        .until("document.getElementById('status').textContent.startsWith('Sin conexión')")
        .await;
    window
        .until("!document.getElementById('again').hidden")
        .await;

    window.limit_upload(None).await;
    installation.set("JORNADA_LISTEN", &address);
    let app = installation.start().await;
    window.until("location.pathname.startsWith('/r/')").await;
    drop(window);
    app.until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn a_reload_goes_on_with_the_same_key_texts_and_photo() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Kind::Desk).await;
    window.go(&app.base).await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    let key = window.value("[name=_key]").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .until("document.getElementById('progress').value > 5")
        .await;
    window.reload().await;
    window
        .until("!document.getElementById('sending').hidden")
        .await;
    assert_eq!(window.value("[name=_key]").await, key);
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
    window.limit_upload(None).await;
    window.until("location.pathname.startsWith('/r/')").await;
    assert_eq!(window.run("return sessionStorage.length").await, 0);
    drop(window);
    app.until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn a_photo_that_could_not_be_kept_is_asked_for_again() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Kind::Phone).await;
    window.go(&format!("{}/?lang=es", app.base)).await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .until("document.getElementById('progress').value > 5")
        .await;
    window
        .run("const kept = { ...draft.kept, photo: undefined }; sessionStorage.setItem(draft.name, JSON.stringify(kept))")
        .await;
    window.reload().await;
    window.limit_upload(None).await;
    assert!(
        window
            .text("#status")
            .await
            .contains("Elija de nuevo la foto")
    );
    window.write("#f-foto", photo.to_str().unwrap()).await;
    window.click("button[type=submit]").await;
    window.until("location.pathname.startsWith('/r/')").await;
    drop(window);
    app.until("it is counted", async |app| app.total().await == Some(1))
        .await;
}
