//! Codec that checks how many items a message has before it decodes them: an empty vote takes two bytes on the wire and
//! a hundred in memory.

use std::marker::PhantomData;

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost::{DecodeError, Message};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstDecoder, ProstEncoder};

use crate::v1::{BatchOutcome, Outcome, Vote, VoteBatch};

/// Maximum number of votes in a batch.
pub const MAX_VOTES: usize = 10_000;

/// Maximum number of answers of a vote, more than any campaign has fields.
pub const MAX_ANSWERS: usize = 64;

const ANSWERS: u32 = 3;
const VOTES: u32 = 3;

/// A message with a limit of its items.
pub trait Bounded: Message + Default + Send + 'static {
    /// Returns whether an encoded message keeps the limits.
    fn is_within_limits(_encoded: &[u8]) -> Result<bool, DecodeError> {
        Ok(true)
    }
}

impl Bounded for Vote {
    fn is_within_limits(encoded: &[u8]) -> Result<bool, DecodeError> {
        let mut count = 0;
        each_item(encoded, ANSWERS, |_| {
            count += 1;
            Ok(count <= MAX_ANSWERS)
        })
    }
}

impl Bounded for VoteBatch {
    fn is_within_limits(encoded: &[u8]) -> Result<bool, DecodeError> {
        let mut count = 0;
        each_item(encoded, VOTES, |vote| {
            count += 1;
            Ok(count <= MAX_VOTES && Vote::is_within_limits(vote)?)
        })
    }
}

impl Bounded for Outcome {}

impl Bounded for BatchOutcome {}

/// Calls `check` for each item of a repeated field until it returns `false`, which is returned.
fn each_item(
    mut encoded: &[u8],
    field: u32,
    mut check: impl FnMut(&[u8]) -> Result<bool, DecodeError>,
) -> Result<bool, DecodeError> {
    while !encoded.is_empty() {
        let (number, kind) = decode_key(&mut encoded)?;
        if number != field || kind != WireType::LengthDelimited {
            skip_field(kind, number, &mut encoded, DecodeContext::default())?;
            continue;
        }
        let length = usize::try_from(decode_varint(&mut encoded)?).unwrap_or(usize::MAX);
        // A truncated message is left to the decoder, which has an error for it.
        let Some((item, rest)) = encoded.split_at_checked(length) else {
            return Ok(true);
        };
        if !check(item)? {
            return Ok(false);
        }
        encoded = rest;
    }
    Ok(true)
}

/// Like `ProstCodec`, with the limits of [`Bounded`].
#[derive(Clone, Copy, Debug)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Bounded> Codec for BoundedCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::default()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(ProstDecoder::default())
    }
}

/// Decoder of [`BoundedCodec`]. A message that breaks a limit, or is none, is an invalid argument.
#[derive(Clone, Debug)]
pub struct BoundedDecoder<U>(ProstDecoder<U>);

impl<U: Bounded> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let malformed = |_| Status::invalid_argument("malformed message");
        if !U::is_within_limits(buffer.chunk()).map_err(malformed)? {
            return Err(Status::invalid_argument(format!(
                "more than {MAX_VOTES} votes, or more than {MAX_ANSWERS} answers in a vote"
            )));
        }
        self.0
            .decode(buffer)
            .map_err(|_| Status::invalid_argument("malformed message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(answers: usize) -> Vote {
        let answers = (0..answers).map(|number| (number.to_string(), String::new()));
        Vote {
            campaign: "c".to_owned(),
            idempotency_key: "key".to_owned(),
            answers: answers.collect(),
        }
    }

    fn batch(votes: usize, answers: usize) -> VoteBatch {
        let mut batch = VoteBatch {
            campaign: "c".to_owned(),
            votes: vec![Vote::default(); votes - 1],
            ..VoteBatch::default()
        };
        batch.votes.push(vote(answers));
        batch
    }

    #[test]
    fn the_number_of_votes_and_answers_is_bounded() {
        for (votes, answers, is_allowed) in [
            (1, 0, true),
            (MAX_VOTES, MAX_ANSWERS, true),
            (MAX_VOTES + 1, 0, false),
            (2, MAX_ANSWERS + 1, false),
        ] {
            let encoded = batch(votes, answers).encode_to_vec();
            let checked = VoteBatch::is_within_limits(&encoded).unwrap();
            assert_eq!(checked, is_allowed, "{votes} votes, {answers} answers");
        }
        assert!(Vote::is_within_limits(&vote(MAX_ANSWERS).encode_to_vec()).unwrap());
        assert!(!Vote::is_within_limits(&vote(MAX_ANSWERS + 1).encode_to_vec()).unwrap());
    }

    #[test]
    fn a_truncated_message_never_panics() {
        let encoded = batch(3, 2).encode_to_vec();
        for end in 0..encoded.len() {
            let _ = VoteBatch::is_within_limits(&encoded[..end]);
            let _ = Vote::is_within_limits(&encoded[..end]);
        }
    }
}
