//! What a photo must be, proved on real files of every kind and on hostile bytes.
//! All pictures are drawn for the purpose: gradients of a few hundred bytes, no one's photo.
#![expect(clippy::unwrap_used, reason = "a test may fail by panic")]

mod cleaning;
mod hostile;
mod refusing;
mod samples;
