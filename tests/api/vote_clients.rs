//! Who votes over HTTP: programs with a token, floods, and people with the form.

use crate::votes::{Polls, body, valid};
use jornada_testkit::instance::{Installation, Stores};

#[tokio::test]
async fn a_campaign_may_require_a_token() {
    let installation = Installation::new(Stores::Embedded);
    installation.edit_campaign("elecciones.toml", |file| {
        file.replace("# requires_token", "requires_token")
    });
    let polls = Polls::on(installation).await;
    let token = |scope: &str| {
        let arguments = ["token", "new", "test", "--scope", scope];
        let made = polls.installation.command(&arguments).output().unwrap();
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let status = async |token: Option<&str>| {
        let mut requests = [
            polls.post(&valid()),
            polls
                .app
                .http
                .post(polls.votes() + "/batch")
                .json(&[valid()]),
        ];
        if let Some(token) = token {
            requests = requests.map(|request| request.bearer_auth(token));
        }
        let mut statuses = Vec::new();
        for request in requests {
            statuses.push(request.send().await.unwrap().status().as_u16());
        }
        statuses
    };
    assert_eq!(status(None).await, [401, 401]);
    assert_eq!(status(Some("jornada_unknown")).await, [401, 401]);
    assert_eq!(status(Some(&token("chart"))).await, [403, 403]);
    assert_eq!(status(Some(&token("votes"))).await, [201, 200]);
    // The form is for nobody, and its page shows the totals.
    let path = format!("/c/{}", polls.installation.election);
    let form = reqwest::multipart::Form::new().text("sede", "1");
    let sent = polls
        .app
        .http
        .post(format!("{}{path}", polls.app.base))
        .multipart(form);
    assert_eq!(sent.send().await.unwrap().status(), 401);
    let page = polls.app.get(&path).await;
    assert!(page.url().path().ends_with("/chart"), "{}", page.url());
    polls.wait_for_total("sedes", 2).await;
}

#[tokio::test]
async fn one_client_cannot_flood_an_open_campaign() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_EXEMPT", "none");
    installation.set("JORNADA_LIMIT_VOTES", "5+1");
    let polls = Polls::on(installation).await;
    let send = async |from: &str, count: usize| {
        let batch = polls
            .app
            .http
            .post(polls.votes() + "/batch")
            .json(&vec![valid(); count]);
        batch.header("X-Client-Address", from).send().await.unwrap()
    };
    assert_eq!(send("192.0.2.1", 3).await.status(), 200);
    let refused = send("192.0.2.1", 3).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((55..=60).contains(&wait), "{wait}");
    assert_eq!(send("192.0.2.1", 2).await.status(), 200);
    // More than a burst passes once, and is owed.
    assert_eq!(send("192.0.2.2", 50).await.status(), 200);
    assert_eq!(send("192.0.2.2", 1).await.status(), 429);
    polls.wait_for_total("sedes", 55).await;
}

#[tokio::test]
async fn a_form_votes_without_a_script_and_staff_see_no_single_vote() {
    let polls = Polls::start(Stores::Embedded).await;
    let path = format!("{}/c/{}", polls.app.base, polls.installation.contest);
    let page = polls
        .app
        .http
        .get(&path)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("/votes\"") && page.contains("Enviando su voto"),
        "{page}"
    );
    let hidden = |name: &str| {
        let rest = page
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap()
            .1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let form = || {
        let form = reqwest::multipart::Form::new()
            .text("_key", hidden("_key"))
            .text("_at", hidden("_at"));
        form.text("album", "Uno")
            .text("artista", "Los Ejemplos")
            .text("puesto", "1")
    };
    for _ in 0..2 {
        let answer = polls
            .app
            .http
            .post(&path)
            .multipart(form())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.url().path().starts_with("/r/"), "{}", answer.url());
        assert!(answer.text().await.unwrap().contains("Voto recibido"));
    }
    let contest = &polls.installation.contest;
    polls
        .app
        .wait_until("it is counted once", async |_| {
            polls.tally(contest, "artista").await["total"] == 1
        })
        .await;
    let token = polls.installation.create_token();
    let report = polls
        .app
        .http
        .get(polls.url(contest, "reports/_all.csv"))
        .bearer_auth(token);
    let answer = report.send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(body(answer).await["type"], "urn:jornada:problem:other-kind");
}
