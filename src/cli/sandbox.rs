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
use crate::sandbox::story::ACTS;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Start a small Snowflake that understands access control, for tests and demos.
///
/// It speaks enough of Snowflake's protocol for official connectors, keeps everything in memory, and is not for data.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd sandbox --listen 127.0.0.1:8085
  grantd sandbox --listen 127.0.0.1:0 --script my-roles.sql
  grantd sandbox --listen 127.0.0.1:8085 --demo --script prod/setup.sql --story 2m
  grantd sandbox --listen 127.0.0.1:8085 --usage-lag 2h --usage-lag TABLES=90m")]
pub struct SandboxArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: SocketAddr,
    /// Snowflake SQL that makes the account, instead of the demo account; can be given several times
    #[arg(long, value_name = "FILE.sql")]
    pub script: Vec<PathBuf>,
    /// Make the demo account, then run the scripts
    #[arg(long)]
    pub demo: bool,
    /// Play what happens to the demo account after its first state was accepted: an act each time this has passed
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub story: Option<Duration>,
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
    let demo = args.demo || args.script.is_empty();
    if args.story.is_some() && !demo {
        return Err(CliError::new("--story is about the demo account").hint("add --demo, or leave out --story"));
    }
    let engine = Arc::new(engine(demo, &args.script)?);
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
        if let Some(interval) = args.story {
            tokio::spawn(play(Arc::clone(&engine), interval, stop.clone()));
        }
        sandbox.serve(engine, stop).await.map_err(CliError::new)
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Plays the story, an act at a time.
async fn play(engine: Arc<SandboxEngine>, interval: Duration, stop: CancellationToken) {
    for (number, act) in (1..).zip(ACTS) {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(interval) => {}
        }
        match engine.run_script(act) {
            Ok(()) => tracing::info!(act = number, "the story went on"),
            // Somebody changed the account in the meantime.
            Err(error) => tracing::error!(act = number, %error, "an act of the story cannot be played any more"),
        }
    }
}

/// The demo account if it is wanted or there is no script, then what the scripts make.
pub(super) fn engine(demo: bool, scripts: &[PathBuf]) -> Result<SandboxEngine, CliError> {
    let engine = SandboxEngine::new(ACCOUNT);
    let run = |text: &str, place: &dyn std::fmt::Display| {
        engine.run_script(text).map_err(|error| {
            CliError::new(error).at(place).hint("the script is Snowflake SQL, run as ACCOUNTADMIN; nothing was started")
        })
    };
    if demo {
        run(DEMO, &"the demo account")?;
    }
    for path in scripts {
        let text = std::fs::read_to_string(path)
            .map_err(|error| CliError::new(format_args!("cannot read the script: {error}")).at(path.display()))?;
        run(&text, &path.display())?;
    }
    Ok(engine)
}

/// The name that clients give as their account.
pub(super) const ACCOUNT: &str = "SANDBOX";
