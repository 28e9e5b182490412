//! The session: login, the tokens, renewal (one at a time), a new login when the session is gone, and its end.

use super::advice;
use super::config::{Credential, SnowflakeConfig};
use super::transport::{Purpose, Transport, malformed};
use crate::sync::SourceError;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Time for a renewal or the end of a session.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

/// A login and what it gave.
pub(super) struct Session {
    config: SnowflakeConfig,
    base: Url,
    transport: Transport,
    state: Mutex<State>,
    /// The session token for readers that cannot wait, such as a guard that is dropped.
    current: Arc<RwLock<String>>,
}

#[derive(Default)]
struct State {
    session: String,
    master: String,
    /// The login request's body without the proof, for a new login.
    login: Option<Value>,
    /// A refused login; asking again would lock the user.
    refused: Option<SourceError>,
}

impl Session {
    pub(super) fn new(config: SnowflakeConfig, base: Url, transport: Transport) -> Self {
        Self { config, base, transport, state: Mutex::default(), current: Arc::default() }
    }

    pub(super) fn config(&self) -> &SnowflakeConfig {
        &self.config
    }

    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The session token as it is now; empty before the login.
    pub(super) fn token(&self) -> String {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs in with the envelope that `snowflake-api` made; gives the answer for it, without the tokens.
    pub(super) async fn login(&self, envelope: &[u8]) -> Result<Value, SourceError> {
        let mut state = self.state.lock().await;
        if let Some(error) = &state.refused {
            return Err(error.clone());
        }
        let body = self.login_body(envelope)?;
        let data = self.log_in(&mut state, &body).await?;
        state.login = Some(body);
        // The crate logs this answer and renews by its own clock: it gets neither tokens nor a clock.
        let lifetime = 10 * 365 * 86_400;
        Ok(json!({
            "success": true, "code": null, "message": null,
            "data": {
                "token": "held by the layer", "masterToken": "held by the layer",
                "validityInSeconds": lifetime, "masterValidityInSeconds": lifetime,
                "sessionId": data.get("sessionId").and_then(Value::as_i64).unwrap_or(0),
                "serverVersion": data.get("serverVersion").and_then(Value::as_str).unwrap_or_default(),
                "parameters": [],
                "sessionInfo": {"roleName": ""},
            },
        }))
    }

    /// The login body: the crate's, with our identity, session parameters and only the planned role active.
    fn login_body(&self, envelope: &[u8]) -> Result<Value, SourceError> {
        let strange = || malformed(Purpose::Login, &self.base, "the login envelope of snowflake-api has another form");
        let mut body: Value = serde_json::from_slice(envelope).map_err(|_| strange())?;
        let data = body.get_mut("data").and_then(Value::as_object_mut).ok_or_else(strange)?;
        for secret in ["PASSWORD", "TOKEN"] {
            data.remove(secret);
        }
        data.insert("ACCOUNT_NAME".into(), json!(self.config.account_name()));
        data.insert("LOGIN_NAME".into(), json!(self.config.user));
        data.insert("SECONDARY_ROLES".into(), json!("NONE"));
        data.insert(
            "CLIENT_ENVIRONMENT".into(),
            json!({"APPLICATION": "grantd", "OS": std::env::consts::OS, "OS_VERSION": std::env::consts::ARCH}),
        );
        data.insert(
            "SESSION_PARAMETERS".into(),
            json!({
                "CLIENT_VALIDATE_DEFAULT_PARAMETERS": true,
                "QUERY_TAG": self.config.query_tag,
                "TIMEZONE": "UTC",
            }),
        );
        Ok(body)
    }

    async fn log_in(&self, state: &mut State, body: &Value) -> Result<Value, SourceError> {
        let mut body = body.clone();
        let (authenticator, proof) = match &self.config.credential {
            Credential::KeyPair(key) => {
                let user = self.config.user.to_uppercase();
                ("SNOWFLAKE_JWT", key.token(&self.config.account_name(), &user)?)
            }
            Credential::AccessToken(token) => ("PROGRAMMATIC_ACCESS_TOKEN", token.reveal().to_owned()),
            Credential::OAuth(token) => ("OAUTH", token.reveal().to_owned()),
        };
        if let Some(data) = body.get_mut("data").and_then(Value::as_object_mut) {
            data.insert("AUTHENTICATOR".into(), json!(authenticator));
            data.insert("TOKEN".into(), json!(proof));
        }
        let mut url = self.url("/session/v1/login-request")?;
        url.query_pairs_mut().append_pair("roleName", &self.config.role);
        if let Some(warehouse) = &self.config.warehouse {
            url.query_pairs_mut().append_pair("warehouse", warehouse);
        }
        let request = post(url, &body, None);
        let deadline = Instant::now() + self.config.limits.login;
        let answer = self.exchange(Purpose::Login, &request, deadline).await?;
        let data = answer.get("data").cloned().unwrap_or_default();
        if !succeeded(&answer) {
            let error = advice::login(&self.config, text(&answer, "code"), text(&answer, "message"));
            state.refused = Some(error.clone());
            return Err(error);
        }
        let (session, master) = (text(&data, "token"), text(&data, "masterToken"));
        if session.is_empty() {
            return Err(malformed(Purpose::Login, &self.base, "the login answer has no token"));
        }
        self.adopt(state, session, Some(master));
        if let Some(error) = self.wrong_role(&data) {
            state.refused = Some(error.clone());
            return Err(error);
        }
        Ok(data)
    }

    /// The session must have the planned role, or what it sees is not what the plan means.
    fn wrong_role(&self, data: &Value) -> Option<SourceError> {
        let active = data.get("sessionInfo").map(|s| text(s, "roleName")).filter(|r| !r.is_empty())?;
        let wanted = match self.config.role.strip_prefix('"').and_then(|r| r.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\"\"", "\""),
            None => self.config.role.to_ascii_uppercase(),
        };
        let given = active.strip_prefix('"').and_then(|r| r.strip_suffix('"')).unwrap_or(active);
        if given == wanted {
            return None;
        }
        let message = format!("the session has the role {active}, not {}", self.config.role);
        Some(advice::login(&self.config, "390189", &message))
    }

