//! The periodic sweep of the instances, and orphaned photos and report files.

use std::fs::File;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use jornada_domain::job::{ReportFormat, ReportRequest};
use jornada_domain::registration::UniqueKey;
use jornada_domain::staff::Session;
use jornada_domain::staff::audit::SystemActor;
use jornada_domain::{CampaignId, Lang, RegistrationId, RegistrationSelection, ReportJob};
use jornada_objects::{ObjectKey, ObjectStore};
use jornada_photo::PhotoFormat;
use jornada_service::retention::{Sweep, SweepReport, lease};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::app::open_app;
use crate::encryption::{Objects, fetch_photo, register};
use crate::on_both;
use crate::retention::{end_campaign, run_command};
use jornada_testkit::instance::{Installation, Stores};

on_both!(
    an_orphaned_photo_is_deleted_after_a_day_and_audited,
    photos_of_an_emptied_store_are_held_until_confirmed,
    an_unencrypted_orphan_is_not_deleted,
    many_orphans_are_held_until_confirmed,
    photos_of_a_removed_field_are_deleted_on_time,
    an_orphaned_report_is_deleted_after_a_day,
    nothing_is_deleted_when_the_clocks_disagree,
    sweeps_repeat_until_stopped,
);

/// Builds a sweep of this installation, as its instances do.
pub async fn sweep(installation: &Installation) -> Sweep {
    let app = open_app(installation, &[]).await;
    Sweep {
        photos: app.registrations.photos,
        objects: app.object_store,
        campaigns: app.campaigns.iter().cloned().collect(),
        audit: app.audit_log,
        lease: lease(&app.store),
        store: app.store,
        actor: SystemActor::System,
        is_dry_run: false,
        deletes_all_orphans: false,
    }
}

/// Returns the report of a sweep that did only this.
fn only(change: impl FnOnce(&mut SweepReport)) -> SweepReport {
    let mut report = SweepReport::default();
    change(&mut report);
    report
}

/// Stores a photo whose registration is never inserted.
async fn put_orphan(photos: &ObjectStore, campaign: &str, number: u32) -> ObjectKey {
    let campaign = CampaignId::parse(campaign).unwrap();
    let unique = UniqueKey::Answer(number.to_string());
    let id = RegistrationId::derive(&[1; 32], &campaign, &unique);
    let bytes = b"a photo of nobody";
    let key = ObjectKey::Photo {
        campaign,
        id,
        sha256: Sha256::digest(bytes).into(),
        received_at: Timestamp::UNIX_EPOCH,
        format: PhotoFormat::Jpeg,
    };
    let encrypted = photos
        .encryptor()
        .encrypt(&key, bytes.as_slice().into())
        .await;
    photos.put(&key, &encrypted.unwrap()).await.unwrap();
    key
}

