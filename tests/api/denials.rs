//! Checks that keep robots out answer the same at both doors: each denial by the form and by the API.

use reqwest::multipart::Form;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;

use crate::abuse::{CLIENT_ADDRESS, hidden_field, require_work};
use jornada_testkit::instance::{Installation, RunningInstance, Stores, form_with_photo};

/// One reason to be turned away.
struct Denial {
    problem: &'static str,
    status: u16,
    /// The client's, so that each is counted by itself.
    from: &'static str,
    form: fn(Option<&str>) -> Form,
}

/// All but the proof of work, by the hidden parts that bring them about; given is the moment of a fresh form.
const DENIALS: [Denial; 4] = [
    Denial {
        problem: "hidden-field",
        status: 422,
        from: "192.0.2.1",
        form: |_| ana().text("_comentario", "buy now"),
    },
    Denial {
        problem: "old-form",
        status: 403,
        from: "192.0.2.2",
        form: |_| ana().text("_at", "x"),
    },
    Denial {
        problem: "too-fast",
        status: 429,
        from: "192.0.2.3",
        form: |fresh| ana().text("_at", fresh.unwrap().to_owned()),
    },
    Denial {
        problem: "too-many-requests",
        status: 429,
        from: "192.0.2.4",
        form: |_| ana(),
    },
];

fn ana() -> Form {
    form_with_photo("Ana Inventada", "1000001", "Cali")
}

async fn start() -> RunningInstance {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", "none");
    installation.set("JORNADA_LIMIT_REGISTRATIONS", "4+1");
    require_work(&installation, "voto");
    installation.start().await
}

async fn post(url: String, form: Form, from: &str) -> Response {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let request = client
        .post(url)
        .multipart(form)
        .header(CLIENT_ADDRESS, from);
    request.send().await.unwrap()
}

async fn by_form(app: &RunningInstance, campaign: &str, form: Form, from: &str) -> Response {
    post(format!("{}/c/{campaign}", app.base), form, from).await
}

async fn by_api(app: &RunningInstance, campaign: &str, form: Form, from: &str) -> Response {
    post(app.registrations_url(campaign), form, from).await
}

/// Asserts that both are the same problem: the page has no type, but the words of one. Seconds
/// may differ.
async fn assert_same(program: Response, person: Response, problem: &str, status: u16) {
    assert_eq!(
        (program.status().as_u16(), person.status().as_u16()),
        (status, status),
        "{problem}"
    );
    let retry = |answer: &Response| answer.headers().contains_key("retry-after");
    assert_eq!(retry(&program), retry(&person));
    let told: Value = program.json().await.unwrap();
    assert_eq!(told["type"], format!("urn:jornada:problem:{problem}"));
    let page = without_digits(&person.text().await.unwrap());
    let words = without_digits(told["detail"].as_str().unwrap());
    assert!(
        page.contains(&format!("<p id=\"trouble\">{words}</p>")),
        "{words}: {page}"
    );
}

fn without_digits(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[tokio::test]
async fn each_denial_is_the_same_problem_by_form_and_api() {
    let app = start().await;
    for Denial {
        problem,
        status,
        from,
        form,
    } in DENIALS
    {
        if problem == "too-many-requests" {
            for _ in 0..4 {
                by_api(&app, &app.campaign, form(None), from).await;
            }
        }
        let page = app.show_form().await;
        let fresh = hidden_field(&page, "_at");
        let person = by_form(&app, &app.campaign, form(Some(&fresh)), from).await;
        let program = by_api(&app, &app.campaign, form(Some(&fresh)), from).await;
        assert_same(program, person, problem, status).await;
    }
    app.wait_until("only what used the limit up is counted", async |app| {
        app.total().await == Some(1)
    })
    .await;
}

#[tokio::test]
async fn a_missing_proof_of_work_is_the_same_problem_by_form_and_api() {
    let app = start().await;
    let vote = || {
        Form::new()
            .text("album", "Ejemplo")
            .text("artista", "Los Ejemplos")
            .text("puesto", "1")
    };
    let program = by_api(&app, &app.vote, vote(), "192.0.2.5").await;
    let page = app
        .get(&format!("/c/{}", app.vote))
        .await
        .text()
        .await
        .unwrap();
    let shown = || vote().text("_at", hidden_field(&page, "_at"));
    let early = by_form(&app, &app.vote, shown(), "192.0.2.5").await;
    let wait = early.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    let person = by_form(&app, &app.vote, shown(), "192.0.2.5").await;
    assert_same(program, person, "proof-of-work", 403).await;
}
