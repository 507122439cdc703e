//! CSRF tokens of forms, derived from the token in the browser's cookie, which other sites cannot read.
//!
//! Nothing is stored, so a copy of the store is of no use for forging forms. A random nonce makes each token different,
//! which defeats compression attacks (BREACH).

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::token::Token;
use crate::key::start_mac;

const NONCE_BYTES: usize = 16;

/// Generates a CSRF token for the browser that holds this cookie token.
pub fn generate(cookie_token: &Token) -> Result<String, getrandom::Error> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce)?;
    let mac: [u8; 32] = new_mac(cookie_token, &nonce).finalize().into_bytes().into();
    let bytes = [&nonce[..], &mac].concat();
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// Verifies in constant time that a CSRF token was generated for this cookie token.
#[must_use]
pub fn verify(cookie_token: &Token, csrf_token: &str) -> bool {
    let Ok(bytes) = data_encoding::BASE64URL_NOPAD.decode(csrf_token.as_bytes()) else {
        return false;
    };
    let Some((nonce, sent)) = bytes.split_first_chunk::<NONCE_BYTES>() else {
        return false;
    };
    new_mac(cookie_token, nonce).verify_slice(sent).is_ok()
}

fn new_mac(cookie_token: &Token, nonce: &[u8; NONCE_BYTES]) -> Hmac<Sha256> {
    let mac = start_mac(cookie_token.expose().as_bytes());
    mac.chain_update(b"form").chain_update(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_only_for_its_own_browser() {
        let (ana, beto) = (Token::generate().unwrap(), Token::generate().unwrap());
        let (key, again) = (generate(&ana).unwrap(), generate(&ana).unwrap());
        assert_ne!(key, again, "it is written differently each time");
        assert!(verify(&ana, &key) && verify(&ana, &again));
        assert!(!verify(&beto, &key));
        for wrong in ["", "A", "ñ", &key[1..], &key[..40], &format!("{key}AA")] {
            assert!(!verify(&ana, wrong), "{wrong}");
        }
    }
}
