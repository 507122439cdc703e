//! A registration, its unique id and its receipt number.

use std::fmt;

use derive_more::{Debug, Display};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Sha256;

use super::answers::Answers;
use super::campaign_id::CampaignId;
use super::idempotency_key::IdempotencyKey;
use super::text::{is_dash, is_ignorable};
use jornada_photo::PhotoFormat;

/// Validated answers with id, time and photo reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Unique id.
    pub id: RegistrationId,
    /// Campaign it belongs to.
    pub campaign: CampaignId,
    /// Validated answers.
    pub answers: Answers,
    /// Value under which it is counted.
    pub tally_value: String,
    /// Stored photo, if any.
    pub photo: Option<PhotoRef>,
    /// [`Answers::digest`] of answers and photo.
    pub digest: [u8; 32],
    /// Time of receipt (millisecond precision).
    pub received_at: Timestamp,
}

/// Reference to a stored photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoRef {
    /// SHA-256 of the photo.
    pub sha256: [u8; 32],
    /// Format of the photo.
    pub format: PhotoFormat,
    /// Size of the photo in bytes.
    pub bytes: u64,
}

/// Identity of a registration within its campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UniqueKey {
    /// Normalised answer to the unique field.
    Answer(String),
    /// Idempotency key of the request, if there is no such answer.
    Request(IdempotencyKey),
}

/// Id of a registration: 128 bits of HMAC-SHA-256 (RFC 2104) over campaign and unique key. Equal for every retry on
/// every instance, and reveals nothing about the person.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[debug("{self}")]
#[display("{}", data_encoding::HEXLOWER.encode(_0))]
pub struct RegistrationId([u8; 16]);

impl RegistrationId {
    /// Derives the id of a vote from the idempotency key of its request.
    pub fn derive_for_vote(secret: &[u8], campaign: &CampaignId, key: &str) -> Self {
        Self::derive_from(secret, campaign, b'v', key)
    }

    /// Derives the id of a registration. The secret must be the same on every instance.
    pub fn derive(secret: &[u8], campaign: &CampaignId, key: &UniqueKey) -> Self {
        let (kind, key) = match key {
            UniqueKey::Answer(answer) => (b'a', answer.as_str()),
            UniqueKey::Request(key) => (b'k', key.as_str()),
        };
        Self::derive_from(secret, campaign, kind, key)
    }

    /// Returns the id under which the number of this one is registered once it is free again.
    #[must_use]
    pub fn next_of_number(self, secret: &[u8], campaign: &CampaignId) -> Self {
        Self::derive_from(secret, campaign, b'n', &self.to_string())
    }

    /// Returns the id of a dispute about the number of this one, with content of this digest.
    #[must_use]
    pub fn of_dispute(self, secret: &[u8], campaign: &CampaignId, digest: &[u8; 32]) -> Self {
        let digest = data_encoding::HEXLOWER.encode(digest);
        Self::derive_from(secret, campaign, b'd', &format!("{self} {digest}"))
    }

    /// # Panics
    /// Never: HMAC accepts keys of any length.
    fn derive_from(secret: &[u8], campaign: &CampaignId, kind: u8, key: &str) -> Self {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        mac.update(campaign.as_str().as_bytes());
        mac.update(&[0, kind]);
        mac.update(key.as_bytes());
        let digest = mac.finalize().into_bytes();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }

    /// Returns whether the id begins with a time within a minute of `at`, as a UUID version 7 does (RFC 9562).
    pub fn is_of_time(&self, at: Timestamp) -> bool {
        let begin = self.0[..6].iter();
        let millisecond = begin.fold(0_i64, |sum, byte| (sum << 8) | i64::from(*byte));
        (at.as_millisecond() - millisecond).abs() <= 60_000
    }

    /// Wraps the bytes of a stored id.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses 32 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        hex_bytes(hex).map(Self)
    }

    /// Returns the receipt number.
    pub fn receipt(&self) -> ReceiptNumber {
        ReceiptNumber(
            (u128::from_be_bytes(self.0) >> (128 - ReceiptNumber::BITS))
                << (128 - ReceiptNumber::BITS),
        )
    }
}

impl Serialize for RegistrationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RegistrationId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Self::parse(&hex).ok_or_else(|| de::Error::custom("not the id of a registration"))
    }
}

/// Decodes exactly `N` bytes from hexadecimal digits of any case.
pub fn hex_bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
    bytes.ok()?.try_into().ok()
}

/// Receipt number: the first 65 bits of the id in Crockford's base 32, 13 characters and a check character (Luhn
/// mod 32: detects every wrong character and nearly every swap of two), as `7K3M9-QXT2V-B8HC`. 65 bits cannot be
/// guessed, and as a prefix of the id they select a range of the store's primary key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[debug("{self}")]
pub struct ReceiptNumber(u128);

