//! The pages of the real binary in a real browser: on phones and desktops, with and without JavaScript, on failing
//! networks, and checked for accessibility (axe-core).

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod accessibility;
mod photos;
mod registering;
mod reports;
mod resending;
mod results;
mod reviewing;
mod staff;
mod staff_pages;
mod totals;
mod vote_pages;
mod voting;
mod window;
