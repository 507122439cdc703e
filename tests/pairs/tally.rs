//! Counts change together with their position or not at all, and one instance leads.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use jornada_domain::tally::{MAX_KEYS, TallyCounts};
use jornada_domain::{Campaign, CampaignId};
use jornada_runtime::cache::CacheSetting;
use jornada_service::tally::counts::{CampaignCounts, CountChanges};
use jornada_service::tally::{LeaderTurn, RefreshRequests, TallyCache};
use jornada_store::FeedPosition;
use uuid::Uuid;

use jornada_testkit::servers::variable;

pub const CAMPAIGN: &str = r#"
id = "voto"
opens_at = 2026-01-01T00:00:00Z
closes_at = 2036-01-01T00:00:00Z
time_zone = "America/Bogota"
title = { es = "Voto", en = "Vote" }
[[fields]]
name = "lugar"
kind = "place"
label = { es = "Lugar", en = "Place" }
required = true
tally = true
"#;

/// The counts in Redis of a store with this id.
pub fn redis(store: Uuid, instance: &str) -> TallyCache {
    let setting = CacheSetting::Redis(variable("JORNADA_TEST_REDIS").into());
    TallyCache::open(&setting, store, instance).unwrap()
}

pub fn memory() -> TallyCache {
    TallyCache::open(&CacheSetting::Memory, Uuid::nil(), "one").unwrap()
}

/// A campaign with one tally, by place.
pub fn campaign(id: &str) -> Arc<Campaign> {
    let text = CAMPAIGN.replace("voto", id);
    Arc::new(Campaign::parse(&text, |_| Err(String::new())).unwrap())
}

fn position(at: u64) -> FeedPosition {
    FeedPosition {
        at,
        token: None,
        delta: None,
    }
}

fn key(place: &str) -> Vec<String> {
    vec![place.to_owned()]
}

fn counts(places: &[(&str, u64)]) -> CampaignCounts {
    let counts = places.iter().map(|(place, count)| (key(place), *count));
    let counts = TallyCounts {
        counts: counts.collect(),
        others: 0,
    };
    [("lugar".to_owned(), counts)].into()
}

fn changes(campaign: &CampaignId, places: &[(&str, i64)]) -> CountChanges {
    let mut keys = std::collections::BTreeMap::new();
    for (place, difference) in places {
        *keys.entry(key(place)).or_default() += difference;
    }
    CountChanges([(campaign.clone(), [("lugar".to_owned(), keys)].into())].into())
}

async fn add(cache: &TallyCache, from: u64, to: u64, changes: &CountChanges) -> bool {
    let (from, to) = (position(from), position(to));
    cache.add(&from, &to, changes).await.unwrap()
}

async fn replace(
    cache: &TallyCache,
    from: Option<u64>,
    to: u64,
    counts: &[(Arc<Campaign>, CampaignCounts)],
    now: Timestamp,
) -> bool {
    let (from, to) = (from.map(position), position(to));
    let replaced = cache.replace(from.as_ref(), &to, counts, now);
    replaced.await.unwrap()
}

async fn revision(cache: &TallyCache, campaign: &Campaign) -> u64 {
    let state = cache.state().await.unwrap().unwrap();
    state.campaigns[&campaign.id].revision
}

async fn counts_move_with_their_position_or_not_at_all(cache: TallyCache) {
    let (vote, now) = (campaign("voto"), Timestamp::now());
    assert_eq!(cache.state().await.unwrap(), None);
    let one = changes(&vote.id, &[("Cali", 1)]);
    assert!(!add(&cache, 1, 2, &one).await);
    let first = [(vote.clone(), counts(&[("Bogotá", 2), ("Cali", 1)]))];
    assert!(replace(&cache, None, 10, &first, now).await);
    assert!(
        !replace(&cache, None, 10, &first, now).await,
        "counts exist already"
    );
    let before = revision(&cache, &vote).await;
    let some = changes(&vote.id, &[("Cali", 1), ("Pasto", 1), ("Bogotá", -2)]);
    assert!(add(&cache, 10, 13, &some).await);
    assert!(!add(&cache, 10, 13, &some).await, "added once only");
    assert_eq!(
        cache.counts(&vote).await.unwrap(),
        counts(&[("Cali", 2), ("Pasto", 1)])
    );
    assert_eq!(cache.state().await.unwrap().unwrap().position, position(13));
    assert!(revision(&cache, &vote).await > before);
    let fresh = [(vote.clone(), counts(&[("李 ñ", 1)]))];
    assert!(replace(&cache, Some(13), 20, &fresh, now).await);
    assert_eq!(cache.counts(&vote).await.unwrap(), fresh[0].1);
}

