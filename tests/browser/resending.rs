//! Failing networks and servers: the form retries by itself, and nobody is registered twice.

use crate::registering::{camera_photo, fill_in};
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, Stores};

/// Bytes per second; a photo takes seconds.
const SLOW: u64 = 150_000;

#[tokio::test]
async fn a_restarted_server_receives_the_form_once() {
    let mut installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::Phone).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .wait_until("document.getElementById('progress').value > 5")
        .await;
    let address = app.base.replace("http://", "");
    app.signal("-KILL");
    drop(app);
    window
        .wait_until("document.getElementById('status').textContent.startsWith('Sin conexión')")
        .await;
    window
        .wait_until("!document.getElementById('again').hidden")
        .await;

    window.limit_upload(None).await;
    installation.set("JORNADA_LISTEN", &address);
    let app = installation.start().await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    drop(window);
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn a_reload_resumes_with_the_same_key_texts_and_photo() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::Desktop).await;
    window.go(&format!("{}/c/{}", app.base, app.campaign)).await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    let key = window.value("[name=_key]").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .wait_until("document.getElementById('progress').value > 5")
        .await;
    window.reload().await;
    window
        .wait_until("!document.getElementById('sending').hidden")
        .await;
    assert_eq!(window.value("[name=_key]").await, key);
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
    window.limit_upload(None).await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    assert_eq!(window.run("return sessionStorage.length").await, 0);
    drop(window);
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn a_photo_lost_on_reload_must_be_chosen_again() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::Phone).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window.limit_upload(Some(SLOW)).await;
    window.click("button[type=submit]").await;
    window
        .wait_until("document.getElementById('progress').value > 5")
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
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    drop(window);
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
}
