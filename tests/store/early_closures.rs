//! Campaigns that were closed early.

use jiff::Timestamp;
use jornada_domain::early_closure::EarlyClosure;

use crate::fixture::{StoreFixture, campaign};

fn closing(by: &str, reason: &str) -> EarlyClosure {
    let at = Timestamp::from_millisecond(1_795_000_000_123).unwrap();
    EarlyClosure::new(by, reason, at).unwrap()
}

pub async fn a_campaign_is_closed_once_until_it_is_reopened(fixture: &StoreFixture) {
    let (id, other) = (&fixture.campaign.id, campaign("otra").id.clone());
    assert!(fixture.store.closures().await.unwrap().is_empty());
    let first = closing("account:ana", "Ya no hay dosis");
    assert!(fixture.store.close_campaign(id, &first).await.unwrap());
    let second = closing("account:beto", "Llueve mucho");
    assert!(!fixture.store.close_campaign(id, &second).await.unwrap());
    let instance = fixture.reopen().await;
    let known = instance.closures().await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [(id.clone(), first)]);
    assert!(!instance.reopen_campaign(&other).await.unwrap());
    assert!(instance.reopen_campaign(id).await.unwrap());
    assert!(!fixture.store.reopen_campaign(id).await.unwrap());
    assert!(fixture.store.closures().await.unwrap().is_empty());
    assert!(fixture.store.close_campaign(id, &second).await.unwrap());
}

pub async fn one_of_many_concurrent_closures_wins(fixture: &StoreFixture) {
    let closing_at_once = (0..8).map(|number| {
        let (store, id) = (fixture.store.clone(), fixture.campaign.id.clone());
        let order = closing(&format!("account:{number}"), "Ya no hay dosis");
        tokio::spawn(async move { store.close_campaign(&id, &order).await.unwrap() })
    });
    let mut closed = 0;
    for answer in closing_at_once.collect::<Vec<_>>() {
        closed += usize::from(answer.await.unwrap());
    }
    assert_eq!(closed, 1);
}
