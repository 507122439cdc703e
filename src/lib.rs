//! Jornada stores the registrations that people send to a campaign, without loss or duplicates, and shows the totals.
//!
//! # Crates
//!
//! This crate is the application. `docs/architecture.md` shows which crate may use which.
//!
//! | crate | what it knows |
//! |---|---|
//! | `jornada`: [`cli`], [`config`], [`app`], [`web`], [`grpc`], [`consume`], [`load`] | HTTP, gRPC, signals, the command line, the environment |
//! | [`jornada_watch`] | probes, incidents, mails |
//! | [`jornada_http`] | pages, headers, uploads: shared by site and watcher |
//! | [`jornada_service`] | all use cases, without HTTP |
//! | [`jornada_store`], [`jornada_objects`] | database; encryption and object store |
//! | [`jornada_queue`] | Kafka and Redis Streams |
//! | [`jornada_runtime`] | logs, metrics, Redis, loops |
//! | [`jornada_domain`], [`jornada_photo`] | campaigns, answers, identity; photos: no clock, network or files |
//!
//! [`config`] reads the environment and fills the settings structs of the crates.
//!
//! # The path of a registration
//!
//! An entry point ([`web`]: form or API) reads the request within limits and asks [`jornada_service::admission`] whether the client may submit.
//! [`Campaign::validate`] validates and normalises the answers, [`jornada_photo`] the photo. The id is an HMAC of
//! the unique answer, or of the idempotency key ([`RegistrationId`]), so a retry has the same id on every instance.
//! [`registrations`] stores the photo first, then the registration; the unique id in the database decides which of two
//! concurrent requests is first. The receipt is returned only after that: an acknowledged registration survives the loss of any
//! process.
//!
//! # Totals
//!
//! Each write stores the change of the counts (a delta) in its own transaction. One instance at a time follows the deltas
//! of all campaigns ([`follower`]) and updates counts and position in one atomic step, so a crash at any point leaves them
//! exact. Every instance serves them from memory ([`live_totals`]).
//!
//! # Staff
//!
//! Pure rules ([`jornada_domain::staff`]) decide who may do what, based on accounts, sessions and tokens in the store. A change is
//! applied only if the record has not changed since it was read, so links and codes work once, and a revocation holds on every
//! instance. [`web::staff::table`] is both the router of the staff area and its table of permissions. Each access to
//! personal data is written to the audit log ([`AuditLog`]) before the data is shown; entries are chained by an HMAC
//! whose key is not in the database.
//!
//! # Retention
//!
//! A deletion leaves a tombstone in the transaction that changes the totals; the photo is deleted afterwards ([`photo_deleter`]).
//! [`retention`] deletes expired data. Photos and report files are encrypted before they leave the process
//! ([`encryption`]); keys can be rotated without rewriting photos.
//!
//! # Reports
//!
//! A report is a job in the store ([`ReportJob`]). Any instance claims it ([`worker`]), sends heartbeats, uploads
//! the file and then marks the job as done. If an instance stops sending heartbeats, another one claims the job, and updates
//! by the first are rejected. Reports are read and written by low-priority threads.
//!
//! # Back ends
//!
//! Each has two back ends, which must pass the same tests: [`Store`] (SQLite, MongoDB; `tests/store`), [`ObjectStore`]
//! (disk, S3) and [`TallyCache`] (memory, Redis; both `tests/pairs`).
//!
//! [`AuditLog`]: jornada_service::staff::AuditLog
//! [`Campaign::validate`]: jornada_domain::Campaign::validate
//! [`ReportJob`]: jornada_domain::ReportJob
//! [`ObjectStore`]: jornada_objects::ObjectStore
//! [`RegistrationId`]: jornada_domain::RegistrationId
//! [`Store`]: jornada_store::Store
//! [`TallyCache`]: jornada_service::tally::TallyCache
//! [`encryption`]: jornada_objects::encryption
//! [`follower`]: jornada_service::tally::follower
//! [`live_totals`]: jornada_service::tally::live_totals
//! [`photo_deleter`]: jornada_service::registrations::photo_deleter
//! [`registrations`]: jornada_service::registrations
//! [`retention`]: jornada_service::retention
//! [`worker`]: jornada_service::reports::worker

#[macro_use]
extern crate jornada_runtime;

pub mod app;
pub mod cli;
pub mod config;
pub mod consume;
pub mod grpc;
pub mod load;
pub mod web;
