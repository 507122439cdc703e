//! Inspection of photos, with real files of every kind and with hostile bytes.
//! All images are drawn for the purpose: gradients of a few hundred bytes, no real person's photo.
#![expect(clippy::unwrap_used, reason = "a test may fail by panic")]

mod cleaning;
mod documented;
mod hidden;
mod hostile;
mod incomplete;
mod refusing;
mod repairing;
mod samples;
