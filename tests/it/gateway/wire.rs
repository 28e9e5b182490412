//! The wire itself: startup, frames, limits, cancellation, the end of a connection.

use std::io::Read as _;

use super::*;

#[test]
fn the_startup_says_what_postgresql_says() {
    let server = Server::start();
    let mut raw = server.raw();
    raw.send_raw(&[0, 0, 0, 8, 4, 210, 22, 48]); // GSSENCRequest
    let mut answer = [0];
    raw.0.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    raw.send_raw(&[0, 0, 0, 8, 4, 210, 22, 47]); // SSLRequest
    raw.0.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    raw.startup(3 << 16, &[("user", "u"), ("database", "grantd"), ("TimeZone", "UTC")]);
    let messages = raw.until(b'Z');
    let told: Vec<String> = messages
        .iter()
        .filter(|(tag, _)| *tag == b'S')
        .map(|(_, body)| String::from_utf8_lossy(body).replace('\0', "=").trim_end_matches('=').to_owned())
        .collect();
    for wanted in [
        "server_encoding=UTF8",
        "client_encoding=UTF8",
        "DateStyle=ISO, MDY",
        "TimeZone=UTC",
        "integer_datetimes=on",
        "standard_conforming_strings=on",
        "IntervalStyle=postgres",
        "is_superuser=off",
        "session_authorization=u",
        "default_transaction_read_only=on",
        "in_hot_standby=off",
    ] {
        assert!(told.iter().any(|line| line == wanted), "{wanted} not in {told:?}");
    }
    // A newer minor version and an unknown protocol option are negotiated.
    let mut raw = server.raw();
    raw.startup(3 << 16 | 0x270f, &[("user", "u"), ("database", "grantd"), ("_pq_.odd", "1")]);
    let (tag, body) = raw.next().unwrap();
    assert_eq!((tag, &body[..8]), (b'v', &[0, 3, 0, 2, 0, 0, 0, 1][..]));
    for (version, parameters, wanted) in [
        (3 << 16, vec![("user", "u"), ("database", "other")], "3D000"),
        (3 << 16, vec![("database", "grantd")], "28000"),
        (3 << 16, vec![("user", "refused"), ("database", "grantd")], "28000"),
        (3 << 16, vec![("user", "u"), ("database", "grantd"), ("no_such_setting", "1")], "42704"),
        (3 << 16, vec![("user", "u"), ("database", "grantd"), ("options", "-c statement_timeout=soon")], "22023"),
        (2 << 16, vec![("user", "u")], "0A000"),
    ] {
        let mut raw = server.raw();
        raw.startup(version, &parameters);
        assert_eq!(raw.fatal(), wanted, "{parameters:?}");
    }
}

#[test]
fn broken_frames_end_the_connection_with_08p01() {
    let server = Server::start();
    for bytes in [
        &[0, 0, 0, 7, 0, 3, 0, 0][..],                   // startup shorter than its head
        &[0, 0, 0x27, 0x11, 0, 3, 0, 0],                 // startup of 10,001 bytes
        &[0, 0, 0, 12, 0, 3, 0, 0, b'u', 0, b'x', b'x'], // no terminator
    ] {
        let mut raw = server.raw();
        raw.send_raw(bytes);
        assert_eq!(raw.fatal(), "08P01", "{bytes:?}");
    }
    for (tag, length, body) in [
        (b'Q', 0x7fff_ffffu32, &b""[..]),
        (b'Q', 3, b""),
        (b'Q', 12, b"select 1"),
        (b'!', 4, b""),
        (b'B', 17 * 1024 * 1024, b""),
        (b'P', 8, b"\0\0\xff\xff"),
        (b'D', 6, b"X\0"),
        (b'S', 5, b"x"),
        (b'E', 6, b"\0\0"),
        (b'Q', 2 * 1024 * 1024, b""),
    ] {
        let mut raw = Raw::open(&server);
        let mut frame = vec![tag];
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(body);
        raw.send_raw(&frame);
        assert_eq!(raw.fatal(), "08P01", "{} {length}", tag as char);
    }
    // Bad UTF-8 is the statement's error; the session goes on.
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"select '\xff'\0");
    assert_eq!(error_code(&raw.until(b'Z')[0].1), "22021");
}

