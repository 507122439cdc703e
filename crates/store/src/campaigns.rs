//! Stores the data of a campaign that are not in its file: early closures, consent texts, rejection counts.

mod closures;
mod consents;
mod rejections;
