//! The second factor: TOTP (RFC 6238) with the parameters of common authenticator apps: SHA-1, 6 digits, steps of 30 s.
//! Codes are valid one step early or late. The secret is stored encrypted, bound to its account, under a key that is
//! not in the store.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};
use totp_rs::{Builder, Totp};
use uuid::Uuid;

use super::keys::StaffKeys;
use jornada_domain::staff::EmailAddress;
use jornada_objects::aead;

/// Length of a secret: 160 bits, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

/// The secret shared with an authenticator app.
#[derive(Debug)]
pub struct TotpSecret(SecretSlice<u8>);

impl TotpSecret {
    /// Generates a random secret.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.to_vec().into()))
    }

    /// Encrypts the secret for one account.
    pub fn encrypt(&self, keys: &StaffKeys, account: Uuid) -> Result<Vec<u8>, getrandom::Error> {
        let secret = self.0.expose_secret();
        aead::encrypt(keys.totp.expose(), account.as_bytes(), secret)
    }

    /// Decrypts the output of [`encrypt`](Self::encrypt) for this account. `None` for anything else.
    pub fn decrypt(ciphertext: &[u8], keys: &StaffKeys, account: Uuid) -> Option<Self> {
        let bytes = aead::decrypt(keys.totp.expose(), account.as_bytes(), ciphertext)?;
        (bytes.len() == SECRET_BYTES).then(|| Self(bytes.into()))
    }

    /// Returns the 30-second step that the code belongs to, or `None` if the code is not valid now. Ignores spaces.
    pub fn find_step(&self, code: &str, now: Timestamp) -> Option<u64> {
        let digits = code.chars().filter(|c| !c.is_whitespace());
        let digits: String = digits.take(7).collect();
        let second = u64::try_from(now.as_second()).ok()?;
        self.build_totp()?.check(&digits, second)
    }

    /// Returns the `otpauth` URI for the QR code (Key URI Format of Google Authenticator).
    pub fn to_uri(&self, mail: &EmailAddress) -> String {
        let mail = url::form_urlencoded::byte_serialize(mail.as_str().as_bytes());
        let mail: String = mail.collect();
        let secret = self.to_base32();
        format!("otpauth://totp/Jornada:{mail}?secret={secret}&issuer=Jornada")
    }

    /// Returns the secret in Base32 (RFC 4648), for typing it into an app.
    pub fn to_base32(&self) -> String {
        data_encoding::BASE32_NOPAD.encode(self.0.expose_secret())
    }

    fn build_totp(&self) -> Option<Totp> {
        let secret = self.0.expose_secret().to_vec();
        Builder::new().with_secret(secret).build().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::keys::tests::keys;

    /// Returns the code that the app shows at this time.
    fn generate_code(secret: &TotpSecret, second: u64) -> String {
        secret.build_totp().unwrap().generate(second).to_string()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_match_the_test_vectors_of_rfc_6238() {
        // RFC 6238, appendix B, truncated to 6 digits.
        let shared = TotpSecret(b"12345678901234567890".to_vec().into());
        for (second, code) in [
            (59_i64, "287082"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
        ] {
            assert_eq!(generate_code(&shared, second.unsigned_abs()), code);
            assert_eq!(
                shared.find_step(code, at(second)),
                Some(second.unsigned_abs() / 30)
            );
        }
    }

    #[test]
    fn a_code_is_valid_one_step_early_or_late() {
        let shared = TotpSecret::generate().unwrap();
        let code = generate_code(&shared, 3_000);
        for (second, is_good) in [(2_939, false), (2_970, true), (3_059, true), (3_060, false)] {
            assert_eq!(
                shared.find_step(&code, at(second)).is_some(),
                is_good,
                "{second}"
            );
        }
        let spaced = format!(" {} {} ", &code[..3], &code[3..]);
        assert_eq!(shared.find_step(&spaced, at(3_000)), Some(100));
        for wrong in ["", "12345", "1234567", "abcdef", "+12345"] {
            assert_eq!(shared.find_step(wrong, at(3_000)), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_decrypted_only_with_its_key_and_for_its_account() {
        let (keys, other) = (keys(&"a".repeat(32)), keys(&"b".repeat(32)));
        let (ana, beto) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let shared = TotpSecret::generate().unwrap();
        let sealed = shared.encrypt(&keys, ana).unwrap();
        let opened = TotpSecret::decrypt(&sealed, &keys, ana).unwrap();
        assert_eq!(opened.to_base32(), shared.to_base32());
        assert!(TotpSecret::decrypt(&sealed, &keys, beto).is_none());
        assert!(TotpSecret::decrypt(&sealed, &other, ana).is_none());
        assert!(TotpSecret::decrypt(&sealed[..20], &keys, ana).is_none());
        assert!(
            !sealed
                .windows(5)
                .any(|part| shared.0.expose_secret().starts_with(part))
        );
    }

    #[test]
    fn the_uri_follows_the_key_uri_format() {
        let shared = TotpSecret(b"12345678901234567890".to_vec().into());
        let mail = EmailAddress::parse("ana@example.org").unwrap();
        assert_eq!(
            shared.to_uri(&mail),
            "otpauth://totp/Jornada:ana%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Jornada"
        );
    }
}
