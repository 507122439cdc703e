//! Dead letters: records of the vote queue that cannot become a vote.

use crate::error::Result;
use crate::handle::Store;
use crate::records::{
    Condition, FieldChange, Fields, InsertableRecord, Order, Query, ReadMode, Record, Table, Value,
};
use jornada_domain::dead_letter::{DeadLetter, DeadLetterId, DeadLetterPosition};
use jornada_domain::queue_record::QueueRecord;

/// Number up to which dead letters are counted.
pub const MAX_COUNTED_DEAD_LETTERS: u32 = 1_000_000;

const NEWEST: Order = &[("read_at", -1), ("id", -1)];

impl Record for DeadLetter {
    const TABLE: Table = Table {
        awaits_primary: true,
        ..Table::new("dead_letters", "id")
    };

    fn from_fields(mut fields: Fields) -> Result<Self> {
        Ok(Self {
            id: fields.take("id").map(DeadLetterId::from_bytes)?,
            reason: fields.parse("reason", |name| name.parse().ok())?,
            detail: fields.take("detail")?,
            record: QueueRecord {
                source: fields.take("source")?,
                partition: fields.take("partition")?,
                offset: fields.take("offset")?,
                key: fields.take("key")?,
                value: fields.take("value")?,
                value_bytes: fields.take("bytes")?,
                campaign: fields.take("campaign")?,
                door: fields.take("door")?,
                received_at: fields.take("received_at")?,
                appended_at: fields.take("appended_at")?,
            },
            read_at: fields.take("read_at")?,
        })
    }
}

impl InsertableRecord for DeadLetter {
    fn to_fields(&self) -> Fields {
        let QueueRecord {
            source,
            partition,
            offset,
            key,
            value,
            value_bytes,
            campaign,
            door,
            received_at,
            appended_at,
        } = &self.record;
        Fields::from([
            ("id", Value::from(*self.id.as_bytes())),
            ("reason", <&str>::from(self.reason).into()),
            ("detail", (&self.detail).into()),
            ("source", source.into()),
            ("partition", (*partition).into()),
            ("offset", offset.into()),
            ("key", key.as_ref().into()),
            ("value", value.into()),
            ("bytes", (*value_bytes).into()),
            ("campaign", campaign.as_ref().into()),
            ("door", door.as_ref().into()),
            ("received_at", received_at.as_ref().into()),
            ("appended_at", (*appended_at).into()),
            ("read_at", self.read_at.into()),
        ])
    }
}

impl Store {
    /// Inserts dead letters, as durably as votes. One that is there already stays as it is, so the call may be repeated.
    /// After an error some of them may be stored.
    pub async fn insert_dead_letters(&self, letters: Vec<DeadLetter>) -> Result<()> {
        let insert = self.insert_records(&letters);
        self.time("insert_dead_letters", insert).await
    }

    /// Stores another reason and detail of a dead letter, if it is still there.
    pub async fn update_dead_letter(&self, letter: &DeadLetter) -> Result<()> {
        let changes = [
            FieldChange::set("reason", <&str>::from(letter.reason)),
            FieldChange::set("detail", &letter.detail),
        ];
        let update = self.update_records::<DeadLetter>([has_id(letter.id)], changes);
        self.time("update_dead_letter", update).await.map(drop)
    }

    /// Returns up to `limit` dead letters after a position, or from the newest on, newest first. Letters that are added or
    /// deleted meanwhile do not shift the following pages.
    pub async fn dead_letters(
        &self,
        after: Option<DeadLetterPosition>,
        limit: u8,
    ) -> Result<Vec<DeadLetter>> {
        let find = async {
            let Some(DeadLetterPosition { read_at, id }) = after else {
                return self.newest(vec![], limit.into()).await;
            };
            let same_time = vec![
                Condition::is("read_at", read_at),
                Condition::below("id", *id.as_bytes()),
            ];
            let mut page = self.newest(same_time, limit.into()).await?;
            let rest = u32::from(limit).saturating_sub(u32::try_from(page.len()).unwrap_or(0));
            // MongoDB takes a limit of 0 for none.
            if rest > 0 {
                let earlier = vec![Condition::below("read_at", read_at)];
                page.extend(self.newest(earlier, rest).await?);
            }
            Ok(page)
        };
        self.time("dead_letters", find).await
    }

    async fn newest(&self, conditions: Vec<Condition>, limit: u32) -> Result<Vec<DeadLetter>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let query = Query::new(conditions).sort(NEWEST).limit(limit);
        self.find_records(query.read(ReadMode::Primary)).await
    }

    /// Returns a dead letter.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<DeadLetter>> {
        let query = Query::new([has_id(id)]).read(ReadMode::Primary);
        self.time("dead_letter", self.find_record(query)).await
    }

    /// Deletes a dead letter. Returns false if there is none.
    pub async fn delete_dead_letter(&self, id: DeadLetterId) -> Result<bool> {
        let delete = self.delete_records::<DeadLetter>([has_id(id)]);
        Ok(self.time("delete_dead_letter", delete).await? > 0)
    }

    /// Counts the dead letters, up to [`MAX_COUNTED_DEAD_LETTERS`].
    pub async fn count_dead_letters(&self) -> Result<u64> {
        let count = self.count_records::<DeadLetter>(MAX_COUNTED_DEAD_LETTERS);
        self.time("count_dead_letters", count).await
    }
}

fn has_id(id: DeadLetterId) -> Condition {
    Condition::is("id", *id.as_bytes())
}
