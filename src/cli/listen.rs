//! Opening a port, and saying why that did not work.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::CliError;

/// Listens on an address; port 0 picks a free one, see `local_addr`. `flag` is what the user changes to choose another.
pub async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|error| explain(address, flag, &error))
}

pub(super) fn explain(address: SocketAddr, flag: &str, error: &io::Error) -> CliError {
    let host = address.ip();
    let (what, hint) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            format!("port {} is in use", address.port()),
            format!("choose another port with {flag}, or port 0 for any free one"),
        ),
        io::ErrorKind::PermissionDenied => {
            (format!("port {} may not be opened", address.port()), format!("choose a port above 1023 with {flag}"))
        }
        io::ErrorKind::AddrNotAvailable => (
            format!("{host} is not an address of this machine"),
            format!("choose another address with {flag}, such as 127.0.0.1"),
        ),
        _ => (format!("cannot listen: {error}"), format!("choose another address with {flag}")),
    };
    CliError::new(what).at(address).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_explained() {
        let first = bind("127.0.0.1:0".parse().unwrap(), "--listen").await.unwrap();
        let address = first.local_addr().unwrap();
        let said = bind(address, "--listen").await.unwrap_err().to_string();
        let port = address.port();
        assert_eq!(
            said,
            format!(
                "grantd: port {port} is in use (127.0.0.1:{port})\n  hint: choose another port with --listen, \
                 or port 0 for any free one"
            )
        );
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_explained() {
        // 192.0.2.0/24 is for documentation (RFC 5737): nobody has it.
        let said = bind("192.0.2.1:0".parse().unwrap(), "--listen").await.unwrap_err().to_string();
        assert!(said.contains("192.0.2.1 is not an address of this machine"), "{said}");
    }
}
