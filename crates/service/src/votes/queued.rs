//! Votes in the queue: the record that a door sends, and how a record of any program becomes a vote. A record is judged as
//! a vote at a door, except that its key may be an id, and that only a record without a time of receipt must have come while
//! its campaign was open.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use jiff::Timestamp;
use serde::Serializer;
use serde::ser::SerializeMap;

use crate::campaigns::Campaigns;
use crate::key::InstallationSecret;
use crate::registrations::closure_cache::ClosureCache;
use jornada_domain::dead_letter::DeadLetterReason;
use jornada_domain::json_object::{NotAnObject, read_members, read_text};
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::queue_record::{MAX_VALUE_BYTES, QueueRecord};
use jornada_domain::vote::QueuePlace;
use jornada_domain::{
    Campaign, Door, FieldError, FormData, IdempotencyKey, RegistrationId, ValidationError, Vote,
};
use jornada_store::NewVote;

/// Members beside the answers. No field has such a name: names begin with a letter.
const CAMPAIGN: &str = "_campaign";
const DOOR: &str = "_door";
const RECEIVED_AT: &str = "_received_at";
const INSTANCE: &str = "_instance";

/// Maximum length of the name of an instance in bytes. Longer ones, of other programs, are not kept.
const MAX_INSTANCE_BYTES: usize = 64;

/// Name of the whole vote and of its key in details.
const VOTE: &str = "vote";
const KEY: &str = "key";

/// Size of the JSON of most votes, in bytes.
const USUAL_BYTES: usize = 256;

/// Why a record cannot become a vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: DeadLetterReason,
    /// Names of fields and codes of their mistakes, never values.
    pub detail: String,
}

/// Judges records of the queue. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VoteJudge {
    campaigns: Campaigns,
    /// The campaign of records that name none.
    only_campaign: Option<Arc<Campaign>>,
    /// Maximum number of answers that are read: one more than any campaign has fields.
    max_answers: usize,
    closures: ClosureCache,
    secret: InstallationSecret,
}

impl VoteJudge {
    /// Creates a judge for the campaigns of this installation.
    pub fn new(campaigns: Campaigns, closures: ClosureCache, secret: InstallationSecret) -> Self {
        let fields = campaigns.iter().map(|campaign| campaign.fields.len());
        Self {
            only_campaign: find_only_campaign(&campaigns),
            max_answers: fields.max().unwrap_or(0) + 1,
            campaigns,
            closures,
            secret,
        }
    }

    /// Converts a record to a vote, as it is read at `now`. Neither waits nor writes.
    pub fn judge(&self, record: &QueueRecord, now: Timestamp) -> Result<NewVote, Refusal> {
        if record.is_cut() || record.value.len() > MAX_VALUE_BYTES {
            let size = format!("{} bytes", record.value_bytes);
            return Err(Refusal::new(DeadLetterReason::TooLarge, size));
        }
        let sent = SentMembers::read(&record.value, self.max_answers).map_err(|NotAnObject| {
            let error = FieldError::new(VOTE, ValidationError::NotAnObject);
            Refusal::of_errors(DeadLetterReason::NotJson, &[error])
        })?;
        if !sent.errors.is_empty() {
            return Err(Refusal::invalid(&sent.errors));
        }
        let campaign = self.find_campaign(sent.campaign, record.campaign.as_deref())?;
        let id = self.identify(record.key.as_deref(), campaign)?;
        let door = read_door(sent.door, record.door.as_deref());
        let received_at = read_time(sent.received_at, record.received_at.as_deref())?;
        let received_at =
            received_at.map_or_else(|| self.require_open(campaign, record, now), Ok)?;
        let answers = campaign.validate(&sent.answers);
        let answers = answers.map_err(|errors| Refusal::invalid(&errors))?;
        Ok(NewVote {
            campaign: Arc::clone(campaign),
            vote: Vote {
                id,
                campaign: campaign.id.clone(),
                answers,
                received_at: truncate_to_ms(received_at),
                door,
                instance: sent.instance.and_then(read_instance),
            },
            queue_place: Some(QueuePlace {
                partition: record.partition,
                offset: record.offset.clone(),
            }),
        })
    }

