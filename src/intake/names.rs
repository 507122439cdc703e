//! Fills in the names of registrations that an earlier version kept, so that the staff find them: one process at a
//! time, in batches. Instances of that version may still run beside this one, so that it looks again now and then.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::domain::Campaign;
use crate::store::{Store, StoreError};

/// Between two looks.
const TICK: Duration = Duration::from_mins(1);
/// After each batch, so that registrations go before.
const PAUSE: Duration = Duration::from_millis(20);
/// Longer than a batch takes, however slow the store is.
const LEASE: Duration = Duration::from_secs(30);
const LEASE_NAME: &str = "fill-names";

/// Fills in names until `stop`; a failure is logged and followed by the next look.
pub async fn keep_filling(store: Store, campaigns: Vec<Arc<Campaign>>, stop: CancellationToken) {
    let holder = Uuid::new_v4();
    while !stop.is_cancelled() {
        let filling = Box::pin(fill(&store, &campaigns, holder));
        match stop.run_until_cancelled(filling).await {
            Some(Ok(0)) | None => {}
            Some(Ok(filled)) => info!("filled in the names of {filled} registrations"),
            Some(Err(error)) => warn!("names cannot be filled in: {error}"),
        }
        stop.run_until_cancelled(tokio::time::sleep(TICK)).await;
    }
    // The lease ends by itself when this does not arrive.
    store.release(LEASE_NAME, holder).await.ok();
}

/// Fills in all that there are, unless another process does.
async fn fill(
    store: &Store,
    campaigns: &[Arc<Campaign>],
    holder: Uuid,
) -> Result<usize, StoreError> {
    let mut filled = 0;
    for campaign in campaigns {
        while store.lease(LEASE_NAME, holder, LEASE).await? {
            let batch = store.fill_names(campaign).await?;
            if batch == 0 {
                break;
            }
            filled += batch;
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(filled)
}
