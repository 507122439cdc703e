//! The results page: live, selected and searched in the browser, accessible at both widths, and complete without JavaScript.

use serde_json::{Value, json};

use crate::accessibility::assert_accessible;
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::variable;

async fn vote(app: &RunningInstance, election: &str, votes: &[(&str, &str, &str)]) {
    let vote = |(department, municipality, party): &(&str, &str, &str)| {
        json!({
            "sede": 7, "departamento": department, "municipio": municipality, "papeleta": "Blanca", "partido": party,
        })
    };
    let votes: Vec<Value> = votes.iter().map(vote).collect();
    let url = format!("{}/api/v1/campaigns/{election}/votes/batch", app.base);
    let answer = app.http.post(url).json(&votes).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

async fn wait_for_total(app: &RunningInstance, election: &str, total: u64) {
    let path = format!("/api/v1/campaigns/{election}/tallies/sedes");
    app.wait_until("the votes are counted", async |app| {
        let tally: Value = app.get(&path).await.json().await.unwrap();
        tally["total"] == total
    })
    .await;
}

const VOTES: [(&str, &str, &str); 3] = [
    ("Guatemala", "Mixco", "UNE"),
    ("Guatemala", "Mixco", "SEMILLA"),
    ("Petén", "Flores", "CABAL"),
];

async fn check_page(device: Device) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let election = installation.election.clone();
    let app = installation.start().await;
    let window = Window::open(device).await;
    let page = format!("{}/c/{election}/results?lang=es", app.base);
    window.go(&page).await;
    vote(&app, &election, &VOTES).await;
    window.wait_for_text("#total", "3").await;
    // Opened before the first votes, the page has their values to select, and their colours, all the same.
    let made = "const block = document.querySelector('#t-partidos-por-departamento');
        return [block.querySelector('select').value, block.querySelector('select').length,
            block.querySelector('select').checkVisibility(), block.querySelector('.picture .cx') === null]";
    assert_eq!(window.run(made).await, json!(["Guatemala", 2, true, true]));
    assert_accessible(&window, &axe, &format!("the results {device:?}")).await;

    vote(&app, &election, &[("Guatemala", "Mixco", "UNE")]).await;
    window.wait_for_text("#total", "4").await;
    let shares = "#t-partidos-por-departamento .values tbody";
    window
        .wait_for_text(shares, "UNE 2 66,7 %\nSEMILLA 1 33,3 %")
        .await;
    window
        .write("#t-partidos-por-departamento select", "Petén")
        .await;
    window.wait_for_text(shares, "CABAL 1 100,0 %").await;
    let query = window
        .run("return decodeURIComponent(location.search)")
        .await;
    assert_eq!(query, "?lang=es&partidos-por-departamento=Petén");
    window.write("#find", "PETEN").await;
    window
        .wait_for_text(
            "#t-departamentos-con-mas-votos .values tbody",
            "Petén 1 25,0 %",
        )
        .await;
    window
        .wait_until(
            "document.querySelector('#t-partidos-por-departamento .groups').rows.length === 2",
        )
        .await;
    assert_accessible(&window, &axe, &format!("the search {device:?}")).await;
    let saves = "const done = arguments[0];
        HTMLAnchorElement.prototype.click = function () { done(this.download); };
        document.querySelector('#t-sedes .png').click()";
    assert_eq!(window.run_async(saves).await, "sedes.png");
    let shares = "const block = blocks.get('partidos-por-departamento');
        const texts = { heading: block.heading(), note: block.note(), legend: block.legend() };
        return [...standAlone(block.picture, texts).children].map((part) => part.textContent).join('/')";
    let drawn = window.run(shares).await;
    let drawn = drawn.as_str().unwrap();
    for part in [
        "Partidos por departamento: Petén/",
        "Votos: 1 · Actualizado: ",
        "/CABAL · 1 · 100,0 %",
    ] {
        assert!(drawn.contains(part), "{drawn}");
    }
    assert_eq!(window.console_errors().await, Vec::<String>::new());
    if matches!(device, Device::Desktop) {
        drop(app);
        window
            .wait_until("document.getElementById('stale').textContent !== ''")
            .await;
    }
}

#[tokio::test]
async fn a_large_screen_shows_tallies_in_turn_and_nothing_to_operate() {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let election = installation.election.clone();
    let app = installation.start().await;
    vote(&app, &election, &VOTES).await;
    wait_for_total(&app, &election, 3).await;
    let window = Window::open(Device::Desktop).await;
    window
        .go(&format!("{}/c/{election}/results?screen=1", app.base))
        .await;
    window
        .wait_until("document.querySelectorAll('.blocks > .tally:not([hidden])').length === 2")
        .await;
    let is_seen =
        "return [...document.querySelectorAll('.blocks > .tally')].flatMap((block, _, all) => {
        all.forEach((other) => { other.hidden = other !== block; });
        fit();
        return block.getBoundingClientRect().bottom > innerHeight ? [block.id] : [];
    })";
    assert_eq!(window.run(is_seen).await, json!([]), "nothing is cut off");
    window
        .go(&format!(
            "{}/c/{election}/results?screen=1&partidos-por-departamento=peten",
            app.base
        ))
        .await;
    let is_selected =
        "[...document.querySelectorAll('#t-partidos-por-departamento .values tbody :is(th, td)')]
        .map((cell) => cell.textContent.trim()).join(' ') === 'CABAL 1 100.0 %'";
    window.wait_until(is_selected).await;
    window.wait_until("follower.tallies.size > 0").await;
    window.wait_until(is_selected).await;
    let operable = "return [...document.querySelectorAll('a, button, input, select, summary')]
        .filter((part) => part.checkVisibility()).length";
    assert_eq!(window.run(operable).await, 0);
    assert_accessible(&window, &axe, "the large screen").await;
    vote(&app, &election, &VOTES).await;
    window.wait_for_text("#total", "6").await;
}

#[tokio::test]
async fn results_are_live_and_accessible_on_a_phone() {
    check_page(Device::Phone).await;
}

#[tokio::test]
async fn results_are_live_and_accessible_on_a_desktop() {
    check_page(Device::Desktop).await;
}

#[tokio::test]
async fn without_javascript_a_form_selects_and_searches() {
    let installation = Installation::new(Stores::Embedded);
    let election = installation.election.clone();
    let app = installation.start().await;
    vote(&app, &election, &VOTES).await;
    wait_for_total(&app, &election, 3).await;
    let window = Window::open(Device::PhoneWithoutScripts).await;
    let page = format!("{}/c/{election}/results?lang=en", app.base);
    window.go(&page).await;
    assert_eq!(window.text("#total").await, "3");
    window
        .write("#t-partidos-por-departamento select", "Petén")
        .await;
    window.write("#find", "flores\u{E007}").await;
    let shares = "#t-partidos-por-departamento .values tbody";
    window.wait_for_text(shares, "CABAL 1 100.0 %").await;
    assert_eq!(window.value("#find").await, "flores");
    assert_eq!(
        window.text("#t-partidos-por-municipio .groups tbody").await,
        "Flores\nCABAL 100.0 % 1"
    );
}
