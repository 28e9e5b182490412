//! `grantd import`: an account from exported files.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, runtime};
use crate::daemon::Daemon;
use crate::progress::Progress;
use crate::store::Store;
use clap::builder::NonEmptyStringValueParser;
use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

/// Read an account from exports of its ACCOUNT_USAGE views, without a login.
///
/// DIR holds one file per view, named as the view (GRANTS_TO_ROLES.csv, ROLES.csv.gz, USERS.parquet, TABLES.jsonl),
/// with its columns in any order and case.
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd import --account prod ./exports
  grantd import --account prod --data-dir /var/lib/grantd ./exports

An export, in Snowflake:
  COPY INTO @~/exports/GRANTS_TO_ROLES.csv.gz FROM (SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES)
    FILE_FORMAT = (TYPE = CSV FIELD_OPTIONALLY_ENCLOSED_BY = '\"') HEADER = TRUE SINGLE = TRUE")]
pub struct ImportArgs {
    /// The folder with the exported files
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The name of the account in grantd
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub account: String,
    /// Where grantd keeps its state
    #[arg(long, value_name = "DIR", env = "GRANTD__SERVER__DATA_DIR", default_value = "grantd-data")]
    pub data_dir: PathBuf,
}

/// Imports, and says what came of it.
pub fn run(args: &ImportArgs) -> Result<ExitCode, CliError> {
    let store = Arc::new(Store::open(&args.data_dir)?);
    let daemon = Daemon::open(store, HashMap::new())?;
    let progress = Progress::stderr();
    progress.set(format!("reading {}", args.dir.display()));
    let report = runtime()?.block_on(daemon.import(&args.account, &args.dir))?;
    drop(progress);
    let world = daemon.world();
    let said = world.account(&args.account).map(|view| {
        let snapshot = &view.snapshot;
        format!(
            "{} users, {} grants, {} objects",
            snapshot.graph().users().len(),
            snapshot.grants().len(),
            snapshot.object_count()
        )
    });
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "imported account {} from {} files, {} rows: {}; {} findings in coverage",
        report.account,
        report.statements,
        report.rows,
        said.unwrap_or_default(),
        report.findings
    )
    .map_err(CliError::output)?;
    Ok(ExitCode::SUCCESS)
}
