//! A bare driver: sends what a test says and shows the answer as it is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantd::sandbox::protocol::keys::{KeyPair, fingerprint};
use grantd::sandbox::protocol::{Controls, Sandbox, Settings};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

use super::engine::TestEngine;

/// ALICE's keys and a stranger's: generated once, for it takes a while.
pub(crate) fn keys() -> &'static [KeyPair; 2] {
    static KEYS: OnceLock<[KeyPair; 2]> = OnceLock::new();
    KEYS.get_or_init(|| [KeyPair::generate().unwrap(), KeyPair::generate().unwrap()])
}

/// A running server. It ends with this value.
pub(crate) struct Running {
    pub(crate) addr: SocketAddr,
    pub(crate) controls: Controls,
    pub(crate) shutdown: CancellationToken,
    pub(crate) served: tokio::task::JoinHandle<std::io::Result<()>>,
    pub(crate) http: reqwest::Client,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Small parts, so that small results have chunks.
pub(crate) fn small() -> Settings {
    Settings { inline_rows: 20, chunk_rows: 100, ..Settings::default() }
}

/// The same, and a short wait, so that a short statement is "in progress".
pub(crate) fn impatient() -> Settings {
    Settings { statement_wait: Duration::from_millis(300), ..small() }
}

pub(crate) fn start(settings: Settings) -> Running {
    let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap().with_settings(settings);
    let (addr, controls, shutdown) = (sandbox.local_addr(), sandbox.controls(), CancellationToken::new());
    let engine = Arc::new(TestEngine { public_key: keys()[0].public_key_der.clone() });
    let served = tokio::spawn(sandbox.serve(engine, shutdown.clone()));
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    Running { addr, controls, shutdown, served, http }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token as drivers make it, after the test's change to its claims.
pub(crate) fn token(pair: &KeyPair, user: &str, change: impl FnOnce(&mut Value)) -> String {
    let subject = format!("TESTACCT.{user}");
    let issuer = format!("{subject}.{}", fingerprint(&pair.public_key_der));
    let mut claims = json!({"sub": subject, "iss": issuer, "iat": now(), "exp": now() + 60});
    change(&mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&pair.private_key_pem).unwrap();
    let signature = SigningKey::<Sha256>::new(key).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// A logged-in session's two tokens.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) master: String,
}

impl Running {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Value {
        let mut request = self.http.post(self.url(path)).json(body);
        if let Some(token) = token {
            request = request.header("Authorization", format!("Snowflake Token=\"{token}\""));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "application errors are HTTP 200");
        response.json().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Value {
        let request = self.http.get(self.url(path)).header("Authorization", format!("Snowflake Token=\"{token}\""));
        request.send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn login_with(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut body = json!({"data": {
            "CLIENT_APP_ID": "PythonConnector", "CLIENT_APP_VERSION": "4.8.1", "ACCOUNT_NAME": "testacct",
            "LOGIN_NAME": "alice", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token(&keys()[0], "ALICE", |_| ()),
            "SESSION_PARAMETERS": {}
        }});
        change(&mut body["data"]);
        self.post("/session/v1/login-request?request_id=1&roleName=ANALYST&databaseName=", None, &body).await
    }

    pub(crate) async fn login(&self) -> Session {
        let answer = self.login_with(|_| ()).await;
        assert_eq!(answer["success"], true, "{answer}");
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Session { token: text("token"), master: text("masterToken") }
    }

    pub(crate) async fn query(&self, session: &Session, sql: &str) -> Value {
        self.query_as(session, sql, &uuid::Uuid::new_v4().to_string(), json!({})).await
    }

    /// A query with a request id of the test's own and more fields in its body.
    pub(crate) async fn query_as(&self, session: &Session, sql: &str, request: &str, more: Value) -> Value {
        let mut body = json!({"sqlText": sql, "asyncExec": false, "sequenceId": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("/queries/v1/query-request?requestId={request}"), Some(&session.token), &body).await
    }

    pub(crate) async fn fault(&self, rule: Value) {
        let response = self.http.post(self.url("/sandbox/faults")).json(&json!([rule])).send().await.unwrap();
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    }
}
