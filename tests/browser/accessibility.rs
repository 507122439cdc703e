//! axe-core finds no violation on any page, at any width, in any state.

use serde_json::json;

use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, Stores};
use jornada_testkit::servers::variable;

const VIOLATIONS: &str = "const done = arguments[0];
    axe.run().then(({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)), done)";

pub async fn assert_accessible(window: &Window, axe: &str, what: &str) {
    window.run(axe).await;
    let found = window.run_async(VIOLATIONS).await;
    assert_eq!(found.as_array().map(Vec::len), Some(0), "{what}: {found:#}");
    let overflow =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(
        window.run(overflow).await,
        0,
        "{what} is wider than the window"
    );
    let scrolled = "return innerWidth > 400 ? [] : [...document.querySelectorAll('.wide')]
        .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.innerText)";
    let scrolled = window.run(scrolled).await;
    assert_eq!(scrolled, json!([]), "{what} scrolls sideways");
    let shown = "return [...document.querySelectorAll('.empty, .empty *')]
        .filter((part) => part.getBoundingClientRect().right > 0).length";
    assert_eq!(window.run(shown).await, 0, "{what} shows the honeypot");
}

async fn check_every_page(device: Device, scripts_arrive: bool) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let answer = app
        .register("Ana Inventada", "1001", "San José del Guaviare")
        .await;
    let registered: serde_json::Value = answer.json().await.unwrap();
    let receipt = registered["receipt"].as_str().unwrap();
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
    let window = Window::open(device).await;
    if !scripts_arrive {
        window.block_scripts().await;
    }
    for lang in ["es", "en"] {
        let pages = [
            "/".to_owned(),
            format!("/c/{}", app.campaign),
            format!("/c/{}", app.vote),
            format!("/r/{receipt}"),
            format!("/c/{}/chart", app.campaign),
            format!("/c/{}/chart", app.vote),
            format!("/c/{}/results", app.campaign),
            "/nada".to_owned(),
        ];
        for page in pages {
            window.go(&format!("{}{page}?lang={lang}", app.base)).await;
            assert_accessible(&window, &axe, &format!("{page} {lang} {device:?}")).await;
        }
        window
            .go(&format!("{}/c/{}?lang={lang}", app.base, app.campaign))
            .await;
        window.click("button[type=submit]").await;
        window
            .wait_until("document.querySelector('#mistakes a')")
            .await;
        assert_accessible(&window, &axe, &format!("the errors {lang} {device:?}")).await;
    }
}

#[tokio::test]
async fn every_page_is_accessible_on_a_phone() {
    check_every_page(Device::Phone, true).await;
}

#[tokio::test]
async fn every_page_is_accessible_on_a_desktop() {
    check_every_page(Device::Desktop, true).await;
}

#[tokio::test]
async fn every_page_is_accessible_without_its_scripts() {
    check_every_page(Device::Phone, false).await;
}

#[tokio::test]
async fn the_type_ahead_and_the_api_page_are_accessible() {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let window = Window::open(Device::Phone).await;
    window.go(&format!("{}/c/{}", app.base, app.campaign)).await;
    window.write("#f-ciudad", "san\u{E015}").await;
    window
        .wait_until("document.querySelector('[role=option][aria-selected]')")
        .await;
    assert_accessible(&window, &axe, "the type-ahead").await;
    window.go(&format!("{}/api/docs", app.base)).await;
    window
        .wait_until("document.querySelector('.opblock-summary')")
        .await;
    assert_accessible(&window, &axe, "the page of the API").await;
    assert_eq!(window.console_errors().await, Vec::<String>::new());
}
