//! Who somebody is: passwords and tokens by SCRAM, certificates, the system's word on the Unix socket. It is checked
//! before anything else of the connection is read.

mod brakes;
pub(crate) mod certificate;
mod peer;
pub mod scram;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf as _, Bytes};
use pgwire::messages::startup::Authentication;

use self::brakes::Brakes;
use self::scram::{Binding, Keys, MECHANISM, MECHANISM_PLUS, Salting, ScramError};
use super::conn::{Conn, client_gone};
use super::error::SqlError;
use super::frame::{FrameError, utf8};
use super::peer::Peer;
use super::stats::LoginOutcome;
use crate::config::{AccessConfig, CertificateUsers, LoginMode, SocketLogin};

/// What a look at the users takes at least: that there is somebody to be read does not show in it.
const LOOK: Duration = Duration::from_millis(3);

/// A user of the gateway, as the directory knows him.
#[derive(Clone)]
pub struct Person {
    /// What his secrets are salted with.
    pub salting: Salting,
    /// His password and tokens that count now, each with its number in the directory.
    pub secrets: Vec<(i64, Keys)>,
    /// Whether he may change users and accept baselines, and has the reserved places.
    pub administrator: bool,
}

/// Where users are kept. Its methods may block.
pub trait Directory: Send + Sync + 'static {
    /// A user who may log in; `None` is none, or a disabled one.
    ///
    /// # Errors
    /// The directory cannot be read: nobody gets in.
    fn person(&self, name: &str) -> Result<Option<Person>, String>;

    /// A secret was used.
    fn used(&self, secret: i64);

    /// Random bytes that stay the same, from which users who do not exist have their salts.
    fn mock_secret(&self) -> [u8; 32];
}

/// How users prove who they are.
#[derive(Debug, Clone, Default)]
pub struct Methods {
    login: LoginMode,
    certificates: CertificateUsers,
    socket: Option<SocketLogin>,
    system_users: BTreeMap<String, Vec<String>>,
}

impl From<&AccessConfig> for Methods {
    fn from(access: &AccessConfig) -> Self {
        Self {
            login: access.login,
            certificates: access.certificates.clone(),
            socket: access.socket.as_ref().and_then(|socket| socket.login),
            system_users: access.socket.as_ref().map(|socket| socket.users.clone()).unwrap_or_default(),
        }
    }
}

/// The door of one gateway.
pub(crate) struct Login {
    directory: Arc<dyn Directory>,
    methods: Methods,
    mock_secret: [u8; 32],
    brakes: Brakes,
}

/// Who got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Whether he is an administrator.
    pub administrator: bool,
}

/// Why somebody did not get in.
struct Denied {
    outcome: LoginOutcome,
    error: SqlError,
}

impl From<SqlError> for Denied {
    fn from(error: SqlError) -> Self {
        let outcome = match error.sqlstate {
            "28P01" | "28000" => LoginOutcome::Refused,
            "08006" => LoginOutcome::Unfinished,
            "57P03" | "XX000" => LoginOutcome::Unavailable,
            _ => LoginOutcome::Malformed,
        };
        Self { outcome, error }
    }
}

/// The mechanisms that a server with a certificate to bind to offers, the better one first.
fn mechanisms(binding: Binding<'_>) -> Vec<String> {
    let plus = binding.map(|_| MECHANISM_PLUS.to_owned());
    plus.into_iter().chain([MECHANISM.to_owned()]).collect()
}

/// What PostgreSQL says, whatever the reason.
fn refused(user: &str) -> SqlError {
    SqlError::fatal("28P01", format!("password authentication failed for user \"{user}\""))
}

/// The same of a login without a password.
fn not_him(method: &str, user: &str) -> SqlError {
    SqlError::fatal("28000", format!("{method} authentication failed for user \"{user}\""))
}

impl Login {
    pub(crate) fn new(directory: Arc<dyn Directory>, methods: Methods) -> Self {
        Self { mock_secret: directory.mock_secret(), directory, methods, brakes: Brakes::default() }
    }

    /// Lets the client prove who it is. Nothing but its SASL messages is read; an error ends the connection.
    pub(crate) async fn authenticate(&self, conn: &mut Conn, peer: Peer, user: &str) -> Result<Admitted, SqlError> {
        let proved = self.prove(conn, peer, user).await;
        conn.stats.logins.increment(proved.as_ref().map_or_else(|denied| denied.outcome, |_| LoginOutcome::Accepted));
        proved.map_err(|denied| denied.error)
    }

    async fn prove(&self, conn: &mut Conn, peer: Peer, user: &str) -> Result<Admitted, Denied> {
        match (peer, self.methods.socket, self.methods.login) {
            (Peer::Local { uid }, Some(SocketLogin::Peer), _) => {
                let aliases = self.methods.system_users.clone();
                let name = user.to_owned();
                let is_him = self.waiting(move |_| peer::is_user(uid, &name, &aliases)).await?;
                if is_him { self.admit_by("Peer", user).await } else { Err(not_him("Peer", user).into()) }
            }
            (Peer::Local { .. }, Some(SocketLogin::Password), _) | (Peer::Tcp(_), _, LoginMode::Password) => {
                self.by_password(conn, peer, user).await
            }
            (Peer::Tcp(_), _, mode @ (LoginMode::Certificate | LoginMode::CertificateAndPassword)) => {
                let names = conn.client_names();
                if !names.is_some_and(|names| names.let_in(user, &self.methods.certificates)) {
                    return Err(not_him("certificate", user).into());
                }
                if mode == LoginMode::Certificate {
                    self.admit_by("certificate", user).await
                } else {
                    self.by_password(conn, peer, user).await
                }
            }
            // With a directory nobody is let in unasked; the configuration has no such pair.
            (Peer::Tcp(_), _, LoginMode::Trust) | (Peer::Local { .. }, None, _) => {
                Err(SqlError::fatal("28000", format!("no way to log in is set up for user \"{user}\"")).into())
            }
        }
    }

