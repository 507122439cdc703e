//! Encrypts search queries for URLs, so that no name or document appears in an address, a log or a browser's history.
//! An encrypted query can be read only by the account, and for the campaign, for which it was written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::keys::StaffKeys;
use jornada_domain::CampaignId;
use jornada_objects::aead;

/// Queries are padded to a multiple of this many bytes, so that the length of a URL reveals nothing about a name.
const PADDING_BYTES: usize = 128;

/// Maximum length of a text to decrypt, in bytes. Longer texts were not written here.
const MAX_BYTES: usize = 4096;

/// Encrypts a query for a URL.
///
/// # Panics
/// If the query cannot be serialised to JSON. Texts and numbers always can.
pub fn encrypt(
    keys: &StaffKeys,
    account: Uuid,
    campaign: &CampaignId,
    query: &impl Serialize,
) -> Result<String, getrandom::Error> {
    let mut text = serde_json::to_vec(query).expect("texts and numbers are always JSON");
    // JSON allows trailing spaces.
    text.resize(text.len().next_multiple_of(PADDING_BYTES), b' ');
    let encrypted = aead::encrypt(keys.query.expose(), &aad(account, campaign), &text)?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&encrypted))
}

/// Decrypts a query that was encrypted for this account and campaign. `None` for anything else.
pub fn decrypt<T: DeserializeOwned>(
    keys: &StaffKeys,
    account: Uuid,
    campaign: &CampaignId,
    text: &str,
) -> Option<T> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let encrypted = data_encoding::BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()?;
    let text = aead::decrypt(keys.query.expose(), &aad(account, campaign), &encrypted)?;
    serde_json::from_slice(&text).ok()
}

fn aad(account: Uuid, campaign: &CampaignId) -> Vec<u8> {
    [account.as_bytes(), campaign.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::keys::tests::keys;

    #[test]
    fn a_query_is_readable_only_by_its_account_and_for_its_campaign() {
        let (keys, other) = (keys(&"a".repeat(32)), keys(&"b".repeat(32)));
        let (ana, beto) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let elsewhere = CampaignId::parse("otra").unwrap();
        let name = "Ana Ejemplo".to_owned();
        let text = encrypt(&keys, ana, &campaign, &name).unwrap();
        assert_eq!(decrypt(&keys, ana, &campaign, &text), Some(name));
        assert_eq!(decrypt::<String>(&keys, beto, &campaign, &text), None);
        assert_eq!(decrypt::<String>(&keys, ana, &elsewhere, &text), None);
        assert_eq!(decrypt::<String>(&other, ana, &campaign, &text), None);
        let longer = encrypt(&keys, ana, &campaign, &"Ana Ejemplo de la Torre").unwrap();
        assert_eq!(text.len(), longer.len());
        assert_ne!(text[..32], longer[..32], "each time differently");
        for wrong in [
            "",
            "A",
            "ñ",
            &text[1..],
            &text[..40],
            &"A".repeat(MAX_BYTES + 1),
        ] {
            assert_eq!(decrypt::<String>(&keys, ana, &campaign, wrong), None);
        }
    }
}
