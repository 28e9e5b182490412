//! The listener: who may connect from where, and how many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber as _;

use super::backend::Backend;
use super::cancel::CancelTable;
use super::conn::Conn;
use super::error::SqlError;
use super::login::{Admitted, Directory, Login};
use super::query::engine::Engine;
use super::session::{Parts, Session};
use super::startup::{self, Asked, Next, Wanted};
use super::tls::Tls;

/// Connections that have got past the startup.
const MAX_CONNECTIONS: usize = 200;
/// Connections that have not; beyond it new sockets are closed at once.
const MAX_STARTING: usize = 1_000;
/// Connections of them that only administrators get.
const RESERVED: usize = 3;
/// How long a startup may take, TLS and login included.
const STARTUP_TIME: Duration = Duration::from_secs(10);
/// How long sessions get to say goodbye when the server ends.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why the gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is open to other machines.
    #[error(
        "{0} is not a loopback address, and everybody who reaches it would be let in: use 127.0.0.1 or [::1], or a login"
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
    access: Access,
}

/// Who gets in, and how.
#[derive(Default)]
pub struct Access {
    /// Where users and their secrets are; without it everybody who reaches the port is let in.
    pub directory: Option<Arc<dyn Directory>>,
    /// TLS, unless it is off.
    pub tls: Option<Arc<Tls>>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("login", &self.directory.is_some()).field("tls", &self.tls).finish()
    }
}

struct Shared {
    login: Option<Login>,
    tls: Option<Arc<Tls>>,
    backend: Arc<dyn Backend>,
    cancels: Arc<CancelTable>,
    engine: Arc<Engine>,
    connections: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Gateway {
    /// Listens; port 0 picks a free one. Without a login the address must be a loopback one.
    pub async fn bind(address: SocketAddr, access: Access) -> Result<Self, GatewayError> {
        if access.directory.is_none() && !address.ip().is_loopback() {
            return Err(GatewayError::NotLoopback(address));
        }
        let failed = |source| GatewayError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let local = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, local, connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)), access })
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

    /// Serves on the gateway's own threads until `shutdown`; then open statements end with 57P01 and all connections
    /// close. Dropping the future ends them too.
    pub async fn serve(self, backend: Arc<dyn Backend>, shutdown: CancellationToken) -> Result<(), GatewayError> {
        let shared = Arc::new(Shared {
            backend,
            cancels: Arc::default(),
            engine: Arc::new(Engine::queries().map_err(GatewayError::Threads)?),
            connections: self.connections,
            login: self.access.directory.map(Login::new),
            tls: self.access.tls,
            shutdown,
        });
        let wire = Engine::wire().map_err(GatewayError::Threads)?;
        let address = self.local;
        let listener = self.listener.into_std().map_err(|source| GatewayError::Listen { address, source })?;
        let accepting = async move {
            let listener =
                TcpListener::from_std(listener).map_err(|source| GatewayError::Listen { address, source })?;
            accept(listener, shared).await;
            Ok(())
        };
        // A panic of the accepting task is logged by `join` and ends the gateway.
        wire.spawn(accepting.with_current_subscriber())
            .join()
            .await
            .unwrap_or_else(|_| Err(GatewayError::Threads(std::io::Error::other("the accepting task ended"))))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let starting = Arc::new(Semaphore::new(MAX_STARTING));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.shutdown.cancelled() => break,
            Some(_) = tasks.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(place) = Arc::clone(&starting).try_acquire_owned() else {
                    tracing::warn!(target: "grantd::gateway", %peer, "too many connections are starting; one was closed");
                    continue;
                };
                tasks.spawn(connection(stream, peer, Arc::clone(&shared), place).with_current_subscriber());
            }
            Err(error) => {
                // Out of file descriptors, for one: wait for some to close.
                tracing::warn!(target: "grantd::gateway", %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GOODBYE, all).await.is_err() {
        tracing::warn!(target: "grantd::gateway", "some connections did not close in time and were cut");
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
    let deadline = Instant::now() + STARTUP_TIME;
    let started = tokio::select! {
        () = shared.shutdown.cancelled() => return,
        started = tokio::time::timeout_at(deadline, begin(stream, &shared)) => started,
    };
    // Of a client that does not know yet how to speak, nobody takes leave.
    let Ok(Some((mut conn, wanted))) = started else { return };
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return refuse(conn, peer, &error).await,
    };
    let admitted = match &shared.login {
        None => Ok(Admitted { administrator: true }),
        Some(login) => {
            let proved = login.authenticate(&mut conn, &shared.engine, peer, &wanted.user);
            let late = || Err(SqlError::fatal("08006", "the login took too long"));
            tokio::time::timeout_at(deadline, proved).await.unwrap_or_else(|_| late())
        }
    };
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return refuse(conn, peer, &error).await,
    };
    drop(place);
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        return refuse(conn, peer, &SqlError::fatal("53300", "sorry, too many clients already")).await;
    };
    if !admitted.administrator && shared.connections.available_permits() < RESERVED {
        let error = SqlError::fatal("53300", "remaining connection slots are reserved for administrators");
        return refuse(conn, peer, &error).await;
    }
    let parts = Parts {
        backend: Arc::clone(&shared.backend),
        engine: Arc::clone(&shared.engine),
        place: shared.cancels.register(),
        shutdown: shared.shutdown.clone(),
        peer,
        administrator: admitted.administrator,
    };
    match Session::open(&mut conn, parts, wanted).await {
        Ok(session) => session.serve(conn).await,
        Err(error) => refuse(conn, peer, &error).await,
    }
    drop(permit);
}

/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// From the first byte to the startup packet, through TLS where it is wanted. `None` when there is nobody to talk to.
async fn begin(stream: TcpStream, shared: &Shared) -> Option<(Conn, Result<Wanted, SqlError>)> {
    let mut first = [0];
    let direct = shared.tls.is_some() && stream.peek(&mut first).await.ok()? == 1 && first == [HANDSHAKE];
    let mut conn = match (&shared.tls, direct) {
        (Some(tls), true) => Conn::accept_tls(stream, tls.current(), true).await.ok()?,
        _ => Conn::new(stream),
    };
    let mut asked = Asked::default();
    loop {
        match startup::negotiate(&mut conn, &mut asked, &shared.cancels, shared.tls.is_some()).await {
            Ok(Next::Done) => return None,
            Ok(Next::Encrypt) => conn = conn.into_tls(shared.tls.as_ref()?.current()).await.ok()?,
            Ok(Next::Session(wanted)) => {
                let in_clear = !conn.is_encrypted() && shared.tls.as_ref().is_some_and(|tls| tls.is_required());
                let refused = || {
                    SqlError::fatal("28000", format!("no encryption: user \"{}\" connects without TLS", wanted.user))
                        .with_hint("Connect with sslmode=require, or better verify-full.")
                };
                let wanted = if in_clear { Err(refused()) } else { Ok(wanted) };
                return Some((conn, wanted));
            }
            Err(error) => return Some((conn, Err(error))),
        }
    }
}

async fn refuse(mut conn: Conn, peer: SocketAddr, error: &SqlError) {
    if error.sqlstate != "08006" {
        tracing::info!(target: "grantd::gateway", %peer, sqlstate = error.sqlstate, reason = %error.message, "connection refused");
    }
    if conn.send_error(&SqlError { fatal: true, ..error.clone() }).is_ok() {
        conn.close().await;
    }
}
