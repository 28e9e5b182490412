//! The listener: who may connect from where, and how many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::cancel::CancelTable;
use super::conn::Conn;
use super::error::SqlError;
use super::query::engine::Engine;
use super::session::{Parts, Session};
use super::startup;

/// Connections that have got past the startup.
const MAX_CONNECTIONS: usize = 200;
/// Connections that have not; beyond it new sockets are closed at once.
const MAX_STARTING: usize = 1_000;
/// How long a startup may take.
const STARTUP_TIME: Duration = Duration::from_secs(10);
/// How long sessions get to say goodbye when the server ends.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why the gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is open to other machines.
    #[error(
        "{0} is not a loopback address: until login and TLS exist grantd listens on loopback only; use 127.0.0.1 or [::1]"
    )]
    NotLoopback(SocketAddr),
    /// The system refused the address.
    #[error("cannot listen on {address}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The query threads did not start.
    #[error("cannot start the query threads: {0}")]
    Threads(std::io::Error),
}

/// A listening gateway.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    local: SocketAddr,
    connections: Arc<Semaphore>,
}

struct Shared {
    backend: Arc<dyn Backend>,
    cancels: Arc<CancelTable>,
    engine: Arc<Engine>,
    connections: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Gateway {
    /// Listens on a loopback address; port 0 picks a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self, GatewayError> {
        if !address.ip().is_loopback() {
            return Err(GatewayError::NotLoopback(address));
        }
        let failed = |source| GatewayError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, local, connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)) })
    }

    /// Another limit of connections than 200.
    #[must_use]
    pub fn with_max_connections(mut self, most: usize) -> Self {
        self.connections = Arc::new(Semaphore::new(most));
        self
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves until `shutdown`; then open statements end with 57P01 and all connections close.
    pub async fn serve(self, backend: Arc<dyn Backend>, shutdown: CancellationToken) -> Result<(), GatewayError> {
        let shared = Arc::new(Shared {
            backend,
            cancels: Arc::default(),
            engine: Arc::new(Engine::start().map_err(GatewayError::Threads)?),
            connections: self.connections,
            shutdown: shutdown.clone(),
        });
        let starting = Arc::new(Semaphore::new(MAX_STARTING));
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                Some(_) = tasks.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(place) = Arc::clone(&starting).try_acquire_owned() else {
                        tracing::warn!(target: "grantd::gateway", %peer, "too many connections are starting; one was closed");
                        continue;
                    };
                    tasks.spawn(connection(stream, peer, Arc::clone(&shared), place));
                }
                Err(error) => {
                    // Out of file descriptors, for one: wait for some to close.
                    tracing::warn!(target: "grantd::gateway", %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(self.listener);
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GOODBYE, all).await.is_err() {
            tracing::warn!(target: "grantd::gateway", "some connections did not close in time and were cut");
        }
        Ok(())
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    place: tokio::sync::OwnedSemaphorePermit,
) {
    // Without it small answers wait for the client's next packet.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(target: "grantd::gateway", %peer, %error, "TCP_NODELAY");
    }
    let mut conn = Conn::new(stream);
    let wanted = tokio::select! {
        () = shared.shutdown.cancelled() => return,
        wanted = tokio::time::timeout(STARTUP_TIME, startup::negotiate(&mut conn, &shared.cancels)) => wanted,
    };
    let wanted = match wanted {
        Ok(Ok(Some(wanted))) => wanted,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => return refuse(conn, peer, &error).await,
        Err(_) => return refuse(conn, peer, &SqlError::fatal("08006", "the startup took too long")).await,
    };
    drop(place);
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        return refuse(conn, peer, &SqlError::fatal("53300", "sorry, too many clients already")).await;
    };
    let parts = Parts {
        backend: Arc::clone(&shared.backend),
        engine: Arc::clone(&shared.engine),
        place: shared.cancels.register(),
        shutdown: shared.shutdown.clone(),
        peer,
    };
    match Session::open(&mut conn, parts, wanted).await {
        Ok(session) => session.serve(conn).await,
        Err(error) => refuse(conn, peer, &error).await,
    }
    drop(permit);
}

async fn refuse(mut conn: Conn, peer: SocketAddr, error: &SqlError) {
    if error.sqlstate != "08006" {
        tracing::info!(target: "grantd::gateway", %peer, sqlstate = error.sqlstate, reason = %error.message, "connection refused");
    }
    if conn.send_error(&SqlError { fatal: true, ..error.clone() }).is_ok() {
        conn.close().await;
    }
}
