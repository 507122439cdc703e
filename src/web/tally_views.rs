//! The public views of the tallies of each campaign, made once for all clients when the counts change.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use jornada_domain::tally::{MergedTally, Others, PublicTally};
use jornada_domain::{Campaign, CampaignId, Tally};
use jornada_service::tally::live_totals::TotalsView;

/// The last views of each campaign.
#[derive(Debug)]
pub struct TallyViews(HashMap<CampaignId, Mutex<Option<Arc<CampaignViews>>>>);

/// The views of one campaign at one time.
#[derive(Debug)]
pub struct CampaignViews {
    totals: Arc<TotalsView>,
    /// One for each public tally, in their order; `None` while it is not counted.
    pub tallies: Vec<Option<TallyView>>,
    /// The chart as JSON, once it was asked for.
    pub chart_json: OnceLock<Bytes>,
}

/// The view of one tally.
#[derive(Clone, Debug)]
pub struct TallyView {
    /// When the counts were last known to be complete.
    pub as_of: Timestamp,
    /// Whether `as_of` is so old that the counts may have changed.
    pub stale: bool,
    /// Exact counts, for views of one value.
    pub merged: Arc<MergedTally>,
    /// What everyone may see.
    pub public: Arc<PublicTally>,
    /// Entity tag of the whole view.
    pub etag: String,
}

impl TallyViews {
    /// Creates an empty cache for these campaigns.
    pub fn new<'a>(campaigns: impl Iterator<Item = &'a CampaignId>) -> Self {
        let empty = |id: &CampaignId| (id.clone(), Mutex::default());
        Self(campaigns.map(empty).collect())
    }

    /// Returns the views of these totals; makes them if they are not those of the last call.
    pub fn of(&self, campaign: &Campaign, totals: &Arc<TotalsView>) -> Arc<CampaignViews> {
        let Some(last) = self.0.get(&campaign.id) else {
            return Arc::new(CampaignViews::new(campaign, totals, None));
        };
        let mut last = last.lock();
        match &*last {
            Some(known) if Arc::ptr_eq(&known.totals, totals) => Arc::clone(known),
            known => {
                let views = CampaignViews::new(campaign, totals, known.as_deref());
                Arc::clone(last.insert(Arc::new(views)))
            }
        }
    }
}

impl CampaignViews {
    /// Makes the views. Keeps those of `last` if only the time differs.
    fn new(campaign: &Campaign, totals: &Arc<TotalsView>, last: Option<&Self>) -> Self {
        let same = last.filter(|last| last.totals.counts == totals.counts);
        let view = |(index, tally): (usize, &Tally)| {
            let known = same.and_then(|last| last.tallies.get(index)?.as_ref());
            match known {
                Some(known) => Some(known.at(totals)),
                None => TallyView::new(campaign, tally, totals),
            }
        };
        Self {
            totals: Arc::clone(totals),
            tallies: campaign.public_tallies().enumerate().map(view).collect(),
            chart_json: OnceLock::new(),
        }
    }

    /// Returns the view of the first tally, which is the chart.
    pub fn chart(&self) -> Option<&TallyView> {
        self.tallies.first()?.as_ref()
    }
}

impl TallyView {
    fn new(campaign: &Campaign, tally: &Tally, totals: &TotalsView) -> Option<Self> {
        let counts = totals.tally_counts(tally)?;
        let merged = MergedTally::new(&campaign.fields, tally, counts);
        let public = PublicTally::new(&campaign.fields, tally, &merged, None);
        Some(Self {
            as_of: totals.as_of,
            stale: totals.stale,
            merged: Arc::new(merged),
            etag: etag(&public, totals.stale),
            public: Arc::new(public),
        })
    }

    /// Returns the same view at the time of these totals.
    fn at(&self, totals: &TotalsView) -> Self {
        let (as_of, stale) = (totals.as_of, totals.stale);
        let etag = if stale == self.stale {
            self.etag.clone()
        } else {
            etag(&self.public, stale)
        };
        Self {
            as_of,
            stale,
            etag,
            ..self.clone()
        }
    }
}

/// Returns the weak entity tag (RFC 9110, 8.8.3) of a view. Depends on what is shown, not on the time.
pub fn etag(public: &PublicTally, stale: bool) -> String {
    let mut hash = Sha256::new();
    hash.update([u8::from(stale)]);
    hash.update(public.total.to_be_bytes());
    hash_others(&mut hash, public.others);
    for group in public.group_totals() {
        hash.update(group.total.to_be_bytes());
        hash_others(&mut hash, group.others);
    }
    for row in public.rows() {
        for label in &row.label {
            hash.update(label.as_bytes());
            hash.update([0]);
        }
        hash.update(row.count.to_be_bytes());
    }
    let tag = data_encoding::HEXLOWER.encode(&hash.finalize()[..8]);
    format!("W/\"{tag}\"")
}

fn hash_others(hash: &mut Sha256, others: Option<Others>) {
    let others = others.unwrap_or_default();
    hash.update(others.count.to_be_bytes());
    hash.update(others.values.unwrap_or(u64::MAX).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::tally::TallyCounts;
    use jornada_service::tally::live_totals::ValueCount;
    use jornada_testkit::campaign::example;

    fn totals(as_of: i64, count: u64) -> Arc<TotalsView> {
        let value = "Bogotá".to_owned();
        let counts = TallyCounts {
            counts: [(vec![value.clone()], count)].into(),
            others: 0,
        };
        Arc::new(TotalsView {
            campaign: "vacunacion".into(),
            by: "ciudad".into(),
            as_of: Timestamp::from_second(as_of).unwrap(),
            stale: false,
            total: count,
            values: vec![ValueCount { value, count }],
            labels: [("Bogotá".to_owned(), "Bogotá".to_owned())].into(),
            counts: Arc::new([("ciudad".to_owned(), counts)].into()),
        })
    }

    #[test]
    fn views_are_made_once_for_the_same_counts() {
        let campaign = example();
        let views = TallyViews::new([&campaign.id].into_iter());
        let first = totals(1, 7);
        let one = views.of(&campaign, &first);
        assert!(Arc::ptr_eq(&one, &views.of(&campaign, &first)));
        let later = views.of(&campaign, &totals(2, 7));
        let chart = later.chart().unwrap();
        assert_eq!(chart.as_of.as_second(), 2);
        assert_eq!(chart.etag, one.chart().unwrap().etag);
        assert!(Arc::ptr_eq(&chart.public, &one.chart().unwrap().public));
        let other = views.of(&campaign, &totals(3, 8));
        let other = other.chart().unwrap();
        assert_eq!(other.public.total, 8);
        assert_ne!(other.etag, chart.etag);
        assert_ne!(etag(&other.public, true), other.etag);
    }

    #[test]
    fn the_public_view_hides_what_few_people_chose() {
        let campaign = example();
        let views = TallyViews::new([&campaign.id].into_iter());
        let view = views.of(&campaign, &totals(1, 4));
        assert_eq!(*view.chart().unwrap().public, PublicTally::default());
    }
}
