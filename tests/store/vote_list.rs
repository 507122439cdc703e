//! The list of votes on both stores: every page is exact whatever the filter, also while votes are inserted.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jornada_domain::vote::{QueuePlace, StoredVote, VotePosition};
use jornada_domain::{Answers, Campaign, Door, RegistrationId, Vote};
use jornada_store::{NewVote, Store, VoteFilter, VotePage, VoteQuery};

use crate::fixture::StoreFixture;
use crate::votes::campaign;

/// Vote `number`: three of each millisecond, with places and doors in turn.
fn new_vote(campaign: &Arc<Campaign>, number: i64) -> NewVote {
    let place = ["Cali", "Pasto", "Neiva"][usize::try_from(number % 3).unwrap()];
    let table = (number % 5 != 0).then(|| (number % 5).to_string());
    let is_queued = number % 2 == 0;
    NewVote {
        campaign: Arc::clone(campaign),
        vote: Vote {
            id: RegistrationId::derive_for_vote(&[7; 32], &campaign.id, &number.to_string()),
            campaign: campaign.id.clone(),
            answers: Answers::from_stored(vec![Some(place.to_owned()), table]),
            received_at: Timestamp::from_millisecond(1_795_000_000_000 + number / 3).unwrap(),
            door: if is_queued { Door::Grpc } else { Door::Http },
            instance: (number % 7 != 0).then(|| format!("app{}", number % 2).into()),
        },
        queue_place: is_queued.then(|| QueuePlace {
            partition: (number % 4 == 0).then_some(3),
            offset: number.to_string(),
        }),
    }
}

async fn insert(store: &Store, campaign: &Arc<Campaign>, numbers: std::ops::Range<i64>) {
    let votes = numbers.map(|number| new_vote(campaign, number)).collect();
    for outcome in store.insert(votes).await {
        outcome.unwrap();
    }
}

fn query(filter: VoteFilter, limit: u16, max_examined: u32) -> VoteQuery {
    VoteQuery {
        filter,
        before: None,
        after: None,
        limit,
        max_examined,
    }
}

async fn page(store: &Store, query: &VoteQuery) -> VotePage {
    store.list_votes(&campaign(), query).await.unwrap()
}

/// Reads all pages, and returns the votes with the number of pages that were not complete.
async fn read_all(store: &Store, mut query: VoteQuery) -> (Vec<Vote>, usize) {
    let (mut votes, mut incomplete) = (Vec::new(), 0);
    loop {
        let page = page(store, &query).await;
        assert!(page.votes.len() <= usize::from(query.limit));
        incomplete += usize::from(!page.is_complete);
        votes.extend(page.votes.into_iter().map(|stored| stored.vote));
        query.before = page.next;
        if query.before.is_none() {
            return (votes, incomplete);
        }
    }
}

fn newest_first(mut votes: Vec<Vote>) -> Vec<Vote> {
    votes.sort_by_key(|vote| std::cmp::Reverse((vote.received_at, vote.id)));
    votes
}

pub async fn every_filter_lists_what_a_full_scan_finds(fixture: &StoreFixture) {
    let (store, campaign) = (&fixture.store, campaign());
    insert(store, &campaign, 0..120).await;
    let all: Vec<_> = (0..120)
        .map(|number| new_vote(&campaign, number).vote)
        .collect();
    let at = |millisecond: i64| {
        Some(Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap())
    };
    let answers = |name: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        (name.to_owned(), values)
    };
    let places = vec![answers("lugar", &["Cali", "Neiva"])];
    let rare = vec![answers("lugar", &["Pasto"]), answers("mesa", &["2"])];
    for (answers, door, instance, from, until) in [
        (vec![], None, None, None, None),
        (places, None, None, None, None),
        (rare, Some(Door::Http), None, None, None),
        (vec![], Some(Door::Grpc), None, at(7), at(21)),
        (vec![], None, Some("app1"), at(7), at(21)),
        (vec![], None, Some("app9"), None, None),
        (vec![], None, None, at(7), at(8)),
        (vec![answers("mesa", &["9"])], None, None, None, None),
        (vec![], Some(Door::Form), None, at(30), at(30)),
    ] {
        let field = |name: &str| campaign.fields.iter().position(|field| field.name == name);
        let has_answer = |vote: &Vote, (name, values): &(String, Vec<String>)| {
            let answer = vote.answers.get(field(name).unwrap());
            answer.is_some_and(|answer| values.iter().any(|value| value == answer))
        };
        let matches = |vote: &&Vote| {
            answers.iter().all(|one| has_answer(vote, one))
                && door.is_none_or(|door| vote.door == door)
                && instance.is_none_or(|name| vote.instance.as_deref() == Some(name))
                && from.is_none_or(|from| vote.received_at >= from)
                && until.is_none_or(|until| vote.received_at < until)
        };
        let expected = newest_first(all.iter().filter(matches).cloned().collect());
        let filter = VoteFilter {
            answers: answers.clone(),
            door,
            instance: instance.map(Into::into),
            from,
            until,
        };
        for (limit, max_examined) in [(7, 10_000), (7, 5), (1, 1), (120, 120)] {
            let (votes, incomplete) =
                read_all(store, query(filter.clone(), limit, max_examined)).await;
            assert_eq!(votes, expected, "{filter:?} by {limit}, {max_examined}");
            assert!(incomplete == 0 || max_examined < 10_000);
        }
    }
}

