//! `grantd demo`: the whole of it on one machine, without an account of one's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

/// Start a small Snowflake, sync it and answer questions about it.
///
/// Standard output gets one line, `ready: postgresql://...`, once questions can be answered. The state is gone when it
/// ends.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd demo
  psql \"$(grantd demo --listen 127.0.0.1:0 | sed -un 's/^ready: //p;q')\"
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
}
