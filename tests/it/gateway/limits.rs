//! What a client may take: time, rows and bytes, memory, and how long it may keep others waiting.

use super::*;
use std::io::Read as _;

/// A number of rounds from the environment, for the long form of a test.
pub(super) fn rounds(variable: &str, short: usize) -> usize {
    std::env::var(variable).map_or(short, |value| value.parse().unwrap())
}

fn limits() -> Limits {
    Limits::default()
}

/// Ends a test that began with [`Raw`] frames: the SQLSTATE of the first error up to `ReadyForQuery`.
pub(super) fn outcome(raw: &mut Raw) -> String {
    let messages = raw.until(b'Z');
    messages.iter().find(|(tag, _)| *tag == b'E').map_or_else(|| "ok".to_owned(), |(_, body)| error_code(body))
}

/// Parse, Bind, Execute, Sync of a statement.
pub(super) fn extended(raw: &mut Raw, sql: &str, max_rows: i32) {
    raw.send(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
    raw.send(b'B', b"\0\0\0\0\0\0\0\0");
    raw.send(b'E', &[&b"\0"[..], &max_rows.to_be_bytes()].concat());
    raw.send(b'S', b"");
}

/// Row 13: the server's `statement_timeout` ends every kind of statement by every route, and a client can only lower it.
/// `GRANTD_TIMEOUTS=100` is the long form, which holds it to 250 milliseconds.
#[test]
fn row_13_a_statement_ends_at_the_servers_timeout() {
    let timeout = Duration::from_millis(500);
    let late = if std::env::var_os("GRANTD_TIMEOUTS").is_some() { 250 } else { 5_000 };
    let server = Server::limited(Limits { statement_timeout: Some(timeout), ..limits() });
    let endless = [
        "select count(*) from many a, many b, many c where a.n + b.n + c.n > -1",
        "select sum((a.n * b.n) % 7) from many a, many b, users c where (a.n * b.n + c.id) % 5 > 1",
        "select a.n, b.n from many a join many b on a.n <> b.n order by (a.n * b.n) % 7919, a.n",
    ];
    let mut worst = Duration::ZERO;
    for _ in 0..rounds("GRANTD_TIMEOUTS", 1) {
        for sql in endless {
            for route in ["simple", "extended", "fetch"] {
                let mut raw = Raw::open(&server);
                raw.0.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                if route == "fetch" {
                    raw.send(b'Q', b"begin\0");
                    raw.until(b'Z');
                }
                let started = Instant::now();
                match route {
                    "simple" => raw.send(b'Q', format!("{sql}\0").as_bytes()),
                    "extended" => extended(&mut raw, sql, 0),
                    _ => raw.send(b'Q', format!("declare c cursor for {sql}; fetch all from c\0").as_bytes()),
                }
                assert_eq!(outcome(&mut raw), "57014", "{route}: {sql}");
                let took = started.elapsed();
                worst = worst.max(took);
                assert!(took >= timeout && took < timeout + Duration::from_millis(late), "{route}: {sql}: {took:?}");
            }
        }
    }
    println!("the last of them ended {:?} after its time", worst.saturating_sub(timeout));
    // A client that reads one row now and then is no exception.
    let mut raw = Raw::open(&server);
    raw.0.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    raw.send(b'Q', b"select repeat('x', 1000), a.n from many a, many b\0");
    let started = Instant::now();
    let (mut seen, mut ended) = (0, None);
    loop {
        match raw.next().unwrap() {
            (b'E', body) => ended = Some(error_code(&body)),
            (b'Z', _) => break,
            _ => seen += 1,
        }
        if started.elapsed() < timeout + Duration::from_millis(500) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!(ended.as_deref(), Some("57014"), "after {seen} rows");
}

/// Row 13: what a client may set.
#[tokio::test]
async fn row_13_a_client_can_only_lower_the_timeout() {
    let server = Server::limited(Limits { statement_timeout: Some(Duration::from_secs(2)), ..limits() });
    let client = server.client().await;
    assert_eq!(code(&client, "set statement_timeout = '3s'").await, "22023");
    assert_eq!(code(&client, "set statement_timeout = 'soon'").await, "22023");
    assert_eq!(code(&client, "set statement_timeout = -1").await, "22023");
    let shown = rows(&client.simple_query("set statement_timeout = 0; show statement_timeout").await.unwrap());
    assert_eq!(shown, [[Some("2s".to_owned())]], "0 is the server's limit");
    assert_eq!(code(&client, "select set_config('statement_timeout', '1h', false)").await, "22023");
    let error = server.client_with("options='-c statement_timeout=1h'").await.err().unwrap();
    assert_eq!(error.code().unwrap().code(), "22023");
    let client = server.client_with("options='-c statement_timeout=100'").await.unwrap();
    assert_eq!(code(&client, "select count(*) from many a, many b, many c where a.n + b.n + c.n > -1").await, "57014");
    assert_eq!(code(&client, "reset all; set statement_timeout = 1000; select 1").await, "ok");
}

/// Row 14: random keys cancel nobody, and nobody is told. `GRANTD_KEYS=100000` is the long form.
#[test]
fn row_14_a_cancel_with_a_wrong_key_is_silent() {
    let server = Server::start();
    let mut victim = Raw::open(&server);
    victim.send(b'Q', b"select sum(a.n) from many a, users b\0");
    for key in 0..rounds("GRANTD_KEYS", 200) as u32 {
        let mut raw = server.raw();
        let (pid, secret) = (key % 50, key.wrapping_mul(2_654_435_761));
        let request = [16u32, 80_877_102, pid, secret].map(u32::to_be_bytes).concat();
        raw.send_raw(&request);
        assert_eq!(raw.next(), None);
    }
    assert_eq!(outcome(&mut victim), "ok");
}

/// Row 14: a cancel at any moment ends the statement of its own session, after which the session works, and nobody else's.
/// `GRANTD_CANCELS=1000` is the long form, of which 99 in 100 have to end within 250 milliseconds.
#[tokio::test]
async fn row_14_a_cancel_at_any_moment_ends_its_own_statement() {
    let server = Server::start();
    let (client, neighbour) = (server.client().await, server.client().await);
    let stop = CancellationToken::new();
    let over = stop.clone();
    let beside = tokio::spawn(async move {
        let mut answered = 0_u32;
        while !over.is_cancelled() {
            assert_eq!(code(&neighbour, "select count(*) from users").await, "ok");
            answered += 1;
        }
        answered
    });
    let wanted = rounds("GRANTD_CANCELS", 30);
    let mut took = Vec::with_capacity(wanted);
    for round in 0..wanted as u64 {
        let token = client.cancel_token();
        let mut statement = std::pin::pin!(client.simple_query(HEAVY));
        let mut sent = Instant::now();
        // Reading, planning, starting, computing: which of them it hits depends on the microsecond.
        let mut phase = Duration::from_micros(round * 7_919 % 30_000);
        let error = loop {
            tokio::select! {
                ended = &mut statement => break ended.unwrap_err(),
                // One that arrives before its statement finds nothing to cancel.
                () = tokio::time::sleep(phase) => {
                    sent = Instant::now();
                    token.cancel_query(NoTls).await.unwrap();
                    phase = Duration::from_secs(1);
                }
            }
        };
        took.push(sent.elapsed());
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{round}");
        assert_eq!(code(&client, "select 1").await, "ok", "{round}");
    }
    stop.cancel();
    let answered = beside.await.unwrap();
    took.sort_unstable();
    let slowest_of_99 = took[wanted * 99 / 100];
    println!("99 of 100 ended within {slowest_of_99:?}, all within {:?}; {answered} answers beside", took[wanted - 1]);
    let late = if std::env::var_os("GRANTD_CANCELS").is_some() { 250 } else { 5_000 };
    assert!(slowest_of_99 < Duration::from_millis(late) && answered > 0);
}

/// Row 16: no number of rows is too large, and none means something that it does not mean in PostgreSQL.
#[test]
fn row_16_any_number_of_rows_may_be_asked_for() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    for (most, wanted) in
        [(0, "12DDDCZ"), (-1, "12DDDCZ"), (1, "12DsZ"), (3, "12DDDsZ"), (i32::MAX, "12DDDCZ"), (i32::MIN, "12DDDCZ")]
    {
        extended(&mut raw, "select id from users", most);
        assert_eq!(raw.types(b'Z'), wanted, "{most}");
    }
    let fetch = |raw: &mut Raw, count: &str| {
        raw.send(b'Q', b"begin; declare c cursor for select id from users\0");
        raw.until(b'Z');
        raw.send(b'Q', format!("fetch {count} from c\0").as_bytes());
        let messages = raw.until(b'Z');
        let rows = messages.iter().filter(|(tag, _)| *tag == b'D').count();
        let error = messages.iter().find(|(tag, _)| *tag == b'E').map(|(_, body)| error_code(body));
        raw.send(b'Q', b"rollback\0");
        raw.until(b'Z');
        error.unwrap_or_else(|| rows.to_string())
    };
    for (count, wanted) in [
        ("0", "0"),
        ("1", "1"),
        ("2147483647", "3"),
        ("1000000000000000000", "3"),
        ("9223372036854775807", "3"),
        ("all", "3"),
        ("-1", "0"),
        ("-9223372036854775807", "0"),
        ("99999999999999999999", "42601"),
    ] {
        assert_eq!(fetch(&mut raw, count), wanted, "{count}");
    }
}

/// A result that is larger than allowed is an error that says so, by every route; what is allowed comes whole.
#[tokio::test]
async fn a_result_has_a_limit_of_rows_and_bytes() {
    let server = Server::limited(Limits { max_result_rows: Some(1_000), max_result_bytes: Some(100_000), ..limits() });
    let client = server.client().await;
    assert_eq!(rows(&client.simple_query("select n from many limit 1000").await.unwrap()).len(), 1_000);
    let error = client.simple_query("select n from many limit 1001").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!((error.code().code(), error.message()), ("54000", "the result has more than 1000 rows"));
    assert!(error.hint().unwrap().contains("max_result_rows in [server]"));
    assert_eq!(client.query("select n from many", &[]).await.unwrap_err().code().unwrap().code(), "54000");
    assert_eq!(client.query("select n from many limit 1000", &[]).await.unwrap().len(), 1_000);
    // Copies and cursors too: a cursor's rows are one result, however they are fetched.
    assert_eq!(code(&client, "begin; declare c cursor for select n from many; fetch 600 from c").await, "ok");
    assert_eq!(code(&client, "move 10000 from c").await, "ok", "nothing is sent");
    assert_eq!(code(&client, "fetch 600 from c").await, "54000");
    assert_eq!(code(&client, "rollback").await, "ok");
    for format in ["text", "csv", "binary"] {
        let copy = |rows| format!("copy (select n from many limit {rows}) to stdout (format \"{format}\")");
        let output = server.psql(&["-c", &copy(1_001)]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("54000"), "{format}");
        assert!(server.psql(&["-c", &copy(1_000)]).status.success(), "{format}");
    }
    let error = client.simple_query("select repeat('x', 1000) from many limit 200").await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().message(), "the result is larger than 100000");
    // A session lowers the limits for itself, and no further up than the server's.
    assert_eq!(code(&client, "set grantd.max_result_rows = 10; select n from many limit 11").await, "54000");
    assert_eq!(code(&client, "set grantd.max_result_rows = 1001").await, "22023");
    assert_eq!(code(&client, "set grantd.max_result_bytes = '1MB'").await, "22023");
    assert_eq!(code(&client, "set grantd.max_result_rows = 0; select n from many limit 1000").await, "ok");
    assert_eq!(code(&client, "set grantd.max_result_bytes = '2kB'; select n from many limit 500").await, "54000");
}

