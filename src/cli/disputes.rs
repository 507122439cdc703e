//! Disputes in the commands about one person: they are exported and erased like registrations.

use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;

use super::maintenance_context::MaintenanceContext;
use jornada_domain::dispute::{Dispute, DisputeEnd, DisputeState};
use jornada_domain::history::RegistrationHistory;
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::staff::audit::SystemActor;
use jornada_domain::{Campaign, ReceiptNumber};
use jornada_service::registrations::review;

/// Returns the undecided dispute with this receipt number.
pub(super) async fn find(
    context: &MaintenanceContext,
    number: ReceiptNumber,
) -> anyhow::Result<Option<(Arc<Campaign>, Dispute)>> {
    let store = &context.admin.store;
    let Some((campaign, id, _)) = store.dispute_receipt(number).await? else {
        return Ok(None);
    };
    let campaign = context.campaigns.get(campaign.as_str());
    let campaign = campaign.context("JORNADA_CAMPAIGNS: the file of its campaign is missing")?;
    let dispute = store.dispute(campaign, id).await?;
    Ok(dispute.map(|dispute| (Arc::clone(campaign), dispute)))
}

/// Erases a dispute and its photo. Returns false if it was decided at the same time.
pub(super) async fn erase(
    context: &MaintenanceContext,
    campaign: &Arc<Campaign>,
    dispute: &Dispute,
    state: DisputeState,
    reason: String,
) -> anyhow::Result<bool> {
    let end = DisputeEnd {
        state,
        at: truncate_to_ms(Timestamp::now()),
        by: SystemActor::CommandLine.to_string(),
        reason,
    };
    let (store, photos) = (&context.admin.store, &context.photos);
    Ok(review::end(store, photos, campaign, dispute, &end).await?)
}

/// Returns a dispute as the registration that it may become, for its export.
pub(super) fn to_history(dispute: Dispute) -> RegistrationHistory {
    RegistrationHistory {
        registration: dispute.registration,
        version: 0,
        corrections: Vec::new(),
        consent: dispute.consent,
        erased: None,
    }
}
