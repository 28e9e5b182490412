//! `grantd sandbox`: the small Snowflake on its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{CliError, runtime, signals};
use crate::config::duration;
use crate::sandbox::demo::DEMO;
use crate::sandbox::engine::SandboxEngine;
use crate::sandbox::engine::account_usage::views;
use crate::sandbox::protocol::Sandbox;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Start a small Snowflake that understands access control, for tests and demos.
///
/// It speaks enough of Snowflake's protocol for official connectors, keeps everything in memory, and is not for data.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd sandbox --listen 127.0.0.1:8085
  grantd sandbox --listen 127.0.0.1:0 --script my-roles.sql
  grantd sandbox --listen 127.0.0.1:8085 --usage-lag 2h --usage-lag TABLES=90m")]
pub struct SandboxArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: SocketAddr,
    /// Snowflake SQL that makes the account, instead of the demo account
    #[arg(long, value_name = "FILE.sql")]
    pub script: Option<PathBuf>,
    /// How late account usage shows a change, in one of its views or in all; can be given several times
    #[arg(long, value_name = "[VIEW=]DURATION", value_parser = usage_lag)]
    pub usage_lag: Vec<UsageLag>,
}

/// How late one view of `ACCOUNT_USAGE` is, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLag {
    /// The view; `None` for all.
    pub view: Option<String>,
    /// How late.
    pub lag: Duration,
}

fn usage_lag(text: &str) -> Result<UsageLag, String> {
    let (view, lag) = match text.split_once('=') {
        Some((view, lag)) => (Some(view), lag),
        None => (None, text),
    };
    if let Some(view) = view.filter(|name| !views().any(|known| known.eq_ignore_ascii_case(name))) {
        let known: Vec<&str> = views().collect();
        return Err(format!("there is no view {view:?}; the sandbox has {}", known.join(", ")));
    }
    Ok(UsageLag { view: view.map(str::to_ascii_uppercase), lag: duration::parse(lag)? })
}

/// Serves the sandbox until it is told to stop.
pub fn run(args: &SandboxArgs) -> Result<ExitCode, CliError> {
    let engine = Arc::new(engine(args.script.as_deref())?);
    for UsageLag { view, lag } in &args.usage_lag {
        engine.delay_usage(view.as_deref(), *lag);
    }
    runtime()?.block_on(async {
        let stop = signals::cancellation()?;
        let sandbox =
            Sandbox::bind(args.listen).map_err(|error| super::listen::explain(args.listen, "--listen", &error))?;
        let address = sandbox.local_addr();
        let mut out = std::io::stdout().lock();
        writeln!(out, "ready: http://{address}").and_then(|()| out.flush()).map_err(CliError::output)?;
        drop(out);
        sandbox.serve(engine, stop).await.map_err(CliError::new)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The account of a script, or the demo account.
pub(super) fn engine(script: Option<&Path>) -> Result<SandboxEngine, CliError> {
    let engine = SandboxEngine::new(ACCOUNT);
    let (text, place) = match script {
        None => (DEMO.to_owned(), "the demo account".to_owned()),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| CliError::new(format_args!("cannot read the script: {error}")).at(path.display()))?;
            (text, path.display().to_string())
        }
    };
    engine.run_script(&text).map_err(|error| {
        CliError::new(error).at(place).hint("the script is Snowflake SQL, run as ACCOUNTADMIN; nothing was started")
    })?;
    Ok(engine)
}

/// The name that clients give as their account.
pub(super) const ACCOUNT: &str = "SANDBOX";
