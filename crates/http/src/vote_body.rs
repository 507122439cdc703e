//! Reads votes from JSON: one object, an array of objects, or a line for each object (NDJSON). A mistake in one vote
//! leaves the others alone. One vote may also be a form.

use std::borrow::Cow;
use std::fmt;

use axum::body::Body;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::arrival::ArrivalLimit;
use crate::budget::UploadReservation;
use crate::upload_error::{UploadError, not_json};
use jornada_domain::FormData;
use jornada_domain::json_object::{read_members, read_text};

/// Member with the idempotency key of a vote. No field has this name: names begin with a letter.
const KEY_MEMBER: &str = "_key";

/// Memory of a member beside its texts, roughly.
const MEMBER_BYTES: usize = 96;

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
    /// More members than the campaign has fields; with the name of the first beyond them.
    TooManyMembers(String),
}

/// Why a list of votes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteListError {
    /// Not a JSON array.
    NotAnArray,
    /// More votes than allowed.
    TooMany,
}

/// Bounds of what is parsed.
#[derive(Clone, Copy, Debug)]
pub struct VoteLimits {
    /// Maximum number of votes.
    pub votes: usize,
    /// Maximum number of members of a vote.
    pub members: usize,
}

/// Reads a body of up to `max` bytes, within a time limit and the memory budget.
pub async fn read_body(
    mut body: Body,
    max: usize,
    reservation: &mut UploadReservation,
) -> Result<Vec<u8>, UploadError> {
    let mut arrival = ArrivalLimit::start(Instant::now());
    let mut bytes = Vec::new();
    while let Some(piece) = arrival
        .next_piece(&mut body, reservation)
        .await
        .map_err(not_json)?
    {
        if bytes.len() + piece.len() > max {
            return Err(UploadError::TextTooLarge);
        }
        bytes.extend_from_slice(&piece);
        reservation.resize(bytes.capacity())?;
    }
    Ok(bytes)
}

/// Parses one vote with up to `members` members.
pub fn parse_vote(json: &[u8], members: usize) -> VoteItem {
    let mut vote = VoteItem::default();
    vote.answers.parts.reserve(members);
    let mut count = 0;
    let read = read_members(json, |name, value| {
        count += 1;
        if count <= members {
            vote.add(name, value);
        } else {
            let error = || VoteItemError::TooManyMembers(name.into_owned());
            vote.error.get_or_insert_with(error);
        }
    });
    if read.is_err() {
        return VoteItem {
            error: Some(VoteItemError::NotAnObject),
            ..VoteItem::default()
        };
    }
    vote
}

/// Parses a vote of a form (`application/x-www-form-urlencoded`) with up to `members` members.
pub fn parse_form(form: &[u8], members: usize) -> VoteItem {
    let mut vote = VoteItem::default();
    for (index, (name, text)) in url::form_urlencoded::parse(form).enumerate() {
        if index == members {
            vote.error = Some(VoteItemError::TooManyMembers(name.into_owned()));
            break;
        }
        // Bytes that are no UTF-8 were replaced by this character.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            let error = || VoteItemError::NotAText(name.into_owned());
            vote.error.get_or_insert_with(error);
        } else {
            vote.add_text(&name, text.into_owned());
        }
    }
    vote
}

/// Parses an array of votes.
pub fn parse_array(json: &[u8], limits: VoteLimits) -> Result<Vec<VoteItem>, VoteListError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let votes = deserializer.deserialize_seq(ArrayVisitor(limits));
    let votes = votes.and_then(|votes| deserializer.end().map(|()| votes));
    votes
        .map_err(|_| VoteListError::NotAnArray)?
        .ok_or(VoteListError::TooMany)
}

/// Parses lines with a vote each; empty lines are skipped.
pub fn parse_lines(ndjson: &[u8], limits: VoteLimits) -> Result<Vec<VoteItem>, VoteListError> {
    let lines = ndjson.split(|byte| *byte == b'\n');
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let votes = lines.by_ref().take(limits.votes);
    let votes: Vec<_> = votes.map(|line| parse_vote(line, limits.members)).collect();
    let is_whole = lines.next().is_none();
    is_whole.then_some(votes).ok_or(VoteListError::TooMany)
}

impl VoteItem {
    /// Returns the memory that the vote takes in bytes, roughly.
    pub fn size(&self) -> usize {
        let parts = self.answers.parts.iter();
        let parts = parts.map(|(name, text)| MEMBER_BYTES + name.len() + text.len());
        size_of::<Self>() + parts.sum::<usize>()
    }

    fn add(&mut self, name: Cow<'_, str>, value: &RawValue) {
        let Some(text) = read_text(value).map(Cow::into_owned) else {
            let error = || VoteItemError::NotAText(name.into_owned());
            self.error.get_or_insert_with(error);
            return;
        };
        self.add_text(&name, text);
    }

    fn add_text(&mut self, name: &str, text: String) {
        if name == KEY_MEMBER && self.key.is_none() {
            self.key = Some(text);
        } else {
            self.answers.parts.push((name.to_owned(), text));
        }
    }
}

struct ArrayVisitor(VoteLimits);

