//! A stream of Redis with one group of consumers.

pub(crate) mod acknowledger;
pub(crate) mod admin;
mod connection;
pub(crate) mod consumer;
mod entries;
pub(crate) mod observer;
pub(crate) mod producer;
