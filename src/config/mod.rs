//! Configuration: `grantd.toml`, overridden by `GRANTD__SECTION__KEY` in the environment.
//!
//! ```toml
//! [server]
//! listen = "127.0.0.1:5433"
//! data_dir = "/var/lib/grantd"
//!
//! [[account]]
//! name = "prod"
//! account_identifier = "myorg-prod"
//! user = "GRANTD"
//! warehouse = "GRANTD_WH"
//! private_key_file = "/etc/grantd/prod.p8"
//! ```
//!
//! Secrets are never in the file: keys ending in `_file` name the file that holds one. Relative paths are relative
//! to the folder of the configuration. Every mistake is an error that names its place. With `connection = "NAME"` what
//! the account does not say comes from that connection of `~/.snowflake/connections.toml`.

mod access;
mod connections;
mod credential;
pub(crate) mod duration;
mod environment;
mod error;
mod limits;
mod operations;
mod raw;
mod secret;
pub(crate) mod size;
mod sync;
mod usage;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use access::{
    AccessConfig, CertificateName, CertificateUsers, LoginMode, SocketAccess, SocketConfig, SocketLogin, TlsFiles,
    TlsMode,
};
pub use credential::{CredentialFiles, CredentialTexts};
pub use error::ConfigError;
pub use limits::ConnectionLimits;
pub use operations::{DEFAULT_SHUTDOWN_TIMEOUT, LogFormat, MetricsAccess, OperationsConfig};
pub use secret::{Secret, read_secret};
pub use sync::SyncConfig;
pub use usage::{Limits, Spill};

/// Where the gateway listens unless told otherwise.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5433);
/// How often an account is synced unless told otherwise.
pub const DEFAULT_SYNC_INTERVAL: Duration = Duration::from_hours(1);

/// Everything that `grantd serve` and `grantd sync` are told.
#[derive(Clone, Debug)]
pub struct Config {
    /// The daemon itself.
    pub server: ServerConfig,
    /// The accounts it keeps in sync, in the order of the file; names are distinct.
    pub accounts: Vec<AccountConfig>,
}

/// `[server]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerConfig {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where state is kept.
    pub data_dir: PathBuf,
    /// What clients may take of the machine.
    pub usage: Limits,
    /// How many connections there may be.
    pub limits: ConnectionLimits,
    /// Who may ask.
    pub access: AccessConfig,
    /// How the daemon is run and watched.
    pub operations: OperationsConfig,
}

/// `[[account]]`: one account of a platform.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    /// The name that users give it.
    pub name: String,
    /// Which platform it is on.
    pub platform: Platform,
    /// `orgname-accountname`.
    pub account_identifier: String,
    /// The service user.
    pub user: String,
    /// The role to use; the user's default role otherwise.
    pub role: Option<String>,
    /// The warehouse for the statements that need one.
    pub warehouse: Option<String>,
    /// What proves that it is this user.
    pub credential: CredentialFiles,
    /// Certificates (PEM) to trust besides the usual ones: a company's own authority.
    pub ca_file: Option<PathBuf>,
    /// Instead of `<account_identifier>.snowflakecomputing.com`: `https://host[:port]`, or a host alone.
    pub host: Option<String>,
    /// How often to sync; `None` only on demand (`"0"`).
    pub sync_interval: Option<Duration>,
    /// What its syncs may take, and when a part is due again.
    pub sync: SyncConfig,
}

/// A platform that grantd can read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Snowflake.
    #[default]
    Snowflake,
}

impl Platform {
    /// The word in the file and in `accounts.platform`.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Snowflake => "snowflake",
        }
    }
}

impl Config {
    /// Reads the file, applies the process's environment and checks the files that hold secrets.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        let config = Config::read(file)?;
        for account in &config.accounts {
            account.check_files()?;
        }
        Ok(config)
    }

    /// As [`Config::load`], without a look at the files that hold secrets.
    pub fn read(file: &Path) -> Result<Config, ConfigError> {
        let text =
            std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.to_path_buf(), source })?;
        Config::parse(file, &text, std::env::vars_os())
    }

    /// As [`Config::load`], from a text and an environment; touches no file but that of a named `connection`. `file` is
    /// for messages and relative paths.
    pub fn parse(
        file: &Path,
        text: &str,
        environment: impl IntoIterator<Item = (std::ffi::OsString, std::ffi::OsString)>,
    ) -> Result<Config, ConfigError> {
        let environment: Vec<_> = environment.into_iter().collect();
        let raw = raw::parse(file, text)?;
        let mut raw = environment::apply(raw, environment.iter().cloned())?;
        connections::complete(&mut raw, &environment)?;
        raw::finish(file, text, &raw)
    }
}

impl AccountConfig {
    /// The certificates of `ca_file`, if there is one.
    pub fn extra_roots(&self) -> Result<Option<Vec<u8>>, ConfigError> {
        let read =
            |file: &PathBuf| std::fs::read(file).map_err(|source| ConfigError::Read { file: file.clone(), source });
        self.ca_file.as_ref().map(read).transpose()
    }

    fn check_files(&self) -> Result<(), ConfigError> {
        self.credential.check()?;
        self.extra_roots()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
