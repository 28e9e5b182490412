//! Login, renewal and logout.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

use super::engine::{Failure, LoginRequest};
use super::envelope::{json_response, login_failure, session_failure, success, text};
use super::faults::FaultKind;
use super::jwt::{self, Expected};
use super::request::Incoming;
use super::server::App;
use super::sessions::Session;

/// What the sandbox calls its server version.
const SERVER_VERSION: &str = "9.30.1";

impl App {
    /// `POST /session/v1/login-request`.
    pub(super) fn login(&self, incoming: &Incoming, faults: &[FaultKind]) -> Response<Body> {
        let Some(data) = incoming.json.get("data").and_then(Value::as_object) else {
            return text(StatusCode::BAD_REQUEST, "the body is not a JSON login request");
        };
        let authenticator = field(data, "AUTHENTICATOR").unwrap_or_else(|| "SNOWFLAKE".to_owned()).to_uppercase();
        let method = if authenticator == "SNOWFLAKE_JWT" { "KEYPAIR" } else { "USERNAME_PASSWORD" };
        match self.open_session(incoming, data, &authenticator, faults) {
            Ok(session) => json_response(success(&self.login_data(&session, faults))),
            Err(failure) => {
                tracing::info!(code = %failure.code, "sandbox: login refused");
                json_response(login_failure(&failure, method))
            }
        }
    }

    fn open_session(
        &self,
        incoming: &Incoming,
        data: &Map<String, Value>,
        authenticator: &str,
        faults: &[FaultKind],
    ) -> Result<std::sync::Arc<Session>, Failure> {
        let login = login_request(incoming, data);
        match authenticator {
            "SNOWFLAKE_JWT" => self.check_token(&login, field(data, "TOKEN").unwrap_or_default().as_str(), faults)?,
            "SNOWFLAKE" | "USERNAME_PASSWORD_MFA" => {
                return Err(refused("Incorrect username or password was specified."));
            }
            "OAUTH" => return Err(Failure::new("390303", "08001", "Invalid OAuth access token.")),
            "PROGRAMMATIC_ACCESS_TOKEN" => {
                return Err(Failure::new("394400", "08001", "Programmatic access token is invalid."));
            }
            _ => return Err(refused("This account accepts key-pair authentication (SNOWFLAKE_JWT) only.")),
        }
        let engine = self.engine.open(&login)?;
        self.sessions.open(login, engine, &self.settings, &self.shutdown)
    }

    fn check_token(&self, login: &LoginRequest, token: &str, faults: &[FaultKind]) -> Result<(), Failure> {
        let account = self.engine.account_name();
        if jwt::account_in_token(&login.account_name) != jwt::account_in_token(&account) {
            tracing::info!("sandbox: login for another account than this one");
            return Err(invalid_token());
        }
        let public_keys = self.engine.public_keys(&login.login_name)?;
        let ahead: f64 = faults
            .iter()
            .map(|fault| match fault {
                FaultKind::ClockSkew { seconds } => *seconds as f64,
                _ => 0.0,
            })
            .sum();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let expected = Expected {
            account: &account,
            login_name: &login.login_name,
            public_keys: &public_keys,
            now: now + ahead,
            skew: self.settings.clock_skew.as_secs_f64(),
        };
        jwt::check(token, &expected).map_err(|fault| {
            tracing::info!(reason = %fault, "sandbox: the login token is refused");
            invalid_token()
        })
    }

    fn login_data(&self, session: &Session, faults: &[FaultKind]) -> Value {
        let tokens = session.tokens();
        let names = session.names();
        let role = faults.iter().find_map(|fault| match fault {
            FaultKind::WrongRole { role } => Some(role.clone()),
            _ => None,
        });
        json!({
            "masterToken": tokens.master, "token": tokens.session,
            "validityInSeconds": self.settings.session_lifetime.as_secs(),
            "masterValidityInSeconds": self.settings.master_lifetime.as_secs(),
            "displayUserName": session.login.login_name.to_uppercase(), "serverVersion": SERVER_VERSION,
            "firstLogin": false, "remMeToken": null, "remMeValidityInSeconds": 0, "healthCheckInterval": 45,
            "newClientForUpgrade": null, "sessionId": session.id, "parameters": parameters(session),
            "sessionInfo": {
                "databaseName": names.database, "schemaName": names.schema, "warehouseName": names.warehouse,
                "roleName": role.or(names.role)
            },
            "idToken": null, "idTokenValidityInSeconds": 0, "responseData": null, "mfaToken": null,
            "mfaTokenValidityInSeconds": 0
        })
    }

