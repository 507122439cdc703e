//! Live totals while the counts in the cache come from an instance with another campaign file.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jornada_domain::Campaign;
use jornada_domain::tally::TallyCounts;
use jornada_service::tally::counts::CampaignCounts;
use jornada_service::tally::live_totals::{LiveTotals, TotalsSource};
use jornada_store::FeedPosition;

use crate::follow::{TallyFixture, wait_until};
use crate::tally::CAMPAIGN;

/// The campaign with a tally of the same id by another field.
fn other_file(id: &str) -> Arc<Campaign> {
    let more = r#"
[[fields]]
name = "turno"
kind = "choice"
range = [1, 3]
label = { es = "Turno", en = "Shift" }
[[tallies]]
id = "lugar"
by = ["turno"]
"#;
    let file = format!("{}{more}", CAMPAIGN.replace("voto", id));
    Arc::new(Campaign::parse(&file, |_| Err(String::new())).unwrap())
}

fn counts(key: &str, count: u64) -> CampaignCounts {
    let counts = TallyCounts {
        counts: [(vec![key.to_owned()], count)].into(),
        others: 0,
    };
    [("lugar".to_owned(), counts)].into()
}

#[tokio::test]
async fn counts_by_another_campaign_file_are_not_shown() {
    let fixture = TallyFixture::embedded_and_idle().await;
    fixture.register(0..2, "Cali").await;
    let position = FeedPosition {
        at: 1,
        token: None,
        delta: None,
    };
    let replace = async |is_first: bool, campaign: &Arc<Campaign>, counts: CampaignCounts| {
        let from = (!is_first).then_some(&position);
        let (counts, now) = ([(Arc::clone(campaign), counts)], Timestamp::now());
        let replaced = fixture.cache.replace(from, &position, &counts, now).await;
        assert!(replaced.unwrap());
    };
    let other = other_file(fixture.id().as_str());
    replace(true, &other, counts("1", 9)).await;

    let live_totals = LiveTotals::new([fixture.id()].into_iter());
    let source = TotalsSource {
        cache: fixture.cache.clone(),
        store: fixture.store.clone(),
        campaigns: vec![Arc::clone(&fixture.campaign)],
    };
    let refreshing = live_totals.clone();
    let metrics = fixture.metrics.tally.clone();
    tokio::spawn(refreshing.refresh_until(source, metrics, fixture.stop.clone()));
    let shown = async |count: u64| {
        wait_until(&format!("Cali has {count}"), async || {
            let totals = live_totals.latest(fixture.id());
            totals.is_some_and(|totals| {
                let values = totals.values.iter();
                let values: Vec<_> = values.map(|value| (&*value.value, value.count)).collect();
                values == [("Cali", count)]
            })
        })
        .await;
    };
    // Counted in the store, once.
    shown(2).await;
    replace(false, &fixture.campaign, counts("Cali", 5)).await;
    shown(5).await;
    replace(false, &other, counts("1", 9)).await;
    // The last ones stay, as of their time, however fresh those by the other file are.
    let as_of = live_totals.latest(fixture.id()).unwrap().as_of;
    for _ in 0..3 {
        let now = Some(Timestamp::now());
        fixture
            .cache
            .acquire_lead(now, Timestamp::now())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        shown(5).await;
    }
    assert_eq!(live_totals.latest(fixture.id()).unwrap().as_of, as_of);
    replace(false, &fixture.campaign, counts("Cali", 6)).await;
    shown(6).await;
}
