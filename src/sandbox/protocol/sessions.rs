//! Open sessions and their tokens: made at login, renewed by the master token, gone after logout.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRngCore;
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::engine::{EngineSession, Failure, LoginRequest, SessionNames};
use super::settings::Settings;

/// How many tokens of closed sessions are remembered, so that their users hear 390111 rather than 390104.
const REMEMBERED_GONE: usize = 1024;

/// Takes a lock that a panicking thread may have left: what it guards is replaced whole, so it is still good.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A session's two tokens and their ends.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) session: String,
    pub(super) master: String,
    session_until: Instant,
    master_until: Instant,
}

/// An open session.
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) login: LoginRequest,
    pub(super) engine: tokio::sync::Mutex<Box<dyn EngineSession>>,
    /// Cancelled when the session is closed; its statements end with it.
    pub(super) closed: CancellationToken,
    seen: Mutex<Seen>,
    tokens: Mutex<Tokens>,
}

/// What the engine's session last said about itself, readable while it is busy.
struct Seen {
    names: SessionNames,
    parameters: HashMap<&'static str, Value>,
}

impl Session {
    pub(super) fn tokens(&self) -> Tokens {
        lock(&self.tokens).clone()
    }

    /// The names in use after the last statement.
    pub(super) fn names(&self) -> SessionNames {
        lock(&self.seen).names.clone()
    }

    /// A session parameter: what ALTER SESSION set, else what the login asked for.
    pub(super) fn parameter(&self, name: &'static str) -> Option<Value> {
        lock(&self.seen).parameters.get(name).cloned().or_else(|| self.login.session_parameters.get(name).cloned())
    }

    /// Whether any `..._QUERY_RESULT_FORMAT` parameter asks for JSON.
    pub(super) fn wants_json(&self) -> bool {
        let login = self.login.session_parameters.iter();
        let asked = login.filter(|(name, _)| !FORMATS.contains(&name.as_str())).any(|(n, v)| is_json_format(n, v));
        asked || FORMATS.iter().any(|name| self.parameter(name).is_some_and(|value| is_json_format(name, &value)))
    }

    /// Notes the engine session's names and parameters after a statement.
    pub(super) fn note(&self, engine: &dyn EngineSession) {
        let names = engine.names();
        let parameters = REMEMBERED.iter().chain(&FORMATS);
        let parameters = parameters.filter_map(|name| Some((*name, engine.parameter(name)?))).collect();
        *lock(&self.seen) = Seen { names, parameters };
    }

    /// Ends the session token now: the next use of it hears 390112.
    pub(super) fn expire(&self) {
        lock(&self.tokens).session_until = Instant::now();
    }
}

/// The result-format parameters of the drivers that know Arrow.
const FORMATS: [&str; 5] = [
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
    "GO_QUERY_RESULT_FORMAT",
    "JDBC_QUERY_RESULT_FORMAT",
    "ODBC_QUERY_RESULT_FORMAT",
    "DOTNET_QUERY_RESULT_FORMAT",
];
/// The other session parameters the protocol itself obeys or tells.
const REMEMBERED: [&str; 3] = ["TIMEZONE", "ROWS_PER_RESULTSET", "STATEMENT_TIMEOUT_IN_SECONDS"];

/// Whether a parameter asks for JSON results.
pub(super) fn is_json_format(name: &str, value: &Value) -> bool {
    name.to_ascii_uppercase().ends_with("_QUERY_RESULT_FORMAT")
        && value.as_str().is_some_and(|v| v.eq_ignore_ascii_case("json"))
}

#[derive(Default)]
struct Open {
    by_token: HashMap<String, Arc<Session>>,
    by_master: HashMap<String, Arc<Session>>,
    gone: VecDeque<String>,
}

impl Open {
    fn remove(&mut self, session: &Session) {
        let tokens = session.tokens();
        self.by_token.remove(&tokens.session);
        self.by_master.remove(&tokens.master);
        if self.gone.len() >= REMEMBERED_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(tokens.session);
        session.closed.cancel();
    }
}

/// All open sessions.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<Open>,
    last_id: AtomicU64,
}

