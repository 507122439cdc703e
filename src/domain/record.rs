//! A registration as the staff see and mend it. A correction is a pure step from one record to the next; what was
//! answered before stays with it, and the store takes it only if nobody else changed the registration meanwhile.

use jiff::{Timestamp, Unit};

use super::refusal::{FieldRefusal, Refusal};
use super::registration::{PhotoRef, Registration};
use super::{Answers, Campaign, Field, Form, text};

/// The name under which a refusal speaks of the reason; no field of a campaign can be called so.
pub const REASON: &str = "_reason";
/// Least letters of a reason.
pub const MIN_REASON: usize = 4;
/// Most letters of a reason.
pub const MAX_REASON: usize = 300;
/// Most corrections of one registration: they are kept with it.
pub const MAX_CORRECTIONS: usize = 200;

/// What is kept of a registration now, and how it came to be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// As it stands. Its id, its time and its digest are those of what was first sent.
    pub registration: Registration,
    /// Counts the corrections; the store's guard against two at once.
    pub version: u64,
    /// From the first on.
    pub corrections: Vec<Correction>,
}

/// One correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// By whom, as [`Account`](crate::domain::staff::Account) or token is named in the audit.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What; at least one.
    pub changes: Vec<Changed>,
}

/// How one answer was corrected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Name of the field.
    pub field: String,
    /// The answer before.
    pub was: Option<String>,
    /// The answer since.
    pub is: Option<String>,
}

/// What stays of a registration that was deleted; nothing of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// By whom, as for a [`Correction`].
    pub by: String,
    /// Why.
    pub reason: String,
    /// Under which value it was counted until then.
    pub value: String,
}

impl Record {
    /// The record as it would be after a correction; `None` when nothing differs. Fields that were not typed stay, and so
    /// does what was typed as it stands, even if the campaign would no longer take it.
    ///
    /// # Errors
    /// All refusals, in the order of the fields; the last may be that of the reason, under [`REASON`].
    pub fn correct(
        &self,
        campaign: &Campaign,
        typed: &Form,
        by: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, Vec<FieldRefusal>> {
        let (changes, mut refusals) = self.judge(campaign, typed);
        if changes.is_empty() && refusals.is_empty() {
            return Ok(None);
        }
        let reason = self::reason(reason).map_err(|refusal| refusals.push(refusal));
        if self.corrections.len() >= MAX_CORRECTIONS {
            let most = MAX_CORRECTIONS;
            refusals.push(FieldRefusal::new(REASON, Refusal::TooOften { most }));
        }
        match reason {
            Ok(reason) if refusals.is_empty() => {
                let correction = Correction {
                    at: to_the_millisecond(now),
                    by: by.to_owned(),
                    reason,
                    changes,
                };
                Ok(Some(self.with(campaign, correction)))
            }
            _ => Err(refusals),
        }
    }

    /// Its deletion, as it would be.
    ///
    /// # Errors
    /// The refusal of the reason, under [`REASON`].
    pub fn delete(&self, by: &str, reason: &str, now: Timestamp) -> Result<Deletion, FieldRefusal> {
        Ok(Deletion {
            at: to_the_millisecond(now),
            by: by.to_owned(),
            reason: self::reason(reason)?,
            value: self.registration.value.clone(),
        })
    }

    /// Where its photo is, if it has one.
    #[must_use]
    pub fn photo(&self) -> Option<&PhotoRef> {
        self.registration.photo.as_ref()
    }

    fn judge(&self, campaign: &Campaign, typed: &Form) -> (Vec<Changed>, Vec<FieldRefusal>) {
        let (mut changes, mut refusals) = (Vec::new(), Vec::new());
        for (place, field) in campaign.fields.iter().enumerate() {
            let was = self.registration.answers.get(place);
            match judge_one(field, typed, was) {
                Ok(is) if is.as_deref() != was => changes.push(Changed {
                    field: field.name.clone(),
                    was: was.map(str::to_owned),
                    is,
                }),
                Ok(_) => {}
                Err(refusal) => refusals.push(FieldRefusal::new(&field.name, refusal)),
            }
        }
        let is_unknown = |(name, _): &&(String, String)| campaign.field(name).is_none();
        let unknown = typed.parts.iter().find(is_unknown);
        refusals.extend(unknown.map(|(name, _)| FieldRefusal::new(name, Refusal::NotAsked)));
        (changes, refusals)
    }

    fn with(&self, campaign: &Campaign, correction: Correction) -> Self {
        let answer = |(place, field): (usize, &Field)| {
            let change = correction.changes.iter().find(|c| c.field == field.name);
            let kept = self.registration.answers.get(place).map(str::to_owned);
            change.map_or(kept, |change| change.is.clone())
        };
        let answers = campaign.fields.iter().enumerate().map(answer).collect();
        let answers = Answers::from_kept(answers);
        let registration = Registration {
            value: campaign.value(&answers),
            answers,
            ..self.registration.clone()
        };
        let mut corrections = self.corrections.clone();
        corrections.push(correction);
        Self {
            registration,
            version: self.version + 1,
            corrections,
        }
    }
}

/// The answer that a field would have.
fn judge_one(field: &Field, typed: &Form, was: Option<&str>) -> Result<Option<String>, Refusal> {
    match typed.times(&field.name) {
        0 => Ok(was.map(str::to_owned)),
        1 if field.is_photo() => Err(Refusal::NotAsked),
        1 if typed.value(&field.name) == was.unwrap_or_default() => Ok(was.map(str::to_owned)),
        1 => field.admit(typed.value(&field.name)),
        _ => Err(Refusal::Repeated),
    }
}

/// Reads the reason of a correction or deletion.
///
/// # Errors
/// The refusal, under [`REASON`].
pub fn reason(typed: &str) -> Result<String, FieldRefusal> {
    let read = text::normalise(typed).and_then(|reason| match reason.chars().count() {
        0 => Err(Refusal::Missing),
        letters if letters < MIN_REASON => Err(Refusal::TooShort { min: MIN_REASON }),
        letters if letters > MAX_REASON => Err(Refusal::TooLong { max: MAX_REASON }),
        _ => Ok(reason),
    });
    read.map_err(|refusal| FieldRefusal::new(REASON, refusal))
}

/// What every store can keep.
fn to_the_millisecond(now: Timestamp) -> Timestamp {
    now.round(Unit::Millisecond).unwrap_or(now)
}
