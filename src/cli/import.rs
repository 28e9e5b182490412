//! `grantd import`: an account from exported files.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

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
