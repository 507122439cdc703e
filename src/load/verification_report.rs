//! Compares each acknowledgement with the stored registrations of a run. Free of I/O, so that tests can cover every
//! kind of violation.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::journal::{JournalContents, JournalRecord};
use super::people::People;
use crate::domain::{Registration, RegistrationId};

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
    pub lost: Vec<String>,
    /// Receipts of people stored more than once, or sharing a registration.
    pub doubled: Vec<String>,
    /// Receipts of registrations whose answers or photo differ from those sent.
    pub altered: Vec<String>,
    /// Receipts of registrations whose photo cannot be read, with the reason.
    pub photos: Vec<String>,
    /// True if more registrations are stored than were sent.
    pub too_many: bool,
    /// True if the public totals differ from the store.
    pub chart_differs: bool,
}

impl VerificationReport {
    /// Compares acknowledgements with stored registrations. Does not check photo files and totals.
    #[must_use]
    pub fn compare(promises: &JournalContents, stored: &StoredByPerson, people: &People) -> Self {
        let mut findings = Self {
            acknowledged: promises.acknowledged.len(),
            kept: stored.values().map(Vec::len).sum(),
            ..Self::default()
        };
        let mut ids = HashSet::new();
        let mut numbers = HashSet::new();
        for promise in &promises.acknowledged {
            let is_alone = ids.insert(&promise.id);
            numbers.insert(promise.number);
            let found = stored.get(&promise.number).map_or(&[][..], Vec::as_slice);
            if !is_alone || found.len() > 1 {
                findings.doubled.push(promise.receipt.clone());
            }
            match found
                .iter()
                .find(|found| found.id.to_string() == promise.id)
            {
                None => findings.lost.push(promise.receipt.clone()),
                Some(found) if !matches_sent(promise, found, people) => {
                    findings.altered.push(promise.receipt.clone());
                }
                Some(_) => {}
            }
        }
        for (_, found) in stored
            .iter()
            .filter(|(number, _)| !numbers.contains(number))
        {
            findings.kept_unacknowledged += found.len();
            if found.len() > 1 {
                let receipts = found.iter().map(|found| found.id.receipt().to_string());
                findings.doubled.extend(receipts);
            }
        }
        findings.too_many = promises
            .sent
            .is_some_and(|sent| findings.kept > sent as usize);
        findings
    }

    /// Returns whether there is no violation.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let receipts = [&self.lost, &self.doubled, &self.altered, &self.photos];
        receipts.iter().all(|wrong| wrong.is_empty()) && !self.too_many && !self.chart_differs
    }
}

/// Stored registrations of the run by number of the person.
pub type StoredByPerson = HashMap<u32, Vec<Registration>>;

fn matches_sent(promise: &JournalRecord, kept: &Registration, people: &People) -> bool {
    let photo = kept.photo.as_ref();
    let sha256 = photo.map(|photo| data_encoding::HEXLOWER.encode(&photo.sha256));
    let id = RegistrationId::parse(&promise.id);
    people.answers(promise.number).as_ref() == Ok(&kept.answers)
        && sha256 == promise.sha256
        && id.is_some_and(|id| id.receipt().to_string() == promise.receipt)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::campaign::tests::example;
    use crate::domain::registration::PhotoRef;
    use crate::load::journal::Heading;
    use crate::photo::PhotoFormat;

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

    fn promise(number: u8) -> JournalRecord {
        let id = RegistrationId::from_bytes([number; 16]);
        JournalRecord {
            number: number.into(),
            id: id.to_string(),
            receipt: id.receipt().to_string(),
            sha256: Some(data_encoding::HEXLOWER.encode(&[number; 32])),
        }
    }

    /// Verifies a run of four registrations, of which 1 to 3 were acknowledged.
    fn judge(kept: &[Registration]) -> VerificationReport {
        let promises = JournalContents {
            heading: Heading {
                run: "K3F9Q2".into(),
                campaign: "vacunacion".into(),
                photo_bytes: 1_000,
                keyless: false,
                started_at: Timestamp::UNIX_EPOCH,
            },
            acknowledged: [1, 2, 3].map(promise).to_vec(),
            sent: Some(4),
        };
        let people = people();
        let mut by_number = StoredByPerson::new();
        for one in kept {
            let number = people.number_of(&one.answers).unwrap();
            by_number.entry(number).or_default().push(one.clone());
        }
        VerificationReport::compare(&promises, &by_number, &people)
    }

    #[test]
    fn kept_promises_are_right_also_with_one_whose_answer_was_lost() {
        let mut kept = [1, 2, 3]
            .map(|number| registration(number, number))
            .to_vec();
        assert!(judge(&kept).is_clean());
        kept.push(registration(0, 9));
        let findings = judge(&kept);
        assert!(findings.is_clean());
        assert_eq!((findings.kept, findings.kept_unacknowledged), (4, 1));
    }

    #[test]
    fn a_lost_one_is_named() {
        let findings = judge(&[registration(1, 1), registration(2, 2)]);
        assert_eq!(findings.lost, [promise(3).receipt]);
        assert!(!findings.is_clean());
    }

    #[test]
    fn one_who_is_there_twice_is_named_promised_or_not() {
        let mut kept = [1, 2, 3]
            .map(|number| registration(number, number))
            .to_vec();
        kept.push(registration(3, 8));
        assert_eq!(judge(&kept).doubled, [promise(3).receipt]);
        kept.truncate(3);
        kept.extend([registration(0, 8), registration(0, 9)]);
        let findings = judge(&kept);
        assert_eq!(findings.doubled.len(), 2);
        assert!(findings.too_many);
    }

    #[test]
    fn another_answer_or_photo_is_found() {
        let mut kept = [1, 2, 3].map(|number| registration(number, number));
        kept[1].photo = kept[0].photo.clone();
        assert_eq!(judge(&kept).altered, [promise(2).receipt]);
        let mut kept = [1, 2, 3].map(|number| registration(number, number));
        let mut values: Vec<_> = (0..4)
            .map(|at| kept[2].answers.get(at).map(str::to_owned))
            .collect();
        values[1] = Some("999999".into());
        kept[2].answers = crate::domain::Answers::from_stored(values);
        assert_eq!(judge(&kept).altered, [promise(3).receipt]);
    }
}
