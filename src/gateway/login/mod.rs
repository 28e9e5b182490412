//! Who somebody is: passwords and tokens by SCRAM, checked before anything else of the connection is read.

mod brakes;
pub mod scram;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf as _, Bytes};
use pgwire::messages::startup::Authentication;

use self::brakes::Brakes;
use self::scram::{Binding, Keys, MECHANISM, MECHANISM_PLUS, Salting, ScramError};
use super::conn::{Conn, client_gone};
use super::error::SqlError;
use super::frame::{FrameError, utf8};
use super::query::engine::Engine;

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

/// The door of one gateway.
pub(crate) struct Login {
    directory: Arc<dyn Directory>,
    mock_secret: [u8; 32],
    brakes: Brakes,
}

/// Who got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Whether he is an administrator.
    pub administrator: bool,
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

impl Login {
    pub(crate) fn new(directory: Arc<dyn Directory>) -> Self {
        Self { mock_secret: directory.mock_secret(), directory, brakes: Brakes::default() }
    }

    /// Lets the client prove who it is. Nothing but its SASL messages is read; an error ends the connection.
    pub(crate) async fn authenticate(
        &self,
        conn: &mut Conn,
        engine: &Engine,
        peer: SocketAddr,
        user: &str,
    ) -> Result<Admitted, SqlError> {
        self.brakes.admit(peer.ip(), user, Instant::now()).map_err(|wait| {
            let seconds = wait.as_secs() + 1;
            SqlError::fatal("28P01", format!("too many failed logins for user \"{user}\" from this address"))
                .with_hint(format!("Try again in {seconds} seconds."))
        })?;
        let (directory, name) = (Arc::clone(&self.directory), user.to_owned());
        let found = engine.spawn(async move { directory.person(&name) }).join().await?;
        let person = found.map_err(|error| {
            tracing::error!(target: "grantd::gateway", %error, "the users cannot be read; nobody gets in");
            SqlError::fatal("57P03", "the users cannot be read now")
        })?;
        let binding = conn.certificate_hash();
        match self.exchange(conn, binding.as_deref(), user, person.as_ref()).await {
            Ok(secret) => {
                let directory = Arc::clone(&self.directory);
                engine.spawn(async move { directory.used(secret) }).join().await?;
                Ok(Admitted { administrator: person.is_some_and(|p| p.administrator) })
            }
            Err(error) => {
                if error.sqlstate == "28P01" {
                    self.brakes.failed(peer.ip(), user, Instant::now());
                }
                Err(error)
            }
        }
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
