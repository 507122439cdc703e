//! Metrics of both roles: names, types and labels.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;

use jornada_domain::staff::Role;
use jornada_proto::v1::Vote;
use jornada_proto::v1::votes_client::VotesClient;

use crate::area::Area;
use crate::check;
use crate::person::Person;
use crate::source::literals;
use jornada_testkit::instance::{Installation, Stores, form_without_photo};
use jornada_testkit::nginx::free_address;

#[tokio::test]
async fn names_types_and_labels_of_metrics() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_LIMIT_RECEIPTS", "1+1");
    let mut area = Area::start_with(installation).await;
    use_a_little(&area).await;
    let Area {
        app, installation, ..
    } = &mut area;
    let address = free_address();
    installation.set("JORNADA_WATCH", &app.ops);
    installation.set("JORNADA_WATCH_LISTEN", &address.to_string());
    let watcher = Ended(installation.command(&["watch"]).spawn().unwrap());
    let url = format!("http://{address}/metrics");
    let read = async |url: &str| match app.http.get(url).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    };
    app.wait_until("the watcher has looked", async |_| {
        read(&url).await.contains("jornada_watch_target_up{")
    })
    .await;
    let seen = [
        read(&format!("{}/metrics", app.ops)).await,
        read(&url).await,
    ]
    .concat();
    drop(watcher);
    let mut families = families(&seen);
    let is_name = |text: &String| {
        let rest = text.strip_prefix("jornada_");
        rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
    };
    for name in literals().into_iter().filter(is_name) {
        families
            .entry(name)
            .or_insert_with(|| "(silent until it happens)".to_owned());
    }
    check(
        "metrics.txt",
        families
            .into_iter()
            .map(|(name, kind)| format!("{name} {kind}")),
    );
}

/// Lets most of what is counted by a label happen once.
async fn use_a_little(area: &Area) {
    let app = &area.app;
    let registered = app.register("Ana Ejemplo", "1001", "Cali").await;
    assert_eq!(registered.status(), 201);
    let registered: serde_json::Value = registered.json().await.unwrap();
    let receipt = format!("{}/r/{}", app.base, registered["receipt"].as_str().unwrap());
    app.send(form_without_photo("Ana Ejemplo", "x", "Macondo"), None)
        .await;
    let bait = form_without_photo("Ana Ejemplo", "1002", "Cali")
        .text("_comentario", "http://spam.example");
    assert_eq!(app.send(bait, None).await.status(), 422);
    let votes = format!("/api/v1/campaigns/{}/votes", area.installation.election);
    let vote = serde_json::json!({"sede": 0});
    let request = app.http.post(format!("{}{votes}", app.base)).json(&vote);
    assert_eq!(request.send().await.unwrap().status(), 422);
    let vote = serde_json::json!({
        "sede": 17, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"
    });
    let request = app.http.post(format!("{}{votes}", app.base)).json(&vote);
    assert_eq!(request.send().await.unwrap().status(), 201);
    for _ in 0..3 {
        let shown = app
            .http
            .get(&receipt)
            .header("x-client-address", "192.0.2.7");
        shown.send().await.unwrap();
    }
    let grpc = tonic::transport::Endpoint::from_shared(app.grpc.clone());
    let grpc = grpc.unwrap().connect().await.unwrap();
    let refused = VotesClient::new(grpc).cast(Vote::default()).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::NotFound);
    let mut admin = Person::logged_in(area, "admin@example.org", Role::Admin).await;
    let reports = format!("/staff/c/{}/reports", app.campaign);
    admin.get(&reports).await;
    let asked = admin.post(&reports, &[("value", "Cali"), ("format", "csv")]);
    assert_eq!(asked.await.status, 303);
    app.wait_until(
        "the report is done and everything is counted",
        async |app| {
            let text = app.http.get(format!("{}/metrics", app.ops)).send().await;
            let text = text.unwrap().text().await.unwrap();
            text.contains("jornada_report_jobs_total{")
                && text.contains("jornada_tally_registrations{")
                && text.contains("jornada_tally_votes{")
                && text.contains("jornada_tally_drift{")
        },
    )
    .await;
}

/// A process that ends with its owner.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Type and labels of each family of ours in the exposition format.
fn families(text: &str) -> BTreeMap<String, String> {
    let types = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE jornada_"));
    let types = types.filter_map(|line| line.split_once(' '));
    let described = types.map(|(name, kind)| {
        let samples = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("jornada_")?.strip_prefix(name)?;
            let rest = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| rest.strip_prefix(end))
                .unwrap_or(rest);
            rest.starts_with(['{', ' ']).then_some(rest)
        });
        let labels: BTreeSet<_> = samples.flat_map(labels).collect();
        (format!("jornada_{name}"), format!("{kind} {labels:?}"))
    });
    described.collect()
}

/// The labels of what follows the name in a sample. No value of ours holds a comma or a brace.
fn labels(rest: &str) -> Vec<&str> {
    let inside = rest
        .strip_prefix('{')
        .and_then(|rest| rest.rsplit_once('}'));
    let pairs = inside.map_or("", |(pairs, _)| pairs).split(',');
    let names = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, _)| name);
    names.filter(|name| *name != "le").collect()
}
