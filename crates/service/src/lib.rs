//! All use cases, without HTTP: admission, registrations, votes, retention, totals, reports, staff.
//! Every entry point (form, API, staff pages, command line) calls this crate. Start reading at [`registrations::Registrations`].

#[macro_use]
extern crate jornada_runtime;

pub mod admission;
pub mod backup;
pub mod batcher;
pub mod campaigns;
pub mod csv_guard;
pub mod key;
pub mod registrations;
pub mod reports;
pub mod retention;
pub mod staff;
pub mod tally;
pub mod votes;
