//! Memory and disk: what hostile statements get, and what they leave to others.

use super::*;
use grantd::config::Spill;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;

/// Statements that would take all the memory there is, each in its own way. `MANY` is a relation of 20,000 numbers `n`.
const HOSTILE: [&str; 20] = [
    "select a.n, b.n from MANY a, MANY b order by b.n, a.n",
    "select a.n * b.n as x, count(*) from MANY a, MANY b group by x",
    "select array_agg(a.n) from MANY a, MANY b",
    "select string_agg(a.n::text, ',') from MANY a, MANY b",
    "select generate_series(1, 9000000000)",
    "select repeat('x', 2000000000)",
    "select repeat('x', 1000000 + a.n) from MANY a",
    "with recursive t(x) as (select 'x' union all select x || x from t) select max(length(x)) from t",
    "with recursive t(n) as (select 1 union all select n + 1 from t) select count(*) from t",
    "with recursive t(n) as (select 1::bigint union all select t.n + a.n from t, MANY a) select count(*) from t",
    "select lpad('x', 2000000000), rpad('y', 1000000000)",
    "select replace(repeat('a', 1000000), 'a', repeat('b', 1000000))",
    "select array_repeat(array_repeat(1, 100000), 100000)",
    "with w as (select array_agg(n) as l from MANY) select w.l, a.n from w, MANY a, MANY b",
    "select unnest(generate_series(1, 1000000)), a.n, repeat('x', 1000) from MANY a",
    "select distinct a.n, b.n from MANY a, MANY b",
    "select sum(a.n) over (order by a.n, b.n) from MANY a, MANY b",
    "select count(*) from (select a.n as x, b.n as y from MANY a, MANY b) p \
     join (select a.n as x, b.n as y from MANY a, MANY b) q on p.x = q.y and p.y = q.x",
    "select repeat('x', 6000000), a.n from MANY a",
    "select length(a || a || a || a || a || a) from (select repeat('x', 8000000) as a from MANY) s",
];

/// How a statement that uses too much may end.
const REFUSALS: [&str; 5] = ["53200", "53400", "54000", "57014", "0A000"];

