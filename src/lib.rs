//! Jornada takes in what people send on the day of a campaign, stores it without loss or duplicates, and shows the
//! results.
//!
//! # Layers
//!
//! Each module uses only modules of its own layer and of those below. [`config`] reads the environment and fills the
//! settings structs of the other modules.
//!
//! | layer | modules | what it knows |
//! |---|---|---|
//! | application | [`cli`], [`app`], [`web`], [`watch`], [`load`], [`config`] | HTTP, mail, signals, the command line |
//! | services | [`admission`], [`intake`], [`retention`], [`tally`], [`report`], [`staff`], [`campaigns`], [`key`] | all use cases, without HTTP |
//! | stores | [`store`], [`photo`] | database, object store, encryption |
//! | runtime | [`telemetry`], [`cache`], [`messages`], [`background`] | logs, metrics, Redis, texts, loops |
//! | rules | [`domain`], [`photo::inspect`] | campaigns, answers, identity, photos: no clock, network or files |
//!
//! # The way of a registration
//!
//! A door ([`web`]: form or API) reads the request within limits and asks [`admission`] whether the client may submit.
//! [`domain::Campaign::validate`] validates and normalises the answers, [`photo::inspect`] the photo. The id is an HMAC of
//! the unique answer, or of the idempotency key ([`domain::RegistrationId`]), so a retry has the same id on every instance.
//! [`intake`] stores the photo first, then the registration; the unique `_id` in the database decides which of two
//! concurrent requests is first. The receipt is returned only then: an acknowledged registration survives the loss of any
//! process.
//!
//! # Totals
//!
//! One instance at a time follows the store's feed ([`tally::follower`]) and updates totals and position in one atomic step,
//! so a crash at any point leaves them exact. Every instance serves them from memory ([`tally::live_totals`]).
//!
//! # Staff
//!
//! Pure rules ([`domain::staff`]) decide who may do what, based on accounts, sessions and tokens in the store. A change is
//! applied only to the state that it was decided on, so links and codes work once, and a revocation holds on every
//! instance. [`web::staff::table`] is both the router of the staff area and its table of permissions. Each access to
//! personal data is written to the audit log ([`staff::AuditLog`]) before the data is shown; entries are chained by an HMAC
//! whose key is not in the database.
//!
//! # Retention
//!
//! A deletion leaves a tombstone in the transaction that changes the totals; the photo follows ([`intake::photo_deleter`]).
//! [`retention`] deletes expired data. Photos and report files are encrypted before they leave the process
//! ([`photo::encryption`]); keys can be rotated without rewriting photos.
//!
//! # Reports
//!
//! A report is a job in the store ([`domain::Job`]). Any instance claims it ([`report::worker`]), sends heartbeats, uploads
//! the file and then marks the job as done. If an instance stops sending heartbeats, another one claims the job, and updates
//! by the first are rejected. Reports are read and written by low-priority threads.
//!
//! # Back ends
//!
//! Each pair is an enum with one contract test: [`store::Store`] (SQLite, MongoDB; `tests/store`), [`photo::ObjectStore`]
//! (disk, S3) and [`tally::Tally`] (memory, Redis; both `tests/pairs`).

#[macro_use]
pub mod messages;

pub mod admission;
pub mod app;
pub mod background;
pub mod blocking;
pub mod cache;
pub mod campaigns;
pub mod cli;
pub mod config;
pub mod csv_guard;
pub mod domain;
pub mod intake;
pub mod key;
pub mod load;
pub mod low_priority;
pub mod photo;
pub mod report;
pub mod retention;
pub mod staff;
pub mod store;
pub mod tally;
pub mod telemetry;
pub mod watch;
pub mod web;
