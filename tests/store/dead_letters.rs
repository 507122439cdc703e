//! Dead letters: kept once each, listed newest first, deleted one by one.

use jiff::Timestamp;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterId, DeadLetterReason};
use jornada_domain::queue_record::{MAX_VALUE_BYTES, QueueRecord};
use jornada_store::StoreError;
use jornada_testkit::proxy::Cut;

use crate::fixture::StoreFixture;
use crate::outages::behind_a_proxy;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap()
}

/// A letter of this offset, read `millisecond` after a time in 2026.
fn letter(offset: u64, millisecond: i64) -> DeadLetter {
    let record = QueueRecord::new("votes".into(), Some(3), offset.to_string(), None, b"{}");
    let reason = DeadLetterReason::NoId;
    DeadLetter::new(reason, String::new(), record, at(millisecond))
}

pub async fn a_dead_letter_is_kept_once_and_read_back_unchanged(fixture: &StoreFixture) {
    let store = &fixture.store;
    let mut record = QueueRecord::new(
        "votes".into(),
        Some(5),
        "9007199254740993".into(),
        Some(b"\xFF\0key"),
        &vec![0xFE; 2 << 20],
    );
    record.campaign = Some(b"elecciones".to_vec());
    record.door = Some(vec![0]);
    record.received_at = Some(b"1795000000000".to_vec());
    record.appended_at = Some(at(1));
    let detail = "partido: not_an_option".to_owned();
    let full = DeadLetter::new(DeadLetterReason::TooLarge, detail, record, at(2));
    assert_eq!(full.record.value.len(), MAX_VALUE_BYTES);
    let stream = QueueRecord::new("jornada:votes".into(), None, "1-0".into(), None, b"");
    let bare = DeadLetter::new(DeadLetterReason::NotJson, String::new(), stream, at(3));
    let both = vec![full.clone(), bare.clone()];
    store.insert_dead_letters(both.clone()).await.unwrap();
    // Delivered again, and read later: the first one stays, the new one is added.
    let mut again = full.clone();
    again.read_at = at(50);
    let second = letter(1, 4);
    let redelivered = vec![again, second.clone(), bare.clone()];
    let other = fixture.reopen().await;
    other.insert_dead_letters(redelivered).await.unwrap();
    other.insert_dead_letters(vec![]).await.unwrap();
    for one in [&full, &bare, &second] {
        assert_eq!(other.dead_letter(one.id).await.unwrap().as_ref(), Some(one));
    }
    assert_eq!(other.count_dead_letters().await.unwrap(), 3);
    let unknown = DeadLetterId::from_bytes([0; 16]);
    assert_eq!(store.dead_letter(unknown).await.unwrap(), None);
}

pub async fn dead_letters_are_listed_page_by_page_newest_first(fixture: &StoreFixture) {
    let store = &fixture.store;
    assert_eq!(store.dead_letters(None, 10).await.unwrap(), []);
    assert_eq!(store.count_dead_letters().await.unwrap(), 0);
    // Several were read in the same millisecond, more than a page holds.
    let times = [5, 5, 5, 5, 5, 2, 2, 9, 1, 7, 5];
    let numbered = (0..).zip(times);
    let mut all: Vec<_> = numbered.map(|(offset, at)| letter(offset, at)).collect();
    store.insert_dead_letters(all.clone()).await.unwrap();
    all.sort_unstable_by_key(|letter| (letter.read_at, letter.id));
    all.reverse();
    for limit in [1, 2, 3, 5, 11, 100] {
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let page = store.dead_letters(after, limit).await.unwrap();
            assert!(page.len() <= limit.into());
            let Some(last) = page.last() else { break };
            after = Some(last.position());
            read.extend(page);
        }
        assert_eq!(read, all, "pages of {limit}");
    }
    assert_eq!(store.dead_letters(None, 0).await.unwrap(), []);
    // A page begins after the position of a letter that is gone, and newer ones do not shift it.
    let (gone, rest) = all.split_first().unwrap();
    assert!(store.delete_dead_letter(gone.id).await.unwrap());
    store
        .insert_dead_letters(vec![letter(99, 99)])
        .await
        .unwrap();
    let page = store.dead_letters(Some(gone.position()), 100).await;
    assert_eq!(page.unwrap(), rest);
}

pub async fn one_of_many_concurrent_deletions_of_a_dead_letter_wins(fixture: &StoreFixture) {
    let kept = letter(1, 1);
    let lost = letter(2, 2);
    let store = &fixture.store;
    let both = vec![kept.clone(), lost.clone()];
    store.insert_dead_letters(both).await.unwrap();
    let deletions = (0..10).map(|_| store.delete_dead_letter(lost.id));
    let deleted = futures_util::future::join_all(deletions).await;
    let deleted = deleted.into_iter().map(Result::unwrap);
    assert_eq!(deleted.filter(|deleted| *deleted).count(), 1);
    assert_eq!(store.dead_letter(lost.id).await.unwrap(), None);
    // A letter that fails again has another reason; one that is gone does not come back.
    let closed = |letter: &DeadLetter| DeadLetter {
        reason: DeadLetterReason::Closed,
        detail: "again".to_owned(),
        ..letter.clone()
    };
    store.update_dead_letter(&closed(&lost)).await.unwrap();
    store.update_dead_letter(&closed(&kept)).await.unwrap();
    let left = store.dead_letters(None, 9).await.unwrap();
    assert_eq!(left, [closed(&kept)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_kept_once_wherever_the_connection_is_cut() {
    let (proxy, setting) = behind_a_proxy().await;
    let fixture = StoreFixture::open(setting).await;
    let mut all = Vec::new();
    for (offset, is_delivered) in (0..).zip([false, true, true]) {
        // One that is stored already is among them.
        all.push(letter(offset, 0));
        let text = "dead_letters";
        proxy.cut_once(Cut { text, is_delivered });
        let insert = fixture.store.insert_dead_letters(all.clone());
        insert.await.unwrap();
        assert!(!proxy.is_cut_pending());
        let count = fixture.store.count_dead_letters().await;
        assert_eq!(count.unwrap(), all.len() as u64);
    }
    proxy.set_open(false);
    let insert = fixture.store.insert_dead_letters(vec![letter(9, 9)]);
    let outage = insert.await.unwrap_err();
    assert!(matches!(outage, StoreError::Unavailable(_)), "{outage:?}");
    proxy.set_open(true);
    fixture.remove().await;
}
