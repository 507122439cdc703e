//! Identifiers in URLs and headers: receipt numbers, ids, keys and names parse to one canonical form or are rejected.
#![no_main]

use jornada_domain::staff::EmailAddress;
use jornada_domain::{CampaignId, IdempotencyKey, ReceiptNumber, RegistrationId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(number) = ReceiptNumber::parse(text) {
        let shown = number.to_string();
        assert_eq!(shown.len(), "7K3M9-QXT2V-B8HC".len());
        assert_eq!(ReceiptNumber::parse(&shown), Some(number));
        let (first, last) = number.id_range();
        assert!(first <= last);
        assert_eq!((first.receipt(), last.receipt()), (number, number));
        check_wrong_characters(&shown);
    }
    if let Some(id) = RegistrationId::parse(text) {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
        let (first, last) = id.receipt().id_range();
        assert!((first..=last).contains(&id));
    }
    if let Some(id) = CampaignId::parse(text) {
        assert_eq!(id.as_str(), text);
    }
    if let Some(mail) = EmailAddress::parse(text) {
        let shown = mail.to_string();
        assert!(!shown.contains(['\r', '\n']), "it goes into a header");
        assert_eq!(EmailAddress::parse(&shown), Some(mail));
    }
    // Must not panic; the key is not displayed.
    let _ = IdempotencyKey::parse(text);
});

/// Asserts that the check character detects each wrong character.
fn check_wrong_characters(shown: &str) {
    for (place, right) in shown.char_indices().filter(|(_, c)| *c != '-') {
        let wrong = if right == '7' { '8' } else { '7' };
        let mut changed = shown.to_owned();
        changed.replace_range(place..=place, &wrong.to_string());
        assert_eq!(ReceiptNumber::parse(&changed), None, "{changed}");
    }
}
