//! The listener: who may connect from where, and how many.

mod admission;
mod entrance;
mod proxy;
mod unix_socket;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber as _;

use self::admission::Admission;
use self::unix_socket::UnixSocket;
use super::backend::Backend;
use super::cancel::CancelTable;
use super::login::{Directory, Login, Methods};
use super::peer::Peer;
use super::query::engine::Engine;
use super::query::memory::Governor;
use super::recorder::Recorder;
use super::session::Shutdown;
use super::socket::Socket;
use super::stats::Stats;
use super::tls::Tls;
use crate::config::{ConnectionLimits, Limits, SocketAccess};

/// Silence after which a client is asked whether it is there; four times, then it is gone.
const KEEPALIVE: Duration = Duration::from_mins(1);
/// How long running statements get when the server ends, unless told otherwise.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long sessions get to say goodbye after that.
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
    /// The Unix socket was refused.
    #[error("cannot listen on the Unix socket {}: {source}", path.display())]
    Socket {
        /// Its path.
        path: PathBuf,
        /// The reason.
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
    socket: Option<UnixSocket>,
    shutdown_timeout: Duration,
    access: Access,
    limits: Limits,
    stats: Arc<Stats>,
    recorder: Option<Arc<dyn Recorder>>,
}

/// Who gets in, and how.
#[derive(Default)]
pub struct Access {
    /// Where users and their secrets are; without it everybody who reaches the port is let in.
    pub directory: Option<Arc<dyn Directory>>,
    /// How they prove who they are.
    pub methods: Methods,
    /// TLS, unless it is off.
    pub tls: Option<Arc<Tls>>,
    /// How many there may be.
    pub limits: ConnectionLimits,
    /// Who speaks for others by the PROXY protocol.
    pub proxies: Vec<IpNet>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access")
            .field("login", &self.directory.is_some())
            .field("methods", &self.methods)
            .field("tls", &self.tls)
            .field("limits", &self.limits)
            .field("proxies", &self.proxies)
            .finish()
    }
}

struct Shared {
    login: Option<Login>,
    tls: Option<Arc<Tls>>,
    backend: Arc<dyn Backend>,
    cancels: Arc<CancelTable>,
    engine: Arc<Engine>,
    planner: Arc<Engine>,
    logins: Engine,
    admission: Arc<Admission>,
    proxies: Vec<IpNet>,
    governor: Arc<Governor>,
    shutdown: Shutdown,
    stats: Arc<Stats>,
    recorder: Option<Arc<dyn Recorder>>,
}

