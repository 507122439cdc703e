//! Limits of the clients that listen to server-sent events: for the instance, and for each client address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::SignedDuration;
use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Error;
use jornada_runtime::metrics::GaugeGuard;
use jornada_service::admission::rate_limit_key;

/// Maximum number of clients of server-sent events on one instance.
const MAX_EVENT_CLIENTS: usize = 2_000;
/// Maximum number of clients of server-sent events from one address, or from one /64 network of IPv6.
const MAX_EVENT_CLIENTS_PER_ADDRESS: usize = 16;
/// When a client above its limit may try again. Until then the page polls.
const RETRY_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Clients of server-sent events of this instance.
#[derive(Debug)]
pub struct EventClients {
    permits: Arc<Semaphore>,
    by_address: AddressCounts,
    gauge: IntGauge,
    refused: IntCounterVec,
}

type AddressCounts = Arc<Mutex<HashMap<String, usize>>>;

/// A client that is counted until this is dropped.
pub struct EventClient {
    /// `None` for a client that is exempt from limits.
    address: Option<String>,
    by_address: AddressCounts,
    _permit: OwnedSemaphorePermit,
    _gauge: GaugeGuard,
}

impl EventClients {
    /// Creates the limits; the gauge shows the number of clients, the counter those that were refused.
    pub fn new(gauge: IntGauge, refused: IntCounterVec) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_EVENT_CLIENTS)),
            by_address: Arc::default(),
            gauge,
            refused,
        }
    }

    /// Counts a client, or returns the error for one too many. `None`: a client that is exempt from limits.
    pub fn admit(&self, client: Option<IpAddr>) -> Result<EventClient, Error> {
        let permit = Arc::clone(&self.permits).try_acquire_owned();
        let permit = permit.map_err(|_| self.refuse("instance", Error::Busy))?;
        let address = client.map(rate_limit_key);
        if let Some(address) = &address {
            let mut by_address = self.by_address.lock();
            let count = by_address.entry(address.clone()).or_default();
            if *count >= MAX_EVENT_CLIENTS_PER_ADDRESS {
                return Err(self.refuse("address", Error::RateLimited(RETRY_AFTER)));
            }
            *count += 1;
        }
        Ok(EventClient {
            address,
            by_address: Arc::clone(&self.by_address),
            _permit: permit,
            _gauge: GaugeGuard::new(&self.gauge),
        })
    }

    /// Counts a client that is refused, by the limit that it exceeds.
    fn refuse(&self, limit: &str, error: Error) -> Error {
        self.refused.with_label_values(&[limit]).inc();
        error
    }
}

impl Drop for EventClient {
    fn drop(&mut self) {
        let Some(address) = &self.address else { return };
        let mut by_address = self.by_address.lock();
        if let Some(count) = by_address.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus::Opts;

    use super::*;

    #[test]
    fn one_address_has_sixteen_listeners() {
        let refusals = IntCounterVec::new(Opts::new("refused", "refused"), &["limit"]).unwrap();
        let clients = EventClients::new(
            IntGauge::new("clients", "clients").unwrap(),
            refusals.clone(),
        );
        let address = |text: &str| Some(text.parse().unwrap());
        let (one, neighbour) = (address("2001:db8::1"), address("2001:db8::2"));
        let mut admitted: Vec<_> = (0..MAX_EVENT_CLIENTS_PER_ADDRESS)
            .map(|_| clients.admit(one).unwrap())
            .collect();
        let refused = |client| matches!(clients.admit(client), Err(Error::RateLimited(_)));
        assert!(refused(one) && refused(neighbour), "one /64 is one client");
        let counted = |limit: &str| refusals.with_label_values(&[limit]).get();
        assert_eq!((counted("address"), counted("instance")), (2, 0));
        assert!(clients.admit(address("2001:db8:1::1")).is_ok());
        assert!(clients.admit(None).is_ok());
        admitted.pop();
        assert!(clients.admit(neighbour).is_ok());
        drop(admitted);
        let all: Vec<_> = (0..MAX_EVENT_CLIENTS)
            .map(|_| clients.admit(None))
            .collect();
        assert!(all.iter().all(Result::is_ok));
        assert!(matches!(clients.admit(None), Err(Error::Busy)));
        assert_eq!((counted("address"), counted("instance")), (2, 1));
        drop(all);
        assert!(clients.by_address.lock().is_empty());
        assert_eq!(clients.gauge.get(), 0);
    }
}
