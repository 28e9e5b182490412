//! The fuzz targets' functions over their corpora and over seeded mutations of them, so that what fuzzing found stays found.
//! With cargo-fuzz they run for hours: docs/testing.md.

use std::path::Path;

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

/// Asks on a stack as big as the query threads', and tells the input that it failed with.
fn hold(target: &'static str) {
    let (_, ask, words) = *TARGETS.iter().find(|(name, ..)| *name == target).unwrap();
    let rounds = std::env::var("GRANTD_FUZZ_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("GRANTD_FUZZ_SEED").map_or(1, |seed| seed.parse().unwrap());
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(move || {
        let corpus = corpus(target);
        let mut random = StdRng::seed_from_u64(seed);
        let check = |input: &[u8]| {
            let asked = std::panic::catch_unwind(|| ask(input));
            let broken = asked.unwrap_or_else(|_| Err("a panic".to_owned())).err();
            assert!(broken.is_none(), "{target}: {}\n{:?}", broken.unwrap_or_default(), String::from_utf8_lossy(input));
        };
        corpus.iter().for_each(|input| check(input));
        for _ in 0..rounds {
            check(&mutated(&mut random, &corpus, words));
        }
    });
    thread.unwrap().join().unwrap();
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
