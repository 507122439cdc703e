//! Mail address of an account, in one canonical spelling: one address is one account.

use derive_more::{Debug, Display};
use unicode_normalization::UnicodeNormalization;

use crate::text::is_ignorable;

/// Maximum length of an address (RFC 5321, 4.5.3.1.3, without brackets), in bytes.
const MAX_BYTES: usize = 254;
/// Maximum length of the part before the `@` (RFC 5321, 4.5.3.1.1), in bytes.
const MAX_LOCAL: usize = 64;

/// Mail address in lower case and NFC, without surrounding white space and invisible characters. `Debug` omits it: it is personal and must not
/// reach a log.
#[derive(Clone, Debug, Display, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[debug("EmailAddress(…)")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Parses an address. Checks its form only, not whether it receives mail.
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        // First, because the length of the input is not limited before.
        if raw.len() > MAX_BYTES {
            return None;
        }
        let seen = raw.chars().filter(|c| !is_ignorable(*c));
        let mail: String = seen.nfc().flat_map(char::to_lowercase).nfc().collect();
        let (local, domain) = mail.split_once('@')?;
        let is_plain =
            |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c);
        let fits = mail.len() <= MAX_BYTES
            && (1..=MAX_LOCAL).contains(&local.len())
            && !domain.is_empty()
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && local.chars().chain(domain.chars()).all(is_plain);
        fits.then_some(Self(mail))
    }

    /// Returns the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or("", |(local, _)| local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_one_account() {
        let mail = EmailAddress::parse(" Ana.Perez@Example.ORG ").unwrap();
        assert_eq!(mail.as_str(), "ana.perez@example.org");
        assert_eq!(
            EmailAddress::parse("JOSE\u{301}@x.co"),
            EmailAddress::parse("josé@x.co")
        );
        let pasted = EmailAddress::parse("\u{FEFF}ana\u{200B}.perez@example.org");
        assert_eq!(pasted.as_ref(), Some(&mail));
        assert!(!format!("{mail:?}").contains("ana"));
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = format!("a@{}", "b".repeat(260));
        for raw in [
            "", "ana", "@x.co", "ana@", "a b@x.co", "a@b@c", "a\n@x.co", "a@.co", "<a@x.co>", &long,
        ] {
            assert_eq!(EmailAddress::parse(raw), None, "{raw:?}");
        }
    }
}
