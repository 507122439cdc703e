//! Registrations through the API: first attempts, retries, conflicts and errors.

use serde_json::{Value, json};

use crate::on_both;
use jornada_testkit::instance::{
    Installation, Stores, expect_problem, form_with_photo, form_without_photo, photo_part,
};
use jornada_testkit::photos::jpeg;

on_both!(
    a_retry_returns_the_first_receipt,
    a_conflict_changes_nothing,
    a_key_identifies_a_retry_without_a_document,
    concurrent_submissions_register_once,
    a_document_has_one_receipt_however_it_is_written,
);

async fn a_retry_returns_the_first_receipt(stores: Stores) {
    let app = Installation::new(stores).start().await;
    let first = app.register("Ana Ejemplo", "1.000.001", "bogota").await;
    assert_eq!(first.status(), 201);
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let first: Value = first.json().await.unwrap();
    assert_eq!(
        location,
        format!("/r/{}", first["receipt"].as_str().unwrap())
    );
    let again = app.register("Ana  Ejemplo ", "1000001", "BOGOTÁ").await;
    assert_eq!(again.status(), 200);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
}

async fn a_conflict_changes_nothing(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    assert_eq!(
        app.register("Ana Ejemplo", "1000002", "Cali")
            .await
            .status(),
        201
    );
    let body = expect_problem(app.register("Otra Persona", "1000002", "Cali").await, 409).await;
    assert_eq!(body["type"], "urn:jornada:problem:already-registered");
    let other_photo =
        form_without_photo("Ana Ejemplo", "1000002", "Cali").part("foto", photo_part(jpeg(9)));
    expect_problem(app.send(other_photo, None).await, 409).await;
    assert_eq!(
        app.register("Ana Ejemplo", "1000002", "Cali")
            .await
            .status(),
        200
    );
    app.wait_until("one is counted", async |app| app.total().await == Some(1))
        .await;
    if stores == Stores::Embedded {
        assert_eq!(
            super::photos::stored_photos(&installation).len(),
            1,
            "the refused photo stays nowhere"
        );
    }
}

async fn a_key_identifies_a_retry_without_a_document(stores: Stores) {
    let app = Installation::new(stores).start().await;
    let form = || form_with_photo("Luz Ejemplo", "", "Cali");
    let first = app.send(form(), Some("key-of-luz-1")).await;
    assert_eq!(first.status(), 201);
    assert_eq!(
        app.send(form(), Some("\"key-of-luz-1\"")).await.status(),
        200
    );
    assert_eq!(app.send(form(), Some("key-of-luz-2")).await.status(), 201);
    let other = app
        .send(
            form_with_photo("Otra Luz", "", "Cali"),
            Some("key-of-luz-1"),
        )
        .await;
    expect_problem(other, 409).await;
    let bad = expect_problem(app.send(form(), Some("short")).await, 400).await;
    assert!(bad["detail"].as_str().unwrap().contains("Idempotency-Key"));
}

async fn concurrent_submissions_register_once(stores: Stores) {
    let app = Installation::new(stores).start().await;
    let tries = (0..20).map(|_| app.register("Ana Ejemplo", "1000003", "Tunja"));
    let answers = futures_util::future::join_all(tries).await;
    let created = answers
        .iter()
        .filter(|answer| answer.status() == 201)
        .count();
    let retried = answers
        .iter()
        .filter(|answer| answer.status() == 200)
        .count();
    assert_eq!((created, retried), (1, 19));
    app.wait_until("one is counted", async |app| app.total().await == Some(1))
        .await;
}

#[tokio::test]
async fn json_is_accepted_by_campaigns_without_photo() {
    let app = Installation::new(Stores::Embedded).start().await;
    let ballot = json!({"album": "Río", "artista": "Los  Ejemplos", "anio": 1999, "puesto": "1"});
    let send = |campaign: String| {
        let url = app.registrations_url(&campaign);
        app.http
            .post(url)
            .header("Idempotency-Key", "ballot-0001")
            .json(&ballot)
            .send()
    };
    assert_eq!(send(app.vote.clone()).await.unwrap().status(), 201);
    assert_eq!(send(app.vote.clone()).await.unwrap().status(), 200);
    expect_problem(send(app.campaign.clone()).await.unwrap(), 415).await;
}

#[tokio::test]
async fn a_closed_campaign_names_its_dates() {
    let installation = Installation::new(Stores::Embedded);
    let file = installation.folder.path().join("campaigns/vacunacion.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let years = text
        .replace("2026-11-01", "2019-11-01")
        .replace("2027-11-30", "2020-11-30");
    std::fs::write(&file, years).unwrap();
    let app = installation.start().await;
    let body = expect_problem(app.register("Ana Ejemplo", "1000004", "Cali").await, 403).await;
    let detail = body["detail"].as_str().unwrap();
    assert!(
        detail.contains("2019-11-01") && detail.contains("2020-11-30"),
        "{detail}"
    );
}

#[tokio::test]
async fn errors_name_the_fields_in_the_requested_language() {
    let app = Installation::new(Stores::Embedded).start().await;
    let form = reqwest::multipart::Form::new()
        .text("ciudad", "Medelin")
        .text("edad", "3");
    let request = app
        .http
        .post(app.registrations_url(&app.campaign))
        .multipart(form);
    let answer = request
        .header("Accept-Language", "en")
        .send()
        .await
        .unwrap();
    let body = expect_problem(answer, 422).await;
    let fields: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].clone())
        .collect();
    assert_eq!(fields, ["nombre", "ciudad", "foto", "consent", "edad"]);
    assert_eq!(
        body["errors"][1]["message"],
        "It is not in the list. Did you mean: Medellín?"
    );
    let unknown = app
        .http
        .post(app.registrations_url("nada"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        expect_problem(unknown, 404).await["type"],
        "urn:jornada:problem:no-such-campaign"
    );
}

async fn a_document_has_one_receipt_however_it_is_written(stores: Stores) {
    let app = Installation::new(stores).start().await;
    let register = |document| app.register("Ana Ejemplo", document, "Cali");
    let first = register("1020304050").await;
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.unwrap();
    for document in [
        "1020304050 ",
        "C.C. 1020304050",
        "01020304050",
        "\u{202D}1020304050\u{202C}",
        "1\u{FE0D}020304050",
        "Cédula No. 1.020’304.050",
        "１０２０３０４０５０",
        "1020304050.0",
    ] {
        let again = register(document).await;
        assert_eq!(again.status(), 200, "{document}");
        assert_eq!(again.json::<Value>().await.unwrap(), first, "{document}");
    }
    for (document, shown) in [
        ("10203;04050", "«;»"),
        ("1020304050.5", "«.»"),
        ("1020\u{202E}304050", "U+202E"),
    ] {
        let refused = expect_problem(register(document).await, 422).await;
        let error = &refused["errors"][0];
        assert_eq!(error["code"], "not_a_document", "{document}");
        assert!(
            error["message"].as_str().unwrap().contains(shown),
            "{error}"
        );
    }
    let unseen = "\u{FEFF}A\u{AD}n\u{200E}a Ejemplo\u{200F}";
    let again = app
        .register(unseen, "1020304050", "Ca\u{200E}li\u{FE0E}")
        .await;
    assert_eq!(again.status(), 200, "invisible characters");
}
