//! Jornada: takes in what a whole town sends on one day, and loses nothing of it.
//!
//! # The floors
//!
//! Each module may use only those below it; [`config`], [`key`] and [`telemetry`] stand at the side.
//!
//! | floor | modules | what it knows |
//! |---|---|---|
//! | roles | [`cli`], [`web`], [`watch`], [`load`] | HTTP, mail, signals, the command line |
//! | composition | [`app`] | what every door needs, connected; background tasks |
//! | work | [`intake`], [`report`], [`tally`], [`staff`], [`admission`] | the way of a registration; lists; totals; who may see them; who may come in |
//! | stores | [`store`], [`photo`], [`campaigns`] | where registrations, photos and campaign files are |
//! | rules | [`domain`] | campaigns, answers, identity: pure, without clock, network or files |
//!
//! Nothing in `domain` or `store` assumes a photo, a person or HTTP: votes over gRPC and a queue are to come in by the
//! same [`intake`].
//!
//! # The way of a registration
//!
//! A door ([`web`]: the form, the API) reads the request within bounds. [`domain::Campaign::admit`] judges and
//! normalises the answers, [`photo::inspect`] the photo. The id is an HMAC of the unique answer, or of the request's
//! key ([`domain::RegistrationId`]), so that a retry has the same id on every instance. The photo is kept first, then
//! the registration, whose `_id` lets the database decide who was first. Only then is the receipt given: what was
//! acknowledged survives the loss of any one process.
//!
//! # Totals
//!
//! One instance at a time follows the store's feed ([`tally::follow`]) and moves totals and position in one step, so a
//! crash at any point leaves them exact. Every instance shows them from memory ([`tally::board`]).
//!
//! # The staff
//!
//! Who may what is decided by pure rules ([`domain::staff`]) on accounts, sessions and tokens that the store keeps: a
//! change is taken only by the state that it was decided on, so that links and codes are used once and what is revoked
//! is revoked on every instance. [`web::staff::table`] is both the staff area's router and the list of who may. Every look is
//! written down before it is shown ([`staff::Audit`]), in a chain that is sealed under a key which the store has not.
//!
//! # What is forgotten
//!
//! A deletion leaves a tombstone in the same transaction that moves the totals; the photo follows
//! ([`intake::remover`]). What is over is erased by the sweep ([`retention`]). Photos and the files of reports are sealed
//! before they leave the process ([`photo::seal`]), under keys that change without a photo being touched.
//!
//! # Reports
//!
//! A report is a job in the store ([`domain::Job`]): any instance takes it ([`report::worker`]), notes its progress,
//! brings the file to the object store and only then says that it is done. An instance that falls silent is followed
//! by another, and what it still says of the job counts no more. Lists are read and written by threads that give way
//! to all others.
//!
//! # Back ends
//!
//! Each pair is an enum and answers one contract: [`store::Store`] (SQLite, MongoDB; `tests/store`), [`photo::Photos`]
//! (disk, S3) and [`tally::Tally`] (memory, Redis; both `tests/pairs`).

pub mod admission;
pub mod app;
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
