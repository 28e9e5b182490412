//! What a recorder is told: every statement by every route, however it ends, and who was let in.

use super::*;
use grantd::gateway::{Entry, Route};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// Keeps all in memory; can be told that the log is broken.
#[derive(Debug, Default)]
struct Memory {
    entries: Mutex<Vec<Entry>>,
    full: AtomicBool,
    broken: AtomicBool,
}

fn refusal(is: &AtomicBool) -> Result<(), SqlError> {
    if is.load(Ordering::SeqCst) { Err(SqlError::new("58030", "the query log cannot be written")) } else { Ok(()) }
}

#[async_trait]
impl Recorder for Memory {
    fn fingerprint(&self, text: &str) -> [u8; 32] {
        [text.len() as u8; 32]
    }

    async fn admit(&self) -> Result<(), SqlError> {
        refusal(&self.full)
    }

    fn record(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }

    async fn record_durably(&self, entry: Entry) -> Result<(), SqlError> {
        refusal(&self.broken)?;
        self.record(entry);
        Ok(())
    }
}

impl Memory {
    /// Kind, text, rows and outcome of each record, one per line.
    fn lines(&self) -> Vec<String> {
        let line = |e: &Entry| format!("{} {} {} [{}]", e.kind, e.rows, e.outcome, e.text.masked);
        self.entries.lock().unwrap().iter().map(line).collect()
    }

    fn take(&self) -> Vec<String> {
        let lines = self.lines();
        self.entries.lock().unwrap().clear();
        lines
    }

    /// The last record, once there are so many.
    fn nth(&self, count: usize) -> Entry {
        let end = Instant::now() + Duration::from_secs(30);
        while self.entries.lock().unwrap().len() < count {
            assert!(Instant::now() < end, "{:?}", self.lines());
            std::thread::sleep(Duration::from_millis(10));
        }
        self.entries.lock().unwrap()[count - 1].clone()
    }
}

fn server() -> (Server, Arc<Memory>) {
    let memory = Arc::new(Memory::default());
    (Server::recorded(Access::default(), Arc::clone(&memory) as Arc<dyn Recorder>), memory)
}

fn parse(name: &str, sql: &str) -> Vec<u8> {
    frame(b'P', format!("{name}\0{sql}\0\0\0").as_bytes())
}

fn bind(portal: &str, statement: &str) -> Vec<u8> {
    frame(b'B', format!("{portal}\0{statement}\0\0\0\0\0\0\0").as_bytes())
}

fn execute(portal: &str, most: i32) -> Vec<u8> {
    frame(b'E', &[portal.as_bytes(), b"\0", &most.to_be_bytes()].concat())
}

fn sync() -> Vec<u8> {
    frame(b'S', b"")
}

