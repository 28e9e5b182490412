//! `grantd demo`: the whole of it on one machine, without an account of one's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::sandbox::{ACCOUNT, engine};
use super::serve::cannot_listen;
use super::sync::Shown;
use super::{CliError, runtime, signals};
use crate::daemon::audit::QueryLog;
use crate::daemon::snowflake::SandboxAccount;
use crate::daemon::{Connector, Daemon, DaemonBackend};
use crate::gateway::{Access, Gateway, Recorder};
use crate::progress::Progress;
use crate::sandbox::engine::SandboxEngine;
use crate::sandbox::protocol::Sandbox;
use crate::sandbox::protocol::keys::KeyPair;
use crate::sandbox::story::ACTS;
use crate::store::{AccountSource, Store};
use grantd_catalog::tables::World;
use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Start a small Snowflake, sync it and answer questions about it.
///
/// Standard output gets one line, `ready: postgresql://...`, once questions can be answered. The state is gone when it
/// ends.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd demo
  psql \"$(grantd demo --listen 127.0.0.1:0 | sed -un 's/^ready: //p;q')\"
  grantd demo --story
  grantd demo --script my-roles.sql")]
pub struct DemoArgs {
    /// Where to answer questions; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", default_value_t = crate::config::DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Where the small Snowflake listens; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))]
    pub sandbox_listen: SocketAddr,
    /// Snowflake SQL that makes the account, instead of the demo account
    #[arg(long, value_name = "FILE.sql")]
    pub script: Option<PathBuf>,
    /// Also play what happened after the first state was accepted: drift, needless and useless grants, a sync that
    /// failed. Dashboards have something to show then
    #[arg(long, conflicts_with = "script")]
    pub story: bool,
}

/// The name of the account in grantd.
const NAME: &str = "demo";
/// The service user that the sync logs in as, its role and its warehouse.
const SYNC_USER: &str = "GRANTD_SVC";
const SYNC_ROLE: &str = "GRANTD_SYNC";
const SYNC_WAREHOUSE: &str = "GRANTD_WH";

/// Runs sandbox, sync and gateway until it is told to stop.
pub fn run(args: &DemoArgs) -> Result<ExitCode, CliError> {
    let progress = Progress::stderr();
    progress.set("making the account");
    let engine = Arc::new(engine(args.script.is_none(), args.script.as_slice())?);
    let failed = |error: &dyn std::fmt::Display| CliError::new(error);
    let keys = KeyPair::generate().map_err(|e| failed(&e))?;
    engine.prepare_sync(SYNC_USER, SYNC_ROLE, SYNC_WAREHOUSE, &keys.public_key_der).map_err(|e| failed(&e))?;
    let store = Arc::new(Store::in_memory()?);
    let log = Arc::new(QueryLog::start(Arc::clone(&store))?);
    let served = runtime()?.block_on(async {
        let stop = signals::cancellation()?;
        // Both ports first: nothing is made when one is taken.
        let gateway = Gateway::bind(args.listen, Access::default())
            .await
            .map_err(|error| cannot_listen(args.listen, "--listen", error))?
            .with_recorder(Arc::clone(&log) as Arc<dyn Recorder>);
        let sandbox = Sandbox::bind(args.sandbox_listen)
            .map_err(|error| super::listen::explain(args.sandbox_listen, "--sandbox-listen", &error))?;
        let sandbox_address = sandbox.local_addr();
        let serving = tokio::spawn(sandbox.serve(engine.clone(), stop.clone()));

        let url = url::Url::parse(&format!("http://{sandbox_address}")).map_err(|e| failed(&e))?;
        let connector = SandboxAccount {
            url,
            account: ACCOUNT.to_owned(),
            user: SYNC_USER.to_owned(),
            role: SYNC_ROLE.to_owned(),
            warehouse: Some(SYNC_WAREHOUSE.to_owned()),
            private_key_pem: keys.private_key_pem.clone(),
        };
        let connectors = HashMap::from([(NAME.to_owned(), Arc::new(connector) as Arc<dyn Connector>)]);
        let daemon = Arc::new(Daemon::open(store, connectors)?);
        let shown = Shown(progress);
        daemon.sync(NAME, AccountSource::Sandbox, &shown).await?;
        if args.story {
            play(&engine, &daemon, &shown).await?;
        }
        drop(shown);

        let address = gateway.local_addr();
        let backend = DaemonBackend::new(Arc::clone(&daemon)).map_err(|e| failed(&e))?.with_query_log(Arc::clone(&log));
        let answering = gateway.serve(Arc::new(backend), stop.clone());
        greet(&daemon.world(), sandbox_address)?;
        let mut out = std::io::stdout();
        writeln!(out, "ready: postgresql://grantd@{address}/grantd")
            .and_then(|()| out.flush())
            .map_err(CliError::output)?;
        answering.await.map_err(|e| failed(&e))?;
        stop.cancel();
        match serving.await {
            Ok(ended) => ended.map_err(|e| failed(&e)),
            Err(error) => Err(failed(&error)),
        }
    });
    log.stop();
    served.map(|()| ExitCode::SUCCESS)
}

/// Plays the story, with a sync after each act. Before the last one grantd is locked out for a moment, so that there is a
/// run that failed.
async fn play(engine: &SandboxEngine, daemon: &Arc<Daemon>, shown: &Shown) -> Result<(), CliError> {
    let act = |sql: &str| engine.run_script(sql).map_err(|error| CliError::new(error).at("the demo's story"));
    let [rest @ .., last] = ACTS;
    for sql in rest {
        act(sql)?;
        daemon.sync(NAME, AccountSource::Sandbox, shown).await?;
    }
    act(&format!("ALTER USER {SYNC_USER} SET DISABLED = TRUE"))?;
    if daemon.sync(NAME, AccountSource::Sandbox, shown).await.is_ok() {
        return Err(CliError::new("a user who is disabled could log in to the sandbox"));
    }
    act(&format!("ALTER USER {SYNC_USER} SET DISABLED = FALSE"))?;
    act(last)?;
    daemon.sync(NAME, AccountSource::Sandbox, shown).await?;
    Ok(())
}

/// A first answer for people, on standard error.
fn greet(world: &World, sandbox: SocketAddr) -> Result<(), CliError> {
    let Some(view) = world.account(NAME) else { return Ok(()) };
    let s = &view.snapshot;
    let roles = s.principals().iter().filter(|p| p.kind.is_role()).count();
    let mut err = std::io::stderr().lock();
    let say = |err: &mut dyn Write| -> std::io::Result<()> {
        writeln!(
            err,
            "synced {} users, {roles} roles, {} objects and {} grants from the sandbox at http://{sandbox}",
            s.graph().users().len(),
            s.object_count(),
            s.grants().len(),
        )?;
        writeln!(err, "try: SELECT * FROM effective_privileges WHERE user_name = 'SANDBOX_USER' LIMIT 20;")?;
        writeln!(err, "Ctrl-C ends it")
    };
    // A standard error that went away is no reason to stop.
    say(&mut err).or(Ok(()))
}
