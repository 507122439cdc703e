//! Totals change together with their position or not at all, and one instance leads.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::CampaignId;
use jornada_runtime::cache::CacheSetting;
use jornada_service::tally::{LeaderTurn, Tally};
use jornada_store::{Change, FeedPosition, TotalsSnapshot};

use jornada_testkit::servers::{random_name, variable};

pub fn redis(instance: &str) -> Tally {
    let setting = CacheSetting::Redis(variable("JORNADA_TEST_REDIS").into());
    Tally::open(&setting, instance).unwrap()
}

pub fn memory() -> Tally {
    Tally::open(&CacheSetting::Memory, "one").unwrap()
}

pub fn campaign() -> CampaignId {
    CampaignId::parse(&random_name()).unwrap()
}

fn position(at: u64) -> FeedPosition {
    FeedPosition { at, token: None }
}

fn change(value: &str, delta: i64, at: u64) -> Change {
    Change {
        tally_value: value.into(),
        delta,
        position: position(at),
    }
}

fn snapshot(totals: &[(&str, u64)], at: u64) -> TotalsSnapshot {
    TotalsSnapshot {
        totals: totals
            .iter()
            .map(|(value, total)| ((*value).to_owned(), *total))
            .collect(),
        position: position(at),
    }
}

async fn values(tally: &Tally, campaign: &CampaignId) -> BTreeMap<String, u64> {
    tally.read(campaign).await.unwrap().unwrap().values
}

async fn totals_move_with_their_position_or_not_at_all(tally: Tally) {
    let (campaign, now) = (campaign(), Timestamp::now());
    assert_eq!(tally.read(&campaign).await.unwrap(), None);
    assert!(
        !tally
            .add(&campaign, &position(1), &[change("Cali", 1, 2)])
            .await
            .unwrap()
    );
    let first = snapshot(&[("Bogotá", 2), ("Cali", 1)], 10);
    assert!(tally.replace(&campaign, None, &first, now).await.unwrap());
    assert!(
        !tally.replace(&campaign, None, &first, now).await.unwrap(),
        "totals exist already"
    );
    let changes = [
        change("Cali", 1, 11),
        change("Pasto", 1, 12),
        change("Bogotá", -2, 13),
    ];
    assert!(tally.add(&campaign, &position(10), &changes).await.unwrap());
    assert!(
        !tally.add(&campaign, &position(10), &changes).await.unwrap(),
        "added once only"
    );
    let expected = snapshot(&[("Cali", 2), ("Pasto", 1)], 13);
    assert_eq!(values(&tally, &campaign).await, expected.totals);
    assert_eq!(
        tally.read(&campaign).await.unwrap().unwrap().position,
        expected.position
    );
    let fresh = snapshot(&[("李 ñ", 1)], 20);
    assert!(
        tally
            .replace(&campaign, Some(&position(13)), &fresh, now)
            .await
            .unwrap()
    );
    assert_eq!(values(&tally, &campaign).await, fresh.totals);
}

async fn a_refresh_is_due_once_in_thirty_seconds(tally: Tally) {
    let (campaign, now) = (campaign(), Timestamp::now());
    assert_eq!(
        tally.acquire_lead(&campaign, false, now).await.unwrap(),
        LeaderTurn::Lead
    );
    tally.request_refresh(&campaign).await.unwrap();
    tally.request_refresh(&campaign).await.unwrap();
    assert_eq!(
        tally.acquire_lead(&campaign, false, now).await.unwrap(),
        LeaderTurn::Refresh
    );
    assert_eq!(
        tally.acquire_lead(&campaign, false, now).await.unwrap(),
        LeaderTurn::Lead
    );
    tally.request_refresh(&campaign).await.unwrap();
    assert_eq!(
        tally.acquire_lead(&campaign, false, now).await.unwrap(),
        LeaderTurn::Lead,
        "too soon"
    );
}

async fn as_of_moves_when_the_follower_has_caught_up(tally: Tally) {
    let campaign = campaign();
    let before = Timestamp::from_second(1_000_000).unwrap();
    let after = before + SignedDuration::from_secs(60);
    assert!(
        tally
            .replace(&campaign, None, &snapshot(&[], 1), before)
            .await
            .unwrap()
    );
    tally.acquire_lead(&campaign, false, after).await.unwrap();
    assert_eq!(tally.read(&campaign).await.unwrap().unwrap().as_of, before);
    tally.acquire_lead(&campaign, true, after).await.unwrap();
    assert_eq!(tally.read(&campaign).await.unwrap().unwrap().as_of, after);
}

async fn corrections_and_deletions_leave_no_zero(tally: Tally) {
    let (campaign, now) = (campaign(), Timestamp::now());
    let first = snapshot(&[("Cali", 1)], 1);
    assert!(tally.replace(&campaign, None, &first, now).await.unwrap());
    let mut from = position(1);
    for (changes, expected) in [
        (
            vec![change("Cali", -1, 2), change("Pasto", 1, 2)],
            vec![("Pasto", 1)],
        ),
        // There and back within one batch, and a value that appears and disappears.
        (
            vec![
                change("Pasto", -1, 3),
                change("Cali", 1, 3),
                change("Cali", -1, 4),
                change("Pasto", 1, 4),
                change("Neiva", 1, 5),
                change("Neiva", -1, 6),
            ],
            vec![("Pasto", 1)],
        ),
        (vec![change("Pasto", -1, 7)], vec![]),
        (
            vec![change("Pasto", 1, 8), change("Cali", 1, 9)],
            vec![("Cali", 1), ("Pasto", 1)],
        ),
    ] {
        assert!(tally.add(&campaign, &from, &changes).await.unwrap());
        from = changes.last().unwrap().position.clone();
        assert_eq!(
            values(&tally, &campaign).await,
            snapshot(&expected, 0).totals
        );
    }
}

macro_rules! contract {
    ($($case:ident)*) => {
        mod in_memory {
            $(#[tokio::test] async fn $case() { super::$case(super::memory()).await; })*
        }
        mod in_redis {
            $(#[tokio::test] async fn $case() { super::$case(super::redis("one")).await; })*
        }
    };
}

contract! {
    totals_move_with_their_position_or_not_at_all
    corrections_and_deletions_leave_no_zero
    a_refresh_is_due_once_in_thirty_seconds
    as_of_moves_when_the_follower_has_caught_up
}

#[tokio::test]
async fn one_instance_leads_until_it_resigns() {
    let (one, other, campaign) = (redis("same name"), redis("same name"), campaign());
    let turn = async |tally: &Tally| {
        tally
            .acquire_lead(&campaign, false, Timestamp::now())
            .await
            .unwrap()
    };
    assert_eq!(turn(&one).await, LeaderTurn::Lead);
    assert_eq!(turn(&other).await, LeaderTurn::Follow);
    other.resign(&campaign).await.unwrap();
    assert_eq!(
        turn(&one).await,
        LeaderTurn::Lead,
        "only the leader can resign"
    );
    one.resign(&campaign).await.unwrap();
    assert_eq!(turn(&other).await, LeaderTurn::Lead);
}

#[tokio::test]
async fn an_unavailable_redis_is_reported_soon() {
    let setting = CacheSetting::Redis("redis://127.0.0.1:1/".to_owned().into());
    let tally = Tally::open(&setting, "one").unwrap();
    let start = std::time::Instant::now();
    assert!(tally.read(&campaign()).await.is_err());
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}