#[test]
fn the_simple_protocol_statement_by_statement() {
    let (server, memory) = server();
    let mut raw = Raw::open(&server);
    assert_eq!(memory.take(), ["login 0 ok []"]);
    for sql in [
        "select id from users where name <> 'hunter2'; set application_name = 'probe' ;select 1 / 0; select 2",
        "selec 'hunter2'",
        "select 'hunter2",
        "drop table users",
        "begin; declare c cursor for select n from many where n > 7; fetch 3 from c; move all in c",
        "nonsense",
        "select 1",
        "rollback",
        "copy (select id from users) to stdout",
        "prepare p as select $1::int8 + 1; execute p(41)",
        "explain select 1",
        "show timezone",
        "call sync('hunter2')",
        "call no_such()",
        "-- nothing",
    ] {
        raw.send(b'Q', &[sql.as_bytes(), b"\0"].concat());
        raw.until(b'Z');
    }
    assert_eq!(
        memory.lines(),
        [
            "query 2 ok [select id from users where name <> ?]",
            "set 0 ok [set application_name = ?]",
            "query 0 22012 [select ? / ?]",
            "parse 0 42601 [selec ?]",
            "parse 0 42601 [select ?]",
            "refused 0 25006 [drop table users]",
            "transaction 0 ok [begin]",
            "cursor 0 ok [declare c cursor for select n from many where n > ?]",
            "cursor 3 ok [fetch ? from c]",
            "cursor 19989 ok [move all in c]",
            "parse 0 42601 [nonsense]",
            "query 0 25P02 [select ?]",
            "transaction 0 ok [rollback]",
            "copy 3 ok [copy (select id from users) to stdout]",
            "prepared 0 ok [prepare p as select $1::int8 + ?]",
            "prepared 1 ok [execute p(?)]",
            "explain 2 ok [explain select ?]",
            "show 1 ok [show timezone]",
            "intent 0 ok [call sync(?)]",
            "call 0 ok [call sync(?)]",
            "intent 0 ok [call no_such()]",
            "call 0 42883 [call no_such()]",
        ]
    );
    let entries = memory.entries.lock().unwrap().clone();
    assert!(entries.iter().all(|e| &*e.user == "tester" && e.route == Some(Route::Simple) && e.session > 0));
    assert!(entries.iter().all(|e| e.address.starts_with("127.0.0.1:")));
    assert_eq!(entries[0].application, "");
    assert_eq!(entries[2].application, "probe");
    // DataRows, RowDescription and CommandComplete, but not what other statements sent.
    assert!((30..300).contains(&entries[0].bytes), "{}", entries[0].bytes);
    assert_eq!(entries[0].text.bytes, "select id from users where name <> 'hunter2'".len());
    let shown = format!("{entries:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_extended_protocol_execution_by_execution() {
    let (server, memory) = server();
    let mut raw = Raw::open(&server);
    memory.take();
    let mut ask = |frames: &[Vec<u8>]| {
        raw.send_raw(&frames.concat());
        raw.until(b'Z');
        memory.take()
    };
    assert_eq!(
        ask(&[parse("", "select id from users"), bind("", ""), execute("", 0), sync()]),
        ["query 3 ok [select id from users]"]
    );
    assert_eq!(ask(&[parse("", "selec 'hunter2'"), sync()]), ["parse 0 42601 [selec ?]"]);
    assert_eq!(ask(&[parse("", "select x from users"), sync()]), ["parse 0 42703 [select x from users]"]);
    assert_eq!(ask(&[parse("", "select 1; select 2"), sync()]), ["parse 0 42601 [select ?; select ?]"]);
    assert_eq!(ask(&[parse("s", "select $1::int8"), bind("", "s"), sync()]), ["bind 0 08P01 [select $1::int8]"]);
    assert_eq!(ask(&[bind("", "no_such"), sync()]), ["message 0 26000 []"]);
    assert_eq!(ask(&[execute("no_such", 0), sync()]), ["message 0 34000 []"]);
    assert_eq!(ask(&[parse("", ""), bind("", ""), execute("", 0), sync()]), [""; 0]);
    // A portal that goes on is one execution, one that is left is one too.
    let whole = [parse("", "select id from users"), bind("", ""), execute("", 2), execute("", 2), sync()];
    assert_eq!(ask(&whole), ["query 3 ok [select id from users]"]);
    let left = [parse("", "select n from many"), bind("", ""), execute("", 2), execute("", 5), sync()];
    assert_eq!(ask(&left), ["query 7 ok [select n from many]"]);
    let described = [parse("", "call rows()"), bind("", ""), frame(b'D', b"P\0"), execute("", 0), sync()];
    assert_eq!(ask(&described), ["intent 0 ok [call rows()]", "call 2 ok [call rows()]"]);
    assert_eq!(
        ask(&[parse("", "call no_such()"), bind("", ""), frame(b'D', b"P\0"), sync()]),
        ["intent 0 ok [call no_such()]", "call 0 42883 [call no_such()]"]
    );
}

#[test]
fn an_execution_that_is_left_says_so() {
    let (server, memory) = server();
    let mut raw = Raw::open(&server);
    raw.send_raw(&[parse("", "select n from many"), bind("", ""), execute("", 2), frame(b'H', b"")].concat());
    raw.until(b's');
    drop(raw);
    let left = memory.nth(2);
    assert_eq!((left.rows, left.outcome, left.detail.as_deref()), (2, "ok", Some("not read to its end")));
    let end = memory.nth(3);
    assert_eq!((end.kind, end.outcome), ("logout", "08006"));
}

#[test]
fn statements_that_are_cut_off_are_recorded() {
    let (server, memory) = server();
    // By its client.
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"call wait()\0");
    assert_eq!(memory.nth(2).kind, "intent");
    drop(raw);
    assert_eq!((memory.nth(3).kind, memory.nth(3).outcome), ("call", "08006"));
    assert_eq!(memory.nth(4).kind, "logout");
    // By its time.
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"set statement_timeout = '100ms'; call wait()\0");
    raw.until(b'Z');
    assert_eq!((memory.nth(8).kind, memory.nth(8).outcome), ("call", "57014"));
    // By a panic.
    raw.send(b'Q', b"reset statement_timeout; select explode()\0");
    while raw.next().is_some() {}
    assert_eq!((memory.nth(10).kind, memory.nth(10).outcome), ("query", "XX000"));
    assert_eq!((memory.nth(11).kind, memory.nth(11).outcome), ("logout", "XX000"));
    // By the server's end.
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"call wait()\0");
    assert_eq!(memory.nth(13).kind, "intent");
    server.shutdown.cancel();
    assert_eq!((memory.nth(14).kind, memory.nth(14).outcome), ("call", "57P01"));
    assert_eq!((memory.nth(15).kind, memory.nth(15).outcome), ("logout", "57P01"));
}

