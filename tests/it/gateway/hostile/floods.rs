//! Floods, measured: many connections, many wrong passwords. The figures are in `docs/testing.md`.

use super::{Scram, challenge, chance, connect_from, rounds, some_address};
use crate::gateway::Raw;
use crate::gateway::login::Door;
use crate::support::process::Process;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn config(address: Ipv4Addr, port: u16, user: &str, password: &str) -> String {
    format!("host={address} port={port} user={user} password={password} dbname=grantd connect_timeout=30")
}

/// A login and a question, from another address than the flood's, and how long they took.
fn login_and_ask(port: u16, user: &str, password: &str) -> Result<Duration, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let started = Instant::now();
    runtime.block_on(async {
        let config = config(Ipv4Addr::LOCALHOST, port, user, password);
        let (client, connection) =
            tokio_postgres::connect(&config, tokio_postgres::NoTls).await.map_err(|error| error.to_string())?;
        let driving = tokio::spawn(connection);
        client.simple_query("select 1").await.map_err(|error| error.to_string())?;
        driving.abort();
        Ok(started.elapsed())
    })
}

/// Risk 7: clients that connect and send a byte every five seconds. Those who come later take the places of those who
/// were first, memory does not grow with them, and all is given back.
/// The long form: `GRANTD_HALF_OPEN=10000 GRANTD_HALF_OPEN_SECONDS=30`.
#[test]
fn half_open_connections_keep_nobody_out() {
    let wanted = rounds("GRANTD_HALF_OPEN", 300) as usize;
    let seconds = rounds("GRANTD_HALF_OPEN_SECONDS", 1);
    rlimit::increase_nofile_limit(wanted as u64 + 1_000).unwrap();
    let process = Process::serve_with("max_starting_connections = 200\n");
    // The threads are there with the first answer.
    login_and_ask(process.address.port(), "grantd", &process.password).unwrap();
    let before = process.open_files();
    let mut chance = chance(7);
    let mut open: Vec<TcpStream> = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut most = 0;
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut written = Instant::now();
    loop {
        // Whoever was sent away comes again.
        while open.len() < wanted {
            open.push(connect_from(some_address(&mut chance), process.address).unwrap());
        }
        if written.elapsed() >= Duration::from_secs(5) {
            written = Instant::now();
            open.retain_mut(|stream| stream.write_all(b"\0").is_ok());
        }
        slowest = slowest.max(login_and_ask(process.address.port(), "grantd", &process.password).unwrap());
        most = most.max(process.resident_kib() / 1_024);
        if Instant::now() >= end {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(open);
    let settled = Instant::now() + Duration::from_secs(30);
    let mut after = process.open_files();
    while after > before + 5 && Instant::now() < settled {
        std::thread::sleep(Duration::from_millis(100));
        after = process.open_files();
    }
    println!("{wanted} half open: {most} MiB, slowest login {slowest:?}, files {before} before and {after} after");
    assert!(most < 1_024, "{most} MiB");
    assert!(after <= before + 5, "{before} files before, {after} after");
    // The measure is a second; a busy machine in a test run may take longer.
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}

/// Risk 7: sessions that do nothing, and beside them some that ask one question after another.
/// `GRANTD_IDLE_SESSIONS=5000 GRANTD_BUSY_SESSIONS=200 GRANTD_BUSY_SECONDS=30` for the long form.
#[test]
fn idle_sessions_cost_little_and_busy_ones_are_answered() {
    let (wanted, busy) = (rounds("GRANTD_IDLE_SESSIONS", 60), rounds("GRANTD_BUSY_SESSIONS", 8));
    rlimit::increase_nofile_limit(wanted + busy + 1_000).unwrap();
    let places = wanted + busy + 60;
    let process = Process::serve_with(&format!("max_connections = {places}\n"));
    let scram = Scram::new(&process.password, &process.salting);
    let open = |number: u64| -> Vec<Raw> {
        let one = || {
            let mut raw = Raw(connect_from(Ipv4Addr::LOCALHOST, process.address).unwrap());
            raw.startup(3 << 16, &[("user", "grantd"), ("database", "grantd")]);
            raw.next().unwrap();
            raw.send(b'p', &Scram::first());
            let server_first = challenge(&mut raw).unwrap();
            raw.send(b'p', scram.last(&server_first).as_bytes());
            raw.until(b'Z');
            raw
        };
        (0..number).map(|_| one()).collect()
    };
    // The first ones touch what all share.
    let first = open(50);
    let (before, started) = (process.resident_kib(), Instant::now());
    let clients = open(wanted);
    let took = started.elapsed();
    let each = (process.resident_kib().saturating_sub(before)) / wanted;
    let login = login_and_ask(process.address.port(), "grantd", &process.password).unwrap();
    println!("{wanted} idle sessions: {each} KiB each, opened in {took:?}; a further login took {login:?}");
    assert!(each < 512, "{each} KiB");
    let until = Instant::now() + Duration::from_secs(rounds("GRANTD_BUSY_SECONDS", 1));
    let askers: Vec<Raw> = open(busy);
    let times = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for mut raw in askers {
            let times = &times;
            scope.spawn(move || {
                let mut own = Vec::new();
                while Instant::now() < until {
                    let started = Instant::now();
                    raw.send(b'Q', b"select account, count(*) from users group by account\0");
                    loop {
                        match raw.next() {
                            Some((b'Z', _)) => break,
                            Some((b'E', body)) => panic!("{}", String::from_utf8_lossy(&body)),
                            Some(_) => {}
                            None => panic!("the connection is lost"),
                        }
                    }
                    own.push(started.elapsed());
                }
                times.lock().unwrap().append(&mut own);
            });
        }
    });
    let mut times = times.into_inner().unwrap();
    times.sort();
    let slowest = |share: usize| times[(times.len() - 1) * share / 100];
    let resident = process.resident_kib() / 1_024;
    println!(
        "{busy} busy sessions beside them: {} statements, no error, median {:?}, p99 {:?}; {resident} MiB resident",
        times.len(),
        slowest(50),
        slowest(99)
    );
    assert!(times.len() as u64 >= busy);
    drop((first, clients));
}

