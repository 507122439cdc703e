//! Voting with the form, with and without JavaScript.

use std::time::Duration;

use crate::accessibility::assert_accessible;
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::variable;

const ENTER: &str = "\u{E007}";

async fn fill_in(window: &Window, paper: &str, party: &str) {
    window.write("#f-sede", "7").await;
    window.write("#f-departamento", "san marcos").await;
    window.write("#f-municipio", "San Pedro Sacatepéquez").await;
    window.write("#f-papeleta", paper).await;
    window.write("#f-partido", party).await;
}

async fn wait_for_total(app: &RunningInstance, election: &str, total: u64) {
    let path = format!("/api/v1/campaigns/{election}/tallies/sedes");
    app.wait_until("the votes are counted", async |app| {
        let tally: serde_json::Value = app.get(&path).await.json().await.unwrap();
        tally["total"] == total
    })
    .await;
}

#[tokio::test]
async fn a_person_votes_and_votes_again_on_a_phone() {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let election = installation.election.clone();
    let app = installation.start().await;
    let window = Window::open(Device::Phone).await;
    let form = format!("{}/c/{election}?lang=es", app.base);
    window.go(&form).await;
    assert_accessible(&window, &axe, "the form of a vote").await;
    let key = window.value("[name=_key]").await;
    fill_in(&window, "Blanca", "UNE").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    assert!(window.source().await.contains("Voto recibido"));
    assert_accessible(&window, &axe, "the receipt of a vote").await;
    // Another vote under the key of the first one: the page says so, and sends it under a new key.
    window.go(&form).await;
    window
        .run(&format!(
            "document.querySelector('[name=_key]').value = '{key}'"
        ))
        .await;
    fill_in(&window, "Blanca", "CABAL").await;
    window.click("button[type=submit]").await;
    window
        .wait_until("document.body.innerText.includes('Su voto anterior ya quedó guardado')")
        .await;
    window.click("button[type=submit]").await;
    window
        .wait_until("location.pathname.startsWith('/r/')")
        .await;
    wait_for_total(&app, &election, 2).await;
}

#[tokio::test]
async fn a_person_votes_without_javascript() {
    let installation = Installation::new(Stores::Embedded);
    let election = installation.election.clone();
    let app = installation.start().await;
    let window = Window::open(Device::PhoneWithoutScripts).await;
    window
        .go(&format!("{}/c/{election}?lang=en", app.base))
        .await;
    fill_in(&window, "White", "SEMILLA").await;
    // Sooner than a person could fill it in, the form is refused.
    tokio::time::sleep(Duration::from_secs(3)).await;
    window.write("#f-sede", ENTER).await;
    window.wait_for_text("h1", "Vote received").await;
    wait_for_total(&app, &election, 1).await;
}