async fn campaigns_change_together_and_have_their_own_revisions(cache: TallyCache) {
    let (vote, other, now) = (campaign("voto"), campaign("otra"), Timestamp::now());
    let both = [
        (vote.clone(), counts(&[("Cali", 1)])),
        (other.clone(), counts(&[])),
    ];
    assert!(replace(&cache, None, 1, &both, now).await);
    let before = (
        revision(&cache, &vote).await,
        revision(&cache, &other).await,
    );
    let mut some = changes(&vote.id, &[("Cali", 1)]);
    assert!(add(&cache, 1, 2, &some).await);
    assert!(revision(&cache, &vote).await > before.0);
    assert_eq!(revision(&cache, &other).await, before.1);
    some.0.extend(changes(&other.id, &[("Pasto", 3)]).0);
    assert!(add(&cache, 2, 3, &some).await);
    // The position moves on without changes, too.
    let nothing = CountChanges::default();
    assert!(add(&cache, 3, 4, &nothing).await);
    assert_eq!(cache.counts(&vote).await.unwrap(), counts(&[("Cali", 3)]));
    assert_eq!(cache.counts(&other).await.unwrap(), counts(&[("Pasto", 3)]));
}

async fn corrections_and_deletions_leave_no_zero(cache: TallyCache) {
    let (vote, now) = (campaign("voto"), Timestamp::now());
    let first = [(vote.clone(), counts(&[("Cali", 1)]))];
    assert!(replace(&cache, None, 1, &first, now).await);
    let steps = [
        (vec![("Cali", -1), ("Pasto", 1)], vec![("Pasto", 1)]),
        // There and back within one batch.
        (vec![("Pasto", 0), ("Neiva", 0)], vec![("Pasto", 1)]),
        (vec![("Pasto", -1)], vec![]),
        (
            vec![("Pasto", 1), ("Cali", 1)],
            vec![("Cali", 1), ("Pasto", 1)],
        ),
    ];
    for (at, (some, expected)) in (1..).zip(steps) {
        let some = changes(&vote.id, &some);
        assert!(add(&cache, at, at + 1, &some).await);
        assert_eq!(cache.counts(&vote).await.unwrap(), counts(&expected));
    }
}

async fn further_keys_are_counted_together(cache: TallyCache) {
    let (vote, now) = (campaign("voto"), Timestamp::now());
    let places: Vec<_> = (0..MAX_KEYS)
        .map(|number| format!("place {number}"))
        .collect();
    let places: Vec<_> = places.iter().map(|place| (place.as_str(), 2)).collect();
    let first = [(vote.clone(), counts(&places))];
    assert!(replace(&cache, None, 1, &first, now).await);
    let steps = [
        (vec![("a", 3), ("b", 2)], 5),
        (vec![("a", -1), ("place 0", -2)], 4),
        // A place became free, but two registrations of "a" are among the others.
        (vec![("a", 1)], 5),
        (vec![("a", -3)], 2),
        (vec![("b", -2)], 0),
        // Nothing is left among the others, so that a count of its own is exact.
        (vec![("c", 3)], 0),
        (vec![("d", 1), ("c", -1)], 1),
    ];
    let grows = [true, false, true, false, false, false, true];
    let mut requests = 0;
    for ((at, (some, expected_others)), grows) in (1..).zip(steps).zip(grows) {
        let some = changes(&vote.id, &some);
        assert!(add(&cache, at, at + 1, &some).await);
        let counts = cache.counts(&vote).await.unwrap();
        assert_eq!(counts["lugar"].others, expected_others);
        requests += u64::from(grows);
    }
    // Only a recount tells whether one of the others is among the highest by now.
    let turn = cache.acquire_lead(None, now).await.unwrap();
    assert_eq!(turn, due(&vote.id, requests));
    let counts = cache.counts(&vote).await.unwrap();
    assert_eq!(counts["lugar"].counts.get(&key("c")), Some(&2));
    assert_eq!(counts["lugar"].total(), 2 * (MAX_KEYS as u64 - 1) + 3);
}

async fn counts_are_never_negative(cache: TallyCache) {
    let (vote, now) = (campaign("voto"), Timestamp::now());
    let first = [(vote.clone(), counts(&[("Pasto", 2)]))];
    assert!(replace(&cache, None, 1, &first, now).await);
    let more = [("Pasto", -3), ("Neiva", -1)];
    assert!(add(&cache, 1, 2, &changes(&vote.id, &more)).await);
    assert_eq!(cache.counts(&vote).await.unwrap()["lugar"].total(), 0);
}