#[test]
fn after_an_error_the_extended_protocol_skips_to_sync() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    raw.send(b'P', b"\0select 1/0\0\0\0");
    raw.send(b'B', b"\0\0\0\0\0\0\0\0");
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'P', b"\0select 1\0\0\0");
    raw.send(b'B', b"\0\0\0\0\0\0\0\0");
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'S', b"");
    assert_eq!(raw.types(b'Z'), "12EZ");
    // Row limits suspend the portal; any number is taken.
    for (limit, wanted) in [(2i32, "12DDsDCZ"), (i32::MAX, "12DDDCsZ"), (-1, "12DDDCsZ"), (0, "12DDDCsZ")] {
        raw.send(b'P', b"\0select id from users\0\0\0");
        raw.send(b'B', b"\0\0\0\0\0\0\0\0");
        let mut execute = vec![0];
        execute.extend_from_slice(&limit.to_be_bytes());
        raw.send(b'E', &execute);
        if limit == 2 {
            raw.send(b'E', &execute);
        }
        raw.send(b'S', b"");
        assert_eq!(raw.types(b'Z'), wanted.replace("Cs", "C"), "{limit}");
    }
    // Two statements, an unknown statement, a wrong number of parameters, an unknown portal.
    for (tag, body, wanted) in [
        (b'P', &b"\0select 1; select 2\0\0\0"[..], "42601"),
        (b'B', b"\0nope\0\0\0\0\0\0\0", "26000"),
        (b'E', b"nope\0\0\0\0\0", "34000"),
        (b'D', b"Snope\0", "26000"),
        (b'D', b"Pnope\0", "34000"),
    ] {
        raw.send(tag, body);
        raw.send(b'S', b"");
        assert_eq!(error_code(&raw.until(b'Z')[0].1), wanted);
    }
    raw.send(b'P', b"\0select $1::int4\0\0\0");
    raw.send(b'B', b"\0\0\0\0\0\0\0\0");
    raw.send(b'S', b"");
    assert_eq!(error_code(&raw.until(b'Z')[1].1), "08P01");
    // Flush sends what there is; an empty statement answers for itself.
    raw.send(b'P', b"\0\0\0\0");
    raw.send(b'D', b"S\0");
    raw.send(b'H', b"");
    assert_eq!(raw.types(b'n'), "1tn");
    raw.send(b'B', b"\0\0\0\0\0\0\0\0");
    raw.send(b'E', b"\0\0\0\0\0");
    raw.send(b'S', b"");
    assert_eq!(raw.types(b'Z'), "2IZ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heavy_query_ends_on_cancel_and_timeout_and_starves_nobody() {
    let server = Server::start();
    let mut busy = Vec::new();
    for _ in 0..2 {
        let client = server.client().await;
        let token = client.cancel_token();
        busy.push((token, tokio::spawn(async move { client.simple_query(HEAVY).await.map(|_| client) })));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let started = Instant::now();
    let other = server.client().await;
    assert_eq!(code(&other, "select 1").await, "ok");
    assert!(started.elapsed() < Duration::from_secs(3), "a new session waited {:?}", started.elapsed());
    for (token, task) in busy {
        let started = Instant::now();
        token.cancel_query(NoTls).await.unwrap();
        assert_eq!(task.await.unwrap().unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
        assert!(started.elapsed() < Duration::from_secs(1), "cancelled after {:?}", started.elapsed());
    }
    let client = other;
    assert_eq!(code(&client, "select 1").await, "ok");
    client.simple_query("set statement_timeout = 200").await.unwrap();
    let started = Instant::now();
    assert_eq!(code(&client, HEAVY).await, "57014");
    let ended = started.elapsed();
    assert!(ended >= Duration::from_millis(200) && ended < Duration::from_secs(1), "{ended:?}");
    let started = Instant::now();
    assert_eq!(client.query(HEAVY, &[]).await.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(code(&client, "call wait()").await, "57014");
    assert_eq!(code(&client, "set statement_timeout = 0; select 1").await, "ok");
}

#[tokio::test]
async fn functions_end_statements_and_sessions_of_the_same_user() {
    let server = Server::start();
    let (busy, other) = (server.client().await, server.client().await);
    let pid: i32 = busy.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
    let working = tokio::spawn(async move { (busy.simple_query(HEAVY).await.map(drop), busy) });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ask = |sql: &'static str| {
        let other = &other;
        async move { other.query_one(sql, &[&pid]).await.unwrap().get::<_, bool>(0) }
    };
    let state = || async {
        let row = other.query_one("select state from pg_stat_activity where pid = $1", &[&pid]).await.unwrap();
        row.get::<_, String>(0)
    };
    assert_eq!(state().await, "active");
    assert!(ask("select pg_cancel_backend($1)").await);
    let (ended, busy) = working.await.unwrap();
    assert_eq!(ended.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    assert_eq!(code(&busy, "select 1").await, "ok");
    assert_eq!(state().await, "idle");
    // Explaining it does nothing.
    other.query("explain select pg_terminate_backend($1)", &[&pid]).await.unwrap();
    assert_eq!(code(&busy, "select 1").await, "ok");
    assert!(ask("select pg_terminate_backend($1)").await);
    let started = Instant::now();
    while !busy.is_closed() {
        assert!(started.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!ask("select pg_cancel_backend($1)").await);
    assert_eq!(code(&other, "select 1").await, "ok");
}

#[test]
fn a_result_is_streamed_and_a_vanished_client_ends_its_query() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    // 400 million rows: only a streaming server sends the first ones soon.
    raw.send(b'Q', b"select a.n from many a, many b\0");
    let started = Instant::now();
    for _ in 0..1_000 {
        raw.next().unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(20));
    drop(raw);
    // Its place is free again soon: the cancel table knows the connection no more, and shutdown is quick.
    server.shutdown.cancel();
    let started = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn deep_and_long_statements_are_refused_not_fatal() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    for (what, sql) in [
        ("plus", format!("select 1{}", " + 1".repeat(100_000))),
        ("or", format!("select 1 where true{}", " or true".repeat(50_000))),
        ("union", format!("select 1{}", " union all select 1".repeat(10_000))),
        ("parens", format!("select {}1{}", "(".repeat(100_000), ")".repeat(100_000))),
        ("cast", format!("select 1{}", "::int".repeat(50_000))),
        ("not", format!("select {} true", "not ".repeat(50_000))),
        ("case", "case when true then ".repeat(20_000)),
        ("sub", format!("select {}1{}", "(select ".repeat(20_000), ")".repeat(20_000))),
    ] {
        let sql = if what == "case" { format!("select {sql}1{}", " end".repeat(20_000)) } else { sql };
        raw.send(b'Q', format!("{sql}\0").as_bytes());
        let messages = raw.until(b'Z');
        assert_eq!(error_code(&messages[0].1), "54001", "{what}");
    }
    raw.0.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let or = vec!["id = 1"; 999].join(" or ");
    raw.send(b'Q', format!("select 1 from users where {or}\0").as_bytes());
    assert_eq!(raw.types(b'Z'), "TDCZ");
    let list = (0..40_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    raw.send(b'Q', format!("select 1 from users where id in ({list})\0").as_bytes());
    assert!(raw.types(b'Z').starts_with("TDDDC"));
}

#[test]
fn a_panic_ends_its_connection_only() {
    let server = Server::start();
    let mut other = Raw::open(&server);
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"select explode()\0");
    assert_eq!(raw.fatal(), "XX000");
    other.send(b'Q', b"select 1\0");
    assert_eq!(other.types(b'Z'), "TDCZ");
}

#[test]
fn connections_beyond_the_limit_are_told_so() {
    let server = Server::with_limit(2);
    let first = Raw::open(&server);
    let _second = Raw::open(&server);
    let mut third = server.raw();
    third.startup(3 << 16, &[("user", "u"), ("database", "grantd")]);
    assert_eq!(third.fatal(), "53300");
    drop(first);
    let started = Instant::now();
    loop {
        let mut again = server.raw();
        again.startup(3 << 16, &[("user", "u"), ("database", "grantd")]);
        if again.next().is_some_and(|(tag, _)| tag == b'R') {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn without_a_login_only_loopback_is_listened_on_and_only_free_ports_ever() {
    let error = Gateway::bind("0.0.0.0:0".parse().unwrap(), Access::default()).await.unwrap_err();
    assert!(matches!(error, GatewayError::NotLoopback(_)), "{error}");
    let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), Access::default()).await.unwrap();
    let error = Gateway::bind(gateway.local_addr(), Access::default()).await.unwrap_err();
    assert!(matches!(error, GatewayError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn the_end_of_the_server_is_told_to_its_sessions() {
    let server = Server::start();
    let mut idle = Raw::open(&server);
    let mut busy = Raw::open(&server);
    busy.send(b'Q', format!("{HEAVY}\0").as_bytes());
    std::thread::sleep(Duration::from_millis(300));
    server.shutdown.cancel();
    assert_eq!(idle.fatal(), "57P01");
    assert_eq!(busy.fatal(), "57P01");
}

#[tokio::test]
async fn calls_give_notices_or_rows() {
    let server = Server::start();
    let output = server.psql(&["-At", "-c", "call sync('demo')"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("synced demo"));
    assert_eq!(server.ask("call rows()"), "7\n8");
    let client = server.client().await;
    client.execute("call sync($1)", &[&"x"]).await.unwrap();
    client.execute("call rows()", &[]).await.unwrap();
    assert_eq!(code(&client, "call wait").await, "42601");
}

#[tokio::test]
async fn prepared_statements_and_cursors_of_sql() {
    let server = Server::start();
    assert_eq!(server.ask("prepare p (int, text) as select $1 + 1, $2; execute p (41, 'x')"), "42|x");
    assert_eq!(
        server.ask(
            "begin; declare c cursor for select id from users order by id; fetch 2 from c; fetch 5 from c; commit"
        ),
        "1\n2\n3"
    );
    assert_eq!(server.ask("declare h cursor with hold for select id from users order by id; fetch all h"), "1\n2\n3");
    let client = server.client().await;
    assert_eq!(code(&client, "begin; declare c no scroll cursor for select 1; fetch backward 1 from c").await, "55000");
    assert_eq!(code(&client, "rollback").await, "ok");
    client.simple_query("prepare q (int) as select $1").await.unwrap();
    assert_eq!(code(&client, "prepare q as select 1").await, "42P05");
    assert_eq!(code(&client, "execute q").await, "42601");
    assert_eq!(code(&client, "execute q (1)").await, "ok");
}

#[test]
fn explain_is_one_column() {
    let server = Server::start();
    let text = server.ask("explain select * from users where id = 1");
    assert!(text.lines().next().unwrap().contains("(cost=0.00.."), "{text}");
    assert!(server.ask("explain (analyze) select * from users").contains("Execution Time:"));
    assert!(server.ask("explain (format json) select * from users").contains("\"Plan Rows\""));
    assert!(server.psql(&["-c", "explain select 1"]).stdout.starts_with(b"   "));
}

#[test]
fn each_statement_is_one_event_without_its_values() {
    use std::sync::Mutex;
    use tracing_subscriber::fmt::MakeWriter;

    // Which events are wanted is remembered for the whole process: this test needs one without other tests' threads.
    const ALONE: &str = "GRANTD_TEST_ALONE";

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;
        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }
    if std::env::var_os(ALONE).is_none() {
        let name = "gateway::wire::each_statement_is_one_event_without_its_values";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let output = alone.args(["--exact", name]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(lines.clone()).finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), Access::default()).await.unwrap();
            let port = gateway.local_addr().port();
            let shutdown = CancellationToken::new();
            let serving = tokio::spawn(gateway.serve(
                Arc::new(Demo { version: Arc::default(), pinned: Arc::default(), opened: Arc::default() }),
                shutdown.clone(),
            ));
            let config = format!("host=127.0.0.1 port={port} user=tester dbname=grantd application_name=logger");
            let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
            tokio::spawn(connection);
            client.simple_query("select 'secret-value'; select id from users").await.unwrap();
            client.query("select name from users where name = $1", &[&"secret-value"]).await.unwrap();
            client.simple_query("select 1/0").await.unwrap_err();
            shutdown.cancel();
            serving.await.unwrap().unwrap();
        });
    });
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let events: Vec<&str> = text.lines().filter(|line| line.contains("grantd::query")).collect();
    assert_eq!(events.len(), 4, "{text}");
    assert!(events.iter().all(|line| line.contains("user=tester") && line.contains("application=logger")), "{text}");
    assert!(events[1].contains("rows=3") && events[3].contains("22012"), "{text}");
    assert!(!text.contains("secret-value"));
}
