//! Keys by which clients mark retries of one request.

use uuid::Uuid;

/// Key that a client sends with every retry of one request (draft-ietf-httpapi-idempotency-key-header):
/// 8 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses a key, with or without the quotes of a structured field (RFC 9651).
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim();
        let key = raw
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(raw);
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        (visible && (8..=128).contains(&key.len())).then(|| Self(key.to_owned()))
    }

    /// Returns the key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for IdempotencyKey {
    fn from(uuid: Uuid) -> Self {
        Self(uuid.simple().to_string())
    }
}
