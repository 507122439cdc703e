//! Statistics for the staff overview.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::date;
use jornada_domain::CampaignId;
use jornada_service::staff::overview::OverviewCache;

use crate::fixture::{self, StoreFixture, campaign, registration};

pub async fn registrations_are_counted_by_day_and_value(fixture: &StoreFixture) {
    let moment = |hour: i64| Timestamp::from_millisecond(1_795_000_000_000 + hour * 3_600_000);
    // Days of different lengths, as with daylight saving time; one registration per hour.
    let days: Vec<_> = [0, 24, 47, 72, 73, 97]
        .map(|hour| moment(hour).unwrap())
        .into();
    for hour in -3..110 {
        let city = if hour % 2 == 0 { "Bogotá" } else { "Cali" };
        let one = registration(
            &fixture.campaign,
            &format!("{hour}"),
            city,
            hour * 3_600_000,
        );
        fixture.insert(&one).await;
    }
    let other = campaign("carnaval");
    fixture::insert(
        &fixture.store,
        &other,
        &registration(&other, "1", "Cali", 0),
    )
    .await
    .unwrap();
    let counts = fixture
        .store
        .count_by_day(&fixture.campaign.id, &days)
        .await
        .unwrap();
    let expected = [
        ("Bogotá".to_owned(), vec![12, 12, 12, 1, 12]),
        ("Cali".to_owned(), vec![12, 11, 13, 0, 12]),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    for few in [&days[..0], &days[..1]] {
        let counts = fixture
            .store
            .count_by_day(&fixture.campaign.id, few)
            .await
            .unwrap();
        assert_eq!(counts, BTreeMap::new());
    }
    let counts = fixture
        .store
        .count_by_day(&fixture.campaign.id, &days[3..5])
        .await
        .unwrap();
    assert_eq!(counts, BTreeMap::from([("Bogotá".to_owned(), vec![1])]));
}

pub async fn rejections_add_up_since_a_day(fixture: &StoreFixture) {
    let counts = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        let owned = |(reason, count): &(&str, u64)| ((*reason).to_owned(), *count);
        counts.iter().map(owned).collect()
    };
    let id = &fixture.campaign.id;
    let add = async |id, day, added| fixture.store.add_rejections(id, day, &added).await.unwrap();
    add(id, date(2026, 9, 30), counts(&[("missing", 100)])).await;
    let instances = (0..10).map(|_| {
        add(
            id,
            date(2026, 10, 1),
            counts(&[("missing", 2), ("photo", 1)]),
        )
    });
    futures_util::future::join_all(instances).await;
    add(id, date(2026, 10, 12), counts(&[("photo", 5)])).await;
    add(id, date(2026, 10, 12), counts(&[])).await;
    // Ids with the same prefix.
    let others = ["vacunacion-2", "vacunacion0", "carnaval"];
    let others = others.map(|other| CampaignId::parse(other).unwrap());
    for other in &others {
        add(other, date(2026, 10, 5), counts(&[("photo", 7)])).await;
    }
    let since = async |day| fixture.store.rejections(id, day).await.unwrap();
    assert_eq!(
        since(date(2026, 10, 1)).await,
        counts(&[("missing", 20), ("photo", 15)])
    );
    assert_eq!(since(date(2026, 9, 1)).await["missing"], 120);
    assert_eq!(since(date(2026, 10, 13)).await, counts(&[]));
}

pub async fn an_overview_is_computed_once_for_concurrent_callers(fixture: &StoreFixture) {
    fixture.fill(30, &["Cali", "Bogotá", "Cali"]).await;
    let overviews = OverviewCache::new(fixture.store.clone());
    let now = Timestamp::from_millisecond(1_795_000_000_000).unwrap();
    let asked = (0..20).map(|_| overviews.fetch(&fixture.campaign, now));
    let answers = futures_util::future::try_join_all(asked).await.unwrap();
    let first = &answers[0];
    for other in &answers {
        assert!(std::sync::Arc::ptr_eq(first, other));
    }
    assert_eq!(first.as_of, now);
    assert_eq!(first.sum_by_day(|_| true)[13], 30);
    assert_eq!(first.sum_by_day(|value| value == "Cali")[13], 20);
    assert_eq!(first.sum_by_day(|_| true)[..13], [0; 13]);
    assert_eq!(first.sum(|_| true), 30);
    // A result of yesterday is not used today.
    let tomorrow = now + jiff::SignedDuration::from_hours(24);
    let next = overviews.fetch(&fixture.campaign, tomorrow).await.unwrap();
    assert_eq!((next.as_of, next.sum_by_day(|_| true)[12]), (tomorrow, 30));
    let later = now + jiff::SignedDuration::from_hours(24 * 30);
    let last = overviews.fetch(&fixture.campaign, later).await.unwrap();
    let cali = |value: &str| value == "Cali";
    assert_eq!(
        (last.sum_by_day(cali).iter().sum::<u64>(), last.sum(cali)),
        (0, 20)
    );
}

pub async fn an_old_overview_is_computed_anew_before_it_is_shown(fixture: &StoreFixture) {
    let overviews = OverviewCache::new(fixture.store.clone());
    let fetch = async || {
        let overview = overviews.fetch(&fixture.campaign, Timestamp::now()).await;
        overview.unwrap().sum(|_| true)
    };
    assert_eq!(fetch().await, 0);
    fixture.fill(3, &["Cali"]).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(fetch().await, 3, "at the first look");
}

pub async fn an_overview_is_computed_ahead_of_requests(fixture: &StoreFixture) {
    let overviews = OverviewCache::new(fixture.store.clone());
    overviews
        .count_missing(std::slice::from_ref(&fixture.campaign))
        .await;
    let look = Timestamp::now();
    let found = overviews.fetch(&fixture.campaign, look).await.unwrap();
    assert!(found.as_of < look);
}
