//! Staff watch single votes: the list adds those that arrive, pauses, filters, and opens one.

use serde_json::json;

use crate::window::Window;
use jornada_testkit::instance::RunningInstance;

async fn cast(app: &RunningInstance, election: &str, place: u32) {
    let vote = json!({
        "sede": place, "departamento": "San Marcos", "municipio": "San Pedro Sacatepéquez", "papeleta": "Blanca",
        "partido": "UNE",
    });
    let url = format!("{}/api/v1/campaigns/{election}/votes", app.base);
    let answer = app.http.post(url).json(&vote).send().await.unwrap();
    assert_eq!(answer.status(), 201);
}

/// Casts more votes at once than a page holds.
async fn cast_burst(app: &RunningInstance, election: &str, votes: u32) {
    let vote = |place: u32| {
        json!({
            "sede": place, "departamento": "San Marcos", "municipio": "San Pedro Sacatepéquez", "papeleta": "Blanca",
            "partido": "UNE",
        })
    };
    let votes: Vec<_> = (100..100 + votes).map(vote).collect();
    let url = format!("{}/api/v1/campaigns/{election}/votes/batch", app.base);
    let answer = app.http.post(url).json(&votes).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// Visits and checks the pages of single votes as a logged-in administrator.
pub async fn check_vote_pages(
    window: &Window,
    app: &RunningInstance,
    election: &str,
    check: &impl AsyncFn(&str),
) {
    let list = format!("{}/staff/c/{election}/votes", app.base);
    window.go(&format!("{list}?lang=es")).await;
    check("votes, none").await;
    for place in 1..=21 {
        cast(app, election, place).await;
    }
    window
        .wait_until("document.querySelectorAll('#votes tr').length == 21")
        .await;
    assert_eq!(window.text("#votes td").await, "21");
    check("votes that arrived").await;
    window.click("#pause").await;
    assert!(window.text("#live-state").await.starts_with("En pausa"));
    let added = window.text("#votes tr").await;
    window.go(&format!("{list}?lang=es")).await;
    assert_eq!(
        window.text("#votes tr").await,
        added,
        "as the server writes it"
    );
    window.click(".pages a").await;
    window
        .wait_until("document.querySelectorAll('#votes tr').length == 1")
        .await;
    check("older votes").await;
    window.click("#votes a").await;
    window
        .wait_until("document.querySelector('.answers')")
        .await;
    check("one vote").await;
    window.go(&format!("{list}?sede=0&color=1&lang=en")).await;
    window.wait_until("document.querySelector('.error')").await;
    check("votes, wrong filters").await;
    window.go(&format!("{list}?sede=7&lang=en")).await;
    assert_eq!(window.text("#votes td").await, "7");
    check("votes, filtered").await;
    window.go(&list).await;
    cast_burst(app, election, 150).await;
    window
        .wait_until("document.querySelectorAll('#votes tr').length == 170")
        .await;
    window
        .go(&format!("{}/staff/dead-letters?lang=es", app.base))
        .await;
    check("dead letters, none").await;
}
