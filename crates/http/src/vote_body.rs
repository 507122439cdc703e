//! Reads votes from JSON: one object, an array of objects, or a line for each object (NDJSON). A mistake in one vote
//! leaves the others alone.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::budget::UploadReservation;
use crate::upload_error::UploadError;
use jornada_domain::FormData;

/// Timeout for the whole body.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// Maximum number of members of a vote, more than any campaign has fields.
const MAX_MEMBERS: usize = 64;

/// Member with the idempotency key of a vote in a batch. No field has this name: names begin with a letter.
const KEY_MEMBER: &str = "_key";

/// A vote as it was sent in JSON.
#[derive(Debug, Default)]
pub struct VoteItem {
    /// The members as texts; numbers as they were written.
    pub answers: FormData,
    /// The member `_key`.
    pub key: Option<String>,
    /// Why the vote cannot be read.
    pub error: Option<VoteItemError>,
}

/// Why a vote cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoteItemError {
    /// Not a JSON object.
    NotAnObject,
    /// A member that is neither text, number, true, false nor null; with its name.
    NotAText(String),
}

/// Why a list of votes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteListError {
    /// Not a JSON array.
    NotAnArray,
    /// More votes than allowed.
    TooMany,
}

/// Reads a body of up to `max` bytes, within a time limit and the memory budget.
pub async fn read_body(
    mut body: Body,
    max: usize,
    reservation: &mut UploadReservation,
) -> Result<Vec<u8>, UploadError> {
    let read = async {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| UploadError::NOT_JSON)?;
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            if bytes.len() + piece.len() > max {
                return Err(UploadError::TextTooLarge);
            }
            bytes.extend_from_slice(&piece);
            reservation.resize(bytes.capacity())?;
        }
        Ok(bytes)
    };
    let read = tokio::time::timeout(BODY_TIMEOUT, read).await;
    read.map_err(|_| UploadError::BodyTimeout)?
}

/// Parses one vote.
pub fn parse_vote(json: &[u8]) -> VoteItem {
    serde_json::from_slice(json).unwrap_or_else(|_| VoteItem::malformed(VoteItemError::NotAnObject))
}

/// Parses an array of up to `max` votes.
pub fn parse_array(json: &[u8], max: usize) -> Result<Vec<VoteItem>, VoteListError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let votes = deserializer.deserialize_seq(ArrayVisitor { max });
    let votes = votes.and_then(|votes| deserializer.end().map(|()| votes));
    votes
        .map_err(|_| VoteListError::NotAnArray)?
        .ok_or(VoteListError::TooMany)
}

/// Parses up to `max` lines with a vote each; empty lines are skipped.
pub fn parse_lines(ndjson: &[u8], max: usize) -> Result<Vec<VoteItem>, VoteListError> {
    let lines = ndjson.split(|byte| *byte == b'\n');
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let votes: Vec<_> = lines.by_ref().take(max).map(parse_vote).collect();
    let is_whole = lines.next().is_none();
    is_whole.then_some(votes).ok_or(VoteListError::TooMany)
}

impl VoteItem {
    fn malformed(error: VoteItemError) -> Self {
        Self {
            error: Some(error),
            ..Self::default()
        }
    }

    fn add(&mut self, name: String, value: MemberValue) {
        match value {
            MemberValue::Text(text) if name == KEY_MEMBER => self.key = Some(text),
            MemberValue::Text(text) => self.answers.parts.push((name, text)),
            MemberValue::Other => {
                self.error.get_or_insert(VoteItemError::NotAText(name));
            }
        }
    }
}

struct ArrayVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for ArrayVisitor {
    /// `None` if there are too many.
    type Value = Option<Vec<VoteItem>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of votes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut votes = Vec::new();
        while votes.len() < self.max {
            match items.next_element()? {
                Some(vote) => votes.push(vote),
                None => return Ok(Some(votes)),
            }
        }
        let mut is_whole = true;
        while items.next_element::<IgnoredAny>()?.is_some() {
            is_whole = false;
        }
        Ok(is_whole.then_some(votes))
    }
}

impl<'de> Deserialize<'de> for VoteItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

struct ItemVisitor;

