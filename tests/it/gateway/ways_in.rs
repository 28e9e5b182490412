//! Ways in beside a password on the port: certificates, the Unix socket, behind a proxy; and the limits of an address.

use super::login::Door;
use super::{Raw, Server, error_code};
use crate::support::certificates::{Authority, Pair, Wanted};
use grantd::config::{
    AccessConfig, CertificateName, CertificateUsers, ConnectionLimits, LoginMode, SocketAccess, SocketConfig,
    SocketLogin, TlsFiles, TlsMode,
};
use grantd::daemon::users::Users;
use grantd::gateway::Access;
use grantd::gateway::tls::Tls;
use grantd::store::Store;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A gateway whose clients show certificates.
struct Certified {
    door: Door,
    authority: Authority,
    password: String,
}

impl Certified {
    fn new(login: LoginMode, certificates: CertificateUsers, revoked: Option<(&[u64], bool)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("authority");
        let dns = Some("localhost");
        let own = authority.issue(folder.path(), "server", Wanted { common: "server", dns, ..Wanted::default() });
        let client_ca = Some(authority.write(folder.path().join("authority.crt")));
        let list = folder.path().join("revoked.crl");
        let client_crl = revoked.map(|(serials, ended)| {
            authority.revoke(&list, serials, ended);
            list
        });
        let files = TlsFiles { certificate: own.certificate, key: own.key, client_ca, client_crl };
        let users = Users::new(Arc::new(Store::in_memory().unwrap()));
        let password = users.add("ann", false).unwrap().expose().clone();
        users.add("root", true).unwrap();
        let config = AccessConfig { login, certificates, ..AccessConfig::default() };
        let access = Access {
            directory: Some(Arc::new(users.clone())),
            methods: (&config).into(),
            tls: Some(Arc::new(Tls::open(TlsMode::Verify, files).unwrap())),
            ..Access::default()
        };
        Self { door: Door { server: Server::with(200, access), users, folder }, authority, password }
    }

    fn client(&self, wanted: Wanted<'_>) -> Pair {
        self.authority.issue(self.door.folder.path(), "client", wanted)
    }

    /// `in`, or what psql says.
    fn asks(&self, pair: &Pair, user: &str, password: &str) -> String {
        let options = format!("sslmode=require sslcert={} sslkey={}", pair.certificate.display(), pair.key.display());
        self.door.asks(user, password, &options)
    }
}

fn by_common_name() -> CertificateUsers {
    CertificateUsers { common_name_is_user: true, users: BTreeMap::new() }
}

#[test]
fn a_certificate_lets_in_whom_it_names() {
    let certified = Certified::new(LoginMode::Certificate, by_common_name(), None);
    let ann = certified.client(Wanted { common: "ann", ..Wanted::default() });
    assert_eq!(certified.asks(&ann, "ann", ""), "in");
    let refused = |user: &str| format!("certificate authentication failed for user \"{user}\"");
    let said = certified.asks(&ann, "root", "");
    assert!(said.contains(&refused("root")), "{said}");
    // Nobody is a user only because a certificate says so.
    let ghost = certified.client(Wanted { common: "ghost", ..Wanted::default() });
    let said = certified.asks(&ghost, "ghost", "");
    assert!(said.contains(&refused("ghost")), "{said}");
    certified.door.users.set_disabled("ann", true).unwrap();
    let ann = certified.client(Wanted { common: "ann", ..Wanted::default() });
    assert!(certified.asks(&ann, "ann", "").contains(&refused("ann")));
    assert_eq!(certified.door.sessions(), 1);
}

#[test]
fn names_are_mapped_to_users_as_the_configuration_says() {
    let users = BTreeMap::from([
        (CertificateName::Common("Ann Example".to_owned()), vec!["ann".to_owned()]),
        (CertificateName::Alternative("ci.example.org".to_owned()), vec!["ann".to_owned()]),
    ]);
    let certified =
        Certified::new(LoginMode::Certificate, CertificateUsers { common_name_is_user: false, users }, None);
    let by_name = certified.client(Wanted { common: "Ann Example", ..Wanted::default() });
    assert_eq!(certified.asks(&by_name, "ann", ""), "in");
    let by_host = certified.client(Wanted { common: "x", dns: Some("ci.example.org"), ..Wanted::default() });
    assert_eq!(certified.asks(&by_host, "ann", ""), "in");
    let unmapped = certified.client(Wanted { common: "ann", ..Wanted::default() });
    assert!(certified.asks(&unmapped, "ann", "").contains("certificate authentication failed"));
}

