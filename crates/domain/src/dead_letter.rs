//! Dead letters: records of the vote queue that cannot become a vote, kept with the reason.

use derive_more::{Debug, Display};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::moment::truncate_to_ms;
use super::queue_record::QueueRecord;
use super::registration::hex_bytes;

/// Maximum length of a detail in bytes.
pub const MAX_DETAIL_BYTES: usize = 1_000;

/// A record of the queue that cannot become a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Id, the same each time the queue delivers the record.
    pub id: DeadLetterId,
    /// Why it cannot become a vote.
    pub reason: DeadLetterReason,
    /// Names of fields and codes of their mistakes, never values. Up to [`MAX_DETAIL_BYTES`].
    pub detail: String,
    /// The record, cut to what is kept.
    pub record: QueueRecord,
    /// When a consumer read it first (millisecond precision).
    pub read_at: Timestamp,
}

/// Id of a dead letter: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[debug("{self}")]
#[display("{}", data_encoding::HEXLOWER.encode(_0))]
pub struct DeadLetterId([u8; 16]);

/// Place of a dead letter in the list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetterPosition {
    /// When it was read.
    pub read_at: Timestamp,
    /// Its id.
    pub id: DeadLetterId,
}

/// Why a record cannot become a vote. Its text is a metric label and is stored.
#[derive(
    Clone, Copy, Debug, Display, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[display("{}", <&str>::from(self))]
#[strum(serialize_all = "snake_case")]
pub enum DeadLetterReason {
    /// It has no key.
    NoId,
    /// Its key is neither an id nor an idempotency key.
    BadId,
    /// Its value is not a JSON object.
    NotJson,
    /// It names no campaign, and there is not exactly one that takes in votes.
    NoCampaign,
    /// There is no campaign of this name.
    UnknownCampaign,
    /// The campaign takes in registrations.
    OtherKind,
    /// It was received while the campaign was not open.
    Closed,
    /// Invalid answers.
    Invalid,
    /// Another vote has its id.
    Conflict,
    /// Its value is too large for a vote.
    TooLarge,
    /// The store does not take it, for a reason in the log.
    Refused,
}

impl DeadLetter {
    /// Creates a dead letter of a record.
    pub fn new(
        reason: DeadLetterReason,
        mut detail: String,
        record: QueueRecord,
        read_at: Timestamp,
    ) -> Self {
        detail.truncate(detail.floor_char_boundary(MAX_DETAIL_BYTES));
        let mut record = record.cut();
        record.appended_at = record.appended_at.map(truncate_to_ms);
        Self {
            id: DeadLetterId::of_record(&record),
            reason,
            detail,
            record,
            read_at: truncate_to_ms(read_at),
        }
    }

    /// Returns the place in the list.
    pub fn position(&self) -> DeadLetterPosition {
        DeadLetterPosition {
            read_at: self.read_at,
            id: self.id,
        }
    }
}

impl DeadLetterId {
    /// Derives the id from the place of a record in the queue and its time: half of a SHA-256. The time tells the records
    /// of a topic from those of an earlier topic of the same name.
    pub fn of_record(record: &QueueRecord) -> Self {
        let partition = record.partition.map(|number| number.to_string());
        let at = record.appended_at.map(Timestamp::as_millisecond);
        let at = at.map(|at| at.to_string());
        let mut hash = Sha256::new();
        for part in [
            Some(&record.source),
            partition.as_ref(),
            Some(&record.offset),
            at.as_ref(),
        ] {
            let part = part.map_or("", String::as_str);
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Wraps the bytes of a stored id.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses 32 hexadecimal digits of any case.
    pub fn parse(hex: &str) -> Option<Self> {
        hex_bytes(hex).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: &str, partition: Option<i32>, offset: &str, at: Option<i64>) -> QueueRecord {
        let record = QueueRecord::new(source.into(), partition, offset.into(), None, b"{}");
        QueueRecord {
            appended_at: at.map(|at| Timestamp::from_millisecond(at).unwrap()),
            ..record
        }
    }

    #[test]
    fn a_record_has_one_id_wherever_it_is_read() {
        let records = [
            record("votes", Some(1), "23", Some(5)),
            record("votes", Some(12), "3", Some(5)),
            record("votes", None, "123", Some(5)),
            record("votes1", None, "23", Some(5)),
            record("votes", Some(1), "23", None),
            record("votes", Some(1), "23", Some(6)),
        ];
        let ids = records.map(|record| {
            let id = DeadLetterId::of_record(&record);
            let other = QueueRecord {
                key: Some(vec![1]),
                ..record
            };
            assert_eq!(DeadLetterId::of_record(&other), id);
            assert_eq!(
                DeadLetterId::parse(&id.to_string().to_uppercase()),
                Some(id)
            );
            id
        });
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        for wrong in ["", "12", "x", &"0".repeat(34)] {
            assert_eq!(DeadLetterId::parse(wrong), None);
        }
    }

    #[test]
    fn a_letter_is_bounded_and_has_whole_milliseconds() {
        let exact: Timestamp = "2026-11-28T10:00:00.123456789Z".parse().unwrap();
        let mut read = record("votes", None, "1", None);
        read.appended_at = Some(exact);
        read.value = vec![b'x'; 100_000];
        let letter = DeadLetter::new(DeadLetterReason::TooLarge, "é".repeat(700), read, exact);
        assert_eq!(letter.detail.len(), MAX_DETAIL_BYTES);
        assert_eq!(letter.record.value.len(), 65_536);
        assert_eq!(letter.read_at, truncate_to_ms(exact));
        assert_eq!(letter.record.appended_at, Some(truncate_to_ms(exact)));
        assert_eq!(letter.id, DeadLetterId::of_record(&letter.record));
        let odd = DeadLetter::new(
            DeadLetterReason::NoId,
            format!("x{}", "é".repeat(700)),
            record("votes", None, "1", None),
            exact,
        );
        assert_eq!(odd.detail.len(), 999);
    }

    #[test]
    fn reasons_have_stable_names() {
        let names = DeadLetterReason::VARIANTS.iter().map(|reason| {
            assert_eq!(reason.to_string().parse(), Ok(*reason));
            reason.to_string()
        });
        let expected = "no_id bad_id not_json no_campaign unknown_campaign other_kind closed invalid \
                        conflict too_large refused";
        assert_eq!(names.collect::<Vec<_>>().join(" "), expected);
    }
}
