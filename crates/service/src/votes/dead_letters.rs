//! Replays dead letters: each is judged once more and, if it has become a vote, stored and deleted. Safe to repeat and to
//! stop at any point, because the vote of a letter has the same id each time.

use super::queued::{Refusal, VoteJudge};
use jornada_domain::RegistrationId;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterReason};
use jornada_domain::queue_record::QueueRecord;
use jornada_store::{InsertOutcome, Store, StoreError};

/// Outcome of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The vote of this id is stored, now or by an earlier replay, and the letter is deleted.
    Stored(RegistrationId),
    /// The letter stays, with this reason.
    Refused(Refusal),
}

/// Replays a dead letter. A record without a key gets the id of its letter.
pub async fn replay(
    store: &Store,
    judge: &VoteJudge,
    letter: DeadLetter,
) -> Result<Replayed, StoreError> {
    // The time of the first reading, because that of a replay says nothing about the vote.
    let refusal = match judge.judge(&with_key(&letter), letter.read_at) {
        Ok(vote) => {
            let id = vote.vote.id;
            let mut outcomes = store.insert(vec![vote]).await;
            let unknown = || StoreError::Unavailable("no outcome".into());
            match outcomes.pop().ok_or_else(unknown)?? {
                InsertOutcome::Inserted | InsertOutcome::SameAgain(_) => {
                    store.delete_dead_letter(letter.id).await?;
                    return Ok(Replayed::Stored(id));
                }
                InsertOutcome::Conflict
                | InsertOutcome::AliasTaken
                | InsertOutcome::Deleted
                | InsertOutcome::Vacated => Refusal {
                    reason: DeadLetterReason::Conflict,
                    detail: String::new(),
                },
            }
        }
        Err(refusal) => refusal,
    };
    let refused = DeadLetter {
        reason: refusal.reason,
        detail: refusal.detail.clone(),
        ..letter
    };
    store.update_dead_letter(&refused).await?;
    Ok(Replayed::Refused(refusal))
}

fn with_key(letter: &DeadLetter) -> QueueRecord {
    let mut record = letter.record.clone();
    if record.key.as_ref().is_none_or(Vec::is_empty) {
        record.key = Some(letter.id.to_string().into_bytes());
    }
    record
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_record_without_a_key_has_that_of_its_letter() {
        let of = |key: Option<&[u8]>| {
            let record = QueueRecord::new("votes".into(), None, "1-0".into(), key, b"{}");
            let reason = DeadLetterReason::NoId;
            DeadLetter::new(reason, String::new(), record, Timestamp::UNIX_EPOCH)
        };
        for without in [None, Some(&b""[..])] {
            let letter = of(without);
            let key = with_key(&letter).key.unwrap();
            assert_eq!(key, letter.id.to_string().as_bytes());
        }
        assert_eq!(with_key(&of(Some(b"own key"))).key.unwrap(), b"own key");
    }
}