impl<'de> Visitor<'de> for ArrayVisitor {
    /// `None` if there are too many.
    type Value = Option<Vec<VoteItem>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of votes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let Self(limits) = self;
        let mut votes = Vec::new();
        while votes.len() < limits.votes {
            match items.next_element::<&RawValue>()? {
                Some(vote) => votes.push(parse_vote(vote.get().as_bytes(), limits.members)),
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: VoteLimits = VoteLimits {
        votes: 9,
        members: 9,
    };

    fn parts(vote: &VoteItem) -> Vec<(&str, &str)> {
        let parts = vote.answers.parts.iter();
        parts.map(|(name, text)| (&**name, &**text)).collect()
    }

    fn errors(votes: &[VoteItem]) -> Vec<Option<VoteItemError>> {
        votes.iter().map(|vote| vote.error.clone()).collect()
    }

    #[test]
    fn values_are_texts_as_they_are_written() {
        let json =
            br#" {"a": "x\n\u00e9", "b": 7, "c": -7, "d": 1.50, "e": true, "f": null, "a": "y",
            "g": 12345678901234567890123, "_key": "k"} "#;
        let vote = parse_vote(json, 9);
        let expected = [
            ("a", "x\né"),
            ("b", "7"),
            ("c", "-7"),
            ("d", "1.50"),
            ("e", "true"),
            ("f", ""),
            ("a", "y"),
            ("g", "12345678901234567890123"),
        ];
        assert_eq!(parts(&vote), expected);
        assert_eq!((vote.key.as_deref(), vote.error), (Some("k"), None));
        // The second key is an unknown field.
        let vote = parse_vote(br#"{"_key": "k", "_key": "l"}"#, 9);
        assert_eq!(vote.key.as_deref(), Some("k"));
        assert_eq!(parts(&vote), [("_key", "l")]);
    }

    #[test]
    fn a_vote_that_cannot_be_read_leaves_the_others_alone() {
        let json = br#"[{"a": 1}, [2], 3, "4", null, {"b": {"c": []}, "d": 5}, {"a": 1e400}, {"a": "\ud800"}, {}]"#;
        let votes = parse_array(json, LIMITS).unwrap();
        let no_object = Some(VoteItemError::NotAnObject);
        let no_text = |name: &str| Some(VoteItemError::NotAText(name.to_owned()));
        let expected = [
            None,
            no_object.clone(),
            no_object.clone(),
            no_object.clone(),
            no_object.clone(),
            no_text("b"),
            None,
            no_text("a"),
            None,
        ];
        assert_eq!(errors(&votes), expected);
        let lines = b"{\"a\": 1}\n\n{\"a\": \r\n{\"a\": \"\xFF\"}\n{\"a\": 2}";
        let votes = parse_lines(lines, LIMITS).unwrap();
        let expected = [None, no_object.clone(), no_object, None];
        assert_eq!(errors(&votes), expected);
    }

    #[test]
    fn a_form_is_a_vote_of_texts() {
        let vote = parse_form(b"a=x+%C3%A9&b=&a=y&_key=k&c", 9);
        let expected = [("a", "x é"), ("b", ""), ("a", "y"), ("c", "")];
        assert_eq!(parts(&vote), expected);
        assert_eq!((vote.key.as_deref(), vote.error), (Some("k"), None));
        let latin1 = parse_form(b"a=%E9&b=1", 9);
        let no_text = VoteItemError::NotAText("a".to_owned());
        assert_eq!(latin1.error, Some(no_text));
        let many = parse_form(b"a=1&b=2&c=3&d=4", 2);
        let third = VoteItemError::TooManyMembers("c".to_owned());
        assert_eq!((parts(&many).len(), many.error), (2, Some(third)));
        assert_eq!(parse_form(b"", 9).answers.parts.len(), 0);
    }

    #[test]
    fn votes_and_members_are_bounded() {
        let two = VoteLimits {
            votes: 2,
            members: 2,
        };
        assert_eq!(parse_array(b"[{}, {}]", two).unwrap().len(), 2);
        assert_eq!(parse_lines(b"{}\n{}\n", two).unwrap().len(), 2);
        for refused in [
            parse_array(b"[{}, {}, {}]", two),
            parse_lines(b"{}\n{}\n{}", two),
        ] {
            assert_eq!(refused.unwrap_err(), VoteListError::TooMany);
        }
        for json in ["", "{}", "[", "[{}", "[{}] x", "[{\"a\": \u{1}}]"] {
            let refused = parse_array(json.as_bytes(), LIMITS).unwrap_err();
            assert_eq!(refused, VoteListError::NotAnArray, "{json}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse_array(deep.as_bytes(), LIMITS).is_err());
        assert!(parse_vote(deep.as_bytes(), 9).error.is_some());
        let many = parse_vote(br#"{"a": 1, "b": 2, "c": 3, "d": 4}"#, 2);
        let third = VoteItemError::TooManyMembers("c".to_owned());
        assert_eq!((parts(&many).len(), many.error), (2, Some(third)));
        assert!(parse_vote(b"{\"a\": \"text\"}", 9).size() > 100);
    }
}
