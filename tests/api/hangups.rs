//! Clients that hang up: what they sent completely is done to its end, logged once with status 499, and counted.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::{RegistrationId, RegistrationSelection};
use jornada_objects::{ObjectKey, ObjectStore};
use jornada_service::retention::SweepReport;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::abuse::CLIENT_ADDRESS;
use crate::on_both;
use crate::store_gate::StoreGate;
use crate::sweeping::{list_keys, sweep};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::nginx::Nginx;
use jornada_testkit::photos::jpeg;

on_both!(
    a_reset_upload_leaves_photo_and_registration_or_neither,
    a_reset_conflict_counts_like_an_answered_one,
    a_shutdown_completes_what_hung_up,
);

/// The routes of the two doors, as in the log.
const API: &str = "/api/v1/campaigns/{campaign}/registrations";
const FORM: &str = "/c/{campaign}";

/// A registration as bytes, for one of the doors.
pub fn upload(app: &RunningInstance, door: &str, name: &str, document: &str) -> Vec<u8> {
    let texts = [
        ("nombre", name),
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
    body.extend_from_slice(b"\r\n--B--\r\n");
    let path = door.replace("{campaign}", &app.campaign);
    // Limits apply to this address. The form would also ask it for the time when it was shown.
    let client = if door == API {
        "192.0.2.7"
    } else {
        "127.0.0.1"
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{CLIENT_ADDRESS}: {client}\r\n\
         X-Request-Id: upload-{document}\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

/// Sends bytes and resets the connection after a while.
async fn send_and_reset(base: &str, bytes: &[u8], wait: Duration) {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    sleep(wait).await;
    stream.set_zero_linger().unwrap();
}

/// Counts the lines of the request log for POSTs of a route.
fn count_lines(app: &RunningInstance, route: &str, status: &str) -> usize {
    let line = format!("POST {route} {status}");
    let log = app.log();
    log.iter().filter(|text| text.contains(&line)).count()
}

/// Returns the request id of a line of the request log for a POST.
fn request_id(line: &str) -> Option<String> {
    let start = line.find("upload-").filter(|_| line.contains("POST /"))?;
    let id = line[start..].split('"').next()?;
    Some(id.to_owned())
}

async fn wait_until_idle(app: &RunningInstance) {
    app.wait_until("no request is in flight", async |app| {
        let metrics = app.http.get(format!("{}/metrics", app.ops)).send().await;
        let metrics = metrics.unwrap().text().await.unwrap();
        metrics.contains("jornada_requests_in_flight 0\n")
    })
    .await;
}

async fn wait_for_lines(app: &RunningInstance, route: &str, status: &str, count: usize) {
    let claim = format!("{count} lines of {route} {status}");
    app.wait_until(&claim, async |app| count_lines(app, route, status) == count)
        .await;
}

/// Sweeps a day later, and asserts that each photo then has a registration, and each registration its photo.
pub async fn assert_no_photo_of_nobody(installation: &Installation) -> SweepReport {
    let sweep = sweep(installation).await;
    let later = Timestamp::now() + SignedDuration::from_hours(25);
    let report = sweep.run_once(later).await.unwrap().unwrap();
    let stored = photos(&sweep.objects, &installation.campaign).await;
    assert_eq!(stored, registered_photos(installation).await);
    report
}

/// Returns registration and digest of each photo of a campaign in the object store.
pub async fn photos(objects: &ObjectStore, campaign: &str) -> BTreeSet<(RegistrationId, [u8; 32])> {
    let keys = list_keys(objects, ObjectKey::ALL).await;
    let own = keys.into_iter().filter_map(|key| match key {
        ObjectKey::Photo {
            campaign: of,
            id,
            sha256,
            ..
        } if of.as_str() == campaign => Some((id, sha256)),
        _ => None,
    });
    own.collect()
}

async fn registered_photos(installation: &Installation) -> BTreeSet<(RegistrationId, [u8; 32])> {
    let sweep = sweep(installation).await;
    let mut campaigns = sweep.campaigns.iter();
    let campaign = campaigns.find(|campaign| campaign.id.as_str() == installation.campaign);
    let all = RegistrationSelection::all();
    let listed = sweep.store.registrations(campaign.unwrap(), &all);
    let (mut listed, mut found) = (listed.await.unwrap(), BTreeSet::new());
    while let Some(batch) = listed.next().await.unwrap() {
        let photo = |photo: jornada_domain::registration::PhotoRef| photo.sha256;
        found.extend(
            batch
                .into_iter()
                .filter_map(|row| Some((row.id, row.photo.map(photo)?))),
        );
    }
    found
}

async fn a_reset_upload_leaves_photo_and_registration_or_neither(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let mut hung_up = 0;
    for door in [API, FORM] {
        for moment in 0..80_u32 {
            let document = format!("3{moment:03}{}", door.len());
            let bytes = upload(&app, door, "Ana Ejemplo", &document);
            // In the middle of the body, and up to 20 ms after its end.
            let head = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            let (end, wait) = match moment {
                0..20 => (head + (bytes.len() - head) * moment as usize / 20, 2_000),
                _ => (bytes.len(), (moment - 20) * 333),
            };
            let wait = Duration::from_micros(wait.into());
            send_and_reset(&app.base, &bytes[..end], wait).await;
        }
        sleep(Duration::from_secs(1)).await;
        wait_until_idle(&app).await;
        hung_up += count_lines(&app, door, "499");
        let answered = count_lines(&app, door, "20") + count_lines(&app, door, "303");
        let lines = count_lines(&app, door, "");
        assert_eq!(count_lines(&app, door, "499") + answered, lines, "{door}");
        // A request whose head was not read before the reset has no line.
        assert!((40..=80).contains(&lines), "{door}: {lines}");
    }
    assert!(hung_up > 40, "{hung_up}");
    let ids: Vec<_> = app
        .log()
        .iter()
        .filter_map(|line| request_id(line))
        .collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "one line each");
    let report = assert_no_photo_of_nobody(&installation).await;
    assert_eq!(
        (report.orphans, report.held),
        (0, 0),
        "nothing was left half done"
    );
    let registered = registered_photos(&installation).await.len();
    app.wait_until("each is counted", async |app| {
        app.total().await == Some(registered as u64)
    })
    .await;
    let metrics = app.http.get(format!("{}/metrics", app.ops));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    for door in [API, FORM] {
        let counted = format!(
            "jornada_http_requests_total{{method=\"POST\",route=\"{door}\",status=\"499\"}} {}",
            count_lines(&app, door, "499")
        );
        assert!(metrics.contains(&counted), "{counted} {metrics}");
    }
    assert!(metrics.contains("jornada_unresolved_photos 0\n"));
}

async fn a_reset_conflict_counts_like_an_answered_one(stores: Stores) {
    let mut installation = Installation::new(stores);
    installation.set("JORNADA_LIMIT_CONFLICTS", "2+1");
    let mut gate = StoreGate::new(&mut installation, stores).await;
    let app = installation.start().await;
    let first = upload(&app, API, "Ana Ejemplo", "1001");
    send_and_reset(&app.base, &first, Duration::from_secs(2)).await;
    wait_for_lines(&app, API, "201", 1).await;
    for count in 1..=2 {
        gate.freeze();
        let other = upload(&app, API, "Otra Persona", "1001");
        send_and_reset(&app.base, &other, Duration::from_millis(300)).await;
        sleep(Duration::from_millis(200)).await;
        gate.release();
        wait_for_lines(&app, API, "499", count).await;
    }
    let log = app.log();
    let mut hung_up = log.iter().filter(|line| line.contains(" 499 in "));
    assert!(hung_up.all(|line| line.contains("\"outcome\":409")));
    let third = upload(&app, API, "Tercera Persona", "1001");
    send_and_reset(&app.base, &third, Duration::from_secs(2)).await;
    wait_for_lines(&app, API, "429", 1).await;
}

async fn a_shutdown_completes_what_hung_up(stores: Stores) {
    let mut installation = Installation::new(stores);
    let mut gate = StoreGate::new(&mut installation, stores).await;
    let mut app = installation.start().await;
    let first = upload(&app, API, "Ana Ejemplo", "1001");
    send_and_reset(&app.base, &first, Duration::from_secs(2)).await;
    wait_for_lines(&app, API, "201", 1).await;
    gate.freeze();
    for number in 2..12 {
        let bytes = upload(&app, API, "Ana Ejemplo", &format!("100{number}"));
        send_and_reset(&app.base, &bytes, Duration::from_millis(100)).await;
    }
    sleep(Duration::from_millis(300)).await;
    app.signal("-TERM");
    sleep(Duration::from_millis(500)).await;
    gate.release();
    assert!(app.wait_for_exit().await.success());
    let log = app.log();
    let completed = log.iter().filter(|line| line.contains("\"outcome\":201"));
    let completed = completed.count();
    assert!(completed > 0, "some bodies had arrived");
    let registered = registered_photos(&installation).await.len();
    assert_eq!(registered, 1 + completed);
}

#[tokio::test]
async fn a_request_through_nginx_is_done_to_its_end() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let nginx = Nginx::start(&[app.base.trim_start_matches("http://")]).await;
    for moment in 0..40_u32 {
        let bytes = upload(&app, API, "Ana Ejemplo", &format!("4{moment:04}"));
        let wait = Duration::from_micros((moment * 500).into());
        send_and_reset(&nginx.base, &bytes, wait).await;
    }
    sleep(Duration::from_millis(500)).await;
    let report = assert_no_photo_of_nobody(&installation).await;
    assert_eq!((report.orphans, report.held), (0, 0));
}

#[tokio::test]
async fn hanging_up_frees_no_slot_early() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_MAX_REQUESTS", "2");
    let mut gate = StoreGate::new(&mut installation, Stores::Embedded).await;
    let app = installation.start().await;
    gate.freeze();
    for document in ["1001", "1002"] {
        let bytes = upload(&app, API, "Ana Ejemplo", document);
        send_and_reset(&app.base, &bytes, Duration::from_millis(200)).await;
    }
    assert_eq!(app.get("/").await.status(), 503);
    gate.release();
    app.wait_until("both are done", async |app| {
        app.get("/").await.status() == 200
    })
    .await;
    wait_for_lines(&app, API, "499", 2).await;
    assert_eq!(registered_photos(&installation).await.len(), 2);
}

#[tokio::test]
async fn a_report_is_requested_although_the_client_hangs_up() {
    let mut installation = Installation::new(Stores::Embedded);
    let mut gate = StoreGate::new(&mut installation, Stores::Embedded).await;
    let app = installation.start().await;
    let token = installation.create_token();
    let (path, form) = (
        format!("/staff/c/{}/reports", app.campaign),
        "value=_all&format=csv",
    );
    let bytes = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let count_jobs = || {
        let file = installation.folder.path().join("data/jornada.db");
        let store = rusqlite::Connection::open(file).unwrap();
        let count = "SELECT count(*) FROM jobs";
        store.query_row(count, (), |row| row.get::<_, i64>(0))
    };
    gate.freeze();
    let cut = &bytes.as_bytes()[..bytes.len() - 1];
    send_and_reset(&app.base, cut, Duration::from_millis(300)).await;
    send_and_reset(&app.base, bytes.as_bytes(), Duration::from_millis(300)).await;
    assert_eq!(count_jobs(), Ok(0));
    gate.release();
    wait_for_lines(&app, "/staff/c/{campaign}/reports", "499", 2).await;
    assert_eq!(count_jobs(), Ok(1), "only that of the complete form");
}
