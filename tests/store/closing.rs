//! Campaigns that were closed early.

use jiff::Timestamp;
use jornada::domain::closing::Closing;

use crate::bed::{Bed, campaign};

fn closing(by: &str, reason: &str) -> Closing {
    let at = Timestamp::from_millisecond(1_795_000_000_123).unwrap();
    Closing::order(by, reason, at).unwrap()
}

pub async fn a_campaign_is_closed_once_until_it_is_reopened(bed: &Bed) {
    let (id, other) = (&bed.campaign.id, campaign("otra").id.clone());
    assert!(bed.store.closings().await.unwrap().is_empty());
    let first = closing("account:ana", "Ya no hay dosis");
    assert!(bed.store.close(id, &first).await.unwrap());
    let second = closing("account:beto", "Llueve mucho");
    assert!(!bed.store.close(id, &second).await.unwrap());
    let instance = bed.reopen().await;
    let known = instance.closings().await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [(id.clone(), first)]);
    assert!(!instance.reopen(&other).await.unwrap());
    assert!(instance.reopen(id).await.unwrap());
    assert!(!bed.store.reopen(id).await.unwrap());
    assert!(bed.store.closings().await.unwrap().is_empty());
    assert!(bed.store.close(id, &second).await.unwrap());
}

pub async fn one_of_many_concurrent_closures_wins(bed: &Bed) {
    let closing_at_once = (0..8).map(|number| {
        let (store, id) = (bed.store.clone(), bed.campaign.id.clone());
        let order = closing(&format!("account:{number}"), "Ya no hay dosis");
        tokio::spawn(async move { store.close(&id, &order).await.unwrap() })
    });
    let mut closed = 0;
    for answer in closing_at_once.collect::<Vec<_>>() {
        closed += usize::from(answer.await.unwrap());
    }
    assert_eq!(closed, 1);
}
