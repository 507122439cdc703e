//! Retention periods of answers and photos, in days after the end of the campaign.

/// Maximum retention period in days: ten years.
pub const MAX_DAYS: usize = 3_653;

/// Retention periods in days after the end of a campaign. Without a number, data stay until somebody deletes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Retention of complete registrations.
    pub answers_days: Option<u16>,
    /// Retention of photos, never longer than that of the answers.
    pub photos_days: Option<u16>,
}
