//! Login and TLS through psql, and through bytes that no client sends.

use super::{Raw, Server, error_code, frame};
use grantd::config::{TlsFiles, TlsMode};
use grantd::daemon::users::Users;
use grantd::gateway::Access;
use grantd::gateway::tls::Tls;
use grantd::store::Store;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub(super) struct Door {
    pub(super) server: Server,
    pub(super) users: Users,
    pub(super) folder: tempfile::TempDir,
}

/// A certificate for `localhost` and its key as files.
fn certificate(folder: &Path) -> TlsFiles {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.join("server.crt"),
        key: folder.join("server.key"),
        client_ca: None,
        client_crl: None,
    };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    files
}

impl Door {
    pub(super) fn new(tls: Option<TlsMode>, most: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let users = Users::new(Arc::new(Store::in_memory().unwrap()));
        let tls = tls.map(|mode| Arc::new(Tls::open(mode, certificate(folder.path())).unwrap()));
        let access = Access { directory: Some(Arc::new(users.clone())), tls, ..Access::default() };
        Self { server: Server::with(most, access), users, folder }
    }

    fn psql(&self, user: &str, password: &str, options: &str) -> Output {
        let port = self.server.address.port();
        let to = format!("host=localhost hostaddr=127.0.0.1 port={port} user={user} dbname=grantd {options}");
        let mut command = Command::new("psql");
        command.args(["-X", "-At", "-v", "VERBOSITY=verbose", &to, "-c", "select 'in'"]).env("PGPASSWORD", password);
        command.output().unwrap()
    }

    /// `in`, or what psql says.
    pub(super) fn asks(&self, user: &str, password: &str, options: &str) -> String {
        let output = self.psql(user, password, options);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() { text(&output.stdout) } else { text(&output.stderr) }
    }

    pub(super) fn sessions(&self) -> u64 {
        self.server.opened.load(Ordering::SeqCst)
    }

    pub(super) fn raw(&self, user: &str) -> Raw {
        let mut raw = self.server.raw();
        raw.startup(3 << 16, &[("user", user), ("database", "grantd")]);
        raw
    }
}

#[test]
fn passwords_and_tokens_let_in_and_nothing_else_does() {
    let door = Door::new(None, 200);
    let password = door.users.add("ann", false).unwrap();
    let (id, token) = door.users.token("ann", "dbt", None).unwrap();
    let (_, ended) = door.users.token("ann", "old", Some(Duration::ZERO)).unwrap();
    assert_eq!(door.asks("ann", password.expose(), ""), "in");
    assert_eq!(door.asks("ann", token.expose(), ""), "in");
    let refused = |user: &str| format!("password authentication failed for user \"{user}\"");
    for (user, secret) in [("ann", "wrong"), ("ann", ended.expose()), ("ANN", password.expose()), ("nobody", "wrong")] {
        let said = door.asks(user, secret, "");
        assert!(said.contains(&refused(user)), "{user}: {said}");
    }
    door.users.revoke(id).unwrap();
    assert!(door.asks("ann", token.expose(), "").contains(&refused("ann")));
    door.users.set_disabled("ann", true).unwrap_err();
    door.users.add("root", true).unwrap();
    door.users.set_disabled("ann", true).unwrap();
    assert!(door.asks("ann", password.expose(), "").contains(&refused("ann")));
    assert_eq!(door.sessions(), 2);
}

#[test]
fn a_postgresql_verifier_keeps_its_password() {
    let door = Door::new(None, 200);
    let verifier = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                    wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    door.users.import("bob", false, verifier).unwrap();
    assert_eq!(door.asks("bob", "pencil", ""), "in");
}

#[test]
fn tls_is_what_the_mode_says_and_the_login_is_bound_to_it() {
    for (mode, in_clear) in [(TlsMode::Allow, true), (TlsMode::Require, false)] {
        let door = Door::new(Some(mode), 200);
        let password = door.users.add("ann", false).unwrap();
        let ask = |options: &str| door.asks("ann", password.expose(), options);
        let clear = ask("sslmode=disable");
        if in_clear {
            assert_eq!(clear, "in");
        } else {
            assert!(clear.contains("28000") || clear.contains("connects without TLS"), "{clear}");
        }
        assert_eq!(ask("sslmode=require channel_binding=require"), "in");
        let root = door.folder.path().join("server.crt");
        assert_eq!(ask(&format!("sslmode=verify-full sslrootcert={}", root.display())), "in");
        assert!(ask("sslmode=verify-full sslrootcert=/dev/null") != "in");
    }
    let door = Door::new(None, 200);
    let password = door.users.add("ann", false).unwrap();
    let said = door.asks("ann", password.expose(), "sslmode=require");
    assert!(said.contains("server does not support SSL"), "{said}");
}