/// Row 15: a client that does not read is cut off, and its query with it.
#[test]
fn row_15_a_client_that_does_not_read_is_cut_off() {
    let server = Server::limited(Limits { write_timeout: Some(Duration::from_millis(500)), ..limits() });
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"select a.n, repeat('x', 100) from many a, many b\0");
    std::thread::sleep(Duration::from_secs(2));
    // What is in the sockets can still be read; then there is the end, and no error that the client would not have read.
    let mut last = 0;
    raw.0.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    let ended = raw.0.read_to_end(&mut bytes);
    assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
    last += bytes.len();
    assert!(last > 0 && last < 100 << 20, "{last} bytes of an endless result");
}

/// Row 15: a client that vanishes in the middle of an aggregate takes its work along.
#[test]
fn row_15_a_vanished_client_ends_its_aggregate() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"select sum((a.n * b.n) % 7) from many a, many b, users c where (a.n * b.n + c.id) % 5 > 1\0");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.stats.sessions.get(), 1);
    drop(raw);
    let started = Instant::now();
    while server.stats.sessions.get() > 0 {
        assert!(started.elapsed() < Duration::from_secs(10), "the session goes on");
        std::thread::sleep(Duration::from_millis(10));
    }
    println!("the session ended {:?} after its client", started.elapsed());
}

