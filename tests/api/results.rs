//! The results page: one block for each tally, selections by link, search, and CSV whose rows add up to the total.

use serde_json::{Value, json};

use crate::votes::{Polls, with};
use jornada_testkit::instance::{Installation, Stores};

/// Casts three votes for CABAL in Petén, two for UNE in Guatemala, and one for UNE there on another paper.
async fn cast_six(polls: &Polls) {
    let peten = json!({
        "sede": 9, "departamento": "Petén", "municipio": "Flores", "papeleta": "Blanca", "partido": "CABAL",
    });
    let green = with("papeleta", "Verde".into());
    let mixco = with("sede", 7.into());
    let votes: Vec<Value> = [&peten, &peten, &peten, &mixco, &mixco, &green]
        .map(Clone::clone)
        .into();
    let batch = polls.url(&polls.installation.election, "votes/batch");
    let answer = polls.app.http.post(batch).json(&votes).send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["accepted"], 6, "{answer}");
    polls.wait_for_total("sedes", 6).await;
}

async fn page(polls: &Polls, query: &str) -> (u16, String) {
    let path = format!("/c/{}/results{query}", polls.installation.election);
    let answer = polls.app.get(&path).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Returns the part of a page with one tally.
fn block<'h>(html: &'h str, tally: &str) -> &'h str {
    let start = format!("<section class=\"tally\" id=\"t-{tally}\"");
    let (_, rest) = html.split_once(&start).expect(tally);
    rest.split_once("</section>").unwrap().0
}

#[tokio::test]
async fn every_tally_has_its_block_and_a_link_selects_a_value() {
    let polls = Polls::start(Stores::Embedded).await;
    cast_six(&polls).await;
    let (status, html) = page(&polls, "?lang=es").await;
    assert_eq!(status, 200);
    assert!(html.contains("<strong id=\"total\">6</strong>"));
    let highest = block(&html, "partidos-por-departamento");
    assert!(highest.contains("Partidos por departamento</h2>"));
    assert!(highest.contains("<option value=\"Guatemala\" selected>"));
    assert!(highest.contains("UNE</th><td>3</td><td>100,0 %</td>"));
    assert!(
        highest.contains("data-area=\"Petén\"")
            && highest.contains("<title>Petén: CABAL 100,0 %</title>")
    );
    assert_eq!(highest.matches("<path class").count(), 22);
    let departments = block(&html, "departamentos-con-mas-votos");
    assert!(departments.contains("Papeleta: Blanca"));
    assert!(departments.contains("Petén</th><td>3</td><td>60,0 %</td>"));
    let municipalities = block(&html, "partidos-por-municipio");
    assert!(municipalities.contains("Flores</a></th><td>CABAL 100,0 %</td><td>3</td>"));
    assert!(block(&html, "sedes").contains("<text x=\"0\" y=\"18\">9</text>"));

    let (status, html) = page(&polls, "?lang=en&partidos-por-departamento=PETEN").await;
    let selected = block(&html, "partidos-por-departamento");
    assert_eq!(status, 200);
    assert!(selected.contains("<option value=\"Petén\" selected>"));
    assert!(selected.contains("CABAL</th><td>3</td><td>100.0 %</td>"));
    assert!(selected.contains("data-selected=\"Petén\""));
    let query = "?q=e&partidos-por-departamento=PETEN&partidos-por-municipio=Mixco";
    let (_, html) = page(&polls, query).await;
    let link = "?partidos-por-municipio=Mixco&#38;q=e&#38;partidos-por-departamento=Guatemala#t-";
    let links = block(&html, "partidos-por-departamento");
    assert!(links.contains(link), "{links}");
    let (status, html) = page(&polls, "?partidos-por-departamento=").await;
    let highest = block(&html, "partidos-por-departamento");
    assert_eq!(status, 200, "an empty text selects nothing");
    assert!(highest.contains("<option value=\"Guatemala\" selected>"));
    assert!(!highest.contains("data-selected"));
    let (status, html) = page(&polls, "?partidos-por-departamento=Izabal").await;
    let none = block(&html, "partidos-por-departamento");
    assert_eq!(status, 200, "a department where nobody voted");
    assert!(none.contains("<option value=\"Izabal\" selected>") && none.contains(">0</strong>"));
    let (status, html) = page(&polls, "?sedes=x&partidos-por-departamento=%3Cb%3E").await;
    assert_eq!(status, 404);
    assert!(html.contains("«&#60;b&#62;» no está en la lista"));

    let latest = format!("/c/{}/results/latest?lang=es", polls.installation.election);
    let latest = polls.app.get(&latest).await.text().await.unwrap();
    assert!(html.contains("id=\"now\"") && latest.contains("id=\"now\""));
    assert_eq!(latest.matches("<li><strong>").count(), 5);
    assert!(latest.contains("Papeleta:</span> Verde"), "the last one");
    let (_, html) = page(&polls, "?q=PETEN").await;
    let found = block(&html, "departamentos-con-mas-votos");
    assert!(found.contains("Petén</th>") && !found.contains("Guatemala</th>"));
    assert!(block(&html, "sedes").contains("Ninguno coincide"));
}

