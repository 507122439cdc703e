//! What somebody looks for, as addresses carry it: encrypted, so that no name or document stands in an address, a log or
//! a browser's history, and good for the one account and campaign for which it was written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::keys::Keys;
use super::sealed;
use crate::domain::CampaignId;

/// Texts are filled up to a multiple of so many bytes: the length of an address tells nothing of the length of a name.
const STEP: usize = 128;

/// Longest text that is opened, in characters; ours are shorter.
const MOST: usize = 4096;

/// Writes a query for an address.
///
/// # Errors
/// When the system has no randomness.
///
/// # Panics
/// Never: what is looked for is made of texts and numbers.
pub fn write(
    keys: &Keys,
    account: Uuid,
    campaign: &CampaignId,
    query: &impl Serialize,
) -> Result<String, getrandom::Error> {
    let mut text = serde_json::to_vec(query).expect("texts and numbers are always JSON");
    // JSON may end in spaces.
    text.resize(text.len().next_multiple_of(STEP), b' ');
    let sealed = sealed::seal(keys.query(), &owner(account, campaign), &text)?;
    Ok(data_encoding::BASE64URL_NOPAD.encode(&sealed))
}

/// Reads what [`write()`] wrote for this account and campaign; none for anything else.
#[must_use]
pub fn read<T: DeserializeOwned>(
    keys: &Keys,
    account: Uuid,
    campaign: &CampaignId,
    text: &str,
) -> Option<T> {
    if text.len() > MOST {
        return None;
    }
    let sealed = data_encoding::BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()?;
    let text = sealed::open(keys.query(), &owner(account, campaign), &sealed)?;
    serde_json::from_slice(&text).ok()
}

fn owner(account: Uuid, campaign: &CampaignId) -> Vec<u8> {
    [account.as_bytes(), campaign.as_str().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::keys::tests::keys;

    #[test]
    fn it_opens_for_its_account_and_campaign_alone_and_tells_nothing() {
        let (keys, other) = (keys(&"a".repeat(32)), keys(&"b".repeat(32)));
        let (ana, beto) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let elsewhere = CampaignId::parse("otra").unwrap();
        let name = "Ana Ejemplo".to_owned();
        let text = write(&keys, ana, &campaign, &name).unwrap();
        assert_eq!(read(&keys, ana, &campaign, &text), Some(name));
        assert_eq!(read::<String>(&keys, beto, &campaign, &text), None);
        assert_eq!(read::<String>(&keys, ana, &elsewhere, &text), None);
        assert_eq!(read::<String>(&other, ana, &campaign, &text), None);
        let longer = write(&keys, ana, &campaign, &"Ana Ejemplo de la Torre").unwrap();
        assert_eq!(text.len(), longer.len());
        assert_ne!(text[..32], longer[..32], "each time differently");
        for wrong in ["", "A", "ñ", &text[1..], &text[..40], &"A".repeat(MOST + 1)] {
            assert_eq!(read::<String>(&keys, ana, &campaign, wrong), None);
        }
    }
}
