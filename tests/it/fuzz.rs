//! The fuzz targets' functions over their corpora and over seeded mutations of them, so that what fuzzing found stays found.
//! With cargo-fuzz they run for hours: docs/testing.md.

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use grantd::gateway::fuzzing;
use grantd_catalog::sql::fuzzing::script_reads_back;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// What a door is asked.
type Ask = fn(&[u8]) -> Result<(), String>;

fn of_text(bytes: &[u8], ask: fn(&str) -> Result<(), String>) -> Result<(), String> {
    std::str::from_utf8(bytes).map_or(Ok(()), ask)
}

/// The name of a target and of its corpus, what it asks, and words of its language.
const TARGETS: &[(&str, Ask, &[&str])] = &[
    (
        "frames",
        fuzzing::frames,
        &["Q\0\0\0\u{d}select 1\0", "S\0\0\0\u{4}", "P", "B", "\0\0\0\u{4}", "D\0\0\0\u{6}S\0"],
    ),
    (
        "startup",
        fuzzing::startup_packet,
        &["user\0", "database\0grantd\0", "options\0-c ", "_pq_.x\0", "replication\0true\0"],
    ),
    (
        "sasl",
        fuzzing::sasl,
        &["n,,", "p=tls-server-end-point,,", "n=,r=", ",p=", "c=biws,", "m=", "=", "SCRAM-SHA-256$4096:"],
    ),
    (
        "sql",
        |bytes| of_text(bytes, fuzzing::sql),
        &[
            "SELECT ",
            "(",
            ")",
            "'",
            "\"",
            "$1",
            "$$",
            "::int",
            " UNION ALL ",
            "/*",
            "--",
            ";",
            "E'\\",
            "U&'",
            "EXPLAIN ",
            "DECLARE c CURSOR FOR ",
        ],
    ),
    (
        "grammar",
        |bytes| of_text(bytes, script_reads_back),
        &[
            "GRANT ",
            "CREATE ROLE ",
            " ON FUTURE TABLES IN SCHEMA ",
            " TO ROLE ",
            "\"\"",
            "'",
            "$$",
            "COMMENT = ",
            ";",
            "ALL PRIVILEGES",
            "USE ROLE ",
        ],
    ),
];

/// Mutations of a corpus in CI; `GRANTD_FUZZ_ROUNDS` asks for more.
const ROUNDS: usize = 3_000;
/// Largest input that a mutation makes.
const LARGEST: usize = 16 * 1024;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} has only {} files", folder.display(), files.len());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// One to four changes of an input, as fuzzers make them.
fn mutated(random: &mut StdRng, corpus: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut input = corpus[random.random_range(0..corpus.len())].clone();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..=input.len());
        match random.random_range(0..7) {
            0 => input.insert(at, random.random()),
            1 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
            2 if at < input.len() => {
                let end = random.random_range(at..=input.len().min(at + 64));
                input.drain(at..end);
            }
            3 => {
                // Counts and lengths at their edges.
                let number = [0_i32, -1, 1, 4, 5, 255, 65_535, i32::MAX, i32::MIN][random.random_range(0..9)];
                drop(input.splice(at..at, number.to_be_bytes()));
            }
            4 => {
                let word = words[random.random_range(0..words.len())];
                drop(input.splice(at..at, word.bytes()));
            }
            5 => {
                // A piece of another one.
                let other = &corpus[random.random_range(0..corpus.len())];
                let start = random.random_range(0..=other.len());
                let end = random.random_range(start..=other.len().min(start + 256));
                drop(input.splice(at..at, other[start..end].iter().copied()));
            }
            _ => {
                // The same piece many times: depth.
                let end = random.random_range(at..=input.len().min(at + 8));
                let piece = input[at..end].repeat(random.random_range(1..200));
                drop(input.splice(at..at, piece));
            }
        }
    }
    input.truncate(LARGEST);
    input
}

/// How long one input may take before it counts as one that never ends.
const ENDLESS: Duration = Duration::from_mins(1);

/// Asks on a stack as big as the query threads', and tells the input that it failed with or did not come back from.
fn ask_all(target: &'static str, inputs: impl FnOnce(&mut dyn FnMut(Vec<u8>)) + Send + 'static) {
    let (_, ask, _) = *TARGETS.iter().find(|(name, ..)| *name == target).unwrap();
    let (asking, asked) = mpsc::channel::<Vec<u8>>();
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        inputs(&mut |input: Vec<u8>| {
            asking.send(input.clone()).unwrap();
            let asked = std::panic::catch_unwind(|| ask(&input));
            let broken = asked.unwrap_or_else(|_| Err("a panic".to_owned())).err();
            let text = String::from_utf8_lossy(&input);
            assert!(broken.is_none(), "{target}: {}\n{text:?}", broken.unwrap_or_default());
        });
    });
    let thread = thread.unwrap();
    let mut last = Vec::new();
    loop {
        match asked.recv_timeout(ENDLESS) {
            Ok(input) => last = input,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("{target} did not end: {:?}", String::from_utf8_lossy(&last))
            }
        }
    }
    thread.join().unwrap();
}