    /// What the directory says, on a thread that may wait.
    async fn waiting<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Directory) -> T + Send + 'static,
    ) -> Result<T, SqlError> {
        let directory = Arc::clone(&self.directory);
        tokio::task::spawn_blocking(move || work(directory.as_ref())).await.map_err(|error| {
            tracing::error!(target: "grantd::gateway", %error, "a look at the users was given up");
            SqlError { fatal: true, ..SqlError::internal() }
        })
    }

    async fn find(&self, user: &str) -> Result<Option<Person>, SqlError> {
        let name = user.to_owned();
        self.waiting(move |directory| directory.person(&name)).await?.map_err(|error| {
            tracing::error!(target: "grantd::gateway", %error, "the users cannot be read; nobody gets in");
            SqlError::fatal("57P03", "the users cannot be read now")
        })
    }

    /// Who has proved himself without a password has to be a user all the same.
    async fn admit_by(&self, method: &str, user: &str) -> Result<Admitted, Denied> {
        let person = self.find(user).await?.ok_or_else(|| not_him(method, user))?;
        Ok(Admitted { administrator: person.administrator })
    }

    async fn by_password(&self, conn: &mut Conn, peer: Peer, user: &str) -> Result<Admitted, Denied> {
        let place = peer.place();
        let turn = self.brakes.turn(place, user).await;
        self.brakes.admit(place, user, Instant::now()).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            let text = format!("too many failed logins for user \"{user}\" from this address");
            let error = SqlError::fatal("28P01", text).with_hint(format!("Try again in {seconds} seconds."));
            Denied { outcome: LoginOutcome::Braked, error }
        })?;
        let seen = tokio::time::Instant::now() + LOOK;
        let person = self.find(user).await?;
        tokio::time::sleep_until(seen).await;
        let binding = conn.certificate_hash();
        let proved = self.exchange(conn, binding.as_deref(), user, person.as_ref()).await;
        if proved.as_ref().is_err_and(|error| error.sqlstate == "28P01") {
            self.brakes.failed(place, user, Instant::now());
        }
        drop(turn);
        let secret = proved?;
        self.waiting(move |directory| directory.used(secret)).await?;
        Ok(Admitted { administrator: person.is_some_and(|p| p.administrator) })
    }

    /// The exchange of messages. Gives the secret that was proved.
    async fn exchange(
        &self,
        conn: &mut Conn,
        binding: Binding<'_>,
        user: &str,
        person: Option<&Person>,
    ) -> Result<i64, SqlError> {
        // An unknown user goes the same way as a known one, to the same end.
        let mock = Salting::mock(&self.mock_secret, user);
        let salting = person.map_or(&mock, |p| &p.salting);
        let mut secrets: Vec<Keys> = person.iter().flat_map(|p| &p.secrets).map(|(_, keys)| keys.clone()).collect();
        if secrets.is_empty() {
            secrets.push(Keys::of_nobody());
        }
        let offered = mechanisms(binding);
        conn.send(&Authentication::SASL(offered.clone()))?;
        conn.flush().await?;
        let mut first = sasl(conn).await?;
        let end = first.iter().position(|byte| *byte == 0).ok_or_else(|| broken("there is no mechanism"))?;
        let mechanism = utf8(&first.split_to(end)).map_err(|error| SqlError { fatal: true, ..error })?;
        if !offered.contains(&mechanism) {
            return Err(SqlError::fatal("08P01", "client selected an invalid SASL authentication mechanism"));
        }
        // The mechanism's zero, then the length of what follows; -1 is nothing.
        if first.len() < 5 {
            return Err(broken("there is no initial response"));
        }
        first.advance(1);
        if usize::try_from(first.get_i32()).ok() != Some(first.len()) {
            return Err(broken("the initial response has another length"));
        }
        let answer = |error: ScramError| match error {
            ScramError::Malformed(what) => broken(what),
            ScramError::Refused => refused(user),
        };
        let exchange = scram::begin(&first, mechanism == MECHANISM_PLUS, binding, salting).map_err(answer)?;
        conn.send(&Authentication::SASLContinue(Bytes::from(exchange.server_first.clone())))?;
        conn.flush().await?;
        let last = sasl(conn).await?;
        let (which, last_word) = exchange.finish(&last, &secrets).map_err(answer)?;
        let (secret, _) = person.and_then(|p| p.secrets.get(which)).ok_or_else(|| refused(user))?;
        conn.send(&Authentication::SASLFinal(Bytes::from(last_word)))?;
        Ok(*secret)
    }
}

fn broken(what: &str) -> SqlError {
    SqlError { detail: Some(format!("{what}.")), ..SqlError::fatal("08P01", "malformed SCRAM message") }
}

/// The body of the client's next SASL message.
async fn sasl(conn: &mut Conn) -> Result<Bytes, SqlError> {
    conn.reader.next_password().await.map_err(|error| match error {
        FrameError::Gone => client_gone(),
        FrameError::Protocol(error) => error,
    })
}
