//! A person whose document somebody else sent asks for a review, with and without JavaScript, and a clerk decides.

use crate::accessibility::assert_accessible;
use crate::registering::{camera_photo, fill_in};
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::variable;

const ENTER: &str = "\u{E007}";
const TAB: &str = "\u{E004}";
const MAIL: &str = "clara@example.org";
const PASSWORD: &str = "caballo correcto grapa";

async fn check(window: &Window, what: &str) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    assert_accessible(window, &axe, what).await;
}

/// Invites a clerk of these places and logs in.
async fn log_in(window: &Window, installation: &Installation, app: &RunningInstance) {
    let command = ["staff", "add", MAIL, "--role", "clerk", "--place", "Bogotá"];
    let added = installation.command(&command).output().unwrap();
    let link = String::from_utf8(added.stdout).unwrap();
    let (_, path) = link.trim().split_once("/staff/").unwrap();
    window.go(&format!("{}/staff/{path}", app.base)).await;
    let twice = format!("{PASSWORD}{TAB}{PASSWORD}{ENTER}");
    window.write("#new", &twice).await;
    window
        .wait_until("location.pathname == '/staff/login'")
        .await;
    let login = format!("{MAIL}{TAB}{PASSWORD}{ENTER}");
    window.write("#mail", &login).await;
    window.wait_until("location.pathname == '/staff'").await;
}

/// Fills in the form with a document that is taken, asks for a review, and returns the path of the page about it.
async fn ask_with_scripts(
    app: &RunningInstance,
    installation: &Installation,
    photo: &std::path::Path,
) -> String {
    let window = Window::open(Device::Phone).await;
    let form = format!("{}/c/{}?lang=es", app.base, installation.campaign);
    window.go(&form).await;
    fill_in(&window, "María Inventada", "Bogotá", photo).await;
    window.write("#f-documento", "1032456789").await;
    window.click("#f-consent").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("!document.querySelector('#review').hidden")
        .await;
    assert!(window.text("#trouble").await.contains("pida una revisión"));
    check(&window, "form that offers a review").await;
    window.click("#review button").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    assert!(window.text("#state").await.contains("no ha decidido"));
    check(&window, "state of a review").await;
    assert_eq!(window.console_errors().await.len(), 1, "the 409 alone");
    window.path().await
}

/// The same without JavaScript: the photo must be chosen again.
async fn ask_without_scripts(
    app: &RunningInstance,
    installation: &Installation,
    photo: &std::path::Path,
) {
    let window = Window::open(Device::PhoneWithoutScripts).await;
    let form = format!("{}/c/{}?lang=es", app.base, installation.campaign);
    window.go(&form).await;
    fill_in(&window, "Otra Inventada", "Bogotá", photo).await;
    window.write("#f-documento", "1032456789").await;
    window.write("#f-consent", " ").await;
    window.write("#f-nombre", ENTER).await;
    window
        .wait_for_text("#review-title", "¿Este documento es suyo?")
        .await;
    assert_eq!(window.value("#f-documento").await, "1032456789");
    window.write("#f-foto", photo.to_str().unwrap()).await;
    // The driver waits forever after a click that leads to another page, but not after a key.
    window.write("#review button", ENTER).await;
    window.wait_for_text("h1", "Revisión de un documento").await;
}

#[tokio::test]
async fn a_person_asks_for_a_review_and_a_clerk_decides() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let stranger = app.register("Basura Basura", "1032456789", "Leticia").await;
    assert_eq!(stranger.status(), 201);
    let photo = camera_photo(installation.folder.path());
    ask_without_scripts(&app, &installation, &photo).await;
    let receipt = ask_with_scripts(&app, &installation, &photo).await;

    let window = Window::open(Device::Desktop).await;
    log_in(&window, &installation, &app).await;
    let queue = format!("{}/staff/c/{}/reviews", app.base, app.campaign);
    window.go(&queue).await;
    check(&window, "queue of reviews").await;
    let number = receipt.trim_start_matches("/r/");
    let link = format!(
        "[...document.querySelectorAll('#reviews a')].find((a) => a.textContent == '{number}')"
    );
    window.run(&format!("{link}.click()")).await;
    window
        .wait_until(
            "[...document.querySelectorAll('#compare img')].length == 2 && \
             [...document.querySelectorAll('#compare img')].every((image) => image.naturalWidth > 0)",
        )
        .await;
    check(&window, "comparison").await;
    let page = window.text("#compare").await;
    assert!(page.contains("María Inventada") && page.contains("Basura Basura"));
    window.click("input[value=disputed]").await;
    let reason = format!("La foto es de María{ENTER}");
    window.write("#reason", &reason).await;
    window
        .wait_until("location.search.includes('done=decided')")
        .await;
    window.go(&format!("{}{receipt}?lang=es", app.base)).await;
    assert_eq!(window.text("h1").await, "Registro recibido");
    app.wait_until("she alone is counted", async |app| {
        let chart = app.chart().await.unwrap_or_default();
        chart["total"] == 1 && chart["values"][0]["value"] == "Bogotá"
    })
    .await;
}
