//! axe-core finds nothing on any page, at any width, in any state.

use crate::support::app::{Installation, Stores};
use crate::support::servers::variable;
use crate::window::{Kind, Window};

const VIOLATIONS: &str = "const done = arguments[0];
    axe.run().then(({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)), done)";

pub async fn assert_accessible(window: &Window, axe: &str, what: &str) {
    window.run(axe).await;
    let found = window.run_later(VIOLATIONS).await;
    assert_eq!(found.as_array().map(Vec::len), Some(0), "{what}: {found:#}");
    let overflow =
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    assert_eq!(
        window.run(overflow).await,
        0,
        "{what} is wider than the window"
    );
}

async fn every_page(kind: Kind, scripts_arrive: bool) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let answer = app
        .register("Ana Inventada", "1001", "San José del Guaviare")
        .await;
    let registered: serde_json::Value = answer.json().await.unwrap();
    let receipt = registered["receipt"].as_str().unwrap();
    app.until("it is counted", async |app| app.total().await == Some(1))
        .await;
    let window = Window::open(kind).await;
    if !scripts_arrive {
        window.block_scripts().await;
    }
    for lang in ["es", "en"] {
        let pages = [
            "/".to_owned(),
            format!("/c/{}", app.vote),
            format!("/r/{receipt}"),
            format!("/c/{}/chart", app.campaign),
            format!("/c/{}/chart", app.vote),
            "/nada".to_owned(),
        ];
        for page in pages {
            window.go(&format!("{}{page}?lang={lang}", app.base)).await;
            assert_accessible(&window, &axe, &format!("{page} {lang} {kind:?}")).await;
        }
        window.go(&format!("{}/?lang={lang}", app.base)).await;
        window.click("button[type=submit]").await;
        window.until("document.querySelector('#mistakes a')").await;
        assert_accessible(&window, &axe, &format!("the mistakes {lang} {kind:?}")).await;
    }
}

#[tokio::test]
async fn every_page_on_a_phone() {
    every_page(Kind::Phone, true).await;
}

#[tokio::test]
async fn every_page_at_a_desk() {
    every_page(Kind::Desk, true).await;
}

#[tokio::test]
async fn every_page_whose_scripts_do_not_arrive() {
    every_page(Kind::Phone, false).await;
}

#[tokio::test]
async fn the_type_ahead_and_the_page_of_the_api() {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let window = Window::open(Kind::Phone).await;
    window.go(&app.base).await;
    window.write("#f-ciudad", "san\u{E015}").await;
    window
        .until("document.querySelector('[role=option][aria-selected]')")
        .await;
    assert_accessible(&window, &axe, "the type-ahead").await;
    window.go(&format!("{}/api/docs", app.base)).await;
    window
        .until("document.querySelector('.opblock-summary')")
        .await;
    assert_accessible(&window, &axe, "the page of the API").await;
    assert_eq!(window.complaints().await, Vec::<String>::new());
}
