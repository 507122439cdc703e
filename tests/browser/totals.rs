//! The page of totals updates by itself, and works without JavaScript.

use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};

async fn register(app: &RunningInstance, document: &str, city: &str) {
    let answer = app.register("Persona Inventada", document, city).await;
    assert_eq!(answer.status(), 201);
}

async fn check_bars_grow(device: Device) {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    register(&app, "1001", "Cali").await;
    app.wait_until("it is counted", async |app| app.total().await == Some(1))
        .await;
    let window = Window::open(device).await;
    window
        .go(&format!("{}/c/{}/chart?lang=es", app.base, app.campaign))
        .await;
    window
        .wait_until(
            "Chart.getChart(document.querySelector('canvas'))?.data.datasets[0].data[0] === 1",
        )
        .await;
    for document in ["1002", "1003"] {
        register(&app, document, "Bogotá").await;
    }
    window
        .wait_until(
            "Chart.getChart(document.querySelector('canvas')).data.datasets[0].data[0] === 2",
        )
        .await;
    assert_eq!(window.text("#total").await, "3");
    let is_moment = "return /^[0-9]+ de [a-z]+ de 20[0-9]{2}, [0-9]+:[0-9]{2} [ap]\\. m\\.$/.test(arguments[0])";
    let drawn = app.get(&format!("/c/{}/chart?lang=es", app.campaign)).await;
    let drawn = drawn.text().await.unwrap();
    let drawn = drawn.split_once("id=\"as-of\">").unwrap().1;
    let drawn = drawn.split('<').next().unwrap();
    for moment in [drawn, &window.text("#as-of").await] {
        let script = is_moment.replace("arguments[0]", &format!("{moment:?}"));
        assert_eq!(window.run(&script).await, true, "{moment}");
    }
    assert_eq!(window.text("#rows tr").await, "Bogotá 2 66,7 %");

    window.write("#find", "CALÍ").await;
    assert_eq!(window.text("#rows").await, "Cali 1 33,3 %");
    window.write("#find", "x").await;
    assert!(window.text("#none").await.contains("Ninguno coincide"));
    assert_eq!(window.console_errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn bars_grow_on_a_phone() {
    check_bars_grow(Device::Phone).await;
}

#[tokio::test]
async fn bars_grow_on_a_desktop() {
    check_bars_grow(Device::Desktop).await;
}

#[tokio::test]
async fn without_javascript_bars_and_table_agree() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    for (document, city) in [("1001", "Cali"), ("1002", "Pasto"), ("1003", "Pasto")] {
        register(&app, document, city).await;
    }
    app.wait_until("they are counted", async |app| app.total().await == Some(3))
        .await;
    let window = Window::open(Device::PhoneWithoutScripts).await;
    window
        .go(&format!("{}/c/{}/chart?lang=en", app.base, app.campaign))
        .await;
    assert_eq!(window.text("#rows").await, "Pasto 2 66.7 %\nCali 1 33.3 %");
    let bars = window.source().await;
    assert!(
        bars.contains(r#"width="100%" height="12""#) && bars.contains(r#"width="50%" height="12""#)
    );
}