fn hold(target: &'static str) {
    let (.., words) = *TARGETS.iter().find(|(name, ..)| *name == target).unwrap();
    let rounds = std::env::var("GRANTD_FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("GRANTD_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap());
    ask_all(target, move |ask| {
        let corpus = corpus(target);
        let mut random = StdRng::seed_from_u64(seed);
        corpus.iter().for_each(|input| ask(input.clone()));
        for _ in 0..rounds {
            ask(mutated(&mut random, &corpus, words));
        }
    });
}

/// What comes before and after when SQL nests.
const NESTS: &[(&str, &str)] = &[
    ("(", ")"),
    ("abs(", ")"),
    ("abs(x => ", ")"),
    ("abs(DISTINCT ", ")"),
    ("array[", "]"),
    ("x[", "]"),
    ("row(", ")"),
    ("(1, ", ")"),
    ("cast(", " AS int)"),
    ("position(", ")"),
    ("position('a' IN ", ")"),
    ("position(", " IN 'a')"),
    ("substring(", " FROM 1)"),
    ("substring('a' FROM ", ")"),
    ("overlay(", " PLACING 'a' FROM 1)"),
    ("trim(", ")"),
    ("trim(BOTH ", " FROM 'a')"),
    ("extract(year FROM ", ")"),
    ("ceil(", ")"),
    ("floor(", " TO DAY)"),
    ("CASE WHEN true THEN ", " END"),
    ("CASE WHEN ", " THEN 1 END"),
    ("CASE ", " WHEN 1 THEN 1 END"),
    ("CASE 1 WHEN 1 THEN 1 ELSE ", " END"),
    ("1 IN (", ")"),
    ("1 IN ((", "))"),
    ("1 IN (SELECT ", ")"),
    ("EXISTS (SELECT ", ")"),
    ("NOT EXISTS (SELECT ", ")"),
    ("(SELECT ", ")"),
    ("array(SELECT ", ")"),
    ("1 = ANY (SELECT ", ")"),
    ("1 = ANY (array[", "])"),
    ("1 = ALL (", ")"),
    ("(SELECT 1 FROM (SELECT ", ") t)"),
    ("(SELECT 1 FROM ((SELECT ", ") t CROSS JOIN u))"),
    ("(SELECT 1 FROM LATERAL (SELECT ", ") t)"),
    ("(SELECT 1 FROM abs(", ") t)"),
    ("(SELECT 1 FROM t JOIN u ON ", ")"),
    ("(SELECT 1 WHERE ", ")"),
    ("(SELECT 1 GROUP BY ", ")"),
    ("(SELECT 1 GROUP BY ROLLUP (", "))"),
    ("(SELECT 1 ORDER BY ", ")"),
    ("(SELECT 1 LIMIT ", ")"),
    ("(SELECT 1 OFFSET ", ")"),
    ("(WITH t AS (SELECT ", ") SELECT 1)"),
    ("(VALUES (", "))"),
    ("(SELECT 1 UNION SELECT ", ")"),
    ("sum(1) OVER (PARTITION BY ", ")"),
    ("sum(1) OVER (ORDER BY ", ")"),
    ("sum(1) FILTER (WHERE ", ")"),
    ("sum(1 ORDER BY ", ")"),
    ("percentile_cont(1) WITHIN GROUP (ORDER BY ", ")"),
    ("coalesce(1, ", ")"),
    ("(", " COLLATE \"C\")"),
    ("('a' LIKE ", ")"),
    ("('a' SIMILAR TO ", " ESCAPE 'a')"),
    ("(1 BETWEEN ", " AND 2)"),
    ("(1 IS DISTINCT FROM ", ")"),
    ("(", " AT TIME ZONE 'UTC')"),
    ("(interval '1' + ", ")"),
    ("interval ", ""),
    ("date (", ")"),
    ("json_object('a': ", ")"),
    ("json_object(KEY 'a' VALUE ", ")"),
    ("xmlelement(NAME a, ", ")"),
    ("{fn abs(", ")}"),
    ("- ", ""),
    ("NOT ", ""),
    ("EXPLAIN ", ""),
];

/// A reader that tries one thing and then another takes twice as long for each level, which is for ever.
#[test]
fn deep_nests_are_read_in_time() {
    ask_all("sql", |ask| {
        for (open, close) in NESTS {
            // What is right, what is wrong at the deepest place, and what never ends.
            for (core, ends) in [("1", true), ("1 1", true), (")", true), ("1", false)] {
                let close = if ends { close.repeat(60) } else { String::new() };
                ask(format!("SELECT {}{core}{close}", open.repeat(60)).into_bytes());
            }
        }
    });
}

#[test]
fn frames_hold() {
    hold("frames");
}

#[test]
fn startup_holds() {
    hold("startup");
}

#[test]
fn sasl_holds() {
    hold("sasl");
}

#[test]
fn sql_holds() {
    hold("sql");
}

#[test]
fn grammar_holds() {
    hold("grammar");
}

#[test]
fn every_target_of_cargo_fuzz_is_held_here() {
    let manifest = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let names: Vec<&str> =
        manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    assert_eq!(names, TARGETS.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
}