/// Risk 6: wrong passwords by the thousand beside good clients.
/// `GRANTD_FLOOD_SECONDS=20 cargo test --workspace --test it -- --ignored --nocapture hostile::floods::wrong`
#[test]
#[ignore = "a measurement: it wants a quiet machine"]
fn wrong_passwords_do_not_disturb_good_clients() {
    let seconds = rounds("GRANTD_FLOOD_SECONDS", 20);
    let door = Door::new(None, 500);
    let password = door.users.add("ann", false).unwrap().expose().clone();
    door.users.add("bob", false).unwrap();
    let port = door.server.address.port();
    let measure = |seconds: u64| {
        let end = Instant::now() + Duration::from_secs(seconds);
        let times = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                    let client = runtime.block_on(async {
                        let config = config(Ipv4Addr::LOCALHOST, port, "ann", &password);
                        let (client, connection) =
                            tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
                        tokio::spawn(connection);
                        client
                    });
                    while Instant::now() < end {
                        let started = Instant::now();
                        runtime.block_on(client.simple_query("select 1")).unwrap();
                        times.lock().unwrap().push(started.elapsed());
                        std::thread::sleep(Duration::from_millis(50));
                    }
                });
            }
        });
        let mut times = times.into_inner().unwrap();
        times.sort();
        times[times.len() * 99 / 100]
    };
    let idle = measure(seconds);
    let (stop, tried) = (AtomicBool::new(false), AtomicU64::new(0));
    let cpu = login_cpu();
    let started = Instant::now();
    let flooded = std::thread::scope(|scope| {
        for attacker in 0..4_u8 {
            let (stop, tried, door) = (&stop, &tried, &door);
            scope.spawn(move || {
                let source = Ipv4Addr::new(127, 9, 9, attacker + 1);
                // 250 a second each.
                let mut next = Instant::now();
                while !stop.load(Ordering::Relaxed) {
                    let mut raw = Raw(connect_from(source, door.server.address).unwrap());
                    raw.startup(3 << 16, &[("user", "bob"), ("database", "grantd")]);
                    if raw.next().is_some_and(|(tag, _)| tag == b'R') {
                        crate::gateway::login::guess(&mut raw);
                    }
                    tried.fetch_add(1, Ordering::Relaxed);
                    next += Duration::from_millis(4);
                    std::thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            });
        }
        let flooded = measure(seconds);
        stop.store(true, Ordering::Relaxed);
        flooded
    });
    let took = started.elapsed().as_secs_f64();
    let cores = (login_cpu() - cpu) / took;
    let real = door.server.stats.logins.get(grantd::gateway::stats::LoginOutcome::Refused);
    let rate = tried.load(Ordering::Relaxed) as f64 / took;
    println!(
        "{rate:.0} wrong logins a second for {took:.0} s: p99 of good clients {idle:?} idle, {flooded:?} flooded; {real} \
         got as far as a guess from 4 addresses; logins took {cores:.2} of a processor"
    );
    assert!(real as f64 <= 4.0 * (10.0 + 3.0 + took / 6.0), "{real}");
    assert!(cores <= 1.0, "{cores}");
}

/// Seconds of a processor that the threads of logins have taken, of this process.
fn login_cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let ticks: u64 = tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok())
        .filter(|stat| stat.contains("(grantd-login"))
        .filter_map(|stat| {
            let fields: Vec<u64> =
                stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
            Some(fields.iter().sum::<u64>())
        })
        .sum();
    // A hundred a second, as Linux has it.
    ticks as f64 / 100.0
}
