//! Registration with and without JavaScript, and the registered person in the report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calamine::{Data, Reader, Xlsx};
use image::{Rgb, RgbImage};

use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

const ENTER: &str = "\u{E007}";

/// Writes a photo of camera size, larger than what the page sends.
pub fn camera_photo(folder: &Path) -> PathBuf {
    let path = folder.join("cédula.jpg");
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(2400, 1800, |x, y| {
        // Grain, so that it compresses no better than a real photo.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = u8::try_from(state >> 27).unwrap();
        let light = u8::try_from((x + y) % 200).unwrap();
        Rgb([light + grain, light, 255 - light])
    });
    picture.save(&path).unwrap();
    path
}

/// Fills in the form of the campaign, without the consent.
pub async fn fill_in(window: &Window, name: &str, city: &str, photo: &Path) {
    window.write("#f-nombre", name).await;
    window.write("#f-ciudad", city).await;
    window.write("#f-foto", photo.to_str().unwrap()).await;
}

/// Returns width and height in pixels of each photo that the report links to.
async fn stored_photo_sizes(app: &RunningInstance, token: &str) -> Vec<(u32, u32)> {
    let list = app.report("_all.csv", token).await.text().await.unwrap();
    let mut sides = Vec::new();
    for link in list
        .split([';', '\n', '\r'])
        .filter(|cell| cell.ends_with("/photo"))
    {
        let answer = app.http.get(link).bearer_auth(token).send().await.unwrap();
        let photo = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
        sides.push((photo.width(), photo.height()));
    }
    sides
}

/// Returns the names in the first sheet of a report.
async fn names_in_report(app: &RunningInstance, token: &str, file: &str) -> Vec<String> {
    let answer = app.report(file, token).await;
    assert_eq!(answer.status(), 200);
    let bytes = answer.bytes().await.unwrap();
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let cells = sheet.used_cells().filter_map(|(_, _, cell)| match cell {
        Data::String(text) => Some(text.clone()),
        _ => None,
    });
    cells.filter(|text| text.contains("Inventad")).collect()
}

async fn register_and_report(device: Device) {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(device).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    // The type-ahead finds Bogotá without its accent; arrow and enter choose it.
    fill_in(
        &window,
        "José Ñandú Inventado",
        "bogo\u{E015}\u{E007}",
        &photo,
    )
    .await;
    window
        .wait_until("document.querySelector('.preview').naturalWidth > 0")
        .await;
    assert_eq!(window.value("#f-ciudad").await, "Bogotá");
    window.click("#f-consent").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    assert_eq!(window.text("h1").await, "Registro recibido");
    let page = window.source().await;
    assert!(
        page.contains("Bogotá") && !page.contains("Inventado"),
        "{page}"
    );
    let number = window.text(".number strong").await;
    assert_eq!(window.path().await, format!("/r/{number}"));
    assert_eq!(window.console_errors().await, Vec::<String>::new());
    drop(window);

    let token = installation.create_token();
    assert_eq!(stored_photo_sizes(&app, &token).await, [(2000, 1500)]);
    let names = names_in_report(&app, &token, "Bogotá.xlsx").await;
    assert_eq!(names, ["José Ñandú Inventado"]);
}

#[tokio::test]
async fn a_person_registers_on_a_phone() {
    register_and_report(Device::Phone).await;
}

#[tokio::test]
async fn a_person_registers_on_a_desktop() {
    register_and_report(Device::Desktop).await;
}

#[tokio::test]
async fn without_javascript_typed_answers_stay_until_they_are_valid() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::PhoneWithoutScripts).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    fill_in(&window, "Ana Inventada", "Medelin", &photo).await;
    // Without JavaScript the driver waits forever after a click that leads to another page, but not after a key.
    window.write("#f-nombre", ENTER).await;
    window
        .wait_for_text("#summary-title", "Hay un problema")
        .await;
    assert!(window.title().await.starts_with("Error: "));
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
    assert_eq!(window.value("#f-ciudad").await, "Medelin");
    let summary = window.text("#summary").await;
    assert!(
        summary.contains("Ciudad: No está en la lista. ¿Quiso decir: Medellín"),
        "{summary}"
    );
    assert!(
        window
            .text("#f-consent-error")
            .await
            .contains("marcar la casilla")
    );

    window.write("#f-ciudad", "\u{E009}a\u{E000}Medellín").await;
    window.write("#f-foto", photo.to_str().unwrap()).await;
    window.write("#f-consent", " ").await;
    window.write("#f-nombre", ENTER).await;
    window.wait_for_text("h1", "Registro recibido").await;
    drop(window);
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;

    // The photo was sent unchanged: without JavaScript nothing could shrink it.
    assert_eq!(
        stored_photo_sizes(&app, &installation.create_token()).await,
        [(2400, 1800)]
    );
}

#[tokio::test]
async fn a_double_click_registers_once() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::Phone).await;
    window.go(&format!("{}/c/{}", app.base, app.campaign)).await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window
        .run("const send = document.querySelector('button[type=submit]'); send.click(); send.click()")
        .await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    drop(window);
    tokio::time::sleep(Duration::from_secs(1)).await;
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn an_invalid_photo_is_reported_beside_its_field() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let text = installation.folder.path().join("foto.jpg");
    std::fs::write(&text, "no soy una foto").unwrap();
    let window = Window::open(Device::Desktop).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    fill_in(&window, "Ana Inventada", "Cali", &text).await;
    window.click("#f-consent").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("document.querySelector('#mistakes a')")
        .await;
    assert!(
        window
            .text("#mistakes")
            .await
            .starts_with("Foto de su documento: ")
    );
    assert!(!window.text("#f-foto-error").await.is_empty());
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
    assert!(window.title().await.starts_with("Error: "));
}

/// Creates an installation that requires a proof of work and does not exempt this machine from limits.
fn installation_with_proof_of_work() -> Installation {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", "none");
    let path = installation.folder.path().join("campaigns/vacunacion.toml");
    let file = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, format!("proof_of_work = 5000\n{file}")).unwrap();
    installation
}

#[tokio::test]
async fn a_browser_solves_the_proof_of_work() {
    let installation = installation_with_proof_of_work();
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::Phone).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.click("#f-consent").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    // The form was sent sooner than a person could, so that the page retried by itself.
    let errors = window.console_errors().await;
    let is_early = |error: &String| error.contains("status of 429");
    assert!(errors.iter().all(is_early), "{errors:?}");
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn without_javascript_the_page_explains_the_proof_of_work() {
    let installation = installation_with_proof_of_work();
    let app = installation.start().await;
    let photo = camera_photo(installation.folder.path());
    let window = Window::open(Device::PhoneWithoutScripts).await;
    window
        .go(&format!("{}/c/{}?lang=es", app.base, app.campaign))
        .await;
    assert!(window.text("noscript").await.contains("active JavaScript"));
    fill_in(&window, "Ana Inventada", "Cali", &photo).await;
    window.write("#f-consent", " ").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    window.write("#f-nombre", ENTER).await;
    let summary = window.text("#summary").await;
    assert!(summary.contains("necesita JavaScript"), "{summary}");
    assert_eq!(window.value("#f-nombre").await, "Ana Inventada");
}
