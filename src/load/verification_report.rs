//! Compares each acknowledgement with the stored registrations of a run. Free of I/O, so that tests can cover every
//! kind of violation.

use std::collections::{HashMap, HashSet};

use serde::{Serialize, Serializer};

use super::journal::{JournalContents, JournalRecord};
use super::people::People;
use jornada_domain::{Registration, RegistrationId};

/// Result of a verification. All fields after the first four must be empty or false.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerificationReport {
    /// Acknowledgements in the journal.
    pub acknowledged: usize,
    /// Stored registrations of the run.
    pub kept: usize,
    /// Stored registrations of the run without acknowledgement: the response was lost.
    pub kept_unacknowledged: usize,
    /// Stored registrations of the campaign, all runs included.
    pub total: u64,
    /// Receipts of registrations that are not stored.
    #[serde(serialize_with = "serialize_count")]
    pub lost: Vec<String>,
    /// Receipts of people stored more than once, or sharing a registration.
    #[serde(serialize_with = "serialize_count")]
    pub doubled: Vec<String>,
    /// Receipts of registrations whose answers or photo differ from those sent.
    #[serde(serialize_with = "serialize_count")]
    pub altered: Vec<String>,
    /// Receipts of registrations whose photo cannot be read, with the reason.
    #[serde(serialize_with = "serialize_count")]
    pub photos: Vec<String>,
    /// True if more registrations are stored than were sent.
    pub too_many: bool,
    /// True if the public totals differ from the store.
    pub chart_differs: bool,
}

impl VerificationReport {
    /// Compares acknowledgements with stored registrations. Does not check photo files and totals.
    pub fn compare(journal: &JournalContents, stored: &StoredByPerson, people: &People) -> Self {
        let mut report = Self {
            acknowledged: journal.acknowledged.len(),
            kept: stored.values().map(Vec::len).sum(),
            ..Self::default()
        };
        let mut ids = HashSet::new();
        let mut numbers = HashSet::new();
        for record in &journal.acknowledged {
            let is_alone = ids.insert(&record.id);
            numbers.insert(record.number);
            let found = stored.get(&record.number).map_or(&[][..], Vec::as_slice);
            if !is_alone || found.len() > 1 {
                report.doubled.push(record.receipt.clone());
            }
            match found.iter().find(|found| found.id.to_string() == record.id) {
                None => report.lost.push(record.receipt.clone()),
                Some(found) if !matches_sent(record, found, people) => {
                    report.altered.push(record.receipt.clone());
                }
                Some(_) => {}
            }
        }
        for (_, found) in stored
            .iter()
            .filter(|(number, _)| !numbers.contains(number))
        {
            report.kept_unacknowledged += found.len();
            if found.len() > 1 {
                let receipts = found.iter().map(|found| found.id.receipt().to_string());
                report.doubled.extend(receipts);
            }
        }
        report.too_many = journal.sent.is_some_and(|sent| report.kept > sent as usize);
        report
    }

    /// Returns whether there is no violation.
    pub fn is_clean(&self) -> bool {
        let receipts = [&self.lost, &self.doubled, &self.altered, &self.photos];
        receipts.iter().all(|wrong| wrong.is_empty()) && !self.too_many && !self.chart_differs
    }
}

/// Serializes the number of receipts, not the receipts.
fn serialize_count<S: Serializer>(receipts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    receipts.len().serialize(serializer)
}

/// Stored registrations of the run by number of the person.
pub type StoredByPerson = HashMap<u32, Vec<Registration>>;

fn matches_sent(record: &JournalRecord, stored: &Registration, people: &People) -> bool {
    let photo = stored.photo.as_ref();
    let sha256 = photo.map(|photo| data_encoding::HEXLOWER.encode(&photo.sha256));
    let id = RegistrationId::parse(&record.id);
    people.answers(record.number).as_ref() == Ok(&stored.answers)
        && sha256 == record.sha256
        && id.is_some_and(|id| id.receipt().to_string() == record.receipt)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::load::journal::Heading;
    use jornada_domain::registration::PhotoRef;
    use jornada_photo::PhotoFormat;
    use jornada_testkit::campaign::example;

    fn people() -> People {
        People::new(Arc::new(example()), "K3F9Q2", 1_000, false).unwrap()
    }

    fn registration(number: u8, id: u8) -> Registration {
        let people = people();
        let answers = people.answers(number.into()).unwrap();
        Registration {
            id: RegistrationId::from_bytes([id; 16]),
            campaign: people.campaign().id.clone(),
            tally_value: people.campaign().tally_value(&answers),
            digest: [0; 32],
            answers,
            photo: Some(PhotoRef {
                sha256: [number; 32],
                format: PhotoFormat::Jpeg,
                bytes: 1,
            }),
            received_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn record(number: u8) -> JournalRecord {
        let id = RegistrationId::from_bytes([number; 16]);
        JournalRecord {
            number: number.into(),
            id: id.to_string(),
            receipt: id.receipt().to_string(),
            sha256: Some(data_encoding::HEXLOWER.encode(&[number; 32])),
        }
    }

    /// Verifies a run of four registrations, of which 1 to 3 were acknowledged.
    fn verify(kept: &[Registration]) -> VerificationReport {
        let journal = JournalContents {
            heading: Heading {
                run: "K3F9Q2".into(),
                campaign: "vacunacion".into(),
                photo_bytes: 1_000,
                keyless: false,
                started_at: Timestamp::UNIX_EPOCH,
            },
            acknowledged: [1, 2, 3].map(record).to_vec(),
            sent: Some(4),
        };
        let people = people();
        let mut by_number = StoredByPerson::new();
        for one in kept {
            let number = people.number_of(&one.answers).unwrap();
            by_number.entry(number).or_default().push(one.clone());
        }
        VerificationReport::compare(&journal, &by_number, &people)
    }

    #[test]
    fn kept_promises_are_right_also_with_one_whose_answer_was_lost() {
        let mut kept = [1, 2, 3]
            .map(|number| registration(number, number))
            .to_vec();
        assert!(verify(&kept).is_clean());
        kept.push(registration(0, 9));
        let report = verify(&kept);
        assert!(report.is_clean());
        assert_eq!((report.kept, report.kept_unacknowledged), (4, 1));
    }

    #[test]
    fn a_lost_one_is_named() {
        let report = verify(&[registration(1, 1), registration(2, 2)]);
        assert_eq!(report.lost, [record(3).receipt]);
        assert!(!report.is_clean());
    }

    #[test]
    fn one_who_is_there_twice_is_named_promised_or_not() {
        let mut kept = [1, 2, 3]
            .map(|number| registration(number, number))
            .to_vec();
        kept.push(registration(3, 8));
        assert_eq!(verify(&kept).doubled, [record(3).receipt]);
        kept.truncate(3);
        kept.extend([registration(0, 8), registration(0, 9)]);
        let report = verify(&kept);
        assert_eq!(report.doubled.len(), 2);
        assert!(report.too_many);
    }

    #[test]
    fn another_answer_or_photo_is_found() {
        let mut kept = [1, 2, 3].map(|number| registration(number, number));
        kept[1].photo = kept[0].photo.clone();
        assert_eq!(verify(&kept).altered, [record(2).receipt]);
        let mut kept = [1, 2, 3].map(|number| registration(number, number));
        let mut values: Vec<_> = (0..4)
            .map(|at| kept[2].answers.get(at).map(str::to_owned))
            .collect();
        values[1] = Some("999999".into());
        kept[2].answers = jornada_domain::Answers::from_stored(values);
        assert_eq!(verify(&kept).altered, [record(3).receipt]);
    }
}
