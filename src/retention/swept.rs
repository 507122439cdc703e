//! What a sweep did, and what it left and why.

use serde::Serialize;

use crate::domain::staff::audit::{Action, Deed};

/// What was, or would be, erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Registrations past their time.
    pub registrations: u64,
    /// Photos past theirs, whose registrations go on.
    pub photos: u64,
    /// Photos that belonged to nobody for a day.
    pub orphans: u64,
    /// Photos of nobody that were left, since they are not sealed under a key of this store.
    pub foreign: u64,
    /// Photos of nobody that were left, since there are too many.
    pub held: u64,
    /// Files of reports of which no job is known.
    pub reports: u64,
    /// Links to set a password that were no good any more.
    pub links: u64,
    /// Sessions that were over.
    pub sessions: u64,
    /// Old counts of refusals.
    pub refusals: u64,
}

impl Swept {
    /// Whether nothing was erased.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let left = Self {
            foreign: self.foreign,
            held: self.held,
            ..Self::default()
        };
        *self == left
    }

    pub(super) fn deed(&self) -> Deed {
        Deed::of(Action::Sweep)
            .with("registrations", self.registrations)
            .with("photos", self.photos)
            .with("orphans", self.orphans)
            .with("reports", self.reports)
            .with("links", self.links)
            .with("sessions", self.sessions)
            .with("refusals", self.refusals)
    }

    /// Of photos that were left as they are not sealed here, in words for the operator.
    #[must_use]
    pub fn foreign_told(&self) -> Option<String> {
        (self.foreign > 0).then(|| {
            format!(
                "{} photos of nobody were left: they are not sealed under a key of this store, so another installation's \
                 may be among them; look whether JORNADA_STORE and JORNADA_PHOTOS belong together",
                self.foreign
            )
        })
    }

    /// Of photos that were left as they are too many, in words for the operator.
    #[must_use]
    pub fn held_told(&self) -> Option<String> {
        (self.held > 0).then(|| {
            format!(
                "{} photos belong to nobody in this store, which is too many of those that are there: none was removed; \
                 look whether JORNADA_STORE or JORNADA_PHOTOS is wrong, or a restore not finished; if they are to go: \
                 jornada sweep --all-orphans",
                self.held
            )
        })
    }
}
