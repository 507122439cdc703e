//! The start page: a list of the open campaigns, or the form if there is only the default one.

use jornada_testkit::instance::{Installation, RunningInstance, Stores};

#[tokio::test]
async fn the_start_page_lists_what_is_open_with_the_default_first() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("mejor-disco.toml", |text| {
        text.replace("closes_at = 2027", "closes_at = 2026")
            .replace("opens_at = 2026", "opens_at = 2025")
            .replace("2026-11-30T23:59:59", "2026-01-01T00:00:00")
    });
    let app = installation.start().await;
    let page = app.get("/?lang=es").await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    let place = |part: &str| page.find(part);
    let default = place(&format!("href=\"/c/{}?lang=es\"", app.campaign)).unwrap();
    let election = place(&format!("href=\"/c/{}?lang=es\"", installation.election)).unwrap();
    assert!(default < election);
    assert!(page.contains(&format!(
        "href=\"/c/{}/results?lang=es\"",
        installation.election
    )));
    assert_eq!(place("Simulacro"), None, "it is unlisted");
    assert_eq!(place("El mejor disco"), None, "it is over");
}

#[tokio::test]
async fn the_start_page_is_the_form_of_the_only_campaign() {
    let installation = Installation::new(Stores::Embedded);
    let campaigns = installation.folder.path().join("campaigns");
    for other in ["elecciones.toml", "mejor-disco.toml", "voto.toml"] {
        std::fs::remove_file(campaigns.join(other)).unwrap();
    }
    let app = installation.start().await;
    let page = app.get("/").await.text().await.unwrap();
    assert!(page.contains("<form id=\"form\"") && page.contains("name=\"documento\""));
}

/// Returns the description of a page for search engines and links.
async fn description(app: &RunningInstance, path: &str) -> String {
    let page = app.get(path).await.text().await.unwrap();
    let (_, rest) = page
        .split_once("<meta name=\"description\" content=\"")
        .unwrap_or_else(|| panic!("{path}: {page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn each_public_page_has_a_description_in_both_languages() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("mejor-disco.toml", |text| {
        text.replace("closes_at = 2027", "closes_at = 2026")
            .replace("opens_at = 2026", "opens_at = 2025")
            .replace("2026-11-30T23:59:59", "2026-01-01T00:00:00")
    });
    let app = installation.start().await;
    let answer = app.register("Ana Ejemplo", "5300777", "Cali").await;
    let receipt: serde_json::Value = answer.json().await.unwrap();
    let receipt = format!("/r/{}", receipt["receipt"].as_str().unwrap());
    let (form, over) = (&app.campaign, &installation.contest);
    for path in [
        "/".to_owned(),
        format!("/c/{form}"),
        format!("/c/{form}/chart"),
        format!("/c/{form}/results"),
        format!("/c/{over}"),
        receipt,
        "/api/docs".to_owned(),
        "/nowhere".to_owned(),
    ] {
        let spanish = description(&app, &format!("{path}?lang=es")).await;
        let english = description(&app, &format!("{path}?lang=en")).await;
        assert!(spanish.len() > 10 && english.len() > 10, "{path}");
        assert_ne!(spanish, english, "{path}");
        assert!(!spanish.contains("5300777") && !spanish.contains("Ejemplo"));
    }
}
