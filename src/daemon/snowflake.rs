//! Connections to Snowflake accounts, as the configuration describes them.

use super::{Connector, SyncSettings};
use crate::config::AccountConfig;
use crate::sync::snowflake::{Credential, SigningKey, SnowflakeConfig, SnowflakeSource};
use crate::sync::{Source, SourceError};
use std::sync::Arc;

/// The role that the setup script makes for grantd.
const DEFAULT_ROLE: &str = "GRANTD_SYNC";

/// Connects to a configured account. The key is read at every connection, so it can be rotated.
pub struct ConfiguredAccount(pub AccountConfig);

impl Connector for ConfiguredAccount {
    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let account = &self.0;
        let refused = |error: &dyn std::fmt::Display| SourceError::Key(error.to_string());
        let pem = account.private_key().map_err(|e| refused(&e))?;
        let passphrase = account.private_key_passphrase().map_err(|e| refused(&e))?;
        let key = SigningKey::from_pem(pem.expose(), passphrase.as_ref().map(|p| p.expose().as_str()))?;
        let role = account.role.as_deref().unwrap_or(DEFAULT_ROLE);
        let credential = Credential::KeyPair(Arc::new(key));
        let mut config = SnowflakeConfig::new(&account.account_identifier, &account.user, role, credential);
        config.warehouse.clone_from(&account.warehouse);
        if let Some(host) = &account.host {
            let text = if host.contains("://") { host.clone() } else { format!("https://{host}") };
            let url = url::Url::parse(&text)
                .map_err(|e| SourceError::Config(format!("host {host:?} of account {}: {e}", account.name)))?;
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
