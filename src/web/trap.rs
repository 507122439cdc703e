//! What tells a person at the form from a program that fills forms in: a hidden field that people leave empty, and the
//! time since the form was shown. Programs that use the API are asked for neither; for both there may be a proof of work.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::App;
use super::address::ClientAddress;
use super::error::Error;
use crate::abuse::stamp::{Stamps, Wrong};
use crate::abuse::work::{Challenge, Works};
use crate::config::Secret;
use crate::domain::{Campaign, Form};

/// The header of a solved challenge.
pub const PROOF: &str = "proof-of-work";
/// The hidden part in which a form carries the moment at which it was shown.
pub const SHOWN: &str = "_at";
/// The hidden part that people leave empty. No campaign's field begins so, and no browser fills it in by its name.
pub const EMPTY: &str = "_comentario";

/// What the traps are made of.
#[derive(Debug)]
pub struct Traps {
    /// When forms were shown.
    pub stamps: Stamps,
    /// Proofs of work.
    pub works: Works,
}

/// What of a submission is for the traps alone.
#[derive(Debug)]
pub struct Bait {
    filled: bool,
    shown: Option<String>,
}

impl Traps {
    /// With keys of this installation.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self {
            stamps: Stamps::of(secret),
            works: Works::of(secret),
        }
    }
}

impl Bait {
    /// Takes it out of the answers.
    #[must_use]
    pub fn take(form: &mut Form) -> Self {
        let filled = take(form, EMPTY).is_some_and(|text| !text.trim().is_empty());
        let shown = take(form, SHOWN);
        Self { filled, shown }
    }

    /// Whether a form of ours sent it, or somebody who filled in all that there was.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.filled || self.shown.is_some()
    }

    /// The moment as it was sent.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        self.shown.as_deref()
    }
}

/// Takes a hidden part out of the answers.
#[must_use]
pub fn take(form: &mut Form, name: &str) -> Option<String> {
    let place = form.parts.iter().position(|(known, _)| known == name)?;
    Some(form.parts.remove(place).1)
}

impl App {
    /// Looks into the traps of a form. Clients whom no limit counts are not timed.
    ///
    /// # Errors
    /// [`Error::HoneypotFilled`], [`Error::TooFast`] or [`Error::FormExpired`].
    pub fn look_into_traps(
        &self,
        campaign: &Campaign,
        bait: &Bait,
        from: ClientAddress,
    ) -> Result<(), Error> {
        let (how, error) = if bait.filled {
            ("filled", Error::HoneypotFilled)
        } else if self.limits.exempt(from) {
            return Ok(());
        } else {
            let shown = bait.shown().unwrap_or_default();
            let judged = self
                .traps
                .stamps
                .judge(&campaign.id, shown, Timestamp::now());
            match judged {
                Ok(()) => return Ok(()),
                Err(Wrong::Early(wait)) => ("early", Error::TooFast(wait)),
                Err(Wrong::Strange) => ("strange", Error::FormExpired),
            }
        };
        self.metrics.abuse.trapped(how);
        Err(error)
    }

    /// Where the campaign asks for work: uses the proof up. The same form under the same key may use it again, since
    /// that is a retry.
    ///
    /// # Errors
    /// [`Error::ProofRequired`].
    pub async fn use_proof(
        &self,
        campaign: &Campaign,
        proof: Option<&str>,
        (key, form): (&str, &Form),
        from: ClientAddress,
    ) -> Result<(), Error> {
        if campaign.proof_of_work.is_none() || self.limits.exempt(from) {
            return Ok(());
        }
        let now = Timestamp::now();
        let solved = proof.and_then(|proof| self.traps.works.judge(&campaign.id, proof, now));
        if let Some(solved) = solved {
            let by = fingerprint(key, form);
            if self
                .counts
                .use_up(&solved.name, &by, solved.until, now)
                .await
            {
                return Ok(());
            }
        }
        self.metrics.abuse.trapped("work");
        Err(Error::ProofRequired)
    }

    /// A challenge, where the campaign asks for work.
    ///
    /// # Errors
    /// [`Error::NoSuchPage`] where it does not.
    pub fn challenge(&self, campaign: &Campaign) -> Result<Challenge, Error> {
        let most = campaign.proof_of_work.ok_or(Error::NoSuchPage)?;
        let set = self
            .traps
            .works
            .challenge(&campaign.id, most, Timestamp::now());
        set.map_err(|error| Error::Internal(anyhow::anyhow!("no randomness: {error}")))
    }
}

/// Of the key and the texts. The photo may be left out: under the same key or document another photo is a conflict.
fn fingerprint(key: &str, form: &Form) -> String {
    let mut digest = Sha256::new().chain_update(key);
    for (name, value) in &form.parts {
        for text in [name, value] {
            digest.update(text.len().to_be_bytes());
            digest.update(text);
        }
    }
    data_encoding::HEXLOWER.encode(&digest.finalize()[..16])
}

/// Begun seconds count.
#[must_use]
pub fn seconds(wait: SignedDuration) -> i64 {
    (wait.as_secs() + i64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_parts_are_no_answers() {
        let parts = [("nombre", "Ana"), (EMPTY, " "), (SHOWN, "1.a")];
        let mut form = Form {
            parts: parts
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            has_photo: false,
        };
        let bait = Bait::take(&mut form);
        assert_eq!((bait.filled, bait.shown()), (false, Some("1.a")));
        assert_eq!(form.parts, [("nombre".to_owned(), "Ana".to_owned())]);
        form.parts
            .push((EMPTY.into(), "http://spam.example".into()));
        assert!(Bait::take(&mut form).filled);
    }

    #[test]
    fn other_texts_are_another_form() {
        let form = |name: &str, value: &str| Form {
            parts: vec![(name.into(), value.into())],
            has_photo: false,
        };
        let one = fingerprint("key", &form("ab", "c"));
        assert_eq!(one, fingerprint("key", &form("ab", "c")));
        assert_ne!(one, fingerprint("key", &form("a", "bc")));
        assert_ne!(one, fingerprint("other", &form("ab", "c")));
    }
}
