//! Who may ask the gateway, and through which connections.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use serde::Deserialize;

/// How users prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum LoginMode {
    /// With a password or token.
    #[default]
    #[serde(rename = "password")]
    Password,
    /// With a certificate that says who they are.
    #[serde(rename = "certificate")]
    Certificate,
    /// With both.
    #[serde(rename = "certificate+password")]
    CertificateAndPassword,
    /// Not at all: everybody who reaches the port is let in, so it must be a loopback address.
    #[serde(rename = "trust")]
    Trust,
}

impl LoginMode {
    /// Whether a certificate has to say who the user is.
    pub fn wants_certificate(self) -> bool {
        matches!(self, Self::Certificate | Self::CertificateAndPassword)
    }
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
    /// What they revoked, PEM: a list of every authority. One that is past its time lets nobody in.
    pub client_crl: Option<PathBuf>,
}

/// A name that a certificate carries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateName {
    /// The one common name of its subject.
    Common(String),
    /// A DNS name, e-mail address or URI among its alternative names.
    Alternative(String),
}

/// Whom certificates let in. Names are compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateUsers {
    /// The common name is the user's.
    pub common_name_is_user: bool,
    /// Users of names, one by one: a name may stand for several.
    pub users: BTreeMap<CertificateName, Vec<String>>,
}

/// How users prove who they are on the Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketLogin {
    /// With a password or token.
    Password,
    /// The system says who they are.
    Peer,
}

/// Who may open the Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketAccess {
    /// The daemon's user.
    #[default]
    Owner,
    /// His group too.
    Group,
}

impl SocketAccess {
    /// The mode of the socket's file.
    pub fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o700,
            Self::Group => 0o770,
        }
    }
}

/// The Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketConfig {
    /// The folder of `.s.PGSQL.<port>`.
    pub folder: PathBuf,
    /// Who may open it.
    pub access: SocketAccess,
    /// How users prove who they are on it; `None` is not at all, as on the port.
    pub login: Option<SocketLogin>,
    /// Users of the system who are users of the gateway by another name.
    pub users: BTreeMap<String, Vec<String>>,
}

/// Everything about who may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessConfig {
    /// How users prove who they are.
    pub login: LoginMode,
    /// TLS, unless it is off.
    pub tls: Option<(TlsMode, TlsFiles)>,
    /// Whom certificates let in.
    pub certificates: CertificateUsers,
    /// The Unix socket, if there is one.
    pub socket: Option<SocketConfig>,
    /// Proxies that say by the PROXY protocol whom they speak for.
    pub proxies: Vec<IpNet>,
}

/// What is wrong, and what to do.
type Refusal = (String, Option<String>);

/// `[[server.certificate]]`.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCertificate {
    common_name: Option<String>,
    alternative_name: Option<String>,
    user: String,
}

/// `[[server.peer]]`.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPeer {
    system_user: String,
    user: String,
}

/// `certificate_user`: what in a certificate is the user's name, if anything is.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawCertificateUser {
    #[serde(rename = "common_name")]
    CommonName,
}

/// An address, or a network as `10.0.0.0/8`.
#[derive(Clone, Copy)]
pub(super) struct Network(IpNet);

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Network, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = text.parse::<IpAddr>().map(IpNet::from);
        address.or_else(|_| text.parse::<IpNet>()).map(Network).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is no address and no network such as \"10.0.0.0/8\""))
        })
    }
}

/// The keys of `[server]` about access, as they are written.
#[derive(Default)]
pub(super) struct RawAccess {
    pub(super) login: Option<LoginMode>,
    pub(super) tls: Option<TlsMode>,
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) client_ca: Option<PathBuf>,
    pub(super) client_crl: Option<PathBuf>,
    pub(super) certificate_user: Option<RawCertificateUser>,
    pub(super) certificates: Vec<RawCertificate>,
    pub(super) socket_dir: Option<PathBuf>,
    pub(super) socket_access: Option<SocketAccess>,
    pub(super) socket_login: Option<SocketLogin>,
    pub(super) peers: Vec<RawPeer>,
    pub(super) proxies: Vec<Network>,
}

fn refuse<T>(what: &str, hint: &str) -> Result<T, Refusal> {
    Err((what.to_owned(), Some(hint.to_owned())))
}