#[test]
fn a_changed_certificate_that_cannot_be_used_is_named_and_the_mode_verify_wants_one_of_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let (files, other) = (certificate(folder.path()), tempfile::tempdir().unwrap());
    let key = certificate(other.path()).key;
    let error = Tls::open(TlsMode::Require, TlsFiles { key, ..files.clone() }).unwrap_err().to_string();
    assert!(error.contains("does not go with the certificate"), "{error}");
    let verify = TlsFiles { client_ca: Some(files.certificate.clone()), ..files };
    let users = Users::new(Arc::new(Store::in_memory().unwrap()));
    let password = users.add("ann", false).unwrap();
    let tls = Some(Arc::new(Tls::open(TlsMode::Verify, verify).unwrap()));
    let server = Server::with(200, Access { directory: Some(Arc::new(users.clone())), tls, ..Access::default() });
    let door = Door { server, users, folder };
    assert!(door.asks("ann", password.expose(), "sslmode=require") != "in");
    assert_eq!(door.sessions(), 0);
}

/// Risk 3: bytes behind the request for TLS, in clear: they are never taken for part of the encrypted conversation.
#[test]
fn what_is_sent_before_the_handshake_is_not_read_as_a_statement() {
    let door = Door::new(Some(TlsMode::Allow), 200);
    for late in [0, 1, 10, 100].map(Duration::from_millis) {
        let mut raw = door.server.raw();
        let mut bytes = vec![0, 0, 0, 8];
        bytes.extend_from_slice(&80_877_103_u32.to_be_bytes());
        let injected = b"\0\0\0\x25\0\x03\0\0user\0nobody\0database\0grantd\0\0";
        if late.is_zero() {
            bytes.extend_from_slice(injected);
            raw.send_raw(&bytes);
        } else {
            raw.send_raw(&bytes);
            std::thread::sleep(late);
            raw.send_raw(injected);
        }
        let mut answer = Vec::new();
        // The connection is cut, with an alert of TLS at most.
        let _ = raw.0.read_to_end(&mut answer);
        assert_eq!(answer.first(), Some(&b'S'));
        assert!(!answer.windows(8).any(|w| w == b"SCRAM-SH") && answer.len() < 20, "{answer:?}");
    }
    assert_eq!(door.sessions(), 0);
}

/// Sends a wrong proof of the right form; gives the SQLSTATE that ends the connection.
pub(super) fn guess(raw: &mut Raw) -> String {
    raw.send(b'p', b"SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc");
    let challenge = String::from_utf8(raw.next().unwrap().1).unwrap();
    let nonce = challenge.split_once("r=").unwrap().1.split_once(',').unwrap().0;
    raw.send(b'p', format!("c=biws,r={nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").as_bytes());
    raw.fatal()
}

/// A message: its tag and body.
type Frame<'a> = (u8, &'a [u8]);

