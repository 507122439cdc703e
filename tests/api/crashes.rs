//! Killed and stopped instances: acknowledged registrations are stored once, and the totals are exact.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use futures_util::TryStreamExt;
use mongodb::bson::{Document, doc};

use crate::on_both;
use jornada_testkit::instance::{
    DEFAULT_TIMEOUT, Installation, RunningInstance, Stores, form_with_photo,
};
use jornada_testkit::photos::jpeg;
use jornada_testkit::raw::{self, RawResponse};

on_both!(
    sigkill_loses_nothing_acknowledged,
    sigterm_finishes_requests_in_flight
);

async fn sigkill_loses_nothing_acknowledged(stores: Stores) {
    let installation = Installation::new(stores);
    let app = Arc::new(installation.start().await);
    let documents: Vec<String> = (0..400).map(|number| format!("4000{number:03}")).collect();
    let mut sending = tokio::task::JoinSet::new();
    for document in documents.clone() {
        let app = app.clone();
        sending.spawn(async move {
            let url = app.registrations_url(&app.campaign);
            let sent = app
                .http
                .post(url)
                .multipart(form_with_photo("Ana Ejemplo", &document, "Cali"))
                .send()
                .await;
            sent.is_ok_and(|answer| answer.status() == 201)
                .then_some(document)
        });
    }
    let mut acknowledged = Vec::new();
    while let Some(done) = sending.join_next().await {
        acknowledged.extend(done.unwrap());
        if acknowledged.len() == 10 {
            app.signal("-KILL");
        }
    }
    assert!(
        acknowledged.len() < documents.len(),
        "it was killed in the middle"
    );
    let app = installation.start().await;
    for document in &acknowledged {
        assert_eq!(
            app.register("Ana Ejemplo", document, "Cali").await.status(),
            200,
            "{document} was lost"
        );
    }
    for document in documents
        .iter()
        .filter(|document| !acknowledged.contains(document))
    {
        let status = app.register("Ana Ejemplo", document, "Cali").await.status();
        assert!(status == 200 || status == 201);
    }
    app.wait_until("each is counted once", async |app| {
        app.total().await == Some(400)
    })
    .await;
    assert_eq!(sum_of_deltas(&installation).await, 400);
}

/// Returns the registrations of the campaign with photo by its deltas.
async fn sum_of_deltas(installation: &Installation) -> i64 {
    let mut settings = installation.settings.iter();
    let (_, store) = settings.find(|(name, _)| name == "JORNADA_STORE").unwrap();
    let campaign = installation.campaign.as_str();
    if let Some(path) = store.strip_prefix("sqlite:") {
        let sql = "SELECT sum(json_extract(one.value, '$[1]')) \
                   FROM deltas, json_each(deltas.counts) AS one WHERE campaign = ?1";
        let file = rusqlite::Connection::open(path).unwrap();
        return file.query_row(sql, [campaign], |row| row.get(0)).unwrap();
    }
    let client = mongodb::Client::with_uri_str(store).await.unwrap();
    let deltas = client.default_database().unwrap();
    let deltas = deltas.collection::<Document>("deltas");
    let found = deltas.find(doc! { "campaign": campaign }).await.unwrap();
    let found: Vec<_> = found.try_collect().await.unwrap();
    let counts = found
        .iter()
        .flat_map(|delta| delta.get_array("counts").unwrap());
    let counts = counts.map(|one| one.as_document().unwrap().get_i64("count").unwrap());
    counts.sum()
}

async fn sigterm_finishes_requests_in_flight(stores: Stores) {
    let installation = Installation::new(stores);
    let mut app = installation.start().await;
    let uploads = (0..20).map(|number| PartialUpload::start(&app, &format!("500000{number:02}")));
    let uploads: Vec<_> = uploads.collect();
    app.wait_until("all are in work", async |app| {
        let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
        let metrics = metrics.unwrap().text().await.unwrap();
        metrics.contains("jornada_requests_in_flight 20")
    })
    .await;
    app.signal("-TERM");
    app.wait_until("it takes no more", async |app| {
        app.readiness_status().await != 200
    })
    .await;
    let answers = uploads.into_iter().map(PartialUpload::finish);
    assert_eq!(answers.collect::<Vec<_>>(), [[201]; 20]);
    assert!(app.wait_for_exit().await.success());
    let app = installation.start().await;
    app.wait_until("what was acknowledged is counted", async |app| {
        app.total().await == Some(20)
    })
    .await;
}

/// A registration of which a part has been sent.
struct PartialUpload {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl PartialUpload {
    /// Sends all but the end of the photo.
    fn start(app: &RunningInstance, document: &str) -> Self {
        let texts = [
            ("nombre", "Ana Ejemplo"),
            ("documento", document),
            ("ciudad", "Cali"),
            ("consent", "true"),
        ];
        let part = |(name, value)| {
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let mut body = texts.map(part).concat().into_bytes();
        let photo = "--B\r\nContent-Disposition: form-data; name=\"foto\"; filename=\"f.jpg\"\r\n\
                     Content-Type: image/jpeg\r\n\r\n";
        body.extend_from_slice(photo.as_bytes());
        body.extend(jpeg(0));
        let rest = body.split_off(body.len() - 10);
        let rest = [&rest[..], b"\r\n--B--\r\n"].concat();
        let mut stream = raw::connect(&app.base);
        let head = format!(
            "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: x\r\n\
             Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n",
            app.campaign,
            body.len() + rest.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&body).unwrap();
        Self { stream, rest }
    }

    /// Sends the end and answers the statuses that come back.
    fn finish(mut self) -> Vec<u16> {
        // Who was cut off finds out when reading.
        self.stream.write_all(&self.rest).ok();
        RawResponse::read(&mut self.stream, DEFAULT_TIMEOUT).statuses()
    }
}
