//! `grantd serve`: the daemon.

use std::path::PathBuf;

use clap::Args;

use super::files::{self, File};
use super::{CliError, logging, notify, runtime, signals};
use crate::config::{Config, ConnectionLimits, LoginMode, Secret};
use crate::daemon::audit::QueryLog;
use crate::daemon::snowflake::ConfiguredAccount;
use crate::daemon::users::{FIRST_ADMINISTRATOR, Users};
use crate::daemon::{Connector, Daemon, DaemonBackend, scheduler};
use crate::gateway::tls::Tls;
use crate::gateway::{Access, Gateway, GatewayError, Recorder};
use crate::monitoring::{Monitor, Port};
use crate::store::Store;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Where the first administrator's password is when log lines are for machines.
const FIRST_PASSWORD: &str = "first-password";

/// Keep the configured accounts in sync and answer questions about them.
///
/// What was known before a restart is served at once. Ctrl-C or SIGTERM ends it: statements that run have ten
/// seconds (or what the configuration says), and a second signal ends it at once.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd serve --config /etc/grantd/grantd.toml
  GRANTD__SERVER__LISTEN=127.0.0.1:6000 grantd serve --config grantd.toml
  GRANTD_LOG=info GRANTD_LOG_FORMAT=json grantd serve

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
    #[arg(long, value_name = "FILE", env = "GRANTD_CONFIG", default_value = "grantd.toml")]
    pub config: PathBuf,
}

/// Serves until it is told to stop.
pub fn run(args: &ServeArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(&args.config)?;
    logging::configure(config.server.operations.log_format);
    raise_open_files(&config.server.limits);
    let store = Arc::new(Store::open(&config.server.data_dir)?);
    let access = access(&config, &store)?;
    let log = Arc::new(QueryLog::start(Arc::clone(&store))?);
    let daemon = Arc::new(Daemon::open(store, connectors(&config))?);
    let served = runtime()?.block_on(async {
        let stop = signals::cancellation()?;
        let mut gateway = Gateway::bind(config.server.listen, access)
            .await
            .map_err(|error| cannot_listen(config.server.listen, "server.listen", error))?
            .with_limits(config.server.usage.clone())
            .with_recorder(Arc::clone(&log) as Arc<dyn Recorder>)
            .with_shutdown_timeout(config.server.operations.shutdown_timeout);
        if let Some(socket) = &config.server.access.socket {
            gateway = gateway.with_socket(&socket.folder, socket.access).map_err(|error| {
                CliError::new(error).hint("server.socket_dir is a folder that grantd may write to, as /run/grantd")
            })?;
        }
        let metrics = match config.server.operations.metrics_listen {
            Some(listen) => Some(
                Port::open(listen)
                    .await
                    .map_err(|error| super::listen::explain(listen, "server.metrics_listen", &error))?,
            ),
            None => None,
        };
        let end = CancellationToken::new();
        let address = gateway.local_addr();
        tracing::info!(%address, data_dir = %config.server.data_dir.display(), "grantd answers");
        let syncs = scheduler::start(&daemon, &config, &stop);
        let backend = DaemonBackend::new(Arc::clone(&daemon))
            .map_err(|error| CliError::new(format_args!("the query engine does not start: {error}")))?
            .with_query_log(Arc::clone(&log));
        let monitor = Monitor::new(Arc::clone(&daemon), gateway.stats(), stop.clone(), logging::panics::count);
        let watched = metrics.map(|port| {
            tracing::info!(address = %port.local_addr(), "health and metrics are shown");
            tokio::spawn(port.serve(Arc::new(monitor), end.clone()))
        });
        notify::ready();
        let ending = stop.clone();
        tokio::spawn(async move {
            ending.cancelled().await;
            tracing::info!("the end has begun");
            notify::stopping();
        });
        let served = gateway.serve(Arc::new(backend), stop.clone()).await;
        stop.cancel();
        syncs.finished().await;
        end.cancel();
        if let Some(watched) = watched {
            // It only waits for its own end.
            let _ = watched.await;
        }
        tracing::info!("ended");
        served.map_err(CliError::new)
    });
    log.stop();
    served.map(|()| ExitCode::SUCCESS)
}

/// Files that are open beside connections: the store, syncs, what the program itself needs.
const OTHER_FILES: u64 = 128;

/// Lets the process open as many files as it may have connections, or says that it cannot.
fn raise_open_files(limits: &ConnectionLimits) {
    let wanted = u64::from(limits.connections) + u64::from(limits.starting) + OTHER_FILES;
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Ok((soft, _)) if soft >= wanted => {}
        Ok((soft, hard)) => {
            let raised = rlimit::setrlimit(rlimit::Resource::NOFILE, wanted.min(hard), hard);
            if raised.is_err() || hard < wanted {
                let open = if raised.is_ok() { hard } else { soft };
                tracing::warn!(
                    open,
                    wanted,
                    "the process may open fewer files than max_connections and max_starting_connections need: raise its \
                     limit (ulimit -n, LimitNOFILE=) or lower them"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "how many files the process may open is not known"),
    }
}

/// Login and TLS as they are configured. The first start makes an administrator and says his password, once.
fn access(config: &Config, store: &Arc<Store>) -> Result<Access, CliError> {
    let server = &config.server.access;
    let limits = config.server.limits;
    let tls = server.tls.as_ref().map(|(mode, files)| Tls::open(*mode, files.clone()).map(Arc::new)).transpose();
    let tls = tls.map_err(|error| CliError::new(format_args!("TLS cannot be offered: {error}")))?;
    if server.login == LoginMode::Trust {
        return Ok(Access { tls, limits, proxies: server.proxies.clone(), ..Access::default() });
    }
    let users = Users::new(Arc::clone(store));
    if let Some(password) = users.first_start()? {
        tell_first_password(store, &password)?;
    }
    Ok(Access {
        directory: Some(Arc::new(users)),
        methods: server.into(),
        tls,
        limits,
        proxies: server.proxies.clone(),
    })
}

/// On standard error, or in a file where standard error is for machines.
fn tell_first_password(store: &Store, password: &Secret<String>) -> Result<(), CliError> {
    if logging::is_json() {
        // Lines for machines are kept and shown to many: a secret is not one of them.
        let file = File { name: FIRST_PASSWORD, text: password.expose(), private: true };
        files::write(store.dir(), &[file]).map_err(|error| {
            error.hint(format_args!("grantd user password {FIRST_ADMINISTRATOR} makes another one"))
        })?;
        let file = store.dir().join(FIRST_PASSWORD);
        let file = file.display();
        tracing::warn!(user = FIRST_ADMINISTRATOR, %file, "the administrator was made; his password is in the file: read it and remove it");
        return Ok(());
    }
    let mut out = std::io::stderr().lock();
    writeln!(
        out,
        "the administrator \"{FIRST_ADMINISTRATOR}\" was made, with the password {}\nIt is shown this once; CALL \
         reset_password('{FIRST_ADMINISTRATOR}') makes another one.",
        password.expose()
    )
    .map_err(CliError::output)
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