    /// `POST /session/authenticator-request`: single sign-on is not offered.
    pub(super) fn authenticator() -> Response<Body> {
        let message = "This account accepts key-pair authentication (SNOWFLAKE_JWT) only.";
        json_response(login_failure(&refused(message), "SAML"))
    }

    /// `POST /session/token-request`, with the master token.
    pub(super) fn renew(&self, incoming: &Incoming, faults: &[FaultKind]) -> Response<Body> {
        let kind = incoming.json.get("requestType").and_then(Value::as_str).unwrap_or("RENEW");
        if kind != "RENEW" {
            return json_response(session_failure(&Failure::unsupported(&format!("token request {kind}"))));
        }
        if faults.contains(&FaultKind::RenewRefused) {
            return json_response(session_failure(&self.sessions.refuse_renewal(incoming.token())));
        }
        match self.sessions.renew(incoming.token(), &self.settings) {
            Ok((session, tokens)) => json_response(success(&json!({
                "sessionToken": tokens.session,
                "validityInSecondsST": self.settings.session_lifetime.as_secs(),
                "masterToken": tokens.master,
                "validityInSecondsMT": self.settings.master_lifetime.as_secs(),
                "sessionId": session.id
            }))),
            Err(failure) => json_response(session_failure(&failure)),
        }
    }

    /// `POST /session?delete=true`; without `delete` it only says whether the session lives.
    pub(super) fn session(&self, incoming: &Incoming, session: &Session) -> Response<Body> {
        if incoming.parameter("delete").is_some_and(|delete| delete.eq_ignore_ascii_case("true")) {
            self.sessions.close(session);
        }
        json_response(success(&Value::Null))
    }
}

/// The parameters a client is told at login and with each result.
pub(super) fn parameters(session: &Session) -> Value {
    let timezone = session.parameter("TIMEZONE").unwrap_or_else(|| "America/Los_Angeles".into());
    let format = if session.wants_json() { "JSON" } else { "ARROW" };
    let parameters: [(&str, Value); 8] = [
        ("TIMEZONE", timezone),
        ("AUTOCOMMIT", true.into()),
        ("CLIENT_SESSION_KEEP_ALIVE", false.into()),
        ("CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", 3600.into()),
        ("CLIENT_PREFETCH_THREADS", 4.into()),
        ("CLIENT_RESULT_CHUNK_SIZE", 160.into()),
        ("CLIENT_TELEMETRY_ENABLED", false.into()),
        ("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT", format.into()),
    ];
    parameters.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn refused(message: &str) -> Failure {
    Failure::new("390100", "08001", message)
}

fn invalid_token() -> Failure {
    Failure::new("390144", "08001", format!("JWT token is invalid. [{}]", Uuid::new_v4()))
}

fn field(data: &Map<String, Value>, name: &str) -> Option<String> {
    data.get(name).and_then(Value::as_str).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn login_request(incoming: &Incoming, data: &Map<String, Value>) -> LoginRequest {
    let text = |name| field(data, name).unwrap_or_default();
    let parameters = data.get("SESSION_PARAMETERS").and_then(Value::as_object).cloned().unwrap_or_default();
    // Drivers write names in any case, and the values of some are texts that hold the value.
    let parameters: Map<String, Value> = parameters.into_iter().map(|(name, v)| (name.to_uppercase(), v)).collect();
    let secondary = field(data, "SECONDARY_ROLES").or_else(|| field(&parameters, "SECONDARY_ROLES"));
    LoginRequest {
        account_name: text("ACCOUNT_NAME"),
        login_name: text("LOGIN_NAME"),
        role: incoming.parameter("roleName"),
        database: incoming.parameter("databaseName"),
        schema: incoming.parameter("schemaName"),
        warehouse: incoming.parameter("warehouse"),
        secondary_roles: secondary.map(|value| value.to_uppercase()),
        session_parameters: parameters,
        client_app_id: text("CLIENT_APP_ID"),
        client_app_version: text("CLIENT_APP_VERSION"),
    }
}