/// Row 32: a session that rests pins no snapshot; a transaction does.
#[tokio::test]
async fn row_32_a_session_that_rests_pins_nothing() {
    let server = Server::start();
    let client = server.client().await;
    assert_eq!(code(&client, "select v from version").await, "ok");
    client.query("select v from version", &[]).await.unwrap();
    assert_eq!(server.pinned.get(), 0);
    assert_eq!(code(&client, "begin; select v from version").await, "ok");
    assert_eq!(server.pinned.get(), 1);
    assert_eq!(code(&client, "select 1/0").await, "22012");
    assert_eq!(code(&client, "rollback").await, "ok");
    assert_eq!(server.pinned.get(), 0);
}

/// Row 31: sessions and transactions that do nothing end at the server's time.
#[test]
fn row_31_idle_sessions_and_transactions_end() {
    let server = Server::limited(Limits {
        idle_session_timeout: Some(Duration::from_millis(900)),
        idle_in_transaction_session_timeout: Some(Duration::from_millis(300)),
        ..limits()
    });
    let mut idle = Raw::open(&server);
    let mut open = Raw::open(&server);
    open.send(b'Q', b"set idle_in_transaction_session_timeout = 0; begin\0");
    open.until(b'Z');
    let started = Instant::now();
    assert_eq!(open.fatal(), "25P03");
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(idle.fatal(), "57P05");
}
