//! `grantd sandbox`: the small Snowflake on its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Start a small Snowflake that understands access control, for tests and demos.
///
/// It speaks enough of Snowflake's protocol for official connectors, keeps everything in memory, and is not for data.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd sandbox --listen 127.0.0.1:8085
  grantd sandbox --listen 127.0.0.1:0 --script my-roles.sql")]
pub struct SandboxArgs {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: SocketAddr,
    /// Snowflake SQL that makes the account, instead of the demo account
    #[arg(long, value_name = "FILE.sql")]
    pub script: Option<PathBuf>,
}