    /// A token to go on with after the server refused `used`: another caller's, a renewed one, or a new login's.
    pub(super) async fn renew(&self, used: &str) -> Result<String, SourceError> {
        let mut state = self.state.lock().await;
        if state.session != used {
            return Ok(state.session.clone());
        }
        let mut url = self.url("/session/token-request")?;
        url.query_pairs_mut().append_pair("requestId", &uuid::Uuid::new_v4().to_string());
        let body = json!({"oldSessionToken": state.session, "requestType": "RENEW"});
        let request = post(url, &body, Some(&state.master));
        let answer = self.exchange(Purpose::Renew, &request, Instant::now() + HOUSEKEEPING).await?;
        let data = answer.get("data").cloned().unwrap_or_default();
        let token = text(&data, "sessionToken");
        if succeeded(&answer) && !token.is_empty() {
            let master = Some(text(&data, "masterToken")).filter(|m| !m.is_empty());
            self.adopt(&mut state, token, master);
            return Ok(state.session.clone());
        }
        let code = text(&answer, "code").to_owned();
        tracing::info!(code, "the session cannot be renewed, logging in again");
        let Some(body) = state.login.clone() else { return Err(SourceError::SessionLost(code)) };
        self.log_in(&mut state, &body).await?;
        Ok(state.session.clone())
    }

    fn adopt(&self, state: &mut State, session: &str, master: Option<&str>) {
        session.clone_into(&mut state.session);
        if let Some(master) = master {
            master.clone_into(&mut state.master);
        }
        session.clone_into(&mut self.current.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends the session on the server.
    pub(super) async fn close(&self) -> Result<(), SourceError> {
        let mut state = self.state.lock().await;
        if state.session.is_empty() {
            return Ok(());
        }
        let mut url = self.url("/session")?;
        url.query_pairs_mut().append_pair("delete", "true");
        let request = post(url, &json!({}), Some(&state.session));
        *state = State::default();
        self.current.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.exchange(Purpose::Close, &request, Instant::now() + HOUSEKEEPING).await.map(|_| ())
    }

    pub(super) fn url(&self, path: &str) -> Result<Url, SourceError> {
        self.base.join(path).map_err(|e| malformed(Purpose::Query, &self.base, &format!("{path:?}: {e}")))
    }

    /// Sends a request of the protocol and reads the envelope of its answer.
    pub(super) async fn exchange(
        &self,
        purpose: Purpose,
        request: &Request,
        deadline: Instant,
    ) -> Result<Value, SourceError> {
        let (status, body) = self.transport.send(purpose, request, deadline).await?;
        Transport::envelope(purpose, request.url(), status, &body)
    }
}

/// A POST of the protocol.
pub(super) fn post(url: Url, body: &Value, token: Option<&str>) -> Request {
    let mut request = Request::new(Method::POST, url);
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/snowflake"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *request.body_mut() = Some(Body::from(body.to_string()));
    if let Some(token) = token {
        authorize(&mut request, token);
    }
    request
}

/// Sets the token, marked as sensitive so that no log shows it.
pub(super) fn authorize(request: &mut Request, token: &str) {
    if let Ok(mut value) = HeaderValue::from_str(&format!("Snowflake Token=\"{token}\"")) {
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
}

pub(super) fn succeeded(answer: &Value) -> bool {
    answer.get("success").and_then(Value::as_bool) == Some(true)
}

/// A text field; empty when it is not there.
pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
