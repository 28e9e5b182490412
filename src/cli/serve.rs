//! `grantd serve`: the daemon.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, runtime, signals};
use crate::config::{Config, LoginMode};
use crate::daemon::snowflake::ConfiguredAccount;
use crate::daemon::users::{FIRST_ADMINISTRATOR, Users};
use crate::daemon::{Connector, Daemon, DaemonBackend, scheduler};
use crate::gateway::tls::Tls;
use crate::gateway::{Access, Gateway, GatewayError};
use crate::store::Store;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

/// Keep the configured accounts in sync and answer questions about them.
///
/// What was known before a restart is served at once. Ctrl-C or SIGTERM ends it cleanly.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd serve --config /etc/grantd/grantd.toml
  GRANTD__SERVER__LISTEN=127.0.0.1:6000 grantd serve --config grantd.toml

A configuration:
  [server]
  listen = \"127.0.0.1:5433\"
  data_dir = \"/var/lib/grantd\"

  [[account]]
  name = \"prod\"
  account_identifier = \"myorg-prod\"
  user = \"GRANTD\"
  warehouse = \"GRANTD_WH\"
  private_key_file = \"/etc/grantd/prod.p8\"")]
pub struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "grantd.toml")]
    pub config: PathBuf,
}

/// Serves until it is told to stop.
pub fn run(args: &ServeArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(&args.config)?;
    let store = Arc::new(Store::open(&config.server.data_dir)?);
    let access = access(&config, &store)?;
    let daemon = Arc::new(Daemon::open(store, connectors(&config))?);
    runtime()?.block_on(async {
        let stop = signals::cancellation()?;
        let gateway = Gateway::bind(config.server.listen, access)
            .await
            .map_err(|error| cannot_listen(config.server.listen, "server.listen", error))?
            .with_max_connections(config.server.max_connections as usize);
        let address = gateway.local_addr();
        tracing::info!(%address, data_dir = %config.server.data_dir.display(), "grantd answers");
        let syncs = scheduler::start(&daemon, &config, &stop);
        let backend = DaemonBackend::new(Arc::clone(&daemon))
            .map_err(|error| CliError::new(format_args!("the query engine does not start: {error}")))?
            .with_statement_timeout(config.server.statement_timeout);
        let served = gateway.serve(Arc::new(backend), stop.clone()).await;
        stop.cancel();
        syncs.finished().await;
        served.map_err(CliError::new)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Login and TLS as they are configured. The first start makes an administrator and says his password, once.
fn access(config: &Config, store: &Arc<Store>) -> Result<Access, CliError> {
    let server = &config.server;
    let tls = server.tls.as_ref().map(|(mode, files)| Tls::open(*mode, files.clone()).map(Arc::new)).transpose();
    let tls = tls.map_err(|error| CliError::new(format_args!("TLS cannot be offered: {error}")))?;
    if server.login == LoginMode::Trust {
        return Ok(Access { directory: None, tls });
    }
    let users = Users::new(Arc::clone(store));
    if let Some(password) = users.first_start()? {
        let mut out = std::io::stderr().lock();
        writeln!(
            out,
            "the administrator \"{FIRST_ADMINISTRATOR}\" was made, with the password {}\nIt is shown this once; CALL \
             reset_password('{FIRST_ADMINISTRATOR}') makes another one.",
            password.expose()
        )
        .map_err(CliError::output)?;
    }
    Ok(Access { directory: Some(Arc::new(users)), tls })
}

/// A connection for every configured account.
pub(super) fn connectors(config: &Config) -> HashMap<String, Arc<dyn Connector>> {
    let connector = |account: &crate::config::AccountConfig| {
        (account.name.clone(), Arc::new(ConfiguredAccount(account.clone())) as Arc<dyn Connector>)
    };
    config.accounts.iter().map(connector).collect()
}

/// What the user is told when the gateway's port does not open.
pub(super) fn cannot_listen(address: SocketAddr, setting: &str, error: GatewayError) -> CliError {
    match error {
        GatewayError::Listen { source, .. } => super::listen::explain(address, setting, &source),
        other => CliError::new(other),
    }
}