#[tokio::test]
async fn the_rows_of_a_csv_add_up_to_the_total() {
    let polls = Polls::start(Stores::Embedded).await;
    let election = polls.installation.election.clone();
    cast_six(&polls).await;
    let path = |file: &str| format!("/c/{election}/results/{file}?lang=es");
    for tally in [
        "partidos-por-municipio",
        "departamentos-con-mas-votos",
        "sedes",
    ] {
        let answer = polls.app.get(&path(&format!("{tally}.csv"))).await;
        assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
        let csv = answer.text().await.unwrap();
        let rows = csv.trim_end().lines().skip(1);
        let counts = rows.map(|row| row.rsplit(';').next().unwrap().parse::<u64>().unwrap());
        let total = polls.tally(&election, tally).await["total"].clone();
        assert_eq!(total, counts.sum::<u64>(), "{csv}");
    }
    let csv = polls.app.get(&path("partidos-por-municipio.csv")).await;
    let csv = csv.text().await.unwrap();
    assert!(
        csv.starts_with("\u{FEFF}Municipio;Partido;Votos\r\n"),
        "{csv}"
    );
    for missing in ["pueblo.csv", "sedes.xlsx", "_departamento.csv"] {
        assert_eq!(
            polls.app.get(&path(missing)).await.status(),
            404,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn counts_of_few_persons_are_neither_on_the_page_nor_in_the_csv() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("vacunacion.toml", |text| {
        text.replace("suppress_below = 0\n", "")
    });
    let app = installation.start().await;
    for (first, count, city) in [(100, 6, "Cali"), (200, 4, "Pasto"), (300, 1, "Neiva")] {
        for number in first..first + count {
            let document = format!("5300{number}");
            let answer = app.register("Ana Ejemplo", &document, city).await;
            assert_eq!(answer.status(), 201);
        }
    }
    app.wait_until("they are counted", async |app| {
        app.total().await == Some(11)
    })
    .await;
    for path in [
        "results?lang=es",
        "results?lang=es&q=pasto",
        "results/ciudad.csv?lang=es",
    ] {
        let answer = app.get(&format!("/c/{}/{path}", app.campaign)).await;
        let text = answer.text().await.unwrap();
        assert!(!text.contains("Pasto") && !text.contains("Neiva"), "{path}");
    }
    let page = app
        .get(&format!("/c/{}/results?lang=es", app.campaign))
        .await;
    let page = page.text().await.unwrap();
    assert!(page.contains("Otros valores</th><td>5</td><td>45,5 %</td>"));
    assert!(page.contains("menos de 6 registros"));
    let csv = app
        .get(&format!("/c/{}/results/ciudad.csv?lang=es", app.campaign))
        .await;
    let csv = csv.text().await.unwrap();
    assert_eq!(
        csv,
        "\u{FEFF}Ciudad;Registros\r\nCali;6\r\nOtros valores;5\r\n"
    );
}
