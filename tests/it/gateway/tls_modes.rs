//! psql's six sslmodes against the server's four modes, with good and bad certificates of both: `tls_modes.txt`.

use super::Server;
use crate::support::certificates::{Authority, Pair, Wanted};
use grantd::config::{TlsFiles, TlsMode};
use grantd::daemon::users::Users;
use grantd::gateway::Access;
use grantd::gateway::tls::Tls;
use grantd::store::Store;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

struct Setting {
    folder: tempfile::TempDir,
    known: Authority,
    other: Authority,
    users: Users,
    password: String,
}

impl Setting {
    fn new() -> Self {
        let users = Users::new(Arc::new(Store::in_memory().unwrap()));
        let password = users.add("ann", false).unwrap().expose().clone();
        let folder = tempfile::tempdir().unwrap();
        let (known, other) = (Authority::new("known"), Authority::new("other"));
        known.write(folder.path().join("known.crt"));
        Self { folder, known, other, users, password }
    }

    fn pair(&self, whose: &str, kind: &str, dns: Option<&str>) -> Pair {
        let (authority, expired) = match kind {
            "good" | "wrong-host" => (&self.known, false),
            "expired" => (&self.known, true),
            "wrong-authority" => (&self.other, false),
            other => panic!("there is no certificate {other}"),
        };
        let wanted = Wanted { common: "ann", dns, expired, serial: 1 };
        authority.issue(self.folder.path(), &format!("{whose}-{kind}"), wanted)
    }

    fn server(&self, mode: &str, certificate: &str) -> Server {
        let mode = match mode {
            "off" => None,
            "allow" => Some(TlsMode::Allow),
            "require" => Some(TlsMode::Require),
            "verify" => Some(TlsMode::Verify),
            other => panic!("there is no mode {other}"),
        };
        let tls = mode.map(|mode| {
            let host = if certificate == "wrong-host" { "elsewhere.example" } else { "localhost" };
            let Pair { certificate, key } = self.pair("server", certificate, Some(host));
            let client_ca = (mode == TlsMode::Verify).then(|| self.folder.path().join("known.crt"));
            Arc::new(Tls::open(mode, TlsFiles { certificate, key, client_ca, client_crl: None }).unwrap())
        });
        Server::with(200, Access { directory: Some(Arc::new(self.users.clone())), tls, ..Access::default() })
    }

    /// `in`, `tls` or `no`, and what psql said.
    fn cell(&self, server: &Server, client: Option<&Pair>, mode: &str) -> (&'static str, String) {
        let port = server.address.port();
        let mut to = format!("host=localhost hostaddr=127.0.0.1 port={port} user=ann dbname=grantd sslmode={mode}");
        if mode.starts_with("verify") {
            let known = format!(" sslrootcert={}", self.folder.path().join("known.crt").display());
            to.push_str(&known);
        }
        if let Some(pair) = client {
            let own = format!(" sslcert={} sslkey={}", pair.certificate.display(), pair.key.display());
            to.push_str(&own);
        }
        let mut psql = Command::new("psql");
        psql.args(["-X", "-At", &to, "-c", "\\conninfo"]).env("PGPASSWORD", &self.password);
        // No certificate or authority of whoever runs the test.
        let output = psql.env("HOME", self.folder.path().join("nobody")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let cell = match output.status.success() {
            true if said.contains("SSL connection") => "tls",
            true => "in",
            false => "no",
        };
        (cell, said)
    }
}

/// Risk 4: every cell is as the table says, and where TLS is required nobody ever gets in without it.
#[test]
fn every_sslmode_meets_every_mode_as_the_table_says() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/gateway/tls_modes.txt");
    let table = std::fs::read_to_string(table).unwrap();
    let setting = Setting::new();
    let mut wrong = Vec::new();
    let mut cells = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, certificate, client, expected @ ..] = words.as_slice() else { panic!("{line}") };
        assert_eq!(expected.len(), MODES.len(), "{line}");
        let server = setting.server(mode, certificate);
        let pair = (*client != "-").then(|| setting.pair("client", client, None));
        let (setting, server, pair) = (&setting, &server, pair.as_ref());
        std::thread::scope(|scope| {
            let asked = MODES.map(|sslmode| scope.spawn(move || setting.cell(server, pair, sslmode)));
            for ((sslmode, expected), asked) in MODES.iter().zip(expected).zip(asked) {
                let (found, said) = asked.join().unwrap();
                cells += 1;
                if found != *expected {
                    wrong.push(format!("{mode} {certificate} {client} {sslmode}: {found}, not {expected}: {said}"));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cells, 96);
}
