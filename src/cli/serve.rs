//! `grantd serve`: the daemon.

use std::path::PathBuf;

use clap::Args;

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
