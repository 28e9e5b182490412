//! How to reach and log in to one account.

use super::key::SigningKey;
use crate::sync::SourceError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Text that never shows: not in logs, not in errors, not in `Debug`.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes `text`, surrounding white space aside (files end with a newline).
    pub fn new(text: &str) -> Self {
        Self(text.trim().into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(...)")
    }
}

/// How to prove who we are.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A key pair: the public half is registered with the user.
    KeyPair(Arc<SigningKey>),
    /// A programmatic access token.
    AccessToken(Secret),
    /// An OAuth access token.
    OAuth(Secret),
}

/// What the client may use at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Statements at the same time.
    pub statements: usize,
    /// Chunk downloads at the same time.
    pub downloads: usize,
    /// Bytes of one answer or chunk, unpacked.
    pub response_bytes: usize,
    /// Tries of one request; the first one counts.
    pub attempts: u32,
    /// Time for one request. A statement that runs longer is polled, so this is not the time for a statement.
    pub request: Duration,
    /// Time for the login.
    pub login: Duration,
    /// Time for one statement, queueing, polling and download included.
    pub statement: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statements: 4,
            downloads: 4,
            response_bytes: 512 << 20,
            attempts: 5,
            request: Duration::from_secs(90),
            login: Duration::from_mins(1),
            statement: Duration::from_mins(15),
        }
    }
}

/// One account and the service user that reads it.
#[derive(Clone, Debug)]
pub struct SnowflakeConfig {
    /// The account identifier: `myorg-myaccount`, or a locator with its region.
    pub account: String,
    /// Where the account answers; `None` is `https://<account>.snowflakecomputing.com`. For `PrivateLink`, China, proxies.
    pub url: Option<Url>,
    /// The service user.
    pub user: String,
    /// Its role; the only one active in the session.
    pub role: String,
    /// The warehouse for the statements that need one.
    pub warehouse: Option<String>,
    /// Its proof.
    pub credential: Credential,
    /// Certificates (PEM) to trust besides the usual ones: a company's own authority.
    pub extra_roots: Vec<Vec<u8>>,
    /// Whether `HTTPS_PROXY` and its like are obeyed. Off for loopback.
    pub use_proxy: bool,
    /// Value of `QUERY_TAG`, by which the account's owner finds what grantd did.
    pub query_tag: String,
    /// What may be used at most.
    pub limits: Limits,
}

impl SnowflakeConfig {
    /// A configuration with the usual limits.
    pub fn new(account: &str, user: &str, role: &str, credential: Credential) -> Self {
        Self {
            account: account.to_owned(),
            url: None,
            user: user.to_owned(),
            role: role.to_owned(),
            warehouse: None,
            credential,
            extra_roots: Vec::new(),
            use_proxy: true,
            query_tag: concat!("grantd/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
        }
    }

    /// Where requests go.
    ///
    /// # Errors
    /// The account is no host name, or the URL is neither https nor http on loopback.
    pub fn base_url(&self) -> Result<Url, SourceError> {
        let Some(url) = self.url.clone() else { return self.usual_url() };
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        match url.scheme() {
            "https" => Ok(url),
            "http" if loopback => Ok(url),
            _ => Err(SourceError::Config(format!(
                "{} is neither https nor http on this machine; credentials are not sent over plain http",
                url.origin().ascii_serialization()
            ))),
        }
    }

    fn usual_url(&self) -> Result<Url, SourceError> {
        let account = &self.account;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if account.is_empty() || !account.chars().all(allowed) {
            return Err(SourceError::Config(format!(
                "{account:?} is no account identifier; write it as in https://<account>.snowflakecomputing.com"
            )));
        }
        // Host names have no underscore; Snowflake answers to the name with dashes.
        let host = account.to_ascii_lowercase().replace('_', "-");
        Url::parse(&format!("https://{host}.snowflakecomputing.com"))
            .map_err(|e| SourceError::Config(format!("account {account:?}: {e}")))
    }

    /// The account as Snowflake's drivers name it at login: upper case, without region or `.global` suffix.
    pub fn account_name(&self) -> String {
        let account = self.account.trim();
        let name = if account.to_ascii_lowercase().contains(".global") {
            account.split('-').next()
        } else {
            account.split('.').next()
        };
        name.unwrap_or(account).to_ascii_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(account: &str, url: Option<&str>) -> SnowflakeConfig {
        let mut config = SnowflakeConfig::new(account, "U", "R", Credential::OAuth(Secret::new(" hush\n")));
        config.url = url.map(|u| u.parse().unwrap());
        config
    }

    #[test]
    fn the_account_gives_host_and_login_name() {
        for (account, host, name) in [
            ("myorg-my_account", "https://myorg-my-account.snowflakecomputing.com/", "MYORG-MY_ACCOUNT"),
            ("xy12345.eu-central-1", "https://xy12345.eu-central-1.snowflakecomputing.com/", "XY12345"),
            ("xy-abc.global", "https://xy-abc.global.snowflakecomputing.com/", "XY"),
        ] {
            let config = config(account, None);
            assert_eq!(config.base_url().unwrap().as_str(), host);
            assert_eq!(config.account_name(), name);
        }
        assert!(config("a/b", None).base_url().is_err());
    }

    #[test]
    fn credentials_go_over_https_or_loopback_only() {
        assert!(config("a", Some("http://127.0.0.1:1")).base_url().is_ok());
        assert!(config("a", Some("http://example.com")).base_url().is_err());
        assert!(config("a", Some("ftp://127.0.0.1")).base_url().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", config("a", None)).contains("hush"));
    }
}
