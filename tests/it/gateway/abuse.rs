//! What a client can send to bring a server down: deep statements, what panics, more names than anybody needs.

use super::limits::{extended, outcome, rounds};
use super::*;
use std::io::Write as _;

/// A text whose tree grows with `n`, for each way in which SQL nests or chains.
fn grown(kind: &str, n: usize) -> String {
    let chain = |link: &str| format!("select 1{}", link.repeat(n));
    let nested = |open: &str, close: &str| format!("select {}1{}", open.repeat(n), close.repeat(n));
    match kind {
        "+" => chain(" + 1"),
        "OR" => format!("select 1 from users where id = 1{}", " or id = 1".repeat(n)),
        "AND" => format!("select 1 from users where id = 1{}", " and id = 1".repeat(n)),
        "||" => format!("select 'a'{}", " || 'b'".repeat(n)),
        "::" => chain("::int"),
        "UNION" => chain(" union all select 1"),
        "CASE" => nested("case when true then ", " end"),
        "NOT" => format!("select {}true", "not ".repeat(n)),
        "subquery" => nested("(select ", ")"),
        "JOIN" => {
            let joins: Vec<String> = (1..=n).map(|i| format!(" join users u{i} on u{i}.id = u0.id")).collect();
            format!("select 1 from users u0{}", joins.concat())
        }
        "parens" => nested("(", ")"),
        "array" => nested("array[", "]"),
        other => panic!("{other}"),
    }
}

/// Row 11: twelve ways to nest or chain, from a hundred to a million, by both protocols: no text ends the server, and what is
/// refused is refused before it is parsed. `GRANTD_DEEP=1` prints how long each took.
#[test]
fn row_11_no_deep_statement_ends_the_server() {
    let server = Server::limited(Limits { statement_timeout: Some(Duration::from_secs(10)), ..Limits::default() });
    let show = std::env::var_os("GRANTD_DEEP").is_some();
    let mut slowest = Duration::ZERO;
    for kind in ["+", "OR", "AND", "||", "::", "UNION", "CASE", "NOT", "subquery", "JOIN", "parens", "array"] {
        for size in [100, 1_000, 10_000, 100_000, 1_000_000] {
            let sql = grown(kind, size);
            for protocol in ["simple", "extended"] {
                let mut raw = Raw::open(&server);
                raw.0.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                let started = Instant::now();
                // A frame that is too long is refused at its head: the rest of it meets a closed socket.
                let frames = match protocol {
                    "simple" => frame(b'Q', format!("{sql}\0").as_bytes()),
                    _ => {
                        let mut bytes = frame(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"].concat());
                        bytes.extend(frame(b'B', b"\0\0\0\0\0\0\0\0"));
                        bytes.extend(frame(b'E', b"\0\0\0\0\0"));
                        bytes.extend(frame(b'S', b""));
                        bytes
                    }
                };
                let sent = raw.0.write_all(&frames);
                let code = if sent.is_err() || sql.len() > 1 << 20 { "08P01".to_owned() } else { outcome(&mut raw) };
                let took = started.elapsed();
                if show {
                    println!("{kind} x {size}, {protocol}: {code} after {took:?}");
                }
                let allowed: &[&str] = match size {
                    100 => &["ok", "54001", "42804", "57014"],
                    1_000 => &["ok", "54001", "57014"],
                    _ => &["54001", "08P01"],
                };
                assert!(allowed.contains(&code.as_str()), "{kind} x {size}, {protocol}: {code}");
                if code == "54001" {
                    slowest = slowest.max(took);
                }
            }
        }
        assert_eq!(outcome_of(&mut Raw::open(&server), "select 1"), "ok", "after {kind}");
    }
    println!("the slowest refusal took {slowest:?}");
}

fn outcome_of(raw: &mut Raw, sql: &str) -> String {
    raw.0.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
    raw.send(b'Q', format!("{sql}\0").as_bytes());
    outcome(raw)
}

/// Row 11: what people and tools really send still works.
#[test]
fn row_11_long_conditions_and_lists_work() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    let or = vec!["id = 1"; 1_000].join(" or ");
    assert_eq!(outcome_of(&mut raw, &format!("select 1 from users where {or}")), "ok");
    let list = (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(outcome_of(&mut raw, &format!("select 1 from users where id in ({list})")), "ok");
    extended(&mut raw, &format!("select 1 from users where id in ({list})"), 0);
    assert_eq!(outcome(&mut raw), "ok");
}

/// Row 10: a panic ends its connection with XX000, is counted, and is nobody else's trouble. `GRANTD_PANICS=1000` is the long
/// form.
#[test]
fn row_10_panics_under_load_end_only_their_connections() {
    let server = Server::start();
    let panics = rounds("GRANTD_PANICS", 40);
    std::thread::scope(|scope| {
        let busy: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut raw = Raw::open(&server);
                    for _ in 0..panics {
                        assert_eq!(outcome_of(&mut raw, "select count(*) from many where n > 7"), "ok");
                    }
                })
            })
            .collect();
        for round in 0..panics {
            let mut raw = Raw::open(&server);
            if round % 2 == 0 {
                raw.send(b'Q', b"select explode() from many\0");
            } else {
                extended(&mut raw, "select explode()", 0);
            }
            assert_eq!(raw.fatal(), "XX000");
        }
        for thread in busy {
            thread.join().unwrap();
        }
    });
    assert_eq!(server.stats.panics.get(), panics as u64);
    assert_eq!(server.ask("select 1"), "1");
}