#[test]
fn where_both_are_wanted_neither_is_enough() {
    let certified = Certified::new(LoginMode::CertificateAndPassword, by_common_name(), None);
    let ann = certified.client(Wanted { common: "ann", ..Wanted::default() });
    assert!(certified.asks(&ann, "ann", "wrong").contains("password authentication failed"));
    assert_eq!(certified.asks(&ann, "ann", &certified.password), "in");
    let root = certified.client(Wanted { common: "root", ..Wanted::default() });
    assert!(certified.asks(&root, "ann", &certified.password).contains("certificate authentication failed"));
    assert_eq!(certified.door.sessions(), 1);
}

#[test]
fn a_revoked_certificate_is_none_and_a_list_that_ended_lets_nobody_in() {
    let wanted = |serial| Wanted { common: "ann", serial, ..Wanted::default() };
    let certified = Certified::new(LoginMode::Certificate, by_common_name(), Some((&[7], false)));
    assert_eq!(certified.asks(&certified.client(wanted(8)), "ann", ""), "in");
    assert!(certified.asks(&certified.client(wanted(7)), "ann", "") != "in");
    let ended = Certified::new(LoginMode::Certificate, by_common_name(), Some((&[], true)));
    assert!(ended.asks(&ended.client(wanted(8)), "ann", "") != "in");
    assert_eq!((certified.door.sessions(), ended.door.sessions()), (1, 0));
}

fn whoami() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A gateway with a Unix socket in the folder.
fn local(folder: &Path, login: SocketLogin, aliases: &[(&str, &str)], users: &Users) -> Server {
    let aliases = aliases.iter().map(|(system, user)| ((*system).to_owned(), vec![(*user).to_owned()])).collect();
    let socket =
        SocketConfig { folder: folder.to_owned(), access: SocketAccess::Owner, login: Some(login), users: aliases };
    let config = AccessConfig { socket: Some(socket), ..AccessConfig::default() };
    let access = Access { directory: Some(Arc::new(users.clone())), methods: (&config).into(), ..Access::default() };
    Server::with_socket(200, access, Some(folder))
}

fn asks_locally(server: &Server, folder: &Path, user: &str, password: &str) -> String {
    let to = format!("host={} port={} user={user} dbname=grantd", folder.display(), server.address.port());
    let mut psql = Command::new("psql");
    psql.args(["-X", "-At", "-v", "VERBOSITY=verbose", &to, "-c", "select 'in'"]).env("PGPASSWORD", password);
    let output = psql.output().unwrap();
    let said = if output.status.success() { output.stdout } else { output.stderr };
    String::from_utf8_lossy(&said).trim_end().to_owned()
}

#[test]
fn on_the_unix_socket_a_password_or_the_system_says_who_somebody_is() {
    let folder = tempfile::tempdir().unwrap();
    let users = Users::new(Arc::new(Store::in_memory().unwrap()));
    let password = users.add("ann", false).unwrap();
    let server = local(folder.path(), SocketLogin::Password, &[], &users);
    assert_eq!(asks_locally(&server, folder.path(), "ann", password.expose()), "in");
    assert!(asks_locally(&server, folder.path(), "ann", "wrong").contains("password authentication failed"));
    drop(server);
    let me = whoami();
    users.add(&me, false).unwrap();
    users.add("alias", true).unwrap();
    let server = local(folder.path(), SocketLogin::Peer, &[(&me, "alias"), ("nobody", "ann")], &users);
    assert_eq!(asks_locally(&server, folder.path(), &me, ""), "in");
    assert_eq!(asks_locally(&server, folder.path(), "alias", ""), "in");
    // A password is no way round it.
    let said = asks_locally(&server, folder.path(), "ann", password.expose());
    assert!(said.contains("Peer authentication failed for user \"ann\""), "{said}");
    users.set_disabled(&me, true).unwrap();
    assert!(asks_locally(&server, folder.path(), &me, "").contains("Peer authentication failed"));
    let path = folder.path().join(format!(".s.PGSQL.{}", server.address.port()));
    let mut stream = UnixStream::connect(path).unwrap();
    stream.write_all(b"\0\0\0\x22\0\x03\0\0user\0ann\0database\0grantd\0\0").unwrap();
    let mut answer = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut answer).unwrap();
    assert!(answer.first() == Some(&b'E') && error_code(&answer[5..]) == "28000");
}

