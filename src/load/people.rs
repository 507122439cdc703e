//! The invented people of one run: obviously invented, each told by its number, and the same whenever asked for
//! again, so that a proof can compare what was kept with what was sent.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::picture;
use crate::domain::answers::CONSENT;
use crate::domain::{Answers, Campaign, Field, Form, Kind};

/// With which word each invented text begins.
const WORD: &str = "Simulacro";
/// Values among which answers are spread where a campaign takes any place.
const PLACES: u32 = 20;

/// The people of one run.
#[derive(Clone, Debug)]
pub struct People {
    campaign: Arc<Campaign>,
    run: String,
    photo_bytes: usize,
    keyless: bool,
}

/// Why nobody can be invented for a campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// The campaign refuses invented answers.
    #[error("the campaign refuses invented answers to {0}")]
    Refused(String),
    /// No text of the campaign can carry the run and the number.
    #[error("the campaign has no text field to tell invented people by")]
    NoMark,
}

impl People {
    /// People for this campaign, whose texts carry `run`; `keyless` ones leave the unique field empty.
    ///
    /// # Errors
    /// [`PeopleError`] when the campaign takes no such people.
    pub fn new(
        campaign: Arc<Campaign>,
        run: &str,
        photo_bytes: usize,
        keyless: bool,
    ) -> Result<Self, PeopleError> {
        let people = Self {
            campaign,
            run: run.to_owned(),
            photo_bytes,
            keyless,
        };
        let admitted = people.answers(u32::MAX).map_err(PeopleError::Refused)?;
        match people.number(&admitted) {
            Some(u32::MAX) => Ok(people),
            _ => Err(PeopleError::NoMark),
        }
    }

    /// The campaign that they register for.
    #[must_use]
    pub fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    /// What one of them sends, but for the photo.
    #[must_use]
    pub fn form(&self, number: u32) -> Form {
        let fields = self.campaign.fields.iter();
        let answered = fields.filter(|field| !(self.keyless && field.unique));
        let mut parts: Vec<_> = answered
            .filter_map(|field| Some((field.name.clone(), self.answer(field, number)?)))
            .collect();
        if self.campaign.consent.is_some() {
            parts.push((CONSENT.to_owned(), "true".to_owned()));
        }
        Form {
            parts,
            has_photo: self.campaign.photo().is_some(),
        }
    }

    /// The photo of one of them, where the campaign asks for one.
    #[must_use]
    pub fn photo(&self, number: u32) -> Option<Bytes> {
        self.campaign.photo()?;
        let digest = Sha256::digest(format!("{} {number}", self.run));
        let seed = digest
            .first_chunk()
            .map_or(0, |first| u64::from_be_bytes(*first));
        Some(picture::jpeg(seed, self.photo_bytes))
    }

    /// What a store keeps of the form of one of them.
    ///
    /// # Errors
    /// The names of the fields whose answers are refused.
    pub fn answers(&self, number: u32) -> Result<Answers, String> {
        self.campaign.admit(&self.form(number)).map_err(|refusals| {
            let names: Vec<_> = refusals.into_iter().map(|refusal| refusal.field).collect();
            names.join(", ")
        })
    }

    /// The number of the one who gave these answers; `None` for anybody else, of other runs too.
    #[must_use]
    pub fn number(&self, answers: &Answers) -> Option<u32> {
        let texts = self.campaign.fields.iter().enumerate();
        texts
            .filter(|(_, field)| matches!(field.kind, Kind::Text { .. }))
            .find_map(|(place, _)| {
                let rest = answers.get(place)?.strip_prefix(WORD)?.strip_prefix(' ')?;
                let (run, number) = rest.split_once(' ')?;
                number.parse().ok().filter(|_| run == self.run)
            })
    }

    fn answer(&self, field: &Field, number: u32) -> Option<String> {
        let run = &self.run;
        let among = |count: usize| number as usize % count.max(1);
        match &field.kind {
            Kind::Text { .. } => Some(format!("{WORD} {run} {number}")),
            Kind::Document => Some(format!("SIM{run}{number}")),
            Kind::Place(places) => Some(match places.list() {
                [] => format!("{WORD} {}", number % PLACES),
                list => list[among(list.len())].name.clone(),
            }),
            Kind::Choice(choice) => {
                let options = choice.options();
                options
                    .get(among(options.len()))
                    .map(|option| option.value.clone())
            }
            Kind::Photo => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::campaign::tests::example;

    fn people(keyless: bool) -> People {
        People::new(Arc::new(example()), "K3F9Q2", 1_000, keyless).unwrap()
    }

    #[test]
    fn each_is_told_by_its_number() {
        let people = people(false);
        for number in [0, 1, 4_000_000] {
            let answers = people.answers(number).unwrap();
            assert_eq!(people.number(&answers), Some(number));
            assert_eq!(people.answers(number).unwrap(), answers);
            assert_eq!(people.photo(number), people.photo(number));
        }
        assert_ne!(people.photo(1), people.photo(2));
    }

    #[test]
    fn those_of_another_run_are_not_ours() {
        let others = People::new(Arc::new(example()), "000000", 1_000, false).unwrap();
        let answers = others.answers(1).unwrap();
        assert_eq!(people(false).number(&answers), None);
    }

    #[test]
    fn keyless_people_have_no_document() {
        let has_document = |people: &People| {
            let form = people.form(1);
            !form.value("documento").is_empty()
        };
        assert!(has_document(&people(false)));
        assert!(!has_document(&people(true)));
    }
}
