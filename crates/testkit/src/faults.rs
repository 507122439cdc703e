//! A TCP proxy that injects a fault into each of its first connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy, copy_bidirectional, sink,
};
use tokio::net::{TcpListener, TcpStream};

use crate::recorder::read_request;

/// What happens to a connection.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Closed before anything is read.
    Close,
    /// Closed after this many bytes of the request.
    CutRequest(u64),
    /// Closed when the server has answered, before any of the response is passed on.
    CutBeforeResponse,
    /// Closed after this many bytes of the response.
    CutResponse(u64),
    /// Closed when the next request arrives.
    CutSecondRequest,
    /// Answered with these bytes instead of the server's, then closed.
    Answer(&'static str),
    /// Never answered.
    Freeze,
    /// Nothing more after this many bytes of the response.
    FreezeResponse(u64),
}

/// Forwards connections to a server and injects faults.
pub struct FaultProxy {
    /// Address for clients.
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl FaultProxy {
    /// Starts a proxy. The first connections have these faults, later ones none.
    pub async fn start<F>(target: &str, faults: F) -> Self
    where
        F: IntoIterator<Item = Fault, IntoIter: Send + 'static>,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, target) = (Arc::clone(&connections), target.to_owned());
        let mut faults = faults.into_iter();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let (fault, target) = (faults.next(), target.clone());
                tokio::spawn(async move { forward(client, &target, fault).await });
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Returns the number of connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn forward(mut client: TcpStream, target: &str, fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Close) => return Ok(()),
        Some(Fault::Answer(answer)) => {
            let mut client = BufReader::new(client);
            read_request(&mut client).await?;
            return client.write_all(answer.as_bytes()).await;
        }
        Some(Fault::Freeze) => return copy(&mut client, &mut sink()).await.map(drop),
        _ => {}
    }
    let mut server = TcpStream::connect(target).await?;
    let Some(fault) = fault else {
        return copy_bidirectional(&mut client, &mut server).await.map(drop);
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let is_answered = AtomicBool::new(false);
    tokio::select! {
        done = pass_requests(from_client, to_server, fault, &is_answered) => done,
        done = pass_responses(from_server, to_client, fault, &is_answered) => done,
    }
}

/// Returns when the connection shall be closed.
async fn pass_requests(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    fault: Fault,
    is_answered: &AtomicBool,
) -> io::Result<()> {
    if let Fault::CutRequest(bytes) = fault {
        return copy(&mut client.take(bytes), &mut server).await.map(drop);
    }
    let mut block = vec![0; 16 * 1024];
    loop {
        let count = client.read(&mut block).await?;
        let is_cut = matches!(fault, Fault::CutSecondRequest) && is_answered.load(Ordering::SeqCst);
        if count == 0 || is_cut {
            return Ok(());
        }
        server.write_all(&block[..count]).await?;
    }
}

/// Returns when the connection shall be closed.
async fn pass_responses(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    fault: Fault,
    is_answered: &AtomicBool,
) -> io::Result<()> {
    let limit = match fault {
        Fault::CutBeforeResponse => return server.read_u8().await.map(drop),
        Fault::CutResponse(bytes) | Fault::FreezeResponse(bytes) => bytes,
        _ => u64::MAX,
    };
    let mut server = server.take(limit);
    let mut block = vec![0; 16 * 1024];
    loop {
        let count = server.read(&mut block).await?;
        if count == 0 {
            break;
        }
        is_answered.store(true, Ordering::SeqCst);
        client.write_all(&block[..count]).await?;
    }
    if matches!(fault, Fault::FreezeResponse(_)) {
        std::future::pending::<()>().await;
    }
    Ok(())
}
