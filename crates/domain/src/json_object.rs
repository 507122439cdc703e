//! Reads the members of a JSON object one by one, as texts: repeated names stay visible, and numbers as they were written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Not a JSON object in UTF-8, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON object")]
pub struct NotAnObject;

/// Passes the name and value of each member to `take`, in their order. After an error some may have been passed.
pub fn read_members<'a>(
    json: &'a [u8],
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), NotAnObject> {
    let json = str::from_utf8(json).map_err(|_| NotAnObject)?;
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = deserializer.deserialize_map(MembersVisitor(take));
    let read = read.and_then(|()| deserializer.end());
    read.map_err(|_| NotAnObject)
}

/// Returns a JSON value as text, null as an empty one. `None` for an array, an object, and a text that is not Unicode.
pub fn read_text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'[' | b'{' => None,
        b'"' if json.contains('\\') => serde_json::from_str(json).ok().map(Cow::Owned),
        b'"' => json.get(1..json.len() - 1).map(Cow::Borrowed),
        b'n' => Some(Cow::Borrowed("")),
        _ => Some(Cow::Borrowed(json)),
    }
}

struct MembersVisitor<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de RawValue)> Visitor<'de> for MembersVisitor<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(mut take) = self;
        while let Some(name) = members.next_key_seed(NameVisitor)? {
            take(name, members.next_value()?);
        }
        Ok(())
    }
}

/// Borrows a name that has no escapes.
struct NameVisitor;

impl<'de> DeserializeSeed<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &[u8]) -> Result<Vec<(String, Option<String>)>, NotAnObject> {
        let mut members = Vec::new();
        read_members(json, |name, value| {
            members.push((name.into_owned(), read_text(value).map(Cow::into_owned)));
        })?;
        Ok(members)
    }

    #[test]
    fn values_are_texts_as_they_are_written() {
        let json = br#" {"a": "x\n\u00e9", "\u0062": 7, "c": -7.50, "d": true, "e": null, "a": "y\"",
            "f": 12345678901234567890123, "g": [1, {"h": 2}], "i": {}, "j": "\ud800", "k": "", "l": "\u00f1"} "#;
        let text = |name: &str, text: &str| (name.to_owned(), Some(text.to_owned()));
        let none = |name: &str| (name.to_owned(), None);
        let expected = [
            text("a", "x\né"),
            text("b", "7"),
            text("c", "-7.50"),
            text("d", "true"),
            text("e", ""),
            text("a", "y\""),
            text("f", "12345678901234567890123"),
            none("g"),
            none("i"),
            none("j"),
            text("k", ""),
            text("l", "ñ"),
        ];
        assert_eq!(members(json).unwrap(), expected);
        assert_eq!(members(b"{}").unwrap(), []);
    }

    #[test]
    fn anything_but_one_object_is_refused() {
        let deep = "[".repeat(60_000);
        let deep_member = format!("{{\"a\": {deep}");
        for json in [
            &b""[..],
            b"[]",
            b"7",
            b"\"a\"",
            b"null",
            b"{",
            b"{\"a\": 1",
            b"{} {}",
            b"{\"a\" 1}",
            b"{a: 1}",
            b"{\"a\": \xFF}",
            b"{\"a\": \"\xFF\"}",
            b"{\"\xFF\": 1}",
            b"{\"a\": \"\x00\"}",
            b"\xEF\xBB\xBF{}",
            deep.as_bytes(),
            deep_member.as_bytes(),
        ] {
            assert_eq!(members(json), Err(NotAnObject), "{json:?}");
        }
    }
}