/// Row 30: a session keeps a thousand statements and portals, and no more bytes than it may; then it is told so, and goes on.
/// `GRANTD_PARSES=1000000` is the long form.
#[test]
fn row_30_a_session_keeps_only_so_much() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    let parse = |raw: &mut Raw, name: &str, sql: &str| {
        raw.send(b'P', &[name.as_bytes(), b"\0", sql.as_bytes(), b"\0\0\0"].concat());
        raw.send(b'S', b"");
        outcome(raw)
    };
    let before = grantd::heap::in_use();
    for name in 0..rounds("GRANTD_PARSES", 1_200) {
        let wanted = if name < 1_000 { "ok" } else { "53000" };
        assert_eq!(parse(&mut raw, &name.to_string(), "select 1"), wanted, "{name}");
    }
    println!("{} KiB more are in use", grantd::heap::in_use().saturating_sub(before) >> 10);
    assert_eq!(outcome_of(&mut raw, "prepare one_more as select 1"), "53000");
    assert_eq!(outcome_of(&mut raw, "deallocate all; prepare one_more as select 1"), "ok");
    // Few that are large: texts, and values of parameters.
    let long = format!("select '{}'", "x".repeat(1_000_000));
    let kept = (0..20).take_while(|name| parse(&mut raw, &format!("long{name}"), &long) == "ok").count();
    assert!((4..20).contains(&kept), "{kept} long statements were kept");
    assert_eq!(outcome_of(&mut raw, "deallocate all; begin"), "ok");
    assert_eq!(parse(&mut raw, "value", "select $1::text"), "ok");
    let value = vec![b'x'; 10 << 20];
    let bind = |raw: &mut Raw, portal: &str| {
        let length = (value.len() as u32).to_be_bytes();
        raw.send(b'B', &[portal.as_bytes(), b"\0value\0\0\0\0\x01", &length, &value, b"\0\0"].concat());
        raw.send(b'S', b"");
        outcome(raw)
    };
    let kept = (0..30).take_while(|portal| bind(&mut raw, &format!("portal{portal}")) == "ok").count();
    assert!((5..20).contains(&kept), "{kept} portals were kept");
    assert_eq!(outcome_of(&mut raw, "rollback"), "ok");
    // Names and settings that are remembered are short.
    assert_eq!(outcome_of(&mut raw, &format!("begin; savepoint {}", "s".repeat(64))), "42622");
    assert_eq!(outcome_of(&mut raw, "rollback"), "ok");
    assert_eq!(outcome_of(&mut raw, &format!("set search_path = '{}'", "x".repeat(5_000))), "22023");
}
