use std::iter::repeat_n;

use jiff::Timestamp;
use jornada_domain::{Answers, Campaign, Registration, RegistrationId};
use jornada_store::NewRegistration;

use super::*;

const CAMPAIGN: &str = r#"
id = "encuesta"
opens_at = 2026-11-01T06:00:00-05:00
closes_at = 2026-11-30T18:00:00-05:00
time_zone = "America/Bogota"
title = { es = "Encuesta", en = "Survey" }
[[fields]]
name = "lugar"
kind = "place"
label = { es = "Lugar", en = "Place" }
required = true
tally = true
"#;

/// Returns a queue of registrations with texts of these lengths; the first byte of each id is its number.
fn queue(lengths: impl IntoIterator<Item = usize>) -> Queue<NewRegistration> {
    let campaign = Campaign::parse(CAMPAIGN, |_| Err(String::new())).unwrap();
    let campaign = Arc::new(campaign);
    let mut queue = Queue::default();
    for (number, length) in (0_u16..).zip(lengths) {
        let [high, low] = number.to_be_bytes();
        let mut id = [0; 16];
        id[..2].copy_from_slice(&[high, low]);
        let record = NewRegistration {
            registration: Registration {
                id: RegistrationId::from_bytes(id),
                campaign: campaign.id.clone(),
                answers: Answers::from_stored(vec![Some("x".repeat(length))]),
                tally_value: String::new(),
                photo: None,
                digest: [0; 32],
                received_at: Timestamp::UNIX_EPOCH,
            },
            campaign: Arc::clone(&campaign),
        };
        for group in split_into_groups(vec![record]) {
            queue.push(group);
        }
    }
    queue
}

/// Takes batches until nothing waits, and returns the numbers in each.
fn batches(queue: &mut Queue<NewRegistration>) -> Vec<Vec<u16>> {
    let number = |group: &WaitingGroup<NewRegistration>| {
        let id = group.records[0].registration.id.as_bytes();
        u16::from_be_bytes([id[0], id[1]])
    };
    let batches = std::iter::repeat_with(|| queue.take());
    let batches = batches.take_while(|batch| !batch.is_empty());
    batches
        .map(|batch| batch.iter().map(number).collect())
        .collect()
}

#[test]
fn batches_are_bounded_and_in_order() {
    let mut queue = queue(repeat_n(1, 2_500));
    let all: Vec<_> = (0..2_500).collect();
    let expected: Vec<_> = all.chunks(MAX_BATCH_RECORDS).collect();
    assert_eq!(batches(&mut queue), expected);
    assert_eq!(queue.bytes, 0);
}

#[test]
fn a_large_registration_is_not_passed_over() {
    let half = MAX_BATCH_BYTES / 2;
    let mut queue = queue([1, half, half, 1, 2 * MAX_BATCH_BYTES, 1]);
    let expected = [vec![0, 1], vec![2, 3], vec![4], vec![5]];
    assert_eq!(batches(&mut queue), expected);
}

#[test]
fn many_records_are_groups_of_one_batch_each() {
    let mut queue = queue(repeat_n(1, 2_100));
    let all: Vec<_> = queue
        .take()
        .into_iter()
        .chain(queue.take())
        .chain(queue.take())
        .collect();
    let records = all.into_iter().flat_map(|group| group.records).collect();
    let groups = split_into_groups(records);
    let sizes: Vec<_> = groups.iter().map(|(group, _)| group.len()).collect();
    assert_eq!(sizes, [MAX_BATCH_RECORDS, MAX_BATCH_RECORDS, 100]);
    assert!(!queue.is_full(&groups, 100), "alone they are not too many");
    queue.push(split_into_groups(groups[2].0.clone()).remove(0));
    assert!(queue.is_full(&groups, 2_199) && !queue.is_full(&groups, 2_200));
}

#[test]
fn the_size_of_what_waits_is_bounded() {
    let mut queue = queue([MAX_WAITING_BYTES - 2_000]);
    let more = |bytes| [(Vec::new(), bytes)];
    assert!(!queue.is_full(&more(1_000), 2) && queue.is_full(&more(2_000), 2));
    batches(&mut queue);
    let large = more(2 * MAX_WAITING_BYTES);
    assert!(!queue.is_full(&large, 2), "alone it is not too large");
}

#[test]
fn batches_keep_an_interval_while_many_submissions_are_in_progress() {
    let mut queue = queue([1]);
    assert_eq!(queue.next_start(MANY_IN_PROGRESS), None, "the first batch");
    let last_start = Instant::now();
    queue.last_start = Some(last_start);
    assert_eq!(queue.next_start(MANY_IN_PROGRESS - 1), None);
    let next_start = last_start + BATCH_INTERVAL;
    assert_eq!(queue.next_start(MANY_IN_PROGRESS), Some(next_start));
}

#[test]
fn what_waited_too_long_is_not_written() {
    let mut queue = queue(repeat_n(1, 2_000));
    for one in &mut queue.waiting {
        one.since -= OPERATION_TIMEOUT;
    }
    assert_eq!(batches(&mut queue), Vec::<Vec<u16>>::new());
    assert_eq!((queue.waiting.len(), queue.bytes), (0, 0));
}