/// Login and TLS of a gateway on `listen`; nothing is open to other machines that was not said to be.
pub(super) fn choose(listen: SocketAddr, folder: &Path, raw: RawAccess) -> Result<AccessConfig, Refusal> {
    let is_local = listen.ip().is_loopback();
    let login = raw.login.unwrap_or_default();
    if login == LoginMode::Trust && !is_local {
        let what = format!("login = \"trust\" lets everybody in, and {listen} is open to other machines");
        return refuse(&what, "login = \"password\"");
    }
    let certificates = certificate_users(login, raw.tls, raw.certificate_user, &raw.certificates)?;
    let socket = socket(login, folder, raw.socket_dir, raw.socket_access, raw.socket_login, &raw.peers)?;
    let proxies = raw.proxies.into_iter().map(|network| network.0).collect();
    let files = Files { certificate: raw.certificate, key: raw.key, ca: raw.client_ca, crl: raw.client_crl };
    let tls = tls(listen, folder, raw.tls, files)?;
    Ok(AccessConfig { login, tls, certificates, socket, proxies })
}

struct Files {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    ca: Option<PathBuf>,
    crl: Option<PathBuf>,
}

fn tls(
    listen: SocketAddr,
    folder: &Path,
    mode: Option<TlsMode>,
    files: Files,
) -> Result<Option<(TlsMode, TlsFiles)>, Refusal> {
    let has_files = [&files.certificate, &files.key, &files.ca, &files.crl].iter().any(|file| file.is_some());
    let mode = match mode {
        Some(TlsMode::Off) if has_files => {
            return refuse("tls is off, and there are files for it", "tls = \"require\"");
        }
        Some(mode) => mode,
        None if has_files => TlsMode::Require,
        None if listen.ip().is_loopback() => TlsMode::Off,
        None => {
            let what = format!("{listen} is open to other machines, and there is no TLS");
            let hint =
                "set tls_certificate_file and tls_key_file; tls = \"off\" is for a proxy that does TLS on this machine";
            return refuse(&what, hint);
        }
    };
    if mode == TlsMode::Off {
        return Ok(None);
    }
    let (Some(certificate), Some(key)) = (files.certificate, files.key) else {
        return refuse("TLS needs tls_certificate_file and tls_key_file", "tls_certificate_file = \"server.crt\"");
    };
    if (mode == TlsMode::Verify) != files.ca.is_some() {
        let hint = "tls = \"verify\" and tls_client_ca_file = \"clients.crt\" go together";
        return refuse("clients' certificates are checked with tls = \"verify\" and a tls_client_ca_file", hint);
    }
    if files.crl.is_some() && mode != TlsMode::Verify {
        return refuse("tls_client_crl_file is about clients' certificates", "tls = \"verify\"");
    }
    let of = |path: PathBuf| folder.join(path);
    let files = TlsFiles {
        certificate: of(certificate),
        key: of(key),
        client_ca: files.ca.map(of),
        client_crl: files.crl.map(of),
    };
    Ok(Some((mode, files)))
}

fn certificate_users(
    login: LoginMode,
    tls: Option<TlsMode>,
    rule: Option<RawCertificateUser>,
    written: &[RawCertificate],
) -> Result<CertificateUsers, Refusal> {
    let mut users: BTreeMap<CertificateName, Vec<String>> = BTreeMap::new();
    for entry in written {
        let name = match (&entry.common_name, &entry.alternative_name) {
            (Some(name), None) => CertificateName::Common(name.clone()),
            (None, Some(name)) => CertificateName::Alternative(name.clone()),
            _ => {
                return refuse(
                    "a [[server.certificate]] has a common_name or an alternative_name, and a user",
                    "common_name = \"ann@example.org\"",
                );
            }
        };
        users.entry(name).or_default().push(entry.user.clone());
    }
    let said = CertificateUsers { common_name_is_user: rule == Some(RawCertificateUser::CommonName), users };
    let says_something = said != CertificateUsers::default();
    if says_something && !login.wants_certificate() {
        return refuse(
            "certificates are mapped to users, and no login takes them",
            "login = \"certificate\" or \"certificate+password\"",
        );
    }
    if login.wants_certificate() && tls != Some(TlsMode::Verify) {
        return refuse("a login by certificate needs certificates", "tls = \"verify\"");
    }
    if login.wants_certificate() && !says_something {
        return refuse(
            "no certificate lets anybody in: nothing says whose they are",
            "certificate_user = \"common_name\", or a [[server.certificate]] for each",
        );
    }
    Ok(said)
}

