//! Proof of work: a number found by trial, which costs a phone about a second and slows a flood down. The wire format
//! is that of Altcha (SHA-256 over salt and number), so its client libraries work. altcha-lib-rs is not used: it
//! depends on a second time library, and does not prevent a solution from being used twice.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::key::{DerivedKey, InstallationSecret};
use jornada_domain::CampaignId;

/// Lifetime of a challenge: long enough for a slow phone to send a large photo over a bad network.
const VALIDITY: SignedDuration = SignedDuration::from_mins(20);
/// Maximum length of an encoded solution, in bytes.
const MAX_SOLUTION_BYTES: usize = 1024;
/// The only algorithm.
const ALGORITHM: &str = "SHA-256";

/// Issues challenges and verifies solutions.
#[derive(Debug)]
pub struct ProofOfWork(DerivedKey);

/// A challenge, with the fields of Altcha.
#[derive(Clone, Debug)]
pub struct Challenge {
    /// `SHA-256`.
    pub algorithm: &'static str,
    /// Digest of the salt and the number, both as text, in hexadecimal digits.
    pub challenge: String,
    /// Upper bound of the number.
    pub max_number: u32,
    /// Prefix of the digested text; contains the expiry time.
    pub salt: String,
    /// Signature of campaign, salt and digest.
    pub signature: String,
}

/// A solution as clients send it: JSON in Base64.
#[derive(Debug, Deserialize)]
struct Solution {
    algorithm: String,
    challenge: String,
    number: u32,
    salt: String,
    signature: String,
}

/// A correct solution; whether it was used before is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSolution {
    /// Pseudonym of the challenge.
    pub name: String,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl ProofOfWork {
    /// Derives the signing key from the secret of the installation.
    pub fn new(secret: &InstallationSecret) -> Self {
        Self(DerivedKey::derive(secret, "proof of work: challenges"))
    }

    /// Issues a challenge for this campaign, with a number up to `max_number`.
    pub fn challenge(
        &self,
        campaign: &CampaignId,
        max_number: u32,
        now: Timestamp,
    ) -> Result<Challenge, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let expires_at = now.saturating_add(VALIDITY).unwrap_or(now).as_second();
        let random = data_encoding::HEXLOWER.encode(&random);
        // The final & separates the expiry time from the digits of the number.
        let salt = format!("{random}?expires={expires_at}&");
        let number = getrandom::u32()? % max_number.saturating_add(1).max(1);
        let challenge = digest(&salt, number);
        let signature = self.0.sign(&[campaign.as_str(), &salt, &challenge]);
        Ok(Challenge {
            algorithm: ALGORITHM,
            challenge,
            max_number,
            salt,
            signature,
        })
    }

    /// Verifies a solution. Returns `None` if it is wrong, expired or of another campaign.
    #[must_use]
    pub fn verify(
        &self,
        campaign: &CampaignId,
        sent: &str,
        now: Timestamp,
    ) -> Option<VerifiedSolution> {
        if sent.len() > MAX_SOLUTION_BYTES {
            return None;
        }
        let json = data_encoding::BASE64.decode(sent.as_bytes()).ok()?;
        let solution: Solution = serde_json::from_slice(&json).ok()?;
        let Solution {
            challenge, salt, ..
        } = &solution;
        let signed = [campaign.as_str(), salt, challenge];
        if solution.algorithm != ALGORITHM || !self.0.verify(&signed, &solution.signature) {
            return None;
        }
        let expires_at = salt.split_once("?expires=")?.1.trim_end_matches('&');
        let expires_at = Timestamp::from_second(expires_at.parse().ok()?).ok()?;
        let is_valid = now < expires_at && digest(salt, solution.number) == *challenge;
        is_valid.then(|| VerifiedSolution {
            name: self.0.pseudonym(challenge),
            expires_at,
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

    fn proof_of_work() -> ProofOfWork {
        ProofOfWork::new(&secret(&"a".repeat(32)))
    }

    fn campaign() -> CampaignId {
        CampaignId::parse("vacunacion").unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    fn solve(set: &Challenge) -> String {
        let mut numbers = 0..=set.max_number;
        let found = numbers.find(|number| digest(&set.salt, *number) == set.challenge);
        encode(set, &set.salt, &found.unwrap().to_string())
    }

    fn encode(set: &Challenge, salt: &str, number: &str) -> String {
        let (challenge, signature) = (&set.challenge, &set.signature);
        let json = format!(
            r#"{{"algorithm":"SHA-256","challenge":"{challenge}","number":{number},"salt":"{salt}","signature":"{signature}"}}"#
        );
        data_encoding::BASE64.encode(json.as_bytes())
    }

    #[test]
    fn a_solution_is_valid_for_its_campaign_until_it_expires() {
        let works = proof_of_work();
        let set = works.challenge(&campaign(), 500, now()).unwrap();
        let solution = solve(&set);
        let verified = works.verify(&campaign(), &solution, now()).unwrap();
        assert_eq!(verified.expires_at, now() + VALIDITY);
        let later = works.verify(&campaign(), &solution, verified.expires_at);
        assert_eq!(later, None);
        let other = CampaignId::parse("otra").unwrap();
        assert_eq!(works.verify(&other, &solution, now()), None);
        let elsewhere = ProofOfWork::new(&secret(&"b".repeat(32)));
        assert_eq!(elsewhere.verify(&campaign(), &solution, now()), None);
    }

    #[test]
    fn wrong_solutions_are_rejected() {
        let works = proof_of_work();
        let set = works.challenge(&campaign(), 500, now()).unwrap();
        let never = encode(&set, &set.salt, "501");
        let longer = set.salt.replace("expires=", "expires=9");
        for sent in [
            never.as_str(),
            &encode(&set, &longer, "1"),
            "",
            "e30=",
            "é",
            &"A".repeat(2000),
        ] {
            assert_eq!(works.verify(&campaign(), sent, now()), None, "{sent}");
        }
    }

    #[test]
    fn two_challenges_are_never_the_same() {
        let works = proof_of_work();
        let one = works.challenge(&campaign(), 0, now()).unwrap();
        let two = works.challenge(&campaign(), 0, now()).unwrap();
        assert_ne!(one.challenge, two.challenge);
    }
}
