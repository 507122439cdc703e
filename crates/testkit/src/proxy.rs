//! A TCP proxy that can cut or freeze every connection, to simulate a broken network or a server that hangs.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections to `target` while it is open.
pub struct Proxy {
    /// Address for clients.
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    gate: watch::Sender<Gate>,
    cut: Mutex<Option<Cut>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Frozen,
    Closed,
}

/// Cuts one connection when its client sends a text.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub text: &'static str,
    /// Whether the server still gets the message; its answer is lost.
    pub is_delivered: bool,
}

impl Proxy {
    /// Starts an open proxy.
    pub async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let state = Arc::new(State {
            gate: watch::Sender::new(Gate::Open),
            cut: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { address, state }
    }

    /// Cuts all connections, or accepts new ones again.
    pub fn set_open(&self, open: bool) {
        let gate = if open { Gate::Open } else { Gate::Closed };
        self.state.gate.send_replace(gate);
    }

    /// Forwards nothing, and keeps all connections open, until the next [`set_open`](Self::set_open).
    pub fn freeze(&self) {
        self.state.gate.send_replace(Gate::Frozen);
    }

    /// Cuts the next connection that sends the text.
    pub fn cut_once(&self, cut: Cut) {
        *self.state.cut.lock().unwrap() = Some(cut);
    }

    /// Returns whether a cut is still to come.
    pub fn is_cut_pending(&self) -> bool {
        self.state.cut.lock().unwrap().is_some()
    }
}

impl State {
    /// Returns the cut for a message, which is then done.
    fn take_cut(&self, message: &[u8]) -> Option<Cut> {
        let mut cut = self.cut.lock().unwrap();
        let text = cut.as_ref()?.text.as_bytes();
        let is_in = message.windows(text.len()).any(|window| window == text);
        cut.take_if(|_| is_in)
    }
}

async fn forward(mut client: TcpStream, target: String, state: Arc<State>) {
    let mut gate = state.gate.subscribe();
    if *gate.borrow_and_update() == Gate::Closed {
        return;
    }
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let is_delivered = {
        let mut requests = pin!(forward_requests(&mut from_client, &mut to_server, &state));
        let mut answers = pin!(copy(&mut from_server, &mut to_client));
        loop {
            let current = *gate.borrow_and_update();
            match current {
                Gate::Closed => return,
                Gate::Frozen => drop(gate.changed().await),
                Gate::Open => tokio::select! {
                    is_delivered = &mut requests => break is_delivered,
                    _ = &mut answers => return,
                    _ = gate.changed() => {}
                },
            }
        }
    };
    if is_delivered {
        // The answer shows that the server has executed the command.
        from_server.read_u8().await.ok();
    }
}

/// Returns whether the last message was delivered, although its answer must not be.
async fn forward_requests(
    client: &mut ReadHalf<'_>,
    server: &mut WriteHalf<'_>,
    state: &State,
) -> bool {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let Ok(length @ 1..) = client.read(&mut buffer).await else {
            return false;
        };
        let message = &buffer[..length];
        let cut = state.take_cut(message);
        if cut.is_some_and(|cut| !cut.is_delivered) || server.write_all(message).await.is_err() {
            return false;
        }
        if cut.is_some() {
            return true;
        }
    }
}
