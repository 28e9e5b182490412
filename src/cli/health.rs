//! `grantd health`: whether a running daemon answers, for containers and scripts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{CliError, runtime};
use crate::config::Config;

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// The exit code for a daemon that does not answer, or is not ready.
const UNHEALTHY: u8 = 1;
/// Longest answer that is read, in bytes.
const MOST: u64 = 64 * 1024;
/// PostgreSQL's question whether a server speaks TLS: every server answers it with one byte, before any login.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Say whether the daemon of this configuration answers.
///
/// Asks /healthz where metrics_listen is set, and the gateway's port otherwise. Exit code 0 is yes, 1 is no.
#[expect(clippy::doc_markdown, reason = "shown as help, where backticks are noise")]
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd health --config /etc/grantd/grantd.toml
  grantd health --ready")]
pub struct HealthArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", env = "GRANTD_CONFIG", default_value = "grantd.toml")]
    pub config: PathBuf,
    /// Also: whether every configured account has something to show (/readyz)
    #[arg(long)]
    pub ready: bool,
}

/// Asks, and says what is wrong.
pub fn run(args: &HealthArgs) -> Result<ExitCode, CliError> {
    // The files of secrets are the daemon's business: whoever looks after it need not be able to read them.
    let server = Config::read(&args.config)?.server;
    let answer = runtime()?.block_on(async {
        let asked = async {
            match server.operations.metrics_listen {
                Some(address) => http(reachable(address), if args.ready { "/readyz" } else { "/healthz" }).await,
                None if args.ready => Ok(Err("metrics_listen is not set, and only /readyz says this".to_owned())),
                None => gateway(reachable(server.listen)).await,
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(format!("the daemon does not answer: {error}")),
            Err(_) => Err(format!("the daemon has not answered for {} s", PATIENCE.as_secs())),
        }
    });
    match answer {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(why) => {
            CliError::new(why).report(&mut std::io::stderr());
            Ok(ExitCode::from(UNHEALTHY))
        }
    }
}

/// Where somebody on this machine reaches what listens on all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

type Verdict = Result<(), String>;

/// The status of a page; the body says why when it is not 200.
async fn http(address: SocketAddr, path: &str) -> std::io::Result<Verdict> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MOST).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(Ok(()));
    }
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim());
    Ok(Err(if body.is_empty() { format!("{path} gave no answer") } else { body.to_owned() }))
}

async fn gateway(address: SocketAddr) -> std::io::Result<Verdict> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&SSL_REQUEST).await?;
    let answered = matches!(stream.read_u8().await?, b'S' | b'N');
    Ok(if answered { Ok(()) } else { Err(format!("what listens on {address} does not speak PostgreSQL")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_reached_on_loopback() {
        let reach = |listen: &str| reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reach("0.0.0.0:5433"), "127.0.0.1:5433");
        assert_eq!(reach("[::]:5433"), "[::1]:5433");
        assert_eq!(reach("127.0.0.2:1"), "127.0.0.2:1");
    }
}
