//! Keys of photos: one per id, encrypted in one way.

use jornada_store::WrappedKey;

use crate::fixture::StoreFixture;

fn key(id: u8, under: u8, wrapped: &[u8]) -> WrappedKey {
    WrappedKey {
        id: [id; 8],
        master_key_id: [under; 8],
        wrapped: wrapped.to_vec(),
    }
}

pub async fn concurrent_creators_of_a_key_all_use_one(fixture: &StoreFixture) {
    assert_eq!(fixture.store.wrapped_keys().await.unwrap(), []);
    let making = (0..8).map(|number| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            store.add_wrapped_key(&key(1, 1, &[number])).await.unwrap();
            store.wrapped_keys().await.unwrap()
        })
    });
    let mut seen = Vec::new();
    for made in making.collect::<Vec<_>>() {
        seen.push(made.await.unwrap());
    }
    assert_eq!(seen[0].len(), 1);
    assert!(seen.iter().all(|keys| *keys == seen[0]));
}

pub async fn a_key_is_rewrapped_once(fixture: &StoreFixture) {
    let (old, new, late) = (key(1, 1, b"old"), key(1, 2, b"new"), key(1, 3, b"late"));
    let other = key(2, 1, b"other");
    for key in [&other, &old] {
        fixture.store.add_wrapped_key(key).await.unwrap();
    }
    let rewrap = async |from, to| fixture.store.replace_wrapped_key(from, to).await.unwrap();
    assert!(rewrap(&old, &new).await);
    assert!(!rewrap(&old, &late).await, "it has changed since");
    assert_eq!(
        fixture.reopen().await.wrapped_keys().await.unwrap(),
        [new, other]
    );
}
