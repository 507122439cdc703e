//! The start page: a list of the open campaigns, or the form if there is only the default one.

use jornada_testkit::instance::{Installation, Stores};

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
