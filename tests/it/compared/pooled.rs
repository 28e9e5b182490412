//! Both servers behind pgbouncer, in transaction and in session mode: many clients on few connections, the same answers,
//! and nothing of one client reaches another.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::answer::{Message, lines};
use super::{Pair, READER, SIDES, Side, pair};
use crate::support::postgres::unprivileged;
use crate::support::raw::Raw;

/// A pgbouncer in front of one server, as another user where the tests run as root.
struct Pooler {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pooler {
    fn start(pair: &Pair, side: Side, mode: &str) -> Self {
        let url = pair.url(side);
        let server = url.split([':', '/']).nth(4).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::Builder::new().permissions(readable(0o755)).tempdir().unwrap();
        let users = folder.path().join("users.txt");
        std::fs::write(&users, format!("\"{READER}\" \"\"\n")).unwrap();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(
            &file,
            format!(
                "[databases]\n* = host=127.0.0.1 port={server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 3\n\
                 server_reset_query = DISCARD ALL\nserver_check_delay = 0\n",
                users.display()
            ),
        )
        .unwrap();
        for path in [&users, &file] {
            std::fs::set_permissions(path, readable(0o644)).unwrap();
        }
        // Debian keeps it in sbin, which is not on everybody's PATH.
        let program =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].into_iter().find(|path| std::path::Path::new(path).exists());
        let child = unprivileged(program.unwrap_or("pgbouncer"))
            .arg("-q")
            .arg(&file)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer must be there for these tests: apt-get install pgbouncer");
        let mut pooler = Self { child, port, _folder: folder };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < end && pooler.child.try_wait().unwrap().is_none(), "pgbouncer does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        pooler
    }

    /// A client, and the process and key that its cancel needs.
    fn client(&self) -> (Raw, Vec<u8>) {
        let mut raw = self.connect();
        raw.startup(3 << 16, &[("user", READER), ("database", "grantd")]);
        let messages = raw.until_any(b"ZE");
        let key = messages.iter().find(|(kind, _)| *kind == b'K');
        (raw, key.unwrap_or_else(|| panic!("{:?}", lines(&messages))).1.clone())
    }

    fn connect(&self) -> Raw {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        Raw(stream)
    }
}

fn readable(mode: u32) -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

fn ask(raw: &mut Raw, sql: &str) -> Vec<Message> {
    raw.send(b'Q', format!("{sql}\0").as_bytes());
    raw.until(b'Z')
}

/// What a client does, again and again, while others do the same with other values.
fn script(client: usize, mode: &str) -> Vec<String> {
    let mut script = vec![
        format!(
            "begin; set local application_name = 'client{client}'; set local statement_timeout = '{}s'",
            client + 60
        ),
        "show application_name".to_owned(),
        "show statement_timeout".to_owned(),
        format!("declare c cursor for select x from generate_series({client}::int8, 20) as t(x)"),
        "fetch 2 from c".to_owned(),
        "savepoint s".to_owned(),
        "select 1/0".to_owned(),
        "rollback to s".to_owned(),
        "fetch 1 from c".to_owned(),
        format!("copy (select {client} as n, user_name from users order by 2) to stdout (format csv, header)"),
        "commit".to_owned(),
        "show statement_timeout".to_owned(),
        "fetch 1 from c".to_owned(),
        "begin; select * from nothing; select 1".to_owned(),
        "rollback".to_owned(),
        format!("set timezone = '{}'", ["UTC", "Europe/Berlin", "Asia/Tokyo", "America/New_York"][client % 4]),
        "select '2026-07-01 00:00:00+00'::timestamptz".to_owned(),
    ];
    if mode == "session" {
        script.extend([
            format!("set statement_timeout = '{}min'", client + 1),
            format!("prepare p as select {client}"),
            "declare h cursor with hold for select 1".to_owned(),
            "execute p".to_owned(),
            "show statement_timeout".to_owned(),
        ]);
    }
    script
}

/// Several clients after and beside each other; all that each is told.
fn conversations(pooler: &Pooler, mode: &str) -> Vec<Vec<String>> {
    let conversation = &|client: usize| {
        let mut said = Vec::new();
        let (mut raw, _) = pooler.client();
        for round in 0..5 {
            said.push(format!("round {round}"));
            for sql in script(client, mode) {
                said.extend(lines(&ask(&mut raw, &sql)));
            }
            if mode == "session" {
                raw.send(b'X', b"");
                raw = pooler.client().0;
                // Nothing is left of whoever had the connection before.
                for sql in ["show statement_timeout", "show timezone", "execute p", "fetch h"] {
                    said.extend(lines(&ask(&mut raw, sql)));
                }
            }
        }
        said
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..12).map(|client| scope.spawn(move || conversation(client))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn many_clients_share_few_connections_and_nothing_else() {
    let pair = pair();
    for mode in ["transaction", "session"] {
        let [postgres, grantd] = SIDES.map(|side| conversations(&Pooler::start(&pair, side, mode), mode));
        for (client, (postgres, grantd)) in postgres.iter().zip(&grantd).enumerate() {
            assert_eq!(postgres, grantd, "client {client} in {mode} mode");
        }
    }
}

#[test]
fn a_cancel_through_the_pooler_ends_its_own_statement_only() {
    const SLOW: &str =
        "select count(*) from generate_series(1, 2000) a, generate_series(1, 2000) b, generate_series(1, 2000) c";
    let pair = pair();
    for mode in ["transaction", "session"] {
        let pooler = Pooler::start(&pair, Side::Grantd, mode);
        let ((mut cancelled, key), (mut other, _)) = (pooler.client(), pooler.client());
        cancelled.send(b'Q', format!("{SLOW}\0").as_bytes());
        other.send(b'Q', format!("{SLOW}\0").as_bytes());
        std::thread::sleep(Duration::from_millis(500));
        let mut request = pooler.connect();
        request.send_raw(&[&16u32.to_be_bytes()[..], &80_877_102u32.to_be_bytes(), &key].concat());
        // Who goes away before the pooler has passed it on takes it back.
        assert!(request.next().is_none());
        assert_eq!(lines(&cancelled.until(b'Z')), ["E ERROR 57014", "Z I"], "{mode}");
        assert_eq!(
            lines(&ask(&mut cancelled, "select 1::int8 as a")),
            ["T a:20/8/0", "D '1'", "C SELECT 1\\x00", "Z I"]
        );
        // The other one still runs: it has said nothing.
        other.0.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(other.next().is_none(), "{mode}");
    }
}
