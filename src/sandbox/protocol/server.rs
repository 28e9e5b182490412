//! The server: binds to loopback, takes requests apart, applies faults, and sends each to its endpoint.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response, StatusCode};
use serde_json::Value;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

use super::counter::{Counter, Counts};
use super::engine::{Engine, Failure};
use super::envelope::{json_response, session_failure, success, text};
use super::faults::{FaultError, FaultKind, FaultRule, Faults, Place, replaced, shaped};
use super::request::{Incoming, Route};
use super::results::Chunks;
use super::sessions::{Session, Sessions, session_expired};
use super::settings::Settings;
use super::statements::Statements;
use super::wire::{LimitedListener, Wire};

/// How long open requests may take to end after the shutdown.
const GRACE: Duration = Duration::from_secs(5);

/// A bound server that does not answer yet.
pub struct Sandbox {
    listener: TcpListener,
    local: SocketAddr,
    settings: Settings,
    controls: Controls,
}

/// Switches and meters of a server, usable while it runs.
#[derive(Clone, Default)]
pub struct Controls {
    faults: Arc<Faults>,
    counter: Arc<Counter>,
}

impl Controls {
    /// Adds faults to those that wait for their requests.
    pub fn add_faults(&self, rules: Vec<FaultRule>) -> Result<(), FaultError> {
        self.faults.add(rules)
    }

    /// Forgets all faults.
    pub fn clear_faults(&self) {
        self.faults.clear();
    }

    /// What was asked since the start or the last reset.
    pub fn statements(&self) -> Counts {
        self.counter.read()
    }

    /// Starts counting anew.
    pub fn reset_statements(&self) {
        self.counter.reset();
    }
}

impl Sandbox {
    /// Binds to a loopback address (port 0 picks a free one). Any other address is refused: there is no TLS here, and
    /// whoever reaches the server may set faults.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        if !addr.ip().is_loopback() {
            let message = format!("the sandbox listens on loopback addresses only (127.0.0.1 or [::1]), not on {addr}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let listener = TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let local = listener.local_addr()?;
        Ok(Self { listener, local, settings: Settings::default(), controls: Controls::default() })
    }

    /// With these settings instead of the default ones.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// The switches and meters, to keep while the server runs.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Answers requests until the shutdown. Statements that then run are aborted.
    pub async fn serve(self, engine: Arc<dyn Engine>, shutdown: CancellationToken) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let listener = LimitedListener::new(listener, self.settings.connections);
        let app = Arc::new(App {
            engine,
            local: self.local,
            settings: self.settings,
            controls: self.controls.clone(),
            counter: self.controls.counter,
            sessions: Sessions::default(),
            statements: Statements::default(),
            chunks: Chunks::default(),
            shutdown: shutdown.clone(),
        });
        let router = Router::new().fallback(take).with_state(app).into_make_service_with_connect_info::<Wire>();
        let server = axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let late = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            ended = server.into_future() => ended,
            () = late => Ok(()),
        }
    }
}

/// What all requests share.
pub(super) struct App {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) local: SocketAddr,
    pub(super) settings: Settings,
    pub(super) counter: Arc<Counter>,
    pub(super) sessions: Sessions,
    pub(super) statements: Statements,
    pub(super) chunks: Chunks,
    pub(super) shutdown: CancellationToken,
    controls: Controls,
}