fn socket(
    login: LoginMode,
    folder: &Path,
    dir: Option<PathBuf>,
    access: Option<SocketAccess>,
    by: Option<SocketLogin>,
    peers: &[RawPeer],
) -> Result<Option<SocketConfig>, Refusal> {
    let Some(dir) = dir else {
        if access.is_some() || by.is_some() || !peers.is_empty() {
            return refuse("there is no Unix socket to say something about", "socket_dir = \"/run/grantd\"");
        }
        return Ok(None);
    };
    if login == LoginMode::Trust && by.is_some() {
        return refuse("login = \"trust\" asks nobody, also on the Unix socket", "login = \"password\"");
    }
    if !peers.is_empty() && by != Some(SocketLogin::Peer) {
        return refuse("[[server.peer]] is for the login of the Unix socket", "socket_login = \"peer\"");
    }
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for peer in peers {
        users.entry(peer.system_user.clone()).or_default().push(peer.user.clone());
    }
    let by = if login == LoginMode::Trust { None } else { Some(by.unwrap_or(SocketLogin::Password)) };
    Ok(Some(SocketConfig { folder: folder.join(dir), access: access.unwrap_or_default(), login: by, users }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(listen: &str, raw: RawAccess) -> Result<(LoginMode, Option<TlsMode>), String> {
        let chosen = choose(listen.parse().unwrap(), Path::new("/etc"), raw);
        chosen.map(|access| (access.login, access.tls.map(|(mode, _)| mode))).map_err(|(what, _)| what)
    }

    fn files() -> RawAccess {
        RawAccess { certificate: Some("a.crt".into()), key: Some("a.key".into()), ..RawAccess::default() }
    }

    fn verify() -> RawAccess {
        RawAccess { tls: Some(TlsMode::Verify), client_ca: Some("c.crt".into()), ..files() }
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
        assert!(choice(local, RawAccess { client_crl: Some("c.crl".into()), ..files() }).is_err());
        assert_eq!(choice(local, verify()), Ok((LoginMode::Password, Some(TlsMode::Verify))));
    }

    #[test]
    fn certificates_let_in_only_whom_the_configuration_names() {
        let local = "127.0.0.1:5433";
        let login = Some(LoginMode::Certificate);
        assert!(choice(local, RawAccess { login, ..verify() }).unwrap_err().contains("lets anybody in"));
        let named = || Some(RawCertificateUser::CommonName);
        let both = RawAccess { login: Some(LoginMode::CertificateAndPassword), certificate_user: named(), ..verify() };
        assert_eq!(choice(local, both), Ok((LoginMode::CertificateAndPassword, Some(TlsMode::Verify))));
        assert!(choice(local, RawAccess { login, certificate_user: named(), ..files() }).is_err());
        assert!(choice(local, RawAccess { certificate_user: named(), ..verify() }).unwrap_err().contains("no login"));
        let entry = |common: Option<&str>, other: Option<&str>| RawCertificate {
            common_name: common.map(str::to_owned),
            alternative_name: other.map(str::to_owned),
            user: "ann".to_owned(),
        };
        for (entry, good) in [
            (entry(Some("a"), None), true),
            (entry(None, Some("a")), true),
            (entry(None, None), false),
            (entry(Some("a"), Some("a")), false),
        ] {
            let raw = RawAccess { login, certificates: vec![entry], ..verify() };
            assert_eq!(choice(local, raw).is_ok(), good);
        }
    }

    #[test]
    fn the_socket_has_a_login_of_its_own() {
        let of =
            |raw: RawAccess| choose("127.0.0.1:1".parse().unwrap(), Path::new("/etc"), raw).map(|access| access.socket);
        assert_eq!(of(RawAccess::default()).unwrap(), None);
        let socket = || RawAccess { socket_dir: Some("run".into()), ..RawAccess::default() };
        let plain = of(socket()).unwrap().unwrap();
        assert_eq!((plain.folder.as_path(), plain.login), (Path::new("/etc/run"), Some(SocketLogin::Password)));
        assert_eq!(plain.access.mode(), 0o700);
        assert!(of(RawAccess { socket_login: Some(SocketLogin::Peer), ..RawAccess::default() }).is_err());
        let trust = of(RawAccess { login: Some(LoginMode::Trust), ..socket() }).unwrap().unwrap();
        assert_eq!(trust.login, None);
        let peers = || vec![RawPeer { system_user: "root".into(), user: "grantd".into() }];
        assert!(of(RawAccess { peers: peers(), ..socket() }).is_err());
        let peer = of(RawAccess { peers: peers(), socket_login: Some(SocketLogin::Peer), ..socket() });
        assert_eq!(peer.unwrap().unwrap().users["root"], ["grantd"]);
    }
}