impl ReceiptNumber {
    const BITS: u32 = 65;
    const DIGITS: u32 = Self::BITS / 5;
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    /// Parses a number as typed: any case, with or without hyphens, spaces and invisible characters, `O` for `0`, `I` or `L` for `1`.
    /// Returns `None` for any other format or a wrong check character.
    pub fn parse(typed: &str) -> Option<Self> {
        let mut digits = Vec::with_capacity(14);
        let is_mark = |c: char| c.is_whitespace() || is_dash(c) || is_ignorable(c);
        for c in typed.chars().filter(|c| !is_mark(*c)) {
            if digits.len() > Self::DIGITS as usize {
                return None;
            }
            digits.push(digit(c)?);
        }
        let (check, number) = digits.split_last()?;
        if number.len() != Self::DIGITS as usize || *check != check_digit(number) {
            return None;
        }
        let bits = number
            .iter()
            .fold(0u128, |bits, digit| (bits << 5) | u128::from(*digit));
        Some(Self(bits << (128 - Self::BITS)))
    }

    /// Returns the lowest and the highest id with this number.
    pub fn id_range(&self) -> (RegistrationId, RegistrationId) {
        let last = self.0 | (u128::MAX >> Self::BITS);
        (
            RegistrationId(self.0.to_be_bytes()),
            RegistrationId(last.to_be_bytes()),
        )
    }

    fn digits(self) -> Vec<u8> {
        let digit = |place: u32| ((self.0 >> (128 - 5 * (place + 1))) & 31) as u8;
        (0..Self::DIGITS).map(digit).collect()
    }
}

fn digit(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        c => c,
    };
    let place = ReceiptNumber::ALPHABET
        .iter()
        .position(|known| char::from(*known) == c)?;
    u8::try_from(place).ok()
}

/// Computes the check digit: Luhn mod N (ISO/IEC 7812-1 generalised to N = 32) over digits 0–31.
fn check_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let addend = u32::from(*digit) * if place % 2 == 0 { 2 } else { 1 };
            addend / 32 + addend % 32
        })
        .sum();
    ((32 - sum % 32) % 32) as u8
}

impl fmt::Display for ReceiptNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = self.digits();
        digits.push(check_digit(&digits));
        for (place, digit) in digits.iter().enumerate() {
            if place == 5 || place == 10 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(Self::ALPHABET[usize::from(*digit)]))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(answer: &str) -> RegistrationId {
        let campaign = CampaignId::parse("vacunacion").unwrap();
        RegistrationId::derive(&[7; 32], &campaign, &UniqueKey::Answer(answer.into()))
    }

    #[test]
    fn a_number_leads_back_to_the_id() {
        let id = id("1234567");
        let number = id.receipt();
        let (first, last) = number.id_range();
        assert!(first <= id && id <= last);
        assert_eq!(ReceiptNumber::parse(&number.to_string()), Some(number));
        assert_eq!(number.to_string().len(), 16);
    }

    #[test]
    fn a_number_is_read_as_people_write_it() {
        let number = id("x1").receipt();
        let sloppy = number
            .to_string()
            .to_lowercase()
            .replace('-', " ")
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(ReceiptNumber::parse(&sloppy), Some(number));
        let pasted = format!("\u{200E}{number}\u{FEFF}").replace('-', "\u{2011}\u{A0}");
        assert_eq!(ReceiptNumber::parse(&pasted), Some(number));
    }

    #[test]
    fn one_wrong_character_is_found() {
        let number = id("x2").receipt().to_string();
        for place in (0..number.len()).filter(|place| number.as_bytes()[*place] != b'-') {
            for c in ReceiptNumber::ALPHABET {
                let mut wrong = number.clone().into_bytes();
                let changed = std::mem::replace(&mut wrong[place], *c) != *c;
                let read = ReceiptNumber::parse(std::str::from_utf8(&wrong).unwrap());
                assert_eq!(read.is_none(), changed);
            }
        }
        for shape in ["", "-", "7K3M9", "é", "7K3M9-QXT2V-B8HC-7K3M9-QXT2V-B8HC"] {
            assert_eq!(ReceiptNumber::parse(shape), None);
        }
    }

    #[test]
    fn a_key_and_an_answer_never_meet() {
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let key = UniqueKey::Request(IdempotencyKey::parse("12345678").unwrap());
        assert_ne!(
            id("12345678"),
            RegistrationId::derive(&[7; 32], &campaign, &key)
        );
    }
}
