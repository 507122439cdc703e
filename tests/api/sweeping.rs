//! The sweep that instances make by themselves, and the photos that belong to nobody.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jornada::campaigns::Campaigns;
use jornada::config::{Config, Env};
use jornada::domain::registration::{PhotoRef, UniqueKey};
use jornada::domain::staff::audit::Doer;
use jornada::domain::{CampaignId, RegistrationId};
use jornada::intake::photos::PhotoKeeper;
use jornada::intake::sweep::{Sweep, Swept};
use jornada::intake::vault::Vault;
use jornada::photo::{PhotoKey, Photos};
use jornada::staff::Audit;
use jornada::store::Store;
use jornada::telemetry::metrics::Metrics;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::keeping::{end, run};
use crate::on_both;
use crate::seal::{register, seen};
use crate::support::app::{Installation, Stores};

on_both!(
    a_photo_of_nobody_goes_after_a_day_and_the_record_says_so,
    it_sweeps_again_and_again_until_it_is_stopped,
);

/// A sweep of this installation as its instances make it.
async fn sweep(installation: &Installation) -> Sweep {
    let settings = installation.settings.iter();
    let settings: Vec<_> = settings.map(|(name, value)| (&**name, &**value)).collect();
    let config = Config::from_env(&Env::of(&settings)).unwrap();
    let store = Store::open(&config.store).await.unwrap();
    let vault = Vault::open(store.clone(), &config.photo_keys).await;
    let vault = vault.unwrap();
    let photos = Photos::new(&config.photos, vault.seal().clone());
    let metrics = Metrics::new().unwrap().pending;
    let keeper = PhotoKeeper::open(photos.clone(), vault, store.clone(), 0, metrics);
    let campaigns = Campaigns::read(&installation.folder.path().join("campaigns")).unwrap();
    Sweep {
        keeper: keeper.await.unwrap(),
        photos,
        campaigns: campaigns.iter().cloned().collect(),
        audit: Audit::new(&config.secret),
        store,
        doer: Doer::System,
        is_dry: false,
        id: Uuid::new_v4(),
    }
}

/// Puts a photo as an attempt does of which nothing more is heard.
async fn abandon(photos: &Photos, campaign: &str) -> PhotoKey {
    let campaign = CampaignId::parse(campaign).unwrap();
    let id = RegistrationId::derive(&[1; 32], &campaign, &UniqueKey::Answer("1".into()));
    let bytes = b"a photo of nobody";
    let photo = PhotoRef {
        sha256: Sha256::digest(bytes).into(),
        extension: "jpg".into(),
        bytes: bytes.len() as u64,
    };
    let key = PhotoKey::of(&campaign, id, &photo).unwrap();
    let sealed = photos.seal().seal(&key, bytes.as_slice().into()).await;
    photos.put(&key, &sealed.unwrap()).await.unwrap();
    key
}

async fn a_photo_of_nobody_goes_after_a_day_and_the_record_says_so(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    let id = register(&app, 1).await;
    let mut sweep = sweep(&installation).await;
    let nobodys = abandon(&sweep.photos, &installation.campaign).await;
    let now = Timestamp::now();
    let nothing = Some(Swept::default());
    assert_eq!(
        sweep.once(now).await.unwrap(),
        nothing,
        "it may be kept yet"
    );
    assert!(sweep.photos.get(&nobodys).await.unwrap().is_some());

    let later = now + SignedDuration::from_hours(25);
    sweep.is_dry = true;
    let one = Some(Swept {
        orphans: 1,
        ..Swept::default()
    });
    assert_eq!(sweep.once(later).await.unwrap(), one);
    assert!(sweep.photos.get(&nobodys).await.unwrap().is_some());
    sweep.is_dry = false;
    assert_eq!(sweep.once(later).await.unwrap(), one);
    assert_eq!(sweep.photos.get(&nobodys).await.unwrap(), None);
    assert_eq!(sweep.once(later).await.unwrap(), nothing);
    assert!(seen(&app, &installation.token(), &id).await.is_some());

    let (_, record) = run(&installation, &["audit", "export", "--format", "jsonl"]);
    let entries = record.lines().filter(|line| line.contains(r#""sweep""#));
    let entries: Vec<Value> = entries
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 1, "{record}");
    assert!(entries[0].to_string().contains(r#""orphans""#), "{record}");
    let (verified, told) = run(&installation, &["audit", "verify"]);
    assert!(verified, "{told}");
}

async fn it_sweeps_again_and_again_until_it_is_stopped(stores: Stores) {
    let installation = Installation::new(stores);
    // This instance has read that the campaign goes on.
    let app = installation.start().await;
    let token = installation.token();
    let first = register(&app, 1).await;
    end(&installation, "{ photos = 1 }");
    let (sweeping, stop) = (sweep(&installation).await, CancellationToken::new());
    let soon = Duration::from_millis(50);
    let sweeping = tokio::spawn(sweeping.run(soon, soon, stop.clone()));
    app.until("the first photo is gone", async |app| {
        seen(app, &token, &first).await.is_none()
    })
    .await;
    let second = register(&app, 2).await;
    app.until("the second photo is gone", async |app| {
        seen(app, &token, &second).await.is_none()
    })
    .await;
    stop.cancel();
    sweeping.await.unwrap();
    // Whoever sweeps next need not wait for the end of a lease.
    let next = sweep(&installation).await.once(Timestamp::now()).await;
    assert!(next.unwrap().is_some());
}
