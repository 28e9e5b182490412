//! One connection from its first byte to its session: proxy, TLS, startup, login, place.
//!
//! All of it runs on the threads of logins, which are few: handshakes and wrong passwords, however many, do not take
//! the processor from the statements of those who are in.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::instrument::WithSubscriber as _;

use super::Shared;
use super::admission::{Connected, Starting};
use super::proxy;
use crate::gateway::cancel::Owner;
use crate::gateway::conn::{Conn, client_gone, shutting_down};
use crate::gateway::error::SqlError;
use crate::gateway::login::Admitted;
use crate::gateway::peer::Peer;
use crate::gateway::recording::turned_away;
use crate::gateway::session::{Parts, Session};
use crate::gateway::socket::Socket;
use crate::gateway::startup::{self, Asked, Next, Wanted};
use crate::gateway::stats::{LoginOutcome, Refusal};

/// How long a startup may take, TLS and login included.
const STARTUP_TIME: Duration = Duration::from_secs(10);
/// The first byte of a TLS handshake.
const HANDSHAKE: u8 = 0x16;

/// Somebody who is in, and all that his session is made of.
struct Entered {
    conn: Conn,
    wanted: Wanted,
    admitted: Admitted,
    peer: Peer,
    connected: Connected,
}

/// Serves a connection from its first byte to its last.
pub(super) async fn connection(socket: Socket, peer: Peer, shared: Arc<Shared>) {
    let entering = enter(socket, peer, Arc::clone(&shared)).with_current_subscriber();
    let Ok(Some(entered)) = shared.logins.spawn(entering).join().await else { return };
    let Entered { mut conn, wanted, admitted, peer, connected } = entered;
    let owner = Owner { user: wanted.user.clone(), administrator: admitted.administrator };
    let parts = Parts {
        backend: Arc::clone(&shared.backend),
        engine: Arc::clone(&shared.engine),
        planner: Arc::clone(&shared.planner),
        place: shared.cancels.register(owner, &shared.shutdown),
        peer,
        governor: Arc::clone(&shared.governor),
        recorder: shared.recorder.clone(),
        stats: Arc::clone(&shared.stats),
    };
    conn.write_timeout = shared.governor.limits().write_timeout;
    let user = wanted.user.clone();
    match Session::open(&mut conn, parts, wanted).await {
        Ok(session) => {
            let _present = shared.stats.sessions.hold();
            session.serve(conn).await;
        }
        Err(error) => drop(refuse::<()>(&shared, &user, conn, peer, Refusal::Session, error).await),
    }
    drop(connected);
}

/// Why somebody is not let in though he did nothing wrong.
enum Cut {
    /// The gateway ends.
    Shutdown,
    /// He took too long.
    Late,
    /// Somebody else needs his place.
    SentAway,
}

impl Cut {
    /// How it is counted.
    fn refusal(&self) -> Refusal {
        match self {
            Self::SentAway => Refusal::TooManyStarting,
            Self::Late | Self::Shutdown => Refusal::Unfinished,
        }
    }

    /// What he is told. Of a client that does not know yet how to speak, nobody takes leave (08006).
    fn error(&self, login: bool) -> SqlError {
        match self {
            Self::SentAway => SqlError::fatal("53300", "sorry, too many clients are connecting").with_hint(
                "Try again; the settings are max_starting_connections and max_starting_connections_per_address.",
            ),
            Self::Late if login => SqlError::fatal("57014", "canceling authentication due to timeout"),
            Self::Shutdown if login => shutting_down(),
            Self::Late | Self::Shutdown => client_gone(),
        }
    }
}

/// The limits of one who is entering.
struct Limits<'a> {
    deadline: Instant,
    shutdown: &'a CancellationToken,
}

impl Limits<'_> {
    async fn within<T>(&self, starting: &Starting, work: impl Future<Output = T>) -> Result<T, Cut> {
        tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Err(Cut::Shutdown),
            () = starting.sent_away.cancelled() => Err(Cut::SentAway),
            done = work => Ok(done),
            () = tokio::time::sleep_until(self.deadline) => Err(Cut::Late),
        }
    }
}