/// No way from a failed login to a statement, whatever is sent and in which order.
#[test]
fn statements_that_are_sent_along_with_a_login_that_fails_are_not_run() {
    let door = Door::new(None, 200);
    door.users.add("ann", false).unwrap();
    let first: Frame<'_> = (b'p', b"SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc");
    let statements: [Frame<'_>; 5] = [
        (b'Q', b"select 1\0"),
        (b'P', b"\0select 1\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'S', b""),
    ];
    let ways: [(&str, &[Frame<'_>]); 6] = [
        ("08P01", &[]),
        ("08P01", &[(b'p', b"PLAIN\0")]),
        ("08P01", &[(b'p', b"SCRAM-SHA-256-PLUS\0\0\0\0\x0bn,,n=,r=abc")]),
        ("08P01", &[first]),
        ("08P01", &[first, (b'p', b"c=biws,r=abc,p=AAAA")]),
        ("08P01", &[(b'p', b"SCRAM-SHA-256\0\xff\xff\xff\xff")]),
    ];
    for user in ["ann", "nobody"] {
        for (number, (code, way)) in ways.iter().enumerate() {
            let mut raw = door.raw(user);
            // In one piece: the server may close while a second one is on its way.
            let all: Vec<u8> = way.iter().chain(&statements).flat_map(|(tag, body)| frame(*tag, body)).collect();
            raw.send_raw(&all);
            let mut types = String::new();
            let mut found = String::new();
            while let Some((tag, body)) = raw.next() {
                types.push(tag as char);
                if tag == b'E' {
                    found = error_code(&body);
                }
            }
            assert_eq!(found, *code, "way {number} of {user}: {types}");
            assert!(!types.contains('Z') && !types.contains('T'), "way {number} of {user}: {types}");
        }
    }
    assert_eq!(door.sessions(), 0);
}

/// A proof of the right form for a wrong password, and an unknown user, fail the same way at the same point.
#[test]
fn an_unknown_user_is_not_to_be_told_from_a_wrong_password() {
    let door = Door::new(None, 200);
    door.users.add("ann", false).unwrap();
    let said = |user: &str| {
        let mut raw = door.raw(user);
        let offered = raw.next().unwrap();
        raw.send(b'p', b"SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc");
        let challenge = String::from_utf8(raw.next().unwrap().1).unwrap();
        let (nonce, rest) = challenge.split_once(",s=").unwrap();
        let (salt, rounds) = rest.split_once(",i=").unwrap();
        let nonce = nonce.split_once("r=").unwrap().1.to_owned();
        let proof = format!("c=biws,r={nonce},p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        raw.send(b'p', proof.as_bytes());
        (offered, salt.to_owned(), salt.len(), rounds.to_owned(), raw.fatal())
    };
    let (known, unknown, again) = (said("ann"), said("nobody"), said("nobody"));
    assert_eq!((&known.0, known.2, &known.3, &known.4), (&unknown.0, unknown.2, &unknown.3, &unknown.4));
    assert_eq!((unknown.1, unknown.4), (again.1, "28P01".to_owned()));
}

#[test]
fn guessing_is_braked() {
    let door = Door::new(None, 200);
    let password = door.users.add("ann", false).unwrap();
    for _ in 0..10 {
        assert!(door.asks("ann", "wrong", "").contains("password authentication failed"));
    }
    let said = door.asks("ann", password.expose(), "");
    assert!(said.contains("too many failed logins") && said.contains("Try again in"), "{said}");
    let other = door.users.add("bob", false).unwrap();
    assert_eq!(door.asks("bob", other.expose(), ""), "in");
}

#[test]
fn the_last_places_are_for_administrators() {
    let door = Door::new(None, 4);
    let (user, root) = (door.users.add("ann", false).unwrap(), door.users.add("root", true).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connect = |name: &str, password: &str| {
        let config =
            format!("host=127.0.0.1 port={} user={name} password={password} dbname=grantd", door.server.address.port());
        runtime.block_on(async move {
            let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await?;
            tokio::spawn(connection);
            Ok::<_, tokio_postgres::Error>(client)
        })
    };
    let _first = connect("ann", user.expose()).unwrap();
    let refused = connect("ann", user.expose()).err().unwrap();
    assert_eq!(refused.code().map(|c| c.code().to_owned()).as_deref(), Some("53300"), "{refused}");
    let _places = [0; 3].map(|_| connect("root", root.expose()).unwrap());
    assert!(connect("root", root.expose()).is_err());
}

/// The first byte of the answer to a startup packet that is sent through TLS without asking for TLS first.
async fn direct(door: &Door, protocols: &[&[u8]]) -> Option<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(door.folder.path().join("server.crt")).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = tokio::net::TcpStream::connect(door.server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.write_all(b"\0\0\0\x22\0\x03\0\0user\0ann\0database\0grantd\0\0").await.ok()?;
    stream.read_u8().await.ok()
}

#[tokio::test]
async fn direct_tls_needs_the_protocols_name() {
    let door = Door::new(Some(TlsMode::Require), 200);
    door.users.add("ann", false).unwrap();
    assert_eq!(direct(&door, &[b"postgresql"]).await, Some(b'R'));
    assert_eq!(direct(&door, &[]).await, None);
    assert_eq!(direct(&door, &[b"h2"]).await, None);
}