impl Shared {
    fn is_proxy(&self, peer: Peer) -> bool {
        let Peer::Tcp(address) = peer else { return false };
        let ip = address.ip().to_canonical();
        self.proxies.iter().any(|network| network.contains(&ip))
    }
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
        Ok(Self {
            listener,
            local,
            socket: None,
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            access,
            limits: Limits::untimed(),
            stats: Arc::default(),
            recorder: None,
        })
    }

    /// Listens on a Unix socket as well: `.s.PGSQL.<port>` in the folder, with the port of the address.
    pub fn with_socket(mut self, folder: &Path, access: SocketAccess) -> Result<Self, GatewayError> {
        let path = unix_socket::path_of(folder, self.local.port());
        let bound = UnixSocket::bind(&path, access.mode());
        self.socket = Some(bound.map_err(|source| GatewayError::Socket { path, source })?);
        Ok(self)
    }

    /// Other limits than the usual ones of what clients may take.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Keeps a log of statements and logins.
    #[must_use]
    pub fn with_recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Another time for running statements at the end than ten seconds.
    #[must_use]
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.shutdown_timeout = timeout;
        self
    }

    /// What it counts, to be read while it serves.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Serves on the gateway's own threads until `shutdown`; then nobody is let in, idle sessions end with 57P01, and
    /// statements that run have until the timeout. Dropping the future ends everything at once.
    pub async fn serve(self, backend: Arc<dyn Backend>, shutdown: CancellationToken) -> Result<(), GatewayError> {
        let governor = Arc::new(Governor::new(Arc::new(self.limits)));
        governor.show(&self.stats);
        let shared = Arc::new(Shared {
            backend,
            governor: Arc::clone(&governor),
            cancels: Arc::default(),
            engine: Arc::new(Engine::queries(&self.stats).map_err(GatewayError::Threads)?),
            planner: Arc::new(Engine::planning(&self.stats).map_err(GatewayError::Threads)?),
            logins: Engine::logins(&self.stats).map_err(GatewayError::Threads)?,
            admission: Arc::new(Admission::new(self.access.limits)),
            proxies: self.access.proxies,
            login: self.access.directory.map(|directory| Login::new(directory, self.access.methods)),
            tls: self.access.tls,
            shutdown: Shutdown { begun: shutdown, deadline: CancellationToken::new() },
            stats: Arc::clone(&self.stats),
            recorder: self.recorder,
        });
        let wire = Engine::wire(&self.stats).map_err(GatewayError::Threads)?;
        // On the threads that no statement keeps busy; it ends with this future.
        let _watching = wire.spawn(governor.watch());
        let (address, timeout) = (self.local, self.shutdown_timeout);
        let listener = self.listener.into_std().map_err(|source| GatewayError::Listen { address, source })?;
        let socket = self.socket;
        let accepting = async move {
            let listener =
                TcpListener::from_std(listener).map_err(|source| GatewayError::Listen { address, source })?;
            let local = socket.as_ref().map(UnixSocket::listener).transpose();
            let local = local.map_err(|source| GatewayError::Listen { address, source })?;
            accept(listener, local, shared, timeout).await;
            drop(socket);
            Ok(())
        };
        // A panic of the accepting task is logged by `join` and ends the gateway.
        wire.spawn(accepting.with_current_subscriber())
            .join()
            .await
            .unwrap_or_else(|_| Err(GatewayError::Threads(std::io::Error::other("the accepting task ended"))))
    }
}

async fn accept(listener: TcpListener, local: Option<UnixListener>, shared: Arc<Shared>, timeout: Duration) {
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shared.shutdown.begun.cancelled() => break,
            Some(_) = tasks.join_next() => continue,
            accepted = listener.accept() => accepted.map(|(stream, address)| {
                // Without it small answers wait for the client's next packet.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(target: "grantd::gateway", peer = %address, %error, "TCP_NODELAY");
                }
                if let Err(error) = notice_the_dead(&stream, shared.governor.limits().write_timeout) {
                    tracing::debug!(target: "grantd::gateway", peer = %address, %error, "TCP keepalive");
                }
                (Socket::Plain(stream), Peer::Tcp(address))
            }),
            accepted = accept_local(local.as_ref()) => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                shared.stats.accepted.increment();
                tasks.spawn(entrance::connection(socket, peer, Arc::clone(&shared)).with_current_subscriber());
            }
            Err(error) => {
                // Out of file descriptors, for one: wait for some to close.
                tracing::warn!(target: "grantd::gateway", %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    drop((listener, local));
    let mut all = pin!(async { while tasks.join_next().await.is_some() {} });
    if tokio::time::timeout(timeout, &mut all).await.is_ok() {
        return;
    }
    let sessions = shared.stats.sessions.get();
    tracing::info!(target: "grantd::gateway", sessions, "statements that still run are ended");
    shared.shutdown.deadline.cancel();
    if tokio::time::timeout(GOODBYE, all).await.is_err() {
        tracing::warn!(target: "grantd::gateway", "some connections did not close in time and were cut");
    }
}

/// A client whose machine is gone says nothing: the system asks after it, and waits for its answers so long.
fn notice_the_dead(stream: &TcpStream, patience: Option<Duration>) -> std::io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 4).with_retries(4))?;
    socket.set_tcp_user_timeout(patience)
}

async fn accept_local(listener: Option<&UnixListener>) -> std::io::Result<(Socket, Peer)> {
    let Some(listener) = listener else { return std::future::pending().await };
    let (stream, _) = listener.accept().await?;
    let uid = stream.peer_cred()?.uid();
    Ok((Socket::Local(stream), Peer::Local { uid }))
}
