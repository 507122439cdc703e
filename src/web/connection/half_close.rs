//! Connections whose client closes its sending side after a request and still reads the response (half-close, RFC 9293,
//! section 3.6). hyper would end such a connection in the middle of the request.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Whether the client closed its sending side, and whether a request is in progress. One for each connection.
#[derive(Debug, Default)]
pub(super) struct ClientEnd {
    has_closed: AtomicBool,
    is_answering: AtomicBool,
    /// Wakes the connection, for which the end of the client was held back.
    connection: AtomicWaker,
    /// Wakes the reader of a body that the client did not complete.
    body: AtomicWaker,
}

/// A request in progress. Until this is dropped, the connection goes on although the client closed its sending side.
#[derive(Debug)]
pub(super) struct Answering(Arc<ClientEnd>);

impl ClientEnd {
    pub(super) fn start_request(self: &Arc<Self>) -> Answering {
        self.is_answering.store(true, Ordering::SeqCst);
        Answering(Arc::clone(self))
    }

    /// Returns whether a body whose next bytes have not arrived ends here. Wakes the task if it does later.
    pub(super) fn cuts_body(&self, context: &Context<'_>) -> bool {
        self.body.register(context.waker());
        self.has_closed.load(Ordering::SeqCst)
    }

    fn close(&self) {
        self.has_closed.store(true, Ordering::SeqCst);
        self.body.wake();
    }
}

impl Answering {
    pub(super) fn client(&self) -> Arc<ClientEnd> {
        Arc::clone(&self.0)
    }

    /// Lets the end of the client end the connection: a response without end has no other.
    pub(super) fn release(&self) {
        self.0.is_answering.store(false, Ordering::SeqCst);
        self.0.connection.wake();
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.release();
    }
}

/// Stream that reports the end of the client only after the response. An error, such as a reset, is reported at once.
pub(super) struct HalfCloseStream {
    stream: TcpStream,
    client: Arc<ClientEnd>,
    /// Whether the client has not yet taken all that was written.
    is_write_blocked: bool,
}

impl HalfCloseStream {
    pub(super) fn new(stream: TcpStream, client: Arc<ClientEnd>) -> Self {
        Self {
            stream,
            client,
            is_write_blocked: false,
        }
    }

    fn poll_end(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        self.client.connection.register(context.waker());
        if self.is_write_blocked || self.client.is_answering.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn note_write<T>(&mut self, written: Poll<T>) -> Poll<T> {
        let was_blocked = self.is_write_blocked;
        self.is_write_blocked = written.is_pending();
        if was_blocked && !self.is_write_blocked {
            self.client.connection.wake();
        }
        written
    }
}

impl AsyncRead for HalfCloseStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.client.has_closed.load(Ordering::SeqCst) {
            let before = buffer.remaining();
            ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
            if before == 0 || buffer.remaining() < before {
                return Poll::Ready(Ok(()));
            }
            self.client.close();
        }
        self.poll_end(context)
    }
}

impl AsyncWrite for HalfCloseStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_write(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