/// From the first byte to a place among those who are in. `None` when the connection is over.
async fn enter(socket: Socket, peer: Peer, shared: Arc<Shared>) -> Option<Entered> {
    let stats = &shared.stats;
    let _present = stats.starting.hold();
    let limits = Limits { deadline: Instant::now() + STARTUP_TIME, shutdown: &shared.shutdown.begun };
    // Until a proxy has said whom it speaks for, the place counts as its own.
    let mut starting = shared.admission.start(peer.place());
    let (socket, peer) = match socket {
        Socket::Plain(mut stream) if shared.is_proxy(peer) => {
            let said = limits.within(&starting, proxy::header(&mut stream)).await.ok()?;
            let client = said.inspect_err(|reason| {
                stats.refused.increment(Refusal::Proxy);
                tracing::warn!(target: "grantd::gateway", %peer, reason, "a connection from a proxy was closed");
            });
            let peer = client.ok()?.map_or(peer, Peer::Tcp);
            starting = shared.admission.start(peer.place());
            (Socket::Plain(stream), peer)
        }
        socket => (socket, peer),
    };
    let mut slot = None;
    let begun = limits.within(&starting, begin(socket, &shared, &mut slot)).await;
    let cut = begun.as_ref().err().map(Cut::refusal);
    let Some(mut conn) = slot else {
        // In the middle of a handshake nothing can be said.
        cut.into_iter().for_each(|refusal| stats.refused.increment(refusal));
        return None;
    };
    let wanted = match begun {
        Ok(Some(Ok(wanted))) => wanted,
        Ok(Some(Err(error))) => {
            let reason = match error.sqlstate {
                "08006" => Refusal::Unfinished,
                // The server's own: in clear where that is not allowed.
                "28000" if !conn.is_encrypted() && shared.tls.is_some() => Refusal::Tls,
                _ => Refusal::Startup,
            };
            return refuse(&shared, "", conn, peer, reason, error).await;
        }
        // A cancel request.
        Ok(None) => return None,
        Err(cut) => return refuse(&shared, "", conn, peer, cut.refusal(), cut.error(false)).await,
    };
    let proved = match &shared.login {
        None => Ok(Ok(Admitted { administrator: true })),
        Some(login) => limits.within(&starting, login.authenticate(&mut conn, peer, &wanted.user)).await,
    };
    let admitted = match proved {
        Ok(Ok(admitted)) => admitted,
        Ok(Err(error)) => return refuse(&shared, &wanted.user, conn, peer, Refusal::Login, error).await,
        Err(cut) => {
            stats.logins.increment(LoginOutcome::Unfinished);
            return refuse(&shared, &wanted.user, conn, peer, cut.refusal(), cut.error(true)).await;
        }
    };
    match starting.connect(admitted.administrator) {
        Ok(connected) => Some(Entered { conn, wanted, admitted, peer, connected }),
        Err((reason, error)) => refuse(&shared, &wanted.user, conn, peer, reason, error).await,
    }
}

/// From the first byte to the startup packet, through TLS where it is wanted. `None` when there is nobody to talk to.
/// What was read and written stays in `slot`, also when this ends early.
async fn begin(socket: Socket, shared: &Shared, slot: &mut Option<Conn>) -> Option<Result<Wanted, SqlError>> {
    // A Unix socket stays on this machine: there is no TLS on it, and nothing to bind a login to.
    let tls = shared.tls.as_ref().filter(|_| !matches!(socket, Socket::Local(_)));
    let direct = match &socket {
        Socket::Plain(stream) if tls.is_some() => is_handshake(stream).await?,
        _ => false,
    };
    let conn = match (socket, tls) {
        (Socket::Plain(stream), Some(tls)) if direct => {
            handshake(shared, Conn::accept_tls(stream, tls.current(), true).await)?
        }
        (socket, _) => Conn::new(socket),
    };
    let mut conn = slot.insert(conn);
    conn.stats = Arc::clone(&shared.stats);
    let mut asked = Asked::default();
    loop {
        match startup::negotiate(conn, &mut asked, &shared.cancels, tls.is_some()).await {
            Ok(Next::Done) => return None,
            Ok(Next::Encrypt) => {
                let encrypted = handshake(shared, slot.take()?.into_tls(tls?.current()).await)?;
                conn = slot.insert(encrypted);
            }
            Ok(Next::Session(wanted)) => {
                let in_clear = !conn.is_encrypted() && tls.is_some_and(|tls| tls.is_required());
                let refused = || {
                    SqlError::fatal("28000", format!("no encryption: user \"{}\" connects without TLS", wanted.user))
                        .with_hint("Connect with sslmode=require, or better verify-full.")
                };
                return Some(if in_clear { Err(refused()) } else { Ok(wanted) });
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

/// The connection, unless its handshake failed.
fn handshake(shared: &Shared, result: Result<Conn, SqlError>) -> Option<Conn> {
    if result.is_err() {
        shared.stats.refused.increment(Refusal::Tls);
    }
    result.ok()
}

async fn is_handshake(stream: &TcpStream) -> Option<bool> {
    let mut first = [0];
    Some(stream.peek(&mut first).await.ok()? == 1 && first == [HANDSHAKE])
}

/// Counts it, tells the client and the log, and closes. For the client that is gone there is no last word.
async fn refuse<T>(
    shared: &Shared,
    user: &str,
    mut conn: Conn,
    peer: Peer,
    reason: Refusal,
    error: SqlError,
) -> Option<T> {
    turned_away(shared.recorder.as_ref(), user, &peer.to_string(), &error);
    conn.stats.refused.increment(reason);
    if error.sqlstate == "08006" {
        return None;
    }
    tracing::info!(target: "grantd::gateway", %peer, sqlstate = error.sqlstate, reason = %error.message, "connection refused");
    if conn.send_error(&SqlError { fatal: true, ..error }).is_ok() {
        conn.close().await;
    }
    None
}
