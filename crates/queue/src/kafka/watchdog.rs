//! Finds out whether a client stopped to deliver although records wait: librdkafka does so at times after a rebalance
//! (rust-rdkafka issue 413).

use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::group_member::GroupMember;

/// Timeout of each look at the broker.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Returns whether records wait in the partitions of a member that delivered none for some time. A broker that does not answer
/// explains the silence.
pub(super) fn is_stalled(member: &GroupMember) -> bool {
    records_wait(member).unwrap_or(false)
}

fn records_wait(member: &GroupMember) -> KafkaResult<bool> {
    let mut unread = TopicPartitionList::new();
    for element in member.position()?.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        match element.offset() {
            Offset::Offset(position) => {
                let (_, end) = member.fetch_watermarks(topic, partition, TIMEOUT)?;
                if position < end {
                    return Ok(true);
                }
            }
            _ => {
                unread.add_partition(topic, partition);
            }
        }
    }
    for element in member.committed_offsets(unread, TIMEOUT)?.elements() {
        let (topic, partition) = (element.topic(), element.partition());
        let (begin, end) = member.fetch_watermarks(topic, partition, TIMEOUT)?;
        let position = element.offset().to_raw().unwrap_or(begin).max(begin);
        if position < end {
            return Ok(true);
        }
    }
    Ok(false)
}
