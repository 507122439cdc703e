//! A topic of Kafka, through librdkafka.

pub(crate) mod admin;
mod batch_builder;
mod config;
pub(crate) mod consumer;
mod delivery;
mod group_member;
pub(crate) mod observer;
pub(crate) mod pending_batches;
pub(crate) mod producer;
mod quiet;
mod watchdog;
