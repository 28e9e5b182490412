//! Who may ask the gateway, and through which connections.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// How users prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginMode {
    /// With a password or token.
    #[default]
    Password,
    /// Not at all: everybody who reaches the port is let in, so it must be a loopback address.
    Trust,
}

/// Which connections are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// None.
    Off,
    /// Those whose client asks for it.
    Allow,
    /// All; others are refused.
    Require,
    /// All, and every client shows a certificate of `tls_client_ca_file`.
    Verify,
}

/// The files of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM, the server's own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities of clients' certificates, PEM; with [`TlsMode::Verify`].
    pub client_ca: Option<PathBuf>,
}

/// What is wrong, and what to do.
type Refusal = (String, Option<String>);

/// The keys of `[server]` about access, as they are written.
#[derive(Default)]
pub(super) struct RawAccess {
    pub(super) login: Option<LoginMode>,
    pub(super) tls: Option<TlsMode>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
}

/// Login and TLS of a gateway on `listen`; nothing is open to other machines that was not said to be.
pub(super) fn choose(
    listen: SocketAddr,
    folder: &Path,
    raw: RawAccess,
) -> Result<(LoginMode, Option<(TlsMode, TlsFiles)>), Refusal> {
    let refuse = |what: &str, hint: &str| Err((what.to_owned(), Some(hint.to_owned())));
    let is_local = listen.ip().is_loopback();
    let login = raw.login.unwrap_or_default();
    if login == LoginMode::Trust && !is_local {
        let what = format!("login = \"trust\" lets everybody in, and {listen} is open to other machines");
        return refuse(&what, "login = \"password\"");
    }
    let has_files = raw.certificate.is_some() || raw.key.is_some() || raw.client_ca.is_some();
    let mode = match raw.tls {
        Some(TlsMode::Off) if has_files => {
            return refuse("tls is off, and there are files for it", "tls = \"require\"");
        }
        Some(mode) => mode,
        None if has_files => TlsMode::Require,
        None if is_local => TlsMode::Off,
        None => {
            let what = format!("{listen} is open to other machines, and there is no TLS");
            let hint =
                "set tls_certificate_file and tls_key_file; tls = \"off\" is for a proxy that does TLS on this machine";
            return refuse(&what, hint);
        }
    };
    if mode == TlsMode::Off {
        return Ok((login, None));
    }
    let (Some(certificate), Some(key)) = (raw.certificate, raw.key) else {
        return refuse("TLS needs tls_certificate_file and tls_key_file", "tls_certificate_file = \"server.crt\"");
    };
    if (mode == TlsMode::Verify) != raw.client_ca.is_some() {
        let hint = "tls = \"verify\" and tls_client_ca_file = \"clients.crt\" go together";
        return refuse("clients' certificates are checked with tls = \"verify\" and a tls_client_ca_file", hint);
    }
    let of = |path: PathBuf| folder.join(path);
    Ok((login, Some((mode, TlsFiles { certificate: of(certificate), key: of(key), client_ca: raw.client_ca.map(of) }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(listen: &str, raw: RawAccess) -> Result<(LoginMode, Option<TlsMode>), String> {
        let chosen = choose(listen.parse().unwrap(), Path::new("/etc"), raw);
        chosen.map(|(login, tls)| (login, tls.map(|(mode, _)| mode))).map_err(|(what, _)| what)
    }

    fn files() -> RawAccess {
        RawAccess { certificate: Some("a.crt".into()), key: Some("a.key".into()), ..RawAccess::default() }
    }

    #[test]
    fn nothing_is_open_to_other_machines_unless_said() {
        let (local, open) = ("127.0.0.1:5433", "0.0.0.0:5433");
        assert_eq!(choice(local, RawAccess::default()), Ok((LoginMode::Password, None)));
        assert!(choice(open, RawAccess::default()).unwrap_err().contains("no TLS"));
        assert_eq!(choice(open, files()), Ok((LoginMode::Password, Some(TlsMode::Require))));
        let trust = || RawAccess { login: Some(LoginMode::Trust), ..files() };
        assert_eq!(choice(local, trust()), Ok((LoginMode::Trust, Some(TlsMode::Require))));
        assert!(choice(open, trust()).unwrap_err().contains("everybody"));
        let off = || RawAccess { tls: Some(TlsMode::Off), ..RawAccess::default() };
        assert_eq!(choice(open, off()), Ok((LoginMode::Password, None)), "behind a proxy");
        assert!(choice(open, RawAccess { tls: Some(TlsMode::Off), ..files() }).is_err());
    }

    #[test]
    fn files_go_together() {
        let local = "127.0.0.1:5433";
        assert!(choice(local, RawAccess { key: None, ..files() }).is_err());
        assert!(choice(local, RawAccess { tls: Some(TlsMode::Verify), ..files() }).is_err());
        assert!(choice(local, RawAccess { client_ca: Some("c.crt".into()), ..files() }).is_err());
        let all = RawAccess { tls: Some(TlsMode::Verify), client_ca: Some("c.crt".into()), ..files() };
        assert_eq!(choice(local, all), Ok((LoginMode::Password, Some(TlsMode::Verify))));
    }
}
