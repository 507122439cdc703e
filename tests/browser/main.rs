//! What people see and do, in a real browser on the real binary: on a phone and on a desk, with JavaScript and
//! without, on a network that fails, and with assistive technology (axe-core).

#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

#[expect(dead_code, reason = "other tests use the rest of it")]
#[path = "../support/mod.rs"]
mod support;

mod accessibility;
mod desk;
mod registering;
mod reports;
mod resending;
mod staff;
mod totals;
mod window;
