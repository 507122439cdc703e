//! Invented people of one run. Obviously invented, identified by a number, and reproducible, so that verification can
//! compare stored with sent data.

use std::sync::Arc;

use anyhow::{anyhow, ensure};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::picture;
use jornada_domain::answers::CONSENT;
use jornada_domain::{Answers, Campaign, Field, FieldKind, FormData};

/// First word of each invented text.
const FIRST_WORD: &str = "Simulacro";
/// Number of different places if the campaign accepts any place.
const DISTINCT_PLACES: u32 = 20;

/// The invented people of one run.
#[derive(Clone, Debug)]
pub struct People {
    campaign: Arc<Campaign>,
    run: String,
    photo_bytes: usize,
    keyless: bool,
}

impl People {
    /// Invents people for a campaign. Their texts contain `run`; `keyless` people leave the unique field empty. Fails
    /// if the campaign does not accept them, or has no text by which to identify them.
    pub fn new(
        campaign: Arc<Campaign>,
        run: &str,
        photo_bytes: usize,
        keyless: bool,
    ) -> anyhow::Result<Self> {
        let people = Self {
            campaign,
            run: run.to_owned(),
            photo_bytes,
            keyless,
        };
        let admitted = people
            .answers(u32::MAX)
            .map_err(|fields| anyhow!("the campaign rejects invented answers to {fields}"))?;
        ensure!(
            people.number_of(&admitted) == Some(u32::MAX),
            "the campaign has no text field to identify invented people by"
        );
        Ok(people)
    }

    /// Returns the campaign.
    pub fn campaign(&self) -> &Arc<Campaign> {
        &self.campaign
    }

    /// Returns the field values that a person sends.
    pub fn form(&self, number: u32) -> FormData {
        let fields = self.campaign.fields.iter();
        let answered = fields.filter(|field| !(self.keyless && field.unique));
        let mut parts: Vec<_> = answered
            .filter_map(|field| Some((field.name.clone(), self.answer(field, number)?)))
            .collect();
        if self.campaign.consent.is_some() {
            parts.push((CONSENT.to_owned(), "true".to_owned()));
        }
        FormData {
            parts,
            has_photo: self.campaign.photo_field().is_some(),
        }
    }

    /// Returns the idempotency key of a person; keyless people have none.
    pub fn idempotency_key(&self, number: u32) -> Option<String> {
        (!self.keyless).then(|| format!("{}-{number:08}", self.run))
    }

    /// Returns the photo of a person, if the campaign has a photo field.
    pub fn photo(&self, number: u32) -> Option<Bytes> {
        self.campaign.photo_field()?;
        let digest = Sha256::digest(format!("{} {number}", self.run));
        let seed = digest
            .first_chunk()
            .map_or(0, |first| u64::from_be_bytes(*first));
        Some(picture::jpeg(seed, self.photo_bytes))
    }

    /// Returns the validated answers of a person. Fails with the names of the invalid fields.
    pub fn answers(&self, number: u32) -> Result<Answers, String> {
        let answers = self.campaign.validate(&self.form(number));
        answers.map_err(|errors| {
            let names: Vec<_> = errors.into_iter().map(|error| error.field).collect();
            names.join(", ")
        })
    }

    /// Returns the number of the person who gave these answers; `None` if not invented by this run.
    pub fn number_of(&self, answers: &Answers) -> Option<u32> {
        let texts = self.campaign.fields.iter().enumerate();
        texts
            .filter(|(_, field)| matches!(field.kind, FieldKind::Text { .. }))
            .find_map(|(place, _)| {
                let rest = answers
                    .get(place)?
                    .strip_prefix(FIRST_WORD)?
                    .strip_prefix(' ')?;
                let (run, number) = rest.split_once(' ')?;
                number.parse().ok().filter(|_| run == self.run)
            })
    }

    fn answer(&self, field: &Field, number: u32) -> Option<String> {
        let run = &self.run;
        let among = |count: usize| number as usize % count.max(1);
        match &field.kind {
            FieldKind::Text { .. } => Some(format!("{FIRST_WORD} {run} {number}")),
            FieldKind::Document => Some(format!("SIM{run}{number}")),
            FieldKind::Place(places) => Some(match places.list() {
                [] => format!("{FIRST_WORD} {}", number % DISTINCT_PLACES),
                list => list[among(list.len())].name.clone(),
            }),
            FieldKind::Choice(choice) => {
                let options = choice.options();
                Some(options.get(among(options.len()))?.value.clone())
            }
            FieldKind::Integer { min, max } => {
                let number = min.saturating_add(i64::from(number));
                Some(number.min(*max).to_string())
            }
            FieldKind::Photo => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_testkit::campaign::example;

    fn people(keyless: bool) -> People {
        People::new(Arc::new(example()), "K3F9Q2", 1_000, keyless).unwrap()
    }

    #[test]
    fn each_is_told_by_its_number() {
        let people = people(false);
        for number in [0, 1, 4_000_000] {
            let answers = people.answers(number).unwrap();
            assert_eq!(people.number_of(&answers), Some(number));
            assert_eq!(people.answers(number).unwrap(), answers);
            assert_eq!(people.photo(number), people.photo(number));
        }
        assert_ne!(people.photo(1), people.photo(2));
    }

    #[test]
    fn those_of_another_run_are_not_ours() {
        let others = People::new(Arc::new(example()), "000000", 1_000, false).unwrap();
        let answers = others.answers(1).unwrap();
        assert_eq!(people(false).number_of(&answers), None);
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
