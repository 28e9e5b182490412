//! A person with a key pair who changes the sandbox's account: login and statements, as drivers send them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use grantd::sandbox::protocol::keys::{KeyPair, fingerprint};
use rsa::pkcs1v15::SigningKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use serde_json::{Value, json};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The operator's name.
pub(crate) const OPERATOR: &str = "OPERATOR";

/// The operator's keys: made once, for it takes a while.
pub(crate) fn keys() -> &'static KeyPair {
    static KEYS: OnceLock<KeyPair> = OnceLock::new();
    KEYS.get_or_init(|| KeyPair::generate().unwrap())
}

/// The end of a script that lets the operator in, as ACCOUNTADMIN.
pub(crate) fn operator_sql() -> String {
    format!(
        "\nUSE ROLE ACCOUNTADMIN;\nCREATE USER {OPERATOR} DEFAULT_ROLE = ACCOUNTADMIN RSA_PUBLIC_KEY = '{}';\n\
         GRANT ROLE ACCOUNTADMIN TO USER {OPERATOR};\n",
        keys().public_key_base64()
    )
}

/// A session of the operator.
pub(crate) struct Operator {
    http: reqwest::Client,
    sandbox: String,
    token: String,
}

impl Operator {
    /// Logs in to a sandbox whose script ended with [`operator_sql`].
    pub(crate) async fn login(sandbox: &str) -> Operator {
        Self::log_in(sandbox, "SANDBOX", OPERATOR).await.unwrap()
    }

    /// A session of any user of an account who has the operator's key; `Err` is the refusal.
    pub(crate) async fn log_in(sandbox: &str, account: &str, user: &str) -> Result<Operator, String> {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({"data": {
            "CLIENT_APP_ID": "grantd tests", "CLIENT_APP_VERSION": "1", "ACCOUNT_NAME": account,
            "LOGIN_NAME": user, "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": login_token(account, user),
            "SESSION_PARAMETERS": {}
        }});
        let request = http.post(format!("{sandbox}/session/v1/login-request?request_id=1")).json(&body);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        if answer["success"] != true {
            return Err(answer["message"].to_string());
        }
        let token = answer["data"]["token"].as_str().unwrap().to_owned();
        Ok(Operator { http, sandbox: sandbox.to_owned(), token })
    }

    /// Runs one statement; `Err` is Snowflake's message.
    pub(crate) async fn run(&self, sql: &str) -> Result<Value, String> {
        let id = uuid::Uuid::new_v4();
        let answer: Value = self
            .http
            .post(format!("{}/queries/v1/query-request?requestId={id}", self.sandbox))
            .header("Authorization", format!("Snowflake Token=\"{}\"", self.token))
            .header("Accept", "application/snowflake")
            .json(&json!({"sqlText": sql, "asyncExec": false, "sequenceId": 1}))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        if answer["success"] == true { Ok(answer) } else { Err(answer["message"].to_string()) }
    }
}

fn login_token(account: &str, user: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Drivers write both in upper case.
    let subject = format!("{account}.{user}").to_uppercase();
    let issuer = format!("{subject}.{}", fingerprint(&keys().public_key_der));
    let claims = json!({"sub": subject, "iss": issuer, "iat": now, "exp": now + 60});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(&keys().private_key_pem).unwrap();
    let signature = SigningKey::<Sha256>::new(key).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}
