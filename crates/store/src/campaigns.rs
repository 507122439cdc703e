//! What belongs to a campaign and is not in its file: early closures, consent texts, rejection counts.

mod closures;
mod consents;
mod rejections;