pub async fn pages_of_votes_are_stable_while_votes_arrive(fixture: &StoreFixture) {
    let (store, campaign) = (fixture.store.clone(), campaign());
    insert(&store, &campaign, 0..60).await;
    let writer = tokio::spawn({
        let campaign = Arc::clone(&campaign);
        async move {
            for start in (60..360).step_by(20) {
                insert(&store, &campaign, start..start + 20).await;
            }
        }
    });
    let first = page(&fixture.store, &query(VoteFilter::default(), 5, 100)).await;
    let start = first.votes[0].vote.received_at;
    let (votes, _) = read_all(
        &fixture.store,
        VoteQuery {
            before: Some(VotePosition::first_at(start)),
            ..query(VoteFilter::default(), 5, 100)
        },
    )
    .await;
    writer.await.unwrap();
    let ids: BTreeSet<_> = votes.iter().map(|vote| vote.id).collect();
    assert_eq!(ids.len(), votes.len(), "no vote comes twice");
    assert_eq!(votes, newest_first(votes.clone()));
    let old = (0..60).map(|number| new_vote(&campaign, number).vote);
    let missing = old.filter(|vote| vote.received_at < start && !ids.contains(&vote.id));
    assert_eq!(missing.count(), 0);
    // Who follows the votes gets each that is received after a position, and no other.
    let position = votes[3].id;
    let after = VotePosition {
        received_at: votes[3].received_at,
        id: position,
    };
    let follow = VoteQuery {
        after: Some(after),
        ..query(VoteFilter::default(), 100, 100)
    };
    let (followed, _) = read_all(&fixture.store, follow).await;
    let all = newest_first(
        (0..360)
            .map(|number| new_vote(&campaign, number).vote)
            .collect(),
    );
    let newer = all.iter().take_while(|vote| vote.id != position);
    assert_eq!(followed, newer.cloned().collect::<Vec<_>>());
}

pub async fn a_vote_is_shown_with_its_way(fixture: &StoreFixture) {
    let (store, campaign) = (&fixture.store, campaign());
    let before = Timestamp::now();
    insert(store, &campaign, 3..5).await;
    for number in 3..5 {
        let new = new_vote(&campaign, number);
        let stored = store
            .stored_vote(&campaign, new.vote.id)
            .await
            .unwrap()
            .unwrap();
        let stored_at = stored.stored_at.unwrap();
        assert!(
            stored_at.as_millisecond() >= before.as_millisecond() && stored_at <= Timestamp::now()
        );
        let expected = StoredVote {
            vote: new.vote,
            stored_at: Some(stored_at),
            queue_place: new.queue_place,
        };
        assert_eq!(stored, expected);
        let other = fixture.campaign.clone();
        let of_other = store.stored_vote(&other, stored.vote.id).await.unwrap();
        assert_eq!(of_other, None, "it belongs to another campaign");
    }
    let unknown = RegistrationId::from_bytes([9; 16]);
    assert_eq!(store.stored_vote(&campaign, unknown).await.unwrap(), None);
}