    fn find_campaign(
        &self,
        member: Option<Cow<'_, str>>,
        header: Option<&[u8]>,
    ) -> Result<&Arc<Campaign>, Refusal> {
        let Some((_, id)) = choose((CAMPAIGN, member), ("campaign", header)) else {
            let only = self.only_campaign.as_ref();
            return only.ok_or_else(|| Refusal::new(DeadLetterReason::NoCampaign, String::new()));
        };
        let campaign = self.campaigns.get(&id);
        let unknown = || Refusal::new(DeadLetterReason::UnknownCampaign, String::new());
        let campaign = campaign.ok_or_else(unknown)?;
        if campaign.is_vote() {
            Ok(campaign)
        } else {
            let id = campaign.id.to_string();
            Err(Refusal::new(DeadLetterReason::OtherKind, id))
        }
    }

    /// Returns the id that is the key, or is derived from it.
    fn identify(&self, key: Option<&[u8]>, campaign: &Campaign) -> Result<RegistrationId, Refusal> {
        let key = key.filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| Refusal::new(DeadLetterReason::NoId, String::new()))?;
        let text = str::from_utf8(key).unwrap_or_default();
        if let Some(id) = RegistrationId::parse(text) {
            return Ok(id);
        }
        let derive = |key: IdempotencyKey| {
            let secret = self.secret.expose();
            RegistrationId::derive_for_vote(secret, &campaign.id, key.as_str())
        };
        IdempotencyKey::parse(text).map(derive).ok_or_else(|| {
            let error = FieldError::new(KEY, ValidationError::BadKey);
            Refusal::of_errors(DeadLetterReason::BadId, &[error])
        })
    }

    /// Returns when the broker received a record that no door has judged, if its campaign was open then.
    fn require_open(
        &self,
        campaign: &Campaign,
        record: &QueueRecord,
        now: Timestamp,
    ) -> Result<Timestamp, Refusal> {
        let received_at = record.appended_at.unwrap_or(now);
        if (campaign.opens_at..self.closures.closes_at(campaign)).contains(&received_at) {
            return Ok(received_at);
        }
        let id = campaign.id.to_string();
        Err(Refusal::new(DeadLetterReason::Closed, id))
    }
}

fn find_only_campaign(campaigns: &Campaigns) -> Option<Arc<Campaign>> {
    let mut votes = campaigns.iter().filter(|campaign| campaign.is_vote());
    let first = votes.next()?;
    votes.next().is_none().then(|| Arc::clone(first))
}

impl Refusal {
    pub(super) fn new(reason: DeadLetterReason, detail: String) -> Self {
        Self { reason, detail }
    }

    fn invalid(errors: &[FieldError]) -> Self {
        Self::of_errors(DeadLetterReason::Invalid, errors)
    }

    fn of_errors(reason: DeadLetterReason, errors: &[FieldError]) -> Self {
        let errors = errors.iter();
        let errors = errors.map(|error| format!("{}: {}", error.field, error.error.code()));
        Self::new(reason, errors.collect::<Vec<_>>().join(", "))
    }
}

/// The members of a record.
#[derive(Debug, Default)]
struct SentMembers<'a> {
    answers: FormData,
    campaign: Option<Cow<'a, str>>,
    door: Option<Cow<'a, str>>,
    received_at: Option<Cow<'a, str>>,
    instance: Option<Cow<'a, str>>,
    errors: Vec<FieldError>,
}

impl<'a> SentMembers<'a> {
    /// Reads up to `max_answers` answers: beyond the fields of the campaign one is unknown or repeated.
    fn read(json: &'a [u8], max_answers: usize) -> Result<Self, NotAnObject> {
        let mut sent = Self::default();
        read_members(json, |name, value| {
            let Some(text) = read_text(value) else {
                return sent.refuse(&name, ValidationError::NotAText);
            };
            let slot = match &*name {
                CAMPAIGN => &mut sent.campaign,
                DOOR => &mut sent.door,
                RECEIVED_AT => &mut sent.received_at,
                INSTANCE => &mut sent.instance,
                _ if sent.answers.parts.len() < max_answers => {
                    let answer = (name.into_owned(), text.into_owned());
                    return sent.answers.parts.push(answer);
                }
                _ => return,
            };
            if slot.replace(text).is_some() {
                sent.refuse(&name, ValidationError::Repeated);
            }
        })?;
        Ok(sent)
    }