fn due(campaign: &CampaignId, requests: u64) -> LeaderTurn {
    LeaderTurn::Lead([(campaign.clone(), requests)].into())
}

fn nothing_due() -> LeaderTurn {
    LeaderTurn::Lead(RefreshRequests::new())
}

async fn a_refresh_is_due_once_in_thirty_seconds(cache: TallyCache) {
    let (vote, now) = (campaign("voto").id.clone(), Timestamp::now());
    let turn = async |now| cache.acquire_lead(None, now).await.unwrap();
    assert_eq!(turn(now).await, nothing_due());
    cache.request_refresh(&vote).await.unwrap();
    cache.request_refresh(&vote).await.unwrap();
    assert_eq!(turn(now).await, due(&vote, 2));
    assert_eq!(turn(now).await, nothing_due());
    cache.request_refresh(&vote).await.unwrap();
    let soon = now + SignedDuration::from_secs(29);
    assert_eq!(turn(soon).await, nothing_due(), "too soon");
    let later = now + SignedDuration::from_secs(30);
    // The first was never done.
    assert_eq!(turn(later).await, due(&vote, 3));
    cache.finish_refresh(&vote, 3).await.unwrap();
    let much_later = later + SignedDuration::from_secs(30);
    assert_eq!(turn(much_later).await, nothing_due());
}

async fn a_refresh_requested_while_another_is_done_remains(cache: TallyCache) {
    let (vote, now) = (campaign("voto").id.clone(), Timestamp::now());
    cache.request_refresh(&vote).await.unwrap();
    let turn = async |now| cache.acquire_lead(None, now).await.unwrap();
    assert_eq!(turn(now).await, due(&vote, 1));
    cache.request_refresh(&vote).await.unwrap();
    cache.finish_refresh(&vote, 1).await.unwrap();
    let later = now + SignedDuration::from_secs(30);
    assert_eq!(turn(later).await, due(&vote, 2));
}

async fn as_of_moves_when_the_counts_are_complete(cache: TallyCache) {
    let before = Timestamp::from_second(1_000_000).unwrap();
    let after = before + SignedDuration::from_secs(60);
    let as_of = async || cache.state().await.unwrap().unwrap().as_of;
    assert!(replace(&cache, None, 1, &[], before).await);
    cache.acquire_lead(None, after).await.unwrap();
    assert_eq!(as_of().await, before);
    cache.acquire_lead(Some(after), after).await.unwrap();
    assert_eq!(as_of().await, after);
}

macro_rules! contract {
    ($($case:ident)*) => {
        mod in_memory {
            $(#[tokio::test] async fn $case() { super::$case(super::memory()).await; })*
        }
        mod in_redis {
            $(#[tokio::test] async fn $case() {
                super::$case(super::redis(uuid::Uuid::new_v4(), "one")).await;
            })*
        }
    };
}

contract! {
    counts_move_with_their_position_or_not_at_all
    campaigns_change_together_and_have_their_own_revisions
    corrections_and_deletions_leave_no_zero
    further_keys_are_counted_together
    counts_are_never_negative
    a_refresh_is_due_once_in_thirty_seconds
    a_refresh_requested_while_another_is_done_remains
    as_of_moves_when_the_counts_are_complete
}

#[tokio::test]
async fn one_instance_leads_until_it_resigns() {
    let store = Uuid::new_v4();
    let (one, other) = (redis(store, "same name"), redis(store, "same name"));
    let turn = async |cache: &TallyCache| cache.acquire_lead(None, Timestamp::now()).await.unwrap();
    assert_eq!(turn(&one).await, nothing_due());
    assert_eq!(turn(&other).await, LeaderTurn::Follow);
    other.resign().await.unwrap();
    let still = turn(&one).await;
    assert_eq!(still, nothing_due(), "only the leader can resign");
    one.resign().await.unwrap();
    assert_eq!(turn(&other).await, nothing_due());
}

#[tokio::test]
async fn an_unavailable_redis_is_reported_soon() {
    let setting = CacheSetting::Redis("redis://127.0.0.1:1/".to_owned().into());
    let cache = TallyCache::open(&setting, Uuid::nil(), "one").unwrap();
    let start = std::time::Instant::now();
    assert!(cache.state().await.is_err());
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}
