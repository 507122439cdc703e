//! A TCP proxy that can cut or freeze every connection, to simulate a broken network or a server that hangs.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to `target` while it is open.
pub struct Proxy {
    /// Address for clients.
    pub address: SocketAddr,
    gate: Arc<watch::Sender<Gate>>,
}

#[derive(Clone, Copy)]
enum Gate {
    Open,
    Frozen,
    Closed,
}

impl Proxy {
    /// Starts an open proxy.
    pub async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let gate = Arc::new(watch::Sender::new(Gate::Open));
        let subscribed = Arc::clone(&gate);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), subscribed.subscribe()));
            }
        });
        Self { address, gate }
    }

    /// Cuts all connections, or accepts new ones again.
    pub fn set_open(&self, open: bool) {
        let gate = if open { Gate::Open } else { Gate::Closed };
        self.gate.send_replace(gate);
    }

    /// Forwards nothing, and keeps all connections open, until the next [`set_open`](Self::set_open).
    pub fn freeze(&self) {
        self.gate.send_replace(Gate::Frozen);
    }
}

async fn forward(mut client: TcpStream, target: String, mut gate: watch::Receiver<Gate>) {
    if matches!(*gate.borrow_and_update(), Gate::Closed) {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let mut copying = pin!(copy_bidirectional(&mut client, &mut server));
    loop {
        let state = *gate.borrow_and_update();
        match state {
            Gate::Closed => return,
            Gate::Frozen => drop(gate.changed().await),
            Gate::Open => tokio::select! {
                _ = &mut copying => return,
                _ = gate.changed() => {}
            },
        }
    }
}
