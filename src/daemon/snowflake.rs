//! Connections to Snowflake accounts, as the configuration describes them.

use super::{Connector, SyncSettings};
use crate::config::{AccountConfig, ConfigError, CredentialTexts};
use crate::sync::snowflake::{Credential, Secret as SessionSecret, SigningKey, SnowflakeConfig, SnowflakeSource};
use crate::sync::{Source, SourceError};
use std::sync::Arc;

/// The role that the setup script makes for grantd.
pub const DEFAULT_ROLE: &str = "GRANTD_SYNC";

/// Connects to a configured account. Secrets are read at every connection, so that they can be
/// rotated.
pub struct ConfiguredAccount(pub AccountConfig);

impl Connector for ConfiguredAccount {
    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let account = &self.0;
        let unreadable = |error: ConfigError| SourceError::Config(error.to_string());
        let credential = match account.credential.read().map_err(unreadable)? {
            CredentialTexts::KeyPair { key, passphrase } => {
                let passphrase = passphrase.as_ref().map(|p| p.expose().as_str());
                Credential::KeyPair(Arc::new(SigningKey::from_pem(key.expose(), passphrase)?))
            }
            CredentialTexts::AccessToken(token) => Credential::AccessToken(SessionSecret::new(token.expose())),
            CredentialTexts::OAuth(token) => Credential::OAuth(SessionSecret::new(token.expose())),
        };
        let role = account.role.as_deref().unwrap_or(DEFAULT_ROLE);
        let mut config = SnowflakeConfig::new(&account.account_identifier, &account.user, role, credential);
        config.warehouse.clone_from(&account.warehouse);
        config.extra_roots = account.extra_roots().map_err(unreadable)?.into_iter().collect();
        if let Some(host) = &account.host {
            let text = if host.contains("://") { host.clone() } else { format!("https://{host}") };
            let url = url::Url::parse(&text)
                .map_err(|e| SourceError::Config(format!("host of account {}: {e}", account.name)))?;
            config.use_proxy = url.scheme() == "https";
            config.url = Some(url);
        }
        Ok(Box::new(SnowflakeSource::new(config)?))
    }

    fn settings(&self) -> SyncSettings {
        SyncSettings::from(&self.0.sync)
    }
}

/// Connects to a sandbox in this process with a key made for it.
pub struct SandboxAccount {
    /// Where the sandbox listens: `http://127.0.0.1:PORT`.
    pub url: url::Url,
    /// The account's name there.
    pub account: String,
    /// The service user.
    pub user: String,
    /// Its role.
    pub role: String,
    /// Its warehouse.
    pub warehouse: Option<String>,
    /// Its private key, PEM.
    pub private_key_pem: String,
}

impl Connector for SandboxAccount {
    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let key = SigningKey::from_pem(&self.private_key_pem, None)?;
        let credential = Credential::KeyPair(Arc::new(key));
        let mut config = SnowflakeConfig::new(&self.account, &self.user, &self.role, credential);
        config.url = Some(self.url.clone());
        config.use_proxy = false;
        config.warehouse.clone_from(&self.warehouse);
        Ok(Box::new(SnowflakeSource::new(config)?))
    }
}
