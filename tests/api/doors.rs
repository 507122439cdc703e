//! What every client may rely on at the door: an answer after a half-close, counted refusals, and errors in its language.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use reqwest::Response;
use reqwest::multipart::{Form, Part};
use serde_json::json;

use crate::hangups::upload;
use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, expect_problem, form_with_photo, form_without_photo,
    photo_part,
};
use jornada_testkit::photos::{jpeg, jpeg_of_size};
use jornada_testkit::raw::{RawResponse, connect};

const API: &str = "/api/v1/campaigns/{campaign}/registrations";
/// Longer than an answer takes, shorter than an idle connection is kept.
const QUIET: Duration = Duration::from_secs(10);

async fn start() -> RunningInstance {
    Installation::new(Stores::Embedded).start().await
}

/// Sends bytes, closes the sending side, and reads until the server closes.
fn send_and_close_side(app: &RunningInstance, bytes: &[u8]) -> RawResponse {
    let mut stream = connect(&app.base);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    RawResponse::read(&mut stream, QUIET)
}

async fn metric(app: &RunningInstance, start: &str) -> u64 {
    let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    let value = metrics.lines().find_map(|line| line.strip_prefix(start));
    value.map_or(0, |value| value.trim().parse().unwrap())
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_is_answered() {
    let app = start().await;
    let get = b"GET /api/docs HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let large = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for number in 0..30 {
        for (request, status) in [
            (get.to_vec(), 200),
            ([&large[..], get].concat(), 200),
            (
                upload(&app, API, "Ana Ejemplo", &format!("100{number:02}")),
                201,
            ),
        ] {
            let response = send_and_close_side(&app, &request);
            assert_eq!(response.statuses()[0], status, "{}", response.text);
            assert!(response.closed, "{}", response.text);
        }
    }
    let two = send_and_close_side(&app, &[&large[..], get].concat());
    assert_eq!(two.statuses(), [200, 200]);
    assert!(two.text.trim_end().ends_with("</html>"));
}

#[tokio::test]
async fn a_body_that_the_client_cuts_off_is_its_hang_up() {
    let app = start().await;
    let whole = upload(&app, API, "Ana Ejemplo", "1001");
    for length in [whole.len() / 2, whole.len() - 10] {
        let response = send_and_close_side(&app, &whole[..length]);
        assert!(response.closed, "{}", response.text);
    }
    app.wait_until("both are logged as hang-ups", async |app| {
        let log = app.log();
        let hung_up = log
            .iter()
            .filter(|line| line.contains("registrations 499 in "));
        hung_up.count() == 2
    })
    .await;
    let campaign = &app.campaign;
    let refused =
        format!("jornada_registrations_total{{campaign=\"{campaign}\",outcome=\"refused\"}} ");
    assert_eq!(metric(&app, &refused).await, 0);
}

#[tokio::test]
async fn an_event_stream_ends_with_its_client() {
    let app = start().await;
    let path = format!("/api/v1/campaigns/{}/chart/events", app.campaign);
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let response = send_and_close_side(&app, request.as_bytes());
    assert!(response.closed, "{}", response.text);
}

