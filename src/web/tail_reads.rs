//! Limits the audit entries of those who follow the votes live: a page that polls every two seconds leaves one entry a
//! minute instead of thirty.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use jornada_domain::CampaignId;

/// Minimum time between two entries of one reader about one campaign.
const MIN_INTERVAL: SignedDuration = SignedDuration::from_mins(1);

/// Maximum number of readers that are remembered. Those beyond leave an entry each time.
const MAX_READERS: usize = 1_000;

/// Remembers when each reader left the last entry about a campaign.
#[derive(Debug, Default)]
pub struct TailReads(Mutex<HashMap<(String, CampaignId), Timestamp>>);

impl TailReads {
    /// Returns whether this read is to be recorded.
    pub fn admit(&self, actor: String, campaign: &CampaignId, now: Timestamp) -> bool {
        let is_recent = |last: &Timestamp| now.duration_since(*last).abs() < MIN_INTERVAL;
        let mut readers = self.0.lock();
        let key = (actor, campaign.clone());
        if readers.get(&key).is_some_and(is_recent) {
            return false;
        }
        if readers.len() >= MAX_READERS {
            readers.retain(|_, last| is_recent(last));
        }
        if readers.len() < MAX_READERS {
            readers.insert(key, now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_leaves_an_entry_a_minute() {
        let reads = TailReads::default();
        let campaign = CampaignId::parse("urna").unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let admit = |actor: &str, second| reads.admit(actor.to_owned(), &campaign, at(second));
        assert!(admit("a", 0) && !admit("a", 59) && admit("b", 59) && admit("a", 60));
        for reader in 0..2 * MAX_READERS {
            assert!(admit(&format!("r{reader}"), 60));
        }
        assert!(reads.0.lock().len() <= MAX_READERS);
    }
}
