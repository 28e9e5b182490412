//! `grantd sync`: read accounts once, now; or show what that would send.

use std::path::{Path, PathBuf};

use clap::Args;

use super::output::{Column, Format, Kind, RowWriter};
use super::serve::connectors;
use super::{CliError, runtime};
use crate::config::{AccountConfig, Config};
use crate::daemon::{Daemon, Planned, SyncRequest};
use crate::progress::Progress;
use crate::store::{AccountSource, Store};
use crate::sync::{Budget, Extent, Group, Statement};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Read the configured accounts once and store what they say.
///
/// For a machine without a running daemon; with one, CALL sync('ACCOUNT') does the same.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd sync --config grantd.toml
  grantd sync --config grantd.toml prod staging
  grantd sync --config grantd.toml --plan --format csv prod")]
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
pub struct SyncArgs {
    /// Which accounts; all that are configured if none is named
    #[arg(value_name = "ACCOUNT")]
    pub accounts: Vec<String>,
    /// The configuration
    #[arg(long, value_name = "FILE", env = "GRANTD_CONFIG", default_value = "grantd.toml")]
    pub config: PathBuf,
    /// Print the statements, the rows and the warehouse seconds to expect, and send nothing
    #[arg(long)]
    pub plan: bool,
    /// With --plan: send the SHOW commands, which need no warehouse, for better estimates
    #[arg(long, requires = "plan")]
    pub estimate: bool,
    /// Read only the grants that changed since the last time; everything, if that is too long ago
    #[arg(long)]
    pub incremental: bool,
    /// Accept a loss of users, roles, grants or objects that is otherwise refused
    #[arg(long)]
    pub force_shrink: bool,
    /// Send at most this many statements, instead of max_statements of the configuration
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_statements: Option<u32>,
    /// Refuse a run that is estimated to take more seconds of a warehouse
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_warehouse_seconds: Option<u32>,
    /// How to print a plan
    #[arg(long, value_enum, default_value_t, requires = "plan")]
    pub format: Format,
}

impl SyncArgs {
    fn request(&self, config: &Config, account: &str) -> SyncRequest {
        let own = config.accounts.iter().find(|a| a.name == account).map(|a| &a.sync);
        SyncRequest {
            extent: if self.incremental { None } else { Some(Extent::Full) },
            force_shrink: self.force_shrink,
            budget: Some(Budget {
                statements: self.max_statements.or(own.and_then(|sync| sync.max_statements)),
                warehouse_seconds: self.max_warehouse_seconds.or(own.and_then(|sync| sync.max_warehouse_seconds)),
            }),
        }
    }
}

/// Syncs one account after the other; the first that fails is the error, after the others were tried.
pub fn run(args: &SyncArgs) -> Result<ExitCode, CliError> {
    let config = Config::load(&args.config)?;
    let store = Arc::new(Store::open(&config.server.data_dir)?);
    let daemon = Daemon::open(store, connectors(&config))?;
    let chosen = chosen(&config, &args.accounts, &args.config)?;
    if args.plan {
        return plan(args, &config, &daemon, &chosen);
    }
    let mut failure = None;
    for name in chosen.into_iter().map(|account| &account.name) {
        let shown = Shown(Progress::stderr());
        let request = args.request(&config, name);
        match runtime()?.block_on(daemon.sync_with(name, AccountSource::Sync, request, &shown)) {
            Ok(report) => {
                drop(shown);
                let mut out = std::io::stdout().lock();
                writeln!(
                    out,
                    "synced account {}: {} statements, {} rows, snapshot {}; {} findings in coverage",
                    report.account, report.statements, report.rows, report.snapshot, report.findings
                )
                .map_err(CliError::output)?;
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(error) => Err(error.into()),
    }
}

/// The accounts that are named, in that order; all of them if none is.
pub(super) fn chosen<'c>(
    config: &'c Config,
    named: &[String],
    file: &Path,
) -> Result<Vec<&'c AccountConfig>, CliError> {
    if named.is_empty() {
        return Ok(config.accounts.iter().collect());
    }
    let find = |name: &String| {
        config.accounts.iter().find(|account| account.name == *name).ok_or_else(|| {
            let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
            CliError::new(format_args!("account {name:?} is not configured"))
                .at(file.display())
                .hint(format_args!("configured are: {}", names.join(", ")))
        })
    };
    named.iter().map(find).collect()
}

/// Prints what a sync of every chosen account would send. A plan beyond its budget is printed too, and then the error.
fn plan(args: &SyncArgs, config: &Config, daemon: &Daemon, chosen: &[&AccountConfig]) -> Result<ExitCode, CliError> {
    let mut plans = Vec::with_capacity(chosen.len());
    for name in chosen.iter().map(|account| &account.name) {
        plans.push((name, runtime()?.block_on(daemon.plan(name, args.request(config, name), args.estimate))?));
    }
    let mut out = std::io::stdout().lock();
    write_plans(&plans, args.format, &mut out).map_err(CliError::output)?;
    for (name, planned) in &plans {
        summary(name, planned, args.format, &mut out).map_err(CliError::output)?;
        if let Err(over) = planned.plan.check(planned.budget) {
            return Err(CliError::new(format_args!("account {name:?}: {over}")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_plans(plans: &[(&String, Planned)], format: Format, out: &mut dyn Write) -> std::io::Result<()> {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let mut rows = RowWriter::new(format, out);
    rows.begin(vec![
        column("account", Kind::Text),
        column("part", Kind::Text),
        column("source", Kind::Text),
        column("rows", Kind::Number),
        column("warehouse_seconds", Kind::Number),
        column("statement", Kind::Text),
    ])?;
    for (account, planned) in plans {
        for step in &planned.plan.statements {
            let estimated = step.rows.map(|n| n.to_string());
            rows.row(&[
                Some(account.as_str()),
                Some(step.statement.group.letter()),
                Some(&step.statement.name),
                estimated.as_deref(),
                Some(&step.warehouse_seconds.to_string()),
                Some(&step.statement.sql),
            ])?;
        }
    }
    rows.end()
}

/// The sums, for people.
fn summary(account: &str, planned: &Planned, format: Format, out: &mut dyn Write) -> std::io::Result<()> {
    if format != Format::Table {
        return Ok(());
    }
    let plan = &planned.plan;
    let count = |group| plan.count(group);
    writeln!(
        out,
        "account {account}, {}: {} statements ({} SHOW, {} views, {} future grants), about {} seconds of a warehouse",
        planned.extent.as_str(),
        plan.len(),
        count(Group::Shows),
        count(Group::Views),
        count(Group::FutureGrants),
        plan.warehouse_seconds(),
    )?;
    if !plan.future_grants_known {
        writeln!(out, "and one SHOW FUTURE GRANTS per container or per grantee, which a first sync finds")?;
    }
    if plan.statements.iter().all(|s| s.rows.is_none()) {
        writeln!(out, "rows are not known before a first sync; --estimate asks SHOW commands, without a warehouse")?;
    }
    Ok(())
}

/// A run's progress on the terminal.
pub(super) struct Shown(pub(super) Progress);

impl crate::sync::Progress for Shown {
    fn note(&self, statement: &Statement, detail: &str) {
        self.0.set(format!("{}: {detail}", statement.name));
    }
}
