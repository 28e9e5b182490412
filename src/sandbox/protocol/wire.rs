//! Connections: a listener with a limit, and a switch on each connection that cuts what is written to it.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// No cut is set.
const WHOLE: u64 = u64::MAX;
/// How long to wait when the system cannot accept (no file descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The switch of one connection.
#[derive(Clone, Debug)]
pub(super) struct Wire(Arc<AtomicU64>);

impl Wire {
    /// From now on only this many bytes are written, then the connection breaks.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.0.store(bytes.min(WHOLE - 1), Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, LimitedListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, LimitedListener>) -> Self {
        stream.io().wire.clone()
    }
}

/// Accepts at most so many connections at once.
pub(super) struct LimitedListener {
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl LimitedListener {
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        Self { listener, permits: Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS))) }
    }
}

impl Listener for LimitedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // The semaphore is never closed; should it be, connections go unlimited rather than unserved.
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // A delay of small answers is all that a failure here costs.
                    let _ = stream.set_nodelay(true);
                    let wire = Wire(Arc::new(AtomicU64::new(WHOLE)));
                    return (Connection { stream, wire, _permit: permit }, peer);
                }
                Err(error) => {
                    tracing::warn!(%error, "sandbox: cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// A connection whose writes may be cut.
pub(super) struct Connection {
    stream: TcpStream,
    wire: Wire,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.wire.0.load(Ordering::SeqCst);
        if left == WHOLE {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let part = buf.get(..allowed).unwrap_or_default();
        if part.is_empty() && !buf.is_empty() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a sandbox fault")));
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, part))?;
        self.wire.cut_after(left.saturating_sub(written as u64));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