async fn an_orphaned_photo_is_deleted_after_a_day_and_audited(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let id = register(&app, 1).await;
    let mut sweep = sweep(&installation).await;
    let orphaned = put_orphan(&sweep.objects, &installation.campaign, 1).await;
    let now = Timestamp::now();
    let nothing = Some(SweepReport::default());
    assert_eq!(
        sweep.run_once(now).await.unwrap(),
        nothing,
        "it may still be registered"
    );
    assert!(sweep.objects.get(&orphaned).await.unwrap().is_some());

    let later = now + SignedDuration::from_hours(25);
    sweep.is_dry_run = true;
    let one = Some(only(|report| report.orphans = 1));
    assert_eq!(sweep.run_once(later).await.unwrap(), one);
    assert!(sweep.objects.get(&orphaned).await.unwrap().is_some());
    sweep.is_dry_run = false;
    assert_eq!(sweep.run_once(later).await.unwrap(), one);
    assert_eq!(sweep.objects.get(&orphaned).await.unwrap(), None);
    assert_eq!(sweep.run_once(later).await.unwrap(), nothing);
    assert!(
        fetch_photo(&app, &installation.create_token(), &id)
            .await
            .is_some()
    );

    let (_, record) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    let entries = record.lines().filter(|line| line.contains(r#""sweep""#));
    let entries: Vec<Value> = entries
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 1, "{record}");
    assert!(entries[0].to_string().contains(r#""orphans""#), "{record}");
    let (verified, output) = run_command(&installation, &["audit", "verify"]);
    assert!(verified, "{output}");
}

/// Counts the stored photos of these registrations.
async fn count_photos_of(sweep: &Sweep, ids: &[String]) -> usize {
    let keys = list_keys(&sweep.objects, ObjectKey::ALL).await;
    let kept = keys
        .iter()
        .filter(|key| matches!(key, ObjectKey::Photo { id, .. } if ids.contains(&id.to_string())));
    kept.count()
}

/// Returns the keys of all objects under a prefix.
pub async fn list_keys(objects: &ObjectStore, prefix: impl Into<String>) -> Vec<ObjectKey> {
    let (mut listed, listing) = objects.list(prefix);
    let mut keys = Vec::new();
    while let Some((key, _)) = listed.recv().await {
        keys.push(key);
    }
    listing.await.unwrap().unwrap();
    keys
}

/// Empties the store of an installation, but leaves its photos and settings.
pub async fn empty_store(installation: &Installation, stores: Stores) {
    if stores == Stores::Servers {
        let mut settings = installation.settings.iter();
        let address = settings.find(|(name, _)| name == "JORNADA_STORE").unwrap();
        let client = mongodb::Client::with_uri_str(&address.1).await.unwrap();
        client.default_database().unwrap().drop().await.unwrap();
        return;
    }
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("data/jornada.db{suffix}");
        std::fs::remove_file(installation.folder.path().join(file)).ok();
    }
}

async fn photos_of_an_emptied_store_are_held_until_confirmed(stores: Stores) {
    let installation = Installation::new(stores);
    let mut app = installation.start().await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(register(&app, number).await);
    }
    app.signal("-TERM");
    app.wait_for_exit().await;
    empty_store(&installation, stores).await;
    let mut sweep = sweep(&installation).await;
    // Encrypted under a new key of the same master key.
    put_orphan(&sweep.objects, &installation.campaign, 1).await;
    let later = Timestamp::now() + SignedDuration::from_hours(25);
    let left = SweepReport {
        orphans: 1,
        foreign: 3,
        ..SweepReport::default()
    };
    assert_eq!(sweep.run_once(later).await.unwrap(), Some(left));
    assert_eq!(count_photos_of(&sweep, &ids).await, 3);
    assert!(left.foreign_warning().unwrap().contains("JORNADA_STORE"));

    sweep.deletes_all_orphans = true;
    let all = Some(only(|report| report.orphans = 3));
    assert_eq!(sweep.run_once(later).await.unwrap(), all);
    assert_eq!(count_photos_of(&sweep, &ids).await, 0);
}

async fn an_unencrypted_orphan_is_not_deleted(stores: Stores) {
    let installation = Installation::new(stores);
    let sweep = sweep(&installation).await;
    let objects = Objects::new(&installation, stores);
    for (number, bytes) in [(1, b"as it was sent".as_slice()), (2, b""), (3, b"JPS1")] {
        let key = put_orphan(&sweep.objects, &installation.campaign, number).await;
        objects.write(&key.to_string(), bytes.to_vec()).await;
    }
    let later = Timestamp::now() + SignedDuration::from_hours(25);
    let left = Some(only(|report| report.foreign = 3));
    assert_eq!(sweep.run_once(later).await.unwrap(), left);
}

async fn photos_of_a_removed_field_are_deleted_on_time(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let id = register(&app, 1).await;
    end_campaign(&installation, "{ photos = 1 }");
    let file = installation.folder.path().join("campaigns/vacunacion.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let parts = text.split("[[fields]]");
    let parts = parts.filter(|part| !part.contains(r#"kind = "photo""#));
    let without = parts.collect::<Vec<_>>().join("[[fields]]");
    std::fs::write(&file, without).unwrap();
    let sweep = sweep(&installation).await;
    assert!(
        sweep
            .campaigns
            .iter()
            .any(|campaign| campaign.id.as_str() == installation.campaign
                && campaign.photo_field().is_none())
    );
    let swept = sweep.run_once(Timestamp::now()).await.unwrap().unwrap();
    assert_eq!((swept.photos, swept.registrations), (1, 0));
    assert_eq!(count_photos_of(&sweep, &[id]).await, 0);
}

async fn many_orphans_are_held_until_confirmed(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let id = register(&app, 1).await;
    let mut sweep = sweep(&installation).await;
    for number in 0..21 {
        put_orphan(&sweep.objects, &installation.campaign, number).await;
    }
    let later = Timestamp::now() + SignedDuration::from_hours(25);
    let held = Some(only(|report| report.held = 21));
    for is_dry in [true, false] {
        sweep.is_dry_run = is_dry;
        assert_eq!(sweep.run_once(later).await.unwrap(), held);
    }
    sweep.deletes_all_orphans = true;
    let all = Some(only(|report| report.orphans = 21));
    assert_eq!(sweep.run_once(later).await.unwrap(), all);
    assert_eq!(count_photos_of(&sweep, &[id]).await, 1);
}

#[tokio::test]
async fn the_command_reports_held_orphans_and_the_flag_deletes_them() {
    let installation = Installation::new(Stores::Embedded);
    let _app = installation.start().await;
    let photos = sweep(&installation).await.objects;
    for number in 0..21 {
        let key = put_orphan(&photos, &installation.campaign, number).await;
        let path = installation.folder.path().join("data/photos");
        let file = File::options().write(true).open(path.join(key.to_string()));
        let long_ago = SystemTime::now() - Duration::from_hours(25);
        file.unwrap().set_modified(long_ago).unwrap();
    }
    let (done, output) = run_command(&installation, &["sweep"]);
    assert!(!done && output.contains("--all-orphans"), "{output}");
    assert!(
        output.contains(r#""orphans":0,"foreign":0,"held":21"#),
        "{output}"
    );
    let (done, output) = run_command(&installation, &["sweep", "--all-orphans"]);
    assert!(done && output.contains(r#""orphans":21"#), "{output}");
}

/// Stores a report file and returns its job, which is not in the store.
async fn put_report(photos: &ObjectStore, campaign: &str) -> ReportJob {
    let wanted = ReportRequest {
        campaign: CampaignId::parse(campaign).unwrap(),
        selection: RegistrationSelection::all(),
        format: ReportFormat::Csv,
        lang: Lang::Es,
        base_url: "http://localhost".into(),
    };
    let mut job = ReportJob::new(Uuid::new_v4(), wanted, "token:x".into(), Timestamp::now());
    job.attempt = 1;
    let (key, plain) = (ObjectKey::for_job(&job, 1), tempfile::tempfile().unwrap());
    let (_, encrypted) = photos.encryptor().encrypt_file(&key, plain, || ()).unwrap();
    photos.put_file(&key, &encrypted).await.unwrap();
    job
}

async fn an_orphaned_report_is_deleted_after_a_day(stores: Stores) {
    let installation = Installation::new(stores);
    let _app = installation.start().await;
    let sweep = sweep(&installation).await;
    let known = put_report(&sweep.objects, &installation.campaign).await;
    sweep.store.add_job(&known).await.unwrap();
    let orphaned = put_report(&sweep.objects, &installation.campaign).await;
    let of_others = put_report(&sweep.objects, "of-another-town").await;
    let now = Timestamp::now();
    let after = |hours| now + SignedDuration::from_hours(hours);
    let nothing = Some(only(|_| ()));
    assert_eq!(sweep.run_once(after(24)).await.unwrap(), nothing);
    let one = Some(only(|report| report.reports = 1));
    assert_eq!(sweep.run_once(after(26)).await.unwrap(), one);
    let left = list_keys(&sweep.objects, ObjectKey::REPORTS).await;
    assert!(!left.contains(&ObjectKey::for_job(&orphaned, 1)));
    for job in [known, of_others] {
        let key = ObjectKey::for_job(&job, 1);
        assert!(left.contains(&key));
        sweep.objects.remove(&key).await.unwrap();
    }
}

#[tokio::test]
async fn an_unfinished_report_file_is_deleted() {
    let installation = Installation::new(Stores::Embedded);
    let _app = installation.start().await;
    let sweep = sweep(&installation).await;
    let job = put_report(&sweep.objects, &installation.campaign).await;
    let path = installation.folder.path().join("data/photos");
    let file = path.join(ObjectKey::for_job(&job, 1).to_string());
    let part = file.with_extension("part");
    std::fs::rename(file, &part).unwrap();
    let later = Timestamp::now() + SignedDuration::from_hours(26);
    let swept = sweep.run_once(later).await.unwrap().unwrap();
    assert_eq!((swept.reports, part.exists()), (1, false));
}

async fn nothing_is_deleted_when_the_clocks_disagree(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    register(&app, 1).await;
    end_campaign(&installation, "{ answers = 1 }");
    let sweep = sweep(&installation).await;
    let now = Timestamp::now();
    for minutes in [6, -6, 60 * 24 * 365] {
        let wrong = now + SignedDuration::from_mins(minutes);
        let refused = sweep.run_if_clocks_agree(wrong).await.unwrap_err();
        let output = refused.to_string();
        assert!(output.contains("clock of this machine"), "{output}");
    }
    let slow = now - SignedDuration::from_mins(4);
    let swept = sweep.run_if_clocks_agree(slow).await.unwrap().unwrap();
    assert_eq!(swept.registrations, 1);
}

#[tokio::test]
async fn an_unavailable_object_store_does_not_block_other_deletions() {
    let mut installation = Installation::new(Stores::Servers);
    let app = installation.start().await;
    register(&app, 1).await;
    end_campaign(&installation, "{ photos = 1 }");
    installation.set("JORNADA_PHOTOS", "s3://nowhere?endpoint=http://127.0.0.1:1");
    let sweep = sweep(&installation).await;
    let now = Timestamp::now();
    let expired = Session {
        hash: [1; 32],
        account: Uuid::new_v4(),
        epoch: 0,
        created_at: Timestamp::UNIX_EPOCH,
        seen_at: Timestamp::UNIX_EPOCH,
    };
    sweep.store.add_session(&expired).await.unwrap();
    sweep.run_once(now).await.unwrap_err();
    assert_eq!(sweep.store.session(&expired.hash).await.unwrap(), None);
    let (_, record) = run_command(&installation, &["audit", "export", "--format", "jsonl"]);
    assert!(record.contains(r#""sweep""#), "{record}");
}

async fn sweeps_repeat_until_stopped(stores: Stores) {
    let installation = Installation::new(stores);
    // This instance read the campaign file when the campaign was still open.
    let app = installation.start().await;
    let token = installation.create_token();
    let first = register(&app, 1).await;
    end_campaign(&installation, "{ photos = 1 }");
    let (sweeping, stop) = (sweep(&installation).await, CancellationToken::new());
    let soon = Duration::from_millis(50);
    let sweeping = tokio::spawn(sweeping.run(soon, soon, stop.clone()));
    app.wait_until("the first photo is gone", async |app| {
        fetch_photo(app, &token, &first).await.is_none()
    })
    .await;
    let second = register(&app, 2).await;
    app.wait_until("the second photo is gone", async |app| {
        fetch_photo(app, &token, &second).await.is_none()
    })
    .await;
    stop.cancel();
    sweeping.await.unwrap();
    // The lease was released, so that the next sweep need not wait.
    let next = sweep(&installation).await.run_once(Timestamp::now()).await;
    assert!(next.unwrap().is_some());
}