impl Sessions {
    /// Opens a session, unless too many are open.
    pub(super) fn open(
        &self,
        login: LoginRequest,
        engine: Box<dyn EngineSession>,
        settings: &Settings,
        shutdown: &CancellationToken,
    ) -> Result<Arc<Session>, Failure> {
        let mut open = lock(&self.open);
        let now = Instant::now();
        let dead: Vec<_> = open.by_master.values().filter(|s| s.tokens().master_until <= now).cloned().collect();
        for session in &dead {
            open.remove(session);
        }
        if open.by_token.len() >= settings.sessions {
            let limit = settings.sessions;
            // Not a number of Snowflake's: it has no such limit.
            let message = format!("The sandbox already has {limit} open sessions. Close one, then log in again.");
            return Err(Failure::new("390999", "08004", message));
        }
        let id = 1 + self.last_id.fetch_add(1, Ordering::Relaxed);
        let tokens = new_tokens(id, settings, now)?;
        let seen = Seen { names: engine.names(), parameters: HashMap::new() };
        let session = Arc::new(Session {
            id,
            login,
            closed: shutdown.child_token(),
            seen: Mutex::new(seen),
            tokens: Mutex::new(tokens.clone()),
            engine: tokio::sync::Mutex::new(engine),
        });
        open.by_token.insert(tokens.session, Arc::clone(&session));
        open.by_master.insert(tokens.master, Arc::clone(&session));
        Ok(session)
    }

    /// The session of a session token.
    pub(super) fn authenticate(&self, token: Option<&str>) -> Result<Arc<Session>, Failure> {
        let token = token.ok_or_else(no_token)?;
        let open = lock(&self.open);
        let Some(session) = open.by_token.get(token) else {
            let gone = open.gone.iter().any(|t| t == token);
            return Err(if gone { session_gone() } else { unknown_token() });
        };
        if session.tokens().session_until <= Instant::now() {
            return Err(session_expired());
        }
        Ok(Arc::clone(session))
    }

    /// New tokens for the session of a master token. The old ones are dead at once.
    pub(super) fn renew(&self, master: Option<&str>, settings: &Settings) -> Result<(Arc<Session>, Tokens), Failure> {
        let master = master.ok_or_else(no_token)?;
        let mut open = lock(&self.open);
        let now = Instant::now();
        let session = open.by_master.get(master).cloned().ok_or_else(master_not_found)?;
        let old = session.tokens();
        if old.master_until <= now {
            open.remove(&session);
            return Err(master_expired());
        }
        let tokens = new_tokens(session.id, settings, now)?;
        open.by_token.remove(&old.session);
        open.by_master.remove(&old.master);
        open.by_token.insert(tokens.session.clone(), Arc::clone(&session));
        open.by_master.insert(tokens.master.clone(), Arc::clone(&session));
        *lock(&session.tokens) = tokens.clone();
        Ok((session, tokens))
    }

    /// Closes the session of a master token, as if the token had run out.
    pub(super) fn refuse_renewal(&self, master: Option<&str>) -> Failure {
        let mut open = lock(&self.open);
        let Some(session) = master.and_then(|master| open.by_master.get(master)).cloned() else {
            return master_not_found();
        };
        open.remove(&session);
        master_expired()
    }

    /// Closes the session and ends its statements.
    pub(super) fn close(&self, session: &Session) {
        lock(&self.open).remove(session);
    }

    /// How many sessions are open.
    pub(super) fn count(&self) -> usize {
        lock(&self.open).by_token.len()
    }
}

fn new_tokens(id: u64, settings: &Settings, now: Instant) -> Result<Tokens, Failure> {
    // A lifetime beyond what the clock can hold is as good as a hundred years.
    let until = |life: Duration| now.checked_add(life).unwrap_or_else(|| now + Duration::from_hours(24 * 36_500));
    Ok(Tokens {
        session: format!("ver:1-hint:{id}-{}", secret()?),
        master: format!("ver:1-hint:{id}-{}", secret()?),
        session_until: until(settings.session_lifetime),
        master_until: until(settings.master_lifetime),
    })
}

/// 256 random bits of the operating system as text.
pub(super) fn secret() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| Failure::internal(format!("no randomness: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn no_token() -> Failure {
    Failure::new("390103", "08001", "Session token not found in the request data.")
}

fn unknown_token() -> Failure {
    Failure::new("390104", "08001", "User must login again to access the service.")
}

fn session_gone() -> Failure {
    Failure::new("390111", "08001", "Session no longer exists.  New login required to access the service.")
}

/// What a client hears whose session token ran out.
pub(super) fn session_expired() -> Failure {
    Failure::new("390112", "08001", "Your session has expired. Please login again.")
}

fn master_not_found() -> Failure {
    Failure::new("390113", "08001", "Authentication token not found.  The user must authenticate again.")
}

fn master_expired() -> Failure {
    Failure::new("390114", "08001", "Authentication token has expired.  The user must authenticate again.")
}