#[test]
fn the_unix_socket_has_no_tls_and_goes_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let users = Users::new(Arc::new(Store::in_memory().unwrap()));
    users.add("ann", false).unwrap();
    let server = local(folder.path(), SocketLogin::Password, &[], &users);
    let path = folder.path().join(format!(".s.PGSQL.{}", server.address.port()));
    let mut stream = UnixStream::connect(&path).unwrap();
    let mut request = vec![0, 0, 0, 8];
    request.extend_from_slice(&80_877_103_u32.to_be_bytes());
    stream.write_all(&request).unwrap();
    let mut answer = [0];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"N");
    drop((stream, server));
    let end = Instant::now() + Duration::from_secs(20);
    while path.exists() {
        assert!(Instant::now() < end, "the socket is still there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn behind_a_proxy(proxies: &[&str]) -> (Door, String) {
    let users = Users::new(Arc::new(Store::in_memory().unwrap()));
    let password = users.add("ann", false).unwrap().expose().clone();
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    let access = Access { directory: Some(Arc::new(users.clone())), proxies, ..Access::default() };
    (Door { server: Server::with(200, access), users, folder: tempfile::tempdir().unwrap() }, password)
}

/// What is answered to a header and a startup packet: the SQLSTATE, `asked` for the question for a password, or nothing.
fn answered(server: &Server, header: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may have closed already.
    let _ = stream.write_all(&[header, b"\0\0\0\x22\0\x03\0\0user\0ann\0database\0grantd\0\0"].concat());
    match Raw(stream).next() {
        Some((b'R', _)) => "asked".to_owned(),
        Some((b'E', body)) => error_code(&body),
        _ => "closed".to_owned(),
    }
}

#[test]
fn only_a_proxy_says_whom_it_speaks_for() {
    let header = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 5433\r\n";
    let (door, _) = behind_a_proxy(&["127.0.0.0/8"]);
    assert_eq!(answered(&door.server, header), "asked");
    assert_eq!(answered(&door.server, b""), "closed", "a proxy that says nothing is not believed");
    assert_eq!(answered(&door.server, b"PROXY UNKNOWN\r\n"), "asked");
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\x12\x67\x15\x39";
    assert_eq!(answered(&door.server, binary), "asked");
    let (other, _) = behind_a_proxy(&["192.0.2.0/24"]);
    assert_eq!(answered(&other.server, header), "08P01", "whoever is no proxy speaks for himself");
    assert_eq!(answered(&other.server, b""), "asked");
    let (none, _) = behind_a_proxy(&[]);
    assert_eq!(answered(&none.server, header), "08P01");
}

/// The brakes are for the client's address, not for the proxy's: one who guesses does not keep the others out.
#[test]
fn the_address_behind_a_proxy_is_the_one_that_is_braked() {
    let (door, _) = behind_a_proxy(&["127.0.0.0/8"]);
    let guess = |client: &str| {
        let mut raw = door.server.raw();
        raw.send_raw(format!("PROXY TCP4 {client} 192.0.2.1 4711 5433\r\n").as_bytes());
        raw.startup(3 << 16, &[("user", "ann"), ("database", "grantd")]);
        let Some((b'R', _)) = raw.next() else { return "braked".to_owned() };
        super::login::guess(&mut raw)
    };
    for _ in 0..10 {
        assert_eq!(guess("192.0.2.7"), "28P01");
    }
    assert_eq!(guess("192.0.2.7"), "braked");
    assert_eq!(guess("192.0.2.8"), "28P01");
}

#[test]
fn an_address_has_its_share_of_connections() {
    let limits = ConnectionLimits { connections_per_address: 2, ..ConnectionLimits::default() };
    let server = Server::with_limits(Access { limits, ..Access::default() });
    // Without a login everybody is an administrator, whom the share does not bind.
    let _open: Vec<Raw> = (0..3).map(|_| Raw::open(&server)).collect();
    let users = Users::new(Arc::new(Store::in_memory().unwrap()));
    let password = users.add("ann", false).unwrap();
    let server = Server::with_limits(Access { directory: Some(Arc::new(users.clone())), limits, ..Access::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connect = || {
        let port = server.address.port();
        let config = format!("host=127.0.0.1 port={port} user=ann password={} dbname=grantd", password.expose());
        runtime.block_on(async move {
            let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            Ok::<_, tokio_postgres::Error>(client)
        })
    };
    let _two = [connect().unwrap(), connect().unwrap()];
    let error = connect().err().unwrap();
    assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("53300"), "{error}");
    assert!(error.as_db_error().unwrap().message().contains("from this address"));
}

#[test]
fn who_starts_last_takes_the_place_of_who_has_started_for_longest() {
    let limits = ConnectionLimits { starting: 3, starting_per_address: 3, ..ConnectionLimits::default() };
    let server = Server::with_limits(Access { limits, ..Access::default() });
    let mut silent: Vec<Raw> = Vec::new();
    for _ in 0..3 {
        silent.push(server.raw());
        // One after the other, so that it is clear which is the oldest, also to a server whose threads wait for a processor.
        std::thread::sleep(Duration::from_millis(500));
    }
    drop(Raw::open(&server));
    let mut oldest = silent.remove(0);
    assert_eq!(oldest.fatal(), "53300");
    // The others still may.
    silent[0].startup(3 << 16, &[("user", "tester"), ("database", "grantd")]);
    silent[0].until(b'Z');
}