/// Implements the visits of values that are no objects, or no texts.
macro_rules! visits {
    ($($visit:ident: $kind:ty => |$value:ident| $result:expr;)*) => {
        $(fn $visit<E: de::Error>(self, $value: $kind) -> Result<Self::Value, E> {
            Ok($result)
        })*
    };
}

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = VoteItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vote")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<VoteItem, A::Error> {
        let mut vote = VoteItem::default();
        let mut count = 0;
        while let Some(name) = members.next_key::<String>()? {
            count += 1;
            if count > MAX_MEMBERS {
                members.next_value::<IgnoredAny>()?;
                vote.error.get_or_insert(VoteItemError::NotAnObject);
            } else {
                vote.add(name, members.next_value()?);
            }
        }
        Ok(vote)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<VoteItem, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(VoteItem::malformed(VoteItemError::NotAnObject))
    }

    fn visit_unit<E: de::Error>(self) -> Result<VoteItem, E> {
        Ok(VoteItem::malformed(VoteItemError::NotAnObject))
    }

    visits! {
        visit_bool: bool => |_value| VoteItem::malformed(VoteItemError::NotAnObject);
        visit_i64: i64 => |_value| VoteItem::malformed(VoteItemError::NotAnObject);
        visit_u64: u64 => |_value| VoteItem::malformed(VoteItemError::NotAnObject);
        visit_f64: f64 => |_value| VoteItem::malformed(VoteItemError::NotAnObject);
        visit_str: &str => |_value| VoteItem::malformed(VoteItemError::NotAnObject);
    }
}

/// The value of a member.
enum MemberValue {
    Text(String),
    /// An array or an object.
    Other,
}

impl<'de> Deserialize<'de> for MemberValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor)
    }
}

struct MemberVisitor;

impl<'de> Visitor<'de> for MemberVisitor {
    type Value = MemberValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<MemberValue, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(MemberValue::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<MemberValue, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(MemberValue::Other)
    }

    fn visit_unit<E: de::Error>(self) -> Result<MemberValue, E> {
        Ok(MemberValue::Text(String::new()))
    }

    visits! {
        visit_bool: bool => |value| MemberValue::Text(value.to_string());
        visit_i64: i64 => |value| MemberValue::Text(value.to_string());
        visit_u64: u64 => |value| MemberValue::Text(value.to_string());
        visit_f64: f64 => |value| MemberValue::Text(value.to_string());
        visit_str: &str => |value| MemberValue::Text(value.to_owned());
        visit_string: String => |value| MemberValue::Text(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(vote: &VoteItem) -> Vec<(&str, &str)> {
        let parts = vote.answers.parts.iter();
        parts.map(|(name, text)| (&**name, &**text)).collect()
    }

    #[test]
    fn values_are_texts_however_they_are_written() {
        let vote = parse_vote(
            br#" {"a": "x", "b": 7, "c": -7, "d": 1.5, "e": true, "f": null, "a": "y", "_key": "k"} "#,
        );
        let expected = [
            ("a", "x"),
            ("b", "7"),
            ("c", "-7"),
            ("d", "1.5"),
            ("e", "true"),
            ("f", ""),
            ("a", "y"),
        ];
        assert_eq!(parts(&vote), expected);
        assert_eq!((vote.key.as_deref(), vote.error), (Some("k"), None));
    }

    #[test]
    fn a_vote_that_cannot_be_read_leaves_the_others_alone() {
        let json = br#"[{"a": 1}, [2], 3, "4", null, {"b": {"c": []}, "d": 5}, {}]"#;
        let votes = parse_array(json, 10).unwrap();
        let errors: Vec<_> = votes.iter().map(|vote| vote.error.clone()).collect();
        let no_object = Some(VoteItemError::NotAnObject);
        let expected = [
            None,
            no_object.clone(),
            no_object.clone(),
            no_object.clone(),
            no_object.clone(),
            Some(VoteItemError::NotAText("b".to_owned())),
            None,
        ];
        assert_eq!(errors, expected);
        let lines = b"{\"a\": 1}\n\n{\"a\": \r\n{\"a\": \"\xFF\"}\n{\"a\": 2}";
        let votes = parse_lines(lines, 4).unwrap();
        let errors: Vec<_> = votes.iter().map(|vote| vote.error.clone()).collect();
        assert_eq!(errors, [None, no_object.clone(), no_object, None]);
    }

    #[test]
    fn the_number_of_votes_is_bounded() {
        assert_eq!(parse_array(b"[{}, {}]", 2).unwrap().len(), 2);
        assert_eq!(parse_lines(b"{}\n{}\n", 2).unwrap().len(), 2);
        for refused in [
            parse_array(b"[{}, {}, {}]", 2),
            parse_lines(b"{}\n{}\n{}", 2),
        ] {
            assert_eq!(refused.unwrap_err(), VoteListError::TooMany);
        }
        for json in ["", "{}", "[", "[{}", "[{}] x", "[{\"a\": \u{1}}]"] {
            let refused = parse_array(json.as_bytes(), 9).unwrap_err();
            assert_eq!(refused, VoteListError::NotAnArray, "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse_array(deep.as_bytes(), 9).is_err());
        assert!(parse_vote(deep.as_bytes()).error.is_some());
        let members: Vec<_> = (0..=MAX_MEMBERS).map(|n| format!("\"a{n}\": 1")).collect();
        let many = parse_vote(format!("{{{}}}", members.join(",")).as_bytes());
        assert_eq!(
            (many.answers.parts.len(), many.error.is_some()),
            (MAX_MEMBERS, true)
        );
    }
}