async fn take(State(app): State<Arc<App>>, ConnectInfo(wire): ConnectInfo<Wire>, request: Request) -> Response<Body> {
    let incoming = match Incoming::read(request, &app.settings).await {
        Ok(incoming) => incoming,
        Err(refusal) => return text(refusal.status, refusal.message),
    };
    match incoming.route {
        Route::AdminFaults => return app.admin_faults(&incoming),
        Route::AdminStatements => return app.admin_statements(&incoming),
        _ => app.counter.request(incoming.route.label()),
    }
    let faults = app.controls.faults.take(place(&incoming.route), &incoming.path, incoming.sql());
    for fault in &faults {
        tracing::debug!(?fault, path = %incoming.path, "sandbox: fault");
        if let FaultKind::Latency { milliseconds } = fault {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
    }
    let route = &incoming.route;
    let response = if let Some(response) = replaced(&faults, false, route, &wire) {
        response
    } else {
        let own = app.dispatch(&incoming, &faults).await;
        replaced(&faults, true, route, &wire).unwrap_or(own)
    };
    shaped(&faults, response).await
}

fn place(route: &Route) -> Place {
    match route {
        Route::Login | Route::Authenticator => Place::Login,
        Route::Renew => Place::Renewal,
        Route::Query => Place::Statement,
        Route::Chunk(_) | Route::Telemetry | Route::AdminStatements | Route::AdminFaults => Place::Open,
        Route::Session
        | Route::Heartbeat
        | Route::AbortByRequest
        | Route::Result(_)
        | Route::AbortStatement(_)
        | Route::Monitor(_) => Place::Session,
    }
}

impl App {
    async fn dispatch(self: &Arc<Self>, incoming: &Incoming, faults: &[FaultKind]) -> Response<Body> {
        let failure = faults.iter().find_map(|fault| match fault {
            FaultKind::Failure { code, sqlstate, message } => Some(Failure::new(code, sqlstate, message)),
            _ => None,
        });
        if let Some(failure) = failure {
            return json_response(super::envelope::statement_failure(&failure, &uuid::Uuid::new_v4().to_string()));
        }
        match &incoming.route {
            Route::Login => return self.login(incoming, faults),
            Route::Authenticator => return Self::authenticator(),
            Route::Renew => return self.renew(incoming, faults),
            Route::Telemetry => return json_response(success(&Value::Null)),
            Route::Chunk(id) => return self.chunk(id, &incoming.route),
            _ => {}
        }
        let session = match self.sessions.authenticate(incoming.token()) {
            Ok(session) => session,
            Err(failure) => return json_response(session_failure(&failure)),
        };
        if let Some(refusal) = expired(&session, faults) {
            return refusal;
        }
        match &incoming.route {
            Route::Session => self.session(incoming, &session),
            Route::Query => self.query(incoming, &session, faults).await,
            Route::AbortByRequest => self.abort_by_request(incoming, &session),
            Route::AbortStatement(id) => self.abort_statement(id, &session),
            Route::Result(id) => self.result(id, &session).await,
            Route::Monitor(id) => self.monitor(id, &session),
            // A heartbeat that got here did its work; the other routes were answered above.
            _ => json_response(success(&Value::Null)),
        }
    }

    /// `GET`, `POST` (a JSON list of rules), `DELETE /sandbox/faults`.
    fn admin_faults(&self, incoming: &Incoming) -> Response<Body> {
        match incoming.method {
            Method::DELETE => self.controls.clear_faults(),
            // A web page cannot send this content type to another origin without asking, and nobody answers that.
            Method::POST if !is_json(incoming) => {
                return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "faults come as Content-Type: application/json");
            }
            Method::POST => {
                let added = FaultRule::list(&incoming.json).and_then(|rules| self.controls.add_faults(rules));
                if let Err(error) = added {
                    return text(StatusCode::BAD_REQUEST, error.to_string());
                }
            }
            _ => {}
        }
        json_response(self.controls.faults.list().to_string())
    }

    /// `GET`, `DELETE /sandbox/statements`.
    fn admin_statements(&self, incoming: &Incoming) -> Response<Body> {
        if incoming.method == Method::DELETE {
            self.counter.reset();
        }
        json_response(self.counter.read().to_json(self.sessions.count()).to_string())
    }
}

fn is_json(incoming: &Incoming) -> bool {
    let content_type = incoming.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn expired(session: &Session, faults: &[FaultKind]) -> Option<Response<Body>> {
    faults.iter().find_map(|fault| match fault {
        FaultKind::SessionExpired => {
            session.expire();
            Some(json_response(session_failure(&session_expired())))
        }
        FaultKind::Unauthorized => {
            session.expire();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Some(response)
        }
        _ => None,
    })
}