#[test]
fn who_is_turned_away_is_recorded() {
    let (server, memory) = server();
    for (user, code) in [("refused", "28000"), ("", "28000")] {
        let mut raw = server.raw();
        raw.startup(3 << 16, &[("user", user), ("database", "grantd")]);
        assert_eq!(raw.fatal(), code);
    }
    assert_eq!(memory.nth(1).user.as_ref(), "refused");
    assert_eq!(memory.lines(), ["login 0 28000 []", "login 0 28000 []"]);
}

#[test]
fn without_a_log_there_are_no_calls_and_no_logins_and_in_the_end_no_answers() {
    let (server, memory) = server();
    let mut raw = Raw::open(&server);
    memory.broken.store(true, Ordering::SeqCst);
    let code = |raw: &mut Raw, sql: &str| {
        raw.send(b'Q', &[sql.as_bytes(), b"\0"].concat());
        let messages = raw.until(b'Z');
        messages.iter().find(|(tag, _)| *tag == b'E').map_or("ok".to_owned(), |(_, body)| error_code(body))
    };
    assert_eq!(code(&mut raw, "call sync('a')"), "58030");
    assert_eq!(code(&mut raw, "select 1"), "ok");
    let mut other = server.raw();
    other.startup(3 << 16, &[("user", "tester"), ("database", "grantd")]);
    assert_eq!(other.fatal(), "58030");
    assert_eq!(
        memory.take(),
        ["login 0 ok []", "call 0 58030 [call sync(?)]", "query 1 ok [select ?]", "login 0 58030 []"]
    );
    memory.full.store(true, Ordering::SeqCst);
    assert_eq!(code(&mut raw, "select 1"), "58030");
    raw.send_raw(&[parse("", "select 1"), sync()].concat());
    raw.until(b'Z');
    assert_eq!(memory.take(), [""; 0], "who has no room counts what it refuses");
    memory.full.store(false, Ordering::SeqCst);
    memory.broken.store(false, Ordering::SeqCst);
    assert_eq!(code(&mut raw, "call sync('a')"), "ok");
}
