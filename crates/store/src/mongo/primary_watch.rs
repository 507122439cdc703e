//! The primary of the replica set, as the driver sees it. A frozen primary keeps its connections open and never answers, and the
//! driver has no time limit for an answer. Once the other members have elected a new primary, operations on the old one
//! are given up.

use std::future::pending;
use std::io;
use std::time::Duration;

use mongodb::ServerType;
use mongodb::error::{Error, Result as Driven};
use mongodb::event::EventHandler;
use mongodb::event::sdam::{SdamEvent, TopologyDescription};
use mongodb::options::{ClientOptions, ServerAddress};
use tokio::sync::watch;
use tokio::time::sleep;

use super::driver_error::is_transient;

/// Delay between attempts while there is no primary.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(100);

/// The last known primary. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct PrimaryWatch(watch::Receiver<Option<ServerAddress>>);

impl PrimaryWatch {
    /// Starts with the client of these options.
    pub(super) fn add_to(options: &mut ClientOptions) -> Self {
        let (sender, receiver) = watch::channel(None);
        options.sdam_event_handler = Some(EventHandler::callback(move |event| {
            if let SdamEvent::TopologyDescriptionChanged(event) = event
                && let Some(primary) = find_primary(&event.new_description)
            {
                sender.send_if_modified(|last| last.replace(primary.clone()) != Some(primary));
            }
        }));
        Self(receiver)
    }

    /// Runs an operation until another member becomes primary. What it wrote is uncertain then.
    pub(crate) async fn run<T>(&self, operation: impl IntoFuture<Output = Driven<T>>) -> Driven<T> {
        let mut changes = self.0.clone();
        let before = changes.borrow_and_update().clone();
        let replaced = async {
            let is_another = |now: &Option<_>| before.is_some() && *now != before;
            if changes.wait_for(is_another).await.is_err() {
                // The client is being closed.
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            done = operation.into_future() => done,
            () = replaced => Err(Error::from(io::Error::from(io::ErrorKind::ConnectionAborted))),
        }
    }

    /// Reads, again if that may succeed: the caller sets the time limit.
    pub(crate) async fn read<T, F>(&self, query: impl Fn() -> F) -> Driven<T>
    where
        F: IntoFuture<Output = Driven<T>>,
    {
        loop {
            match self.run(query()).await {
                Err(error) if is_transient(&error) => sleep(RETRY_DELAY).await,
                done => return done,
            }
        }
    }
}

fn find_primary(topology: &TopologyDescription) -> Option<ServerAddress> {
    let mut servers = topology.servers().into_iter();
    let primary = servers.find(|(_, server)| server.server_type() == ServerType::RsPrimary);
    primary.map(|(address, _)| address.clone())
}
