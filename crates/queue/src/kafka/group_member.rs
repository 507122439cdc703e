//! A member of the group of consumers: stores and commits before it gives partitions up.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use tracing::{debug, info, warn};

use super::pending_batches::{NextOffsets, PendingBatches};
use crate::metrics::ConsumerMetrics;

/// Time for the batches in flight when partitions are revoked. Below the session's timeout.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Shortest time between two log lines of errors.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// The client of a member.
pub(super) type GroupMember = BaseConsumer<MemberContext>;

/// Called back by the client, in the thread that polls it.
pub(super) struct MemberContext {
    topic: String,
    pending: PendingBatches,
    metrics: ConsumerMetrics,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    revoked: Vec<i32>,
    without_space_since: Option<Instant>,
    is_paused: bool,
    last_logged: Option<Instant>,
}

impl MemberContext {
    pub(super) fn new(topic: &str, pending: PendingBatches, metrics: ConsumerMetrics) -> Self {
        Self {
            topic: topic.to_owned(),
            pending,
            metrics,
            state: Mutex::default(),
        }
    }

    /// Commits offsets, if there are any. Failures are harmless: the records are read again and found to be stored.
    pub(super) fn commit(&self, member: &GroupMember, offsets: &NextOffsets) {
        if offsets.is_empty() {
            return;
        }
        let offsets = offsets.iter().map(|(partition, offset)| {
            let place = (self.topic.clone(), *partition);
            (place, Offset::Offset(*offset))
        });
        let offsets: HashMap<_, _> = offsets.collect();
        let list = TopicPartitionList::from_topic_map(&offsets);
        let timer = self.metrics.commit_seconds.start_timer();
        // Waits for the broker: the client reports the failure of a commit in no other way.
        let committed = list.and_then(|list| member.commit(&list, CommitMode::Sync));
        timer.observe_duration();
        if let Err(error) = committed {
            self.log_error(&error);
        }
    }

    /// Returns the partitions that were revoked since the last call.
    pub(super) fn take_revoked(&self) -> Vec<i32> {
        std::mem::take(&mut self.state.lock().revoked)
    }

    /// Returns for how long no further batch could be read.
    pub(super) fn time_without_space(&self) -> Duration {
        let mut state = self.state.lock();
        let since = *state.without_space_since.get_or_insert_with(Instant::now);
        since.elapsed()
    }

    /// Stops the delivery of records. The client must be polled all the same, to stay a member of the group.
    pub(super) fn pause(&self, member: &GroupMember) {
        let paused = member.assignment().and_then(|all| member.pause(&all));
        let was_paused = std::mem::replace(&mut self.state.lock().is_paused, true);
        if !was_paused {
            warn!("the store takes no votes: reading from Kafka is paused");
        }
        if let Err(error) = paused {
            self.log_error(&error);
        }
    }

    /// Resumes the delivery if it was paused. Returns whether records may be read.
    pub(super) fn resume(&self, member: &GroupMember) -> bool {
        let mut state = self.state.lock();
        state.without_space_since = None;
        if !std::mem::take(&mut state.is_paused) {
            return true;
        }
        drop(state);
        info!("the store takes votes again: reading from Kafka goes on");
        let resumed = member.assignment().and_then(|all| member.resume(&all));
        resumed.inspect_err(|error| self.log_error(error)).is_ok()
    }

    /// Logs an error, but few in a row.
    pub(super) fn log_error(&self, error: &KafkaError) {
        let mut state = self.state.lock();
        let is_due = state
            .last_logged
            .is_none_or(|at| at.elapsed() > LOG_INTERVAL);
        if is_due {
            state.last_logged = Some(Instant::now());
            warn!("Kafka consumer: {error}");
        }
    }

    fn count(&self, kind: &str) {
        self.metrics.rebalances.with_label_values(&[kind]).inc();
    }

    /// Stores and commits what was read of partitions before another member reads them.
    fn give_up(&self, member: &GroupMember, revoked: &TopicPartitionList) {
        let partitions: Vec<i32> = revoked
            .elements()
            .iter()
            .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
            .collect();
        if member.assignment_lost() {
            self.count("lost");
        } else {
            self.count("revoked");
            self.pending.wait_for_fewer_than(1, DRAIN_TIMEOUT);
            let offsets = self.pending.take_stored();
            self.commit(member, &offsets);
        }
        self.pending.forget_partitions(&partitions);
        self.state.lock().revoked.extend(partitions);
    }
}

impl ClientContext for MemberContext {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        debug!("Kafka consumer: {facility}: {message}");
    }

    fn error(&self, error: KafkaError, _: &str) {
        self.log_error(&error);
    }
}

impl ConsumerContext for MemberContext {
    fn pre_rebalance(&self, member: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(_) => self.count("assigned"),
            Rebalance::Revoke(revoked) => self.give_up(member, revoked),
            Rebalance::Error(error) => self.log_error(error),
        }
    }
}