/// Runs this test again in a process of its own, whose memory nobody else uses. Gives whether this is that process.
fn is_alone(name: &str) -> bool {
    const ALONE: &str = "GRANTD_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let output = alone.args(["--exact", "--nocapture", name]).env(ALONE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// The end of a statement whose rows nobody keeps.
fn ended(raw: &mut Raw, sql: &str) -> String {
    raw.0.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    raw.send(b'Q', format!("{sql}\0").as_bytes());
    let mut code = "ok".to_owned();
    loop {
        match raw.next() {
            Some((b'E', body)) => code = error_code(&body),
            Some((b'Z', _)) => return code,
            Some(_) => {}
            None => return format!("{code}, and the connection"),
        }
    }
}

/// Row 12, the short form: twenty hostile statements, four at a time. Each is ended, others are answered meanwhile, and the
/// memory in use stays in bounds.
#[test]
fn row_12_hostile_statements_are_refused_or_ended() {
    if !is_alone("gateway::memory::row_12_hostile_statements_are_refused_or_ended") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let spill = Spill { folder: folder.path().join("spill"), limit: 256 << 20, statement_limit: 64 << 20 };
    let limits = Limits {
        statement_timeout: Some(Duration::from_secs(3)),
        max_result_bytes: Some(32 << 20),
        query_memory: 192 << 20,
        statement_memory: 64 << 20,
        spill: Some(spill),
        ..Limits::default()
    };
    let server = Server::limited(limits);
    let mut other = Raw::open(&server);
    let before = grantd::heap::in_use();
    let most = Arc::new(AtomicU64::new(0));
    let done = CancellationToken::new();
    let watching = {
        let (most, done) = (Arc::clone(&most), done.clone());
        std::thread::spawn(move || {
            while !done.is_cancelled() {
                most.fetch_max(grantd::heap::in_use() as u64, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    };
    std::thread::scope(|scope| {
        for part in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for sql in HOSTILE.iter().skip(part).step_by(4) {
                    let started = Instant::now();
                    let code = ended(&mut Raw::open(server), &sql.replace("MANY", "many"));
                    println!("{code} after {:?}: {sql}", started.elapsed());
                    assert!(REFUSALS.contains(&code.as_str()), "{code}: {sql}");
                }
            });
        }
        for _ in 0..20 {
            assert_eq!(ended(&mut other, "select count(*) from users"), "ok");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    done.cancel();
    watching.join().unwrap();
    let growth = most.load(Ordering::Relaxed).saturating_sub(before as u64) >> 20;
    println!("at most {growth} MiB more were in use");
    assert!(growth < 600, "{growth} MiB more were in use");
    assert_eq!(std::fs::read_dir(folder.path().join("spill")).map_or(0, Iterator::count), 0);
}

/// Row 15: clients that stop reading a result without end keep less than a mebibyte each. `GRANTD_SLOW_CLIENTS=100` is the
/// long form.
#[test]
fn row_15_clients_that_do_not_read_cost_little() {
    if !is_alone("gateway::memory::row_15_clients_that_do_not_read_cost_little") {
        return;
    }
    let clients = super::limits::rounds("GRANTD_SLOW_CLIENTS", 12);
    let server = Server::limited(Limits { write_timeout: None, ..Limits::default() });
    // Sessions themselves are not what is measured.
    let mut open: Vec<Raw> = (0..clients).map(|_| Raw::open(&server)).collect();
    let (before, resident_before) = (grantd::heap::in_use(), resident(std::process::id()));
    for raw in &mut open {
        raw.send(b'Q', b"select a.n, b.n, c.name, c.seen from many a, many b, users c\0");
        raw.next().unwrap();
    }
    std::thread::sleep(Duration::from_secs(if clients > 50 { 30 } else { 4 }));
    let growth = grantd::heap::in_use().saturating_sub(before) >> 20;
    println!(
        "{clients} clients: {growth} MiB more in use, {} MiB more resident",
        resident(std::process::id()).saturating_sub(resident_before)
    );
    assert!(growth < clients, "{clients} clients: {growth} MiB");
}

/// A sort beyond its statement's memory goes to disk where there is one, and within its quota.
#[test]
fn a_sort_spills_within_its_quota() {
    let sql = "select max(r) from (select row_number() over (order by (a.n * b.n) % 7919, a.n, b.n) as r \
               from many a, many b where b.n < 80) s";
    // Two processors that do other work, too, may need more than the time that statements have.
    let small = || Limits { statement_memory: 16 << 20, statement_timeout: None, ..Limits::default() };
    let folder = tempfile::tempdir().unwrap();
    let spill = |limit| Some(Spill { folder: folder.path().join("spill"), limit, statement_limit: limit });
    let server = Server::limited(Limits { spill: spill(1 << 30), ..small() });
    assert_eq!(server.ask(sql), "1600000");
    assert_eq!(std::fs::read_dir(folder.path().join("spill")).unwrap().count(), 0, "nothing stays");
    let told = |limits: Limits| {
        let output = Server::limited(limits).psql(&["-At", "-c", sql]);
        String::from_utf8(output.stderr).unwrap()
    };
    let said = told(Limits { spill: spill(1 << 20), ..small() });
    assert!(said.contains("53400: temporary file size exceeds statement_spill_limit (1MB)"), "{said}");
    let said = told(small());
    assert!(said.contains("53200: out of memory") && said.contains("grantd.toml"), "{said}");
}

/// One statement takes no more than its own part, so that there is something left for others.
#[test]
fn a_statement_has_a_share_of_its_own() {
    // Whatever else the machine does: time is not what is asked about.
    let limits =
        Limits { statement_memory: 16 << 20, query_memory: 1 << 30, statement_timeout: None, ..Limits::default() };
    let server = Server::limited(limits);
    let told = |sql: &str| {
        let output = server.psql(&["-At", "-c", sql]);
        String::from_utf8(output.stderr).unwrap()
    };
    let said = told("select count(*) from (select distinct a.n, b.n from many a, many b where b.n < 500) s");
    assert!(
        said.contains("53200: out of memory") && said.contains("16MB that one may use (statement_memory)"),
        "{said}"
    );
    let said = told("select repeat('x', 2000000000)");
    assert!(said.contains("54000: a value of 2000000000 bytes is too large"), "{said}");
    // What is wide only by the number of rows comes in smaller steps.
    assert_eq!(
        server.ask("select count(*), max(length(r)) from (select repeat('x', 1000 + n % 7) as r from many) s"),
        "20000|1006"
    );
    assert_eq!(server.ask("select max(length(repeat('x', 100000) || n)) from many"), "100005");
    assert_eq!(
        server.ask(
            "select count(*) from (select array_agg(n) as l from many where n < 2000) w, many b \
             where array_length(w.l, 1) > b.n"
        ),
        "2000"
    );
    assert_eq!(server.ask("select count(*) from (select unnest(generate_series(1, 200)) as x from many) s"), "4000000");
    assert_eq!(server.ask("select n || 'x', lpad('7', 3, '0'), concat(n, '-', n) from many limit 1"), "0x|007|0-0");
    let said = told("select array_agg(n) over (order by n) from many");
    assert!(said.contains("0A000: array_agg is not supported as a window function"), "{said}");
}

/// The memory that a process has in RAM, in MiB.
fn resident(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    (pages * 4096) >> 20
}

/// Row 12, the long form: `grantd serve` in a control group of 2 GiB, eight clients that send the twenty hostile statements
/// for `GRANTD_HOSTILE_SECONDS` (300 unless set). Needs the right to make control groups (version 1).
#[test]
#[ignore = "minutes, and the right to make control groups"]
fn row_12_in_a_control_group() {
    let seconds = std::env::var("GRANTD_HOSTILE_SECONDS").map_or(300, |value| value.parse().unwrap());
    let group = std::path::Path::new("/sys/fs/cgroup/memory").join(format!("grantd-test-{}", std::process::id()));
    std::fs::create_dir(&group).unwrap();
    std::fs::write(group.join("memory.limit_in_bytes"), (2u64 << 30).to_string()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("grantd.toml");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\ndata_dir = \"data\"\nlogin = \"trust\"\nstatement_timeout = \"10s\"\n\
         query_memory = \"768MiB\"\nstatement_memory = \"256MiB\"\nmax_result_bytes = \"256MiB\"\n\
         spill_limit = \"2GiB\"\nstatement_spill_limit = \"512MiB\"\n"
    );
    std::fs::write(&config, text).unwrap();
    // Into the group before it starts, so that it finds the group's limit.
    let mut serving = Command::new("sh")
        .args(["-c", "echo $$ > \"$0\"/cgroup.procs && exec \"$@\"", group.to_str().unwrap()])
        .arg(crate::support::program())
        .args(["serve", "--config", config.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let address: SocketAddr = ([127, 0, 0, 1], port).into();
    let open = move || -> Option<Raw> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
        let mut raw = Raw(stream);
        raw.startup(3 << 16, &[("user", "grantd"), ("database", "grantd")]);
        while raw.next()?.0 != b'Z' {}
        Some(raw)
    };
    let started = Instant::now();
    while open().is_none() {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "{}",
            std::fs::read_to_string(folder.path().join("log")).unwrap()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let outcomes = std::sync::Mutex::new(std::collections::BTreeMap::<String, u64>::new());
    let until = Instant::now() + Duration::from_secs(seconds);
    let is_dead = AtomicBool::new(false);
    let (mut peak, mut slowest, mut answered) = (0, Duration::ZERO, 0);
    std::thread::scope(|scope| {
        for client in 0..8usize {
            let (outcomes, is_dead) = (&outcomes, &is_dead);
            scope.spawn(move || {
                let many = "(select g as n from generate_series(0, 19999) as g)";
                let mut raw = None;
                for (round, sql) in HOSTILE.iter().cycle().skip(client * 3).enumerate() {
                    if Instant::now() > until || round > 1_000_000 || is_dead.load(Ordering::Relaxed) {
                        return;
                    }
                    let code = match raw.take().or_else(open) {
                        Some(mut open) => {
                            let code = ended(&mut open, &sql.replace("MANY", many));
                            if !code.ends_with("connection") {
                                raw = Some(open);
                            }
                            code
                        }
                        None => {
                            std::thread::sleep(Duration::from_millis(200));
                            "no connection".to_owned()
                        }
                    };
                    *outcomes.lock().unwrap().entry(code).or_default() += 1;
                }
            });
        }
        // Somebody else asks meanwhile, and is answered.
        while Instant::now() < until && !is_dead.load(Ordering::Relaxed) {
            is_dead.store(serving.try_wait().unwrap().is_some(), Ordering::Relaxed);
            peak = peak.max(resident(serving.id()));
            let asked = Instant::now();
            if open().is_some_and(|mut raw| ended(&mut raw, "select count(*) from accounts") == "ok") {
                answered += 1;
                slowest = slowest.max(asked.elapsed());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let is_alive = serving.try_wait().unwrap().is_none();
    let read = |file: &str| std::fs::read_to_string(group.join(file)).unwrap_or_default();
    let (most, kills) = (read("memory.max_usage_in_bytes"), read("memory.oom_control"));
    println!("outcomes: {:?}", outcomes.lock().unwrap());
    println!("resident at most {peak} MiB, {} MiB after", resident(serving.id()));
    println!("the group, with files of the disk, at most {} MiB", most.trim().parse::<u64>().unwrap_or(0) >> 20);
    println!("others were answered {answered} times, the slowest after {slowest:?}; {}", kills.replace('\n', ", "));
    serving.kill().unwrap();
    serving.wait().unwrap();
    std::fs::remove_dir(&group).unwrap();
    assert!(is_alive && !kills.contains("oom_kill 1"), "the daemon was killed");
    let outcomes = outcomes.into_inner().unwrap();
    assert!(outcomes.keys().all(|code| REFUSALS.contains(&code.as_str())), "{outcomes:?}");
    assert!(answered > 0 && peak < 2_560);
}