    /// Records an error, the first few.
    fn refuse(&mut self, name: &str, error: ValidationError) {
        if self.errors.len() < 10 {
            self.errors.push(FieldError::new(name, error));
        }
    }
}

/// Returns the id of the campaign that a record names, if any; it may be any text.
pub fn named_campaign(record: &QueueRecord) -> Option<Cow<'_, str>> {
    let sent = SentMembers::read(&record.value, 0).unwrap_or_default();
    let named = choose(
        (CAMPAIGN, sent.campaign),
        ("campaign", record.campaign.as_deref()),
    );
    named.map(|(_, id)| id)
}

/// Returns name and text of a member, or else those of a header. Null and empty texts are missing.
fn choose<'a>(
    (name, member): (&'static str, Option<Cow<'a, str>>),
    (header_name, header): (&'static str, Option<&'a [u8]>),
) -> Option<(&'static str, Cow<'a, str>)> {
    let member = member.filter(|text| !text.is_empty());
    let member = member.map(|text| (name, text));
    member.or_else(|| {
        let header = header.filter(|bytes| !bytes.is_empty());
        header.map(|bytes| (header_name, String::from_utf8_lossy(bytes)))
    })
}

/// Returns the door. Programs that write to the queue may have names of their own for theirs; an import writes none.
fn read_door(member: Option<Cow<'_, str>>, header: Option<&[u8]>) -> Door {
    let sent = choose((DOOR, member), ("door", header));
    let door = sent.and_then(|(_, text)| text.parse().ok());
    let door = door.filter(|door| *door != Door::Import);
    door.unwrap_or(Door::Queue)
}

/// Returns the name of the instance, unless it is none that an instance can have.
fn read_instance(name: Cow<'_, str>) -> Option<Arc<str>> {
    let is_name =
        (1..=MAX_INSTANCE_BYTES).contains(&name.len()) && !name.contains(char::is_control);
    is_name.then(|| name.into())
}

/// Reads milliseconds since 1970 UTC, or a time of RFC 3339.
fn read_time(
    member: Option<Cow<'_, str>>,
    header: Option<&[u8]>,
) -> Result<Option<Timestamp>, Refusal> {
    let Some((name, text)) = choose((RECEIVED_AT, member), ("received_at", header)) else {
        return Ok(None);
    };
    let time = match text.parse() {
        Ok(millisecond) => Timestamp::from_millisecond(millisecond).ok(),
        Err(_) => text.parse().ok(),
    };
    time.map(Some).ok_or_else(|| {
        let range = ValidationError::NotInRange {
            min: Timestamp::MIN.as_millisecond(),
            max: Timestamp::MAX.as_millisecond(),
        };
        Refusal::invalid(&[FieldError::new(name, range)])
    })
}

/// Returns key and value of the record that a door sends for a valid vote. [`VoteJudge::judge`] makes the same vote of it.
///
/// # Panics
/// Never: texts and numbers are always JSON.
pub fn encode(vote: &NewVote) -> ([u8; 32], Vec<u8>) {
    let NewVote { campaign, vote, .. } = vote;
    let mut key = [0; 32];
    HEXLOWER.encode_mut(vote.id.as_bytes(), &mut key);
    let mut json = Vec::with_capacity(USUAL_BYTES);
    write_value(&mut json, campaign, vote).expect("texts and numbers are always JSON");
    (key, json)
}

fn write_value(json: &mut Vec<u8>, campaign: &Campaign, vote: &Vote) -> serde_json::Result<()> {
    let mut serializer = serde_json::Serializer::new(json);
    let mut members = serializer.serialize_map(None)?;
    for (name, text) in vote.answers.named(campaign) {
        members.serialize_entry(name, text)?;
    }
    members.serialize_entry(CAMPAIGN, vote.campaign.as_str())?;
    members.serialize_entry(DOOR, <&str>::from(vote.door))?;
    members.serialize_entry(RECEIVED_AT, &vote.received_at.as_millisecond())?;
    if let Some(instance) = &vote.instance {
        members.serialize_entry(INSTANCE, &**instance)?;
    }
    members.end()
}