/// Returns bodies that cannot be read, with status and reason of each.
fn unreadable() -> Vec<(Form, u16, &'static str)> {
    let text = || form_without_photo("Ana Ejemplo", "1001", "Cali");
    let invalid = Part::bytes(vec![0xFF, 0xFE]);
    let mut many = text();
    for number in 0..70 {
        many = many.text(format!("f{number}"), "x");
    }
    vec![
        (
            text().part("foto", photo_part(jpeg_of_size(8 * 1024 * 1024 + 1))),
            413,
            "photo",
        ),
        (
            form_with_photo("Ana Ejemplo", "1001", "Cali").part("foto", photo_part(jpeg(1))),
            422,
            "repeated",
        ),
        (
            Form::new()
                .part("nombre", invalid)
                .part("foto", photo_part(jpeg(1))),
            422,
            "unreadable",
        ),
        (text().text("nota", "x".repeat(70 * 1024)), 413, "too-long"),
        (many, 400, "unreadable"),
    ]
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_like_other_refusals() {
    let app = start().await;
    let campaign = &app.campaign;
    let refused =
        format!("jornada_registrations_total{{campaign=\"{campaign}\",outcome=\"refused\"}} ");
    let mut seen = Vec::new();
    for (number, (form, status, reason)) in (1..).zip(unreadable()) {
        expect_problem(app.send(form, None).await, status).await;
        let by_reason =
            format!("jornada_refusals_total{{campaign=\"{campaign}\",reason=\"{reason}\"}} ");
        seen.push(reason);
        let times = seen.iter().filter(|other| **other == reason).count();
        assert_eq!(
            usize::try_from(metric(&app, &by_reason).await),
            Ok(times),
            "{reason}"
        );
        assert_eq!(metric(&app, &refused).await, number, "{reason}");
    }
    let url = app.registrations_url(&app.campaign);
    let sent = app
        .http
        .post(url)
        .header("content-type", "text/plain")
        .body("x");
    expect_problem(sent.send().await.unwrap(), 415).await;
    let by_reason =
        format!("jornada_refusals_total{{campaign=\"{campaign}\",reason=\"unreadable\"}} ");
    assert_eq!(metric(&app, &by_reason).await, 3);
}

async fn get_in(app: &RunningInstance, path: &str, lang: &str) -> Response {
    let request = app.http.get(format!("{}{path}", app.base));
    request
        .header("Accept-Language", lang)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_unknown_tally_is_answered_with_those_that_exist() {
    let app = start().await;
    for path in ["tallies/pueblo", "tallies/events?tally=pueblo"] {
        let path = format!("/api/v1/campaigns/{}/{path}", app.campaign);
        let body = expect_problem(get_in(&app, &path, "en").await, 404).await;
        assert_eq!(body["type"], "urn:jornada:problem:no-such-tally");
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.ends_with("It has these: ciudad."), "{detail}");
    }
}

#[tokio::test]
async fn problems_name_their_language_and_are_not_stored() {
    let app = start().await;
    let chart = format!("/api/v1/campaigns/{}/tallies/pueblo", app.campaign);
    for path in ["/api/v1/nothing", &chart] {
        let mut titles = Vec::new();
        for lang in ["es", "en"] {
            let answer = get_in(&app, path, lang).await;
            let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("content-language"), lang);
            assert_eq!(header("cache-control"), "no-store");
            let vary = answer.headers().get_all("vary").iter();
            let vary: Vec<_> = vary
                .map(|value| value.to_str().unwrap().to_lowercase())
                .collect();
            assert!(vary.join(",").contains("accept-language"), "{vary:?}");
            let body = expect_problem(answer, 404).await;
            titles.push(body["title"].clone());
        }
        assert_ne!(titles[0], titles[1]);
    }
}

#[tokio::test]
async fn a_repeated_key_of_a_json_body_is_named() {
    let installation = Installation::new(Stores::Embedded);
    let file = installation.folder.path().join("campaigns/vacunacion.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let parts = text.split("[[fields]]");
    let parts = parts.filter(|part| !part.contains(r#"kind = "photo""#));
    std::fs::write(&file, parts.collect::<Vec<_>>().join("[[fields]]")).unwrap();
    let app = installation.start().await;
    let send = async |body: &str| {
        let request = app.http.post(app.registrations_url(&app.campaign));
        let request = request.header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap()
    };
    let fields =
        r#""nombre": "Ana Ejemplo", "documento": "1001", "ciudad": "Cali", "consent": "true""#;
    for (repeated, field) in [
        (r#""documento": "1002""#, "documento"),
        (r#""consent": "true""#, "consent"),
    ] {
        let body = expect_problem(send(&format!("{{{fields}, {repeated}}}")).await, 422).await;
        assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{body}");
        assert_eq!(body["errors"][0]["field"], json!(field));
    }
    assert_eq!(send(&format!("{{{fields}}}")).await.status(), 201);
}

#[tokio::test]
async fn a_misspelt_setting_is_named_once_and_so_is_an_error() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_STOR", "sqlite:elsewhere");
    let app = installation.start().await;
    let expected = "JORNADA_STOR is not a setting and has no effect: did you mean JORNADA_STORE?";
    let log = app.log();
    let named = log.iter().filter(|line| line.contains(expected));
    assert_eq!(named.count(), 1);
    drop(app);
    installation.set("JORNADA_CAMPAIGNS", "nope");
    let output = installation.command(&["serve"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("JORNADA_CAMPAIGNS: cannot read nope: "),
        "{error}"
    );
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
}
