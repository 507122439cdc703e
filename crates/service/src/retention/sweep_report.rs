//! The result of a sweep: counts of what was deleted and of what was left, with warnings for the operator.

use serde::Serialize;

use jornada_domain::staff::audit::{AuditAction, AuditEvent};

/// Counts of a sweep; in a dry run, of what would be deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Expired registrations, disputes included.
    pub registrations: u64,
    /// Expired photos of registrations that stay.
    pub photos: u64,
    /// Photos orphaned for at least a day.
    pub orphans: u64,
    /// Orphaned photos left because they are not encrypted under a key of this store.
    pub foreign: u64,
    /// Unexplained orphaned photos left because there are too many.
    pub held: u64,
    /// Of `orphans`, those of attempts that failed or were interrupted.
    pub unresolved: u64,
    /// Orphaned report files.
    pub reports: u64,
    /// Expired password links.
    pub links: u64,
    /// Expired sessions.
    pub sessions: u64,
    /// Expired rejection counts.
    pub refusals: u64,
}

impl SweepReport {
    /// Returns whether nothing was deleted.
    pub fn is_empty(&self) -> bool {
        let left = Self {
            foreign: self.foreign,
            held: self.held,
            ..Self::default()
        };
        *self == left
    }

    pub(super) fn audit_event(&self) -> AuditEvent {
        AuditEvent::new(AuditAction::Sweep)
            .with_detail("registrations", self.registrations)
            .with_detail("photos", self.photos)
            .with_detail("orphans", self.orphans)
            .with_detail("unresolved", self.unresolved)
            .with_detail("reports", self.reports)
            .with_detail("links", self.links)
            .with_detail("sessions", self.sessions)
            .with_detail("refusals", self.refusals)
    }

    /// Returns a warning for the operator about photos encrypted under foreign keys.
    pub fn foreign_warning(&self) -> Option<String> {
        (self.foreign > 0).then(|| {
            format!(
                "{} orphaned photos were left: they are not encrypted under a key of this store, so they may belong to \
                 another installation; check that JORNADA_STORE and JORNADA_PHOTOS belong together",
                self.foreign
            )
        })
    }

    /// Returns a warning for the operator about an implausible number of orphaned photos.
    pub fn held_warning(&self) -> Option<String> {
        (self.held > 0).then(|| {
            format!(
                "{} photos are orphaned and not explained, an implausibly large share: none of them was deleted; check that JORNADA_STORE and \
                 JORNADA_PHOTOS are right and no restore is unfinished; to delete them anyway: \
                 jornada sweep --all-orphans",
                self.held
            )
        })
    }
}
