//! Contracts of the other two pairs of back ends: photos and files on disk and in S3, totals in memory and in Redis.
#![expect(clippy::unwrap_used, reason = "a test may end where it fails")]

mod files;
mod follow;
mod live;
mod many_campaigns;
mod photos;
mod tally;
