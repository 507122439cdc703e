//! A proof of work: a number to be found by trying, which costs a phone about a second and a flood its speed. On the
//! wire it is Altcha's (SHA-256 over salt and number), so that their libraries for programs solve it too; made and
//! judged here, since altcha-lib-rs brings a second library of time and leaves to the caller what matters most, that a
//! solution is used once.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::domain::CampaignId;
use crate::key::{Key, Secret};

/// For how long a solution is taken: a slow phone on a bad network sends a large photo meanwhile.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(20);
/// Longest solution that is looked at, in bytes.
const MOST_BYTES: usize = 1024;
/// The only one.
const ALGORITHM: &str = "SHA-256";

/// Sets and judges challenges.
#[derive(Debug)]
pub struct Works(Key);

/// A challenge, as Altcha writes it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Challenge {
    /// `SHA-256`.
    pub algorithm: &'static str,
    /// Digest of the salt and the number to be found, both as text, in hexadecimal digits.
    pub challenge: String,
    /// The number is not above it.
    pub maxnumber: u32,
    /// Begins what is digested; tells until when the challenge is good.
    pub salt: String,
    /// Ours, over all of it.
    pub signature: String,
}

/// What whoever solved it sends back, in Base64 of JSON.
#[derive(Debug, Deserialize)]
struct Solution {
    algorithm: String,
    challenge: String,
    number: u32,
    salt: String,
    signature: String,
}

/// A solution that is right; it remains to be seen whether it was used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solved {
    /// The name of the challenge.
    pub name: String,
    /// Until when it is good.
    pub until: Timestamp,
}

impl Works {
    /// With the key of this installation.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        Self(Key::of(secret, "proof of work: challenges"))
    }

    /// A new challenge for this campaign, with a number up to `most`.
    ///
    /// # Errors
    /// Without randomness.
    pub fn challenge(
        &self,
        campaign: &CampaignId,
        most: u32,
        now: Timestamp,
    ) -> Result<Challenge, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let until = now.saturating_add(GOOD_FOR).unwrap_or(now).as_second();
        // The & at the end: digits of the number must not be taken for digits of the time.
        let random_text = data_encoding::HEXLOWER.encode(&random);
        let salt = format!("{random_text}?expires={until}&");
        let number = getrandom::u32()? % most.saturating_add(1).max(1);
        let challenge = digest(&salt, number);
        let signature = self.0.sign(&[campaign.as_str(), &salt, &challenge]);
        Ok(Challenge {
            algorithm: ALGORITHM,
            challenge,
            maxnumber: most,
            salt,
            signature,
        })
    }

    /// Reads a solution; `None` when it is none, is of another campaign or comes too late.
    #[must_use]
    pub fn judge(&self, campaign: &CampaignId, sent: &str, now: Timestamp) -> Option<Solved> {
        if sent.len() > MOST_BYTES {
            return None;
        }
        let json = data_encoding::BASE64.decode(sent.as_bytes()).ok()?;
        let solution: Solution = serde_json::from_slice(&json).ok()?;
        let Solution {
            challenge, salt, ..
        } = &solution;
        let signed = [campaign.as_str(), salt, challenge];
        if solution.algorithm != ALGORITHM || !self.0.signed(&signed, &solution.signature) {
            return None;
        }
        let until = salt.split_once("?expires=")?.1.trim_end_matches('&');
        let until = Timestamp::from_second(until.parse().ok()?).ok()?;
        let is_good = now < until && digest(salt, solution.number) == *challenge;
        is_good.then(|| Solved {
            name: self.0.name(challenge),
            until,
        })
    }
}

fn digest(salt: &str, number: u32) -> String {
    let digest = Sha256::new()
        .chain_update(salt)
        .chain_update(number.to_string());
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    fn works() -> Works {
        Works::of(&secret(&"a".repeat(32)))
    }

    fn campaign() -> CampaignId {
        CampaignId::parse("vacunacion").unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn solve(set: &Challenge) -> String {
        let found = (0..=set.maxnumber).find(|number| digest(&set.salt, *number) == set.challenge);
        write(set, &set.salt, &found.unwrap().to_string())
    }

    fn write(set: &Challenge, salt: &str, number: &str) -> String {
        let (challenge, signature) = (&set.challenge, &set.signature);
        let json = format!(
            r#"{{"algorithm":"SHA-256","challenge":"{challenge}","number":{number},"salt":"{salt}","signature":"{signature}"}}"#
        );
        data_encoding::BASE64.encode(json.as_bytes())
    }

    #[test]
    fn a_solution_is_good_for_its_campaign_and_its_time() {
        let set = works().challenge(&campaign(), 500, now()).unwrap();
        let solution = solve(&set);
        let solved = works().judge(&campaign(), &solution, now()).unwrap();
        assert_eq!(solved.until, now() + GOOD_FOR);
        assert_eq!(works().judge(&campaign(), &solution, solved.until), None);
        let other = CampaignId::parse("otra").unwrap();
        assert_eq!(works().judge(&other, &solution, now()), None);
        let elsewhere = Works::of(&secret(&"b".repeat(32)));
        assert_eq!(elsewhere.judge(&campaign(), &solution, now()), None);
    }

    #[test]
    fn nothing_else_is_taken() {
        let set = works().challenge(&campaign(), 500, now()).unwrap();
        let never = write(&set, &set.salt, "501");
        let longer = set.salt.replace("expires=", "expires=9");
        for sent in [
            never.as_str(),
            &write(&set, &longer, "1"),
            "",
            "e30=",
            "é",
            &"A".repeat(2000),
        ] {
            assert_eq!(works().judge(&campaign(), sent, now()), None, "{sent}");
        }
    }

    #[test]
    fn two_challenges_are_never_the_same() {
        let one = works().challenge(&campaign(), 0, now()).unwrap();
        let two = works().challenge(&campaign(), 0, now()).unwrap();
        assert_ne!(one.challenge, two.challenge);
    }
}
