//! CSRF tokens of forms, derived from the token in the browser's cookie, which other sites cannot read.
//!
//! Nothing is stored, so a copy of the store is of no use for forging forms. A random nonce makes each token different,
//! which defeats compression attacks (BREACH).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::Token;

const NONCE: usize = 16;

/// Generates a CSRF token for the browser that holds this cookie token.
pub fn write(token: &Token) -> Result<String, getrandom::Error> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let mac: [u8; 32] = mac(token, &nonce).finalize().into_bytes().into();
    let whole = [&nonce[..], &mac].concat();
    Ok(data_encoding::BASE64URL_NOPAD.encode(&whole))
}

/// Verifies in constant time that a CSRF token was generated for this cookie token.
#[must_use]
pub fn fits(token: &Token, key: &str) -> bool {
    let Ok(whole) = data_encoding::BASE64URL_NOPAD.decode(key.as_bytes()) else {
        return false;
    };
    let Some((nonce, sent)) = whole.split_first_chunk::<NONCE>() else {
        return false;
    };
    mac(token, nonce).verify_slice(sent).is_ok()
}

fn mac(token: &Token, nonce: &[u8; NONCE]) -> Hmac<Sha256> {
    let key = token.expose().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(b"form");
    mac.update(nonce);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_only_for_its_own_browser() {
        let (ana, beto) = (Token::generate().unwrap(), Token::generate().unwrap());
        let (key, again) = (write(&ana).unwrap(), write(&ana).unwrap());
        assert_ne!(key, again, "it is written differently each time");
        assert!(fits(&ana, &key) && fits(&ana, &again));
        assert!(!fits(&beto, &key));
        for wrong in ["", "A", "ñ", &key[1..], &key[..40], &format!("{key}AA")] {
            assert!(!fits(&ana, wrong), "{wrong}");
        }
    }
}
