//! Random sequences of messages, valid and not, to both servers: the same answers, message by message.
//!
//! A long run: `GRANTD_SEQUENCES=2000 cargo test --workspace --test it -- compared::sequences`. A failure prints the
//! shortest part of the sequence that still differs; `GRANTD_SEQUENCE_SEED` is the first seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::answer::comparable;
use super::{Pair, Side, pair};
use crate::support::number;
use crate::support::raw::frame;

/// A message of the client.
#[derive(Clone, Debug)]
enum Step {
    Query(&'static str),
    Parse(&'static str, &'static str, Vec<u32>),
    Bind {
        portal: &'static str,
        statement: &'static str,
        values: Vec<Option<&'static str>>,
        formats: Vec<i16>,
        results: Vec<i16>,
    },
    Describe(u8, &'static str),
    Execute(&'static str, i32),
    Close(u8, &'static str),
    Flush,
    Sync,
}

/// Statements of both protocols.
const STATEMENTS: &[&str] = &[
    "select 1",
    "select user_name from users order by 1",
    "select $1::text",
    "select $1::int4 + 1 as a",
    "select $1::int4 as a, $2::text as b",
    "select $2::int4 as b",
    "select true, null::text, 2::int8 as n",
    "select 1 as a where false",
    "values (1), (2), (3)",
    "select x from generate_series(1::int8, 5) as t(x)",
    "select 1 / (count(*) - 3) as x from users",
    "select * from nothing",
    "",
    "; ;",
    "select 1; select 2",
    "selec",
    "begin",
    "begin isolation level serializable",
    "start transaction read only",
    "commit",
    "end",
    "rollback",
    "abort",
    "commit and chain",
    "rollback and chain",
    "savepoint s",
    "savepoint t",
    "rollback to s",
    "rollback to t",
    "release s",
    "release t",
    "declare c cursor for select user_name from users order by 1",
    "declare c cursor with hold for select user_name from users order by 1",
    "declare p cursor for values (1), (2)",
    "declare d binary cursor for values (1), (2)",
    "fetch 2 from c",
    "fetch all from c",
    "fetch c",
    "fetch from p",
    "fetch all in d",
    "move 1 in c",
    "close c",
    "close p",
    "close all",
    "copy (select user_name from users order by 1) to stdout",
    "copy (select 1/0) to stdout",
    "copy users from stdin",
    "set application_name = 'x'",
    "set datestyle = 'ISO, DMY'",
    "set local timezone = 'Europe/Berlin'",
    "set transaction isolation level repeatable read",
    "set nothing = 1",
    "reset application_name",
    "show datestyle",
    "show timezone",
    "show nothing",
    "prepare a as select 1",
    "prepare b (int4) as select $1 + 1 as b",
    "prepare a as insert into users(account) values ('1')",
    "execute a",
    "execute b (4)",
    "execute b",
    "execute p",
    "deallocate a",
    "deallocate b",
    "deallocate all",
    "insert into users(account) values ('1')",
    "create table x (a int)",
    "discard all",
    "unlisten *",
];

/// Several statements in one message, which only the simple protocol takes.
const SEVERAL: &[&str] = &[
    "select 1; select 2",
    "begin; select 1; commit",
    "select 1; select 1/0 as x; select 2",
    "select 6 / (3 - x) as q from generate_series(1, 5) as t(x); select 1",
    "begin; select 1/0 as x; select 1",
    "begin; savepoint s; select 1/0 as x",
    "begin; declare c cursor for values (1), (2), (3); fetch 1 from c",
    "select 1; begin",
    "commit; select 1",
    "select 1; commit; select 2",
    "select 1; rollback",
    "begin; commit; begin",
    "set timezone = 'Asia/Tokyo'; select 1/0 as x",
    "set timezone = 'Asia/Tokyo'; begin; rollback",
    "set timezone = 'Asia/Tokyo'; rollback",
    "set timezone = 'Asia/Tokyo'; commit; select 1/0 as x",
    "select 1; selec",
    "begin; set local datestyle = 'ISO, YMD'; show datestyle; commit",
    "prepare a as select 1; execute a",
    "select 1; savepoint s; select 2",
    "declare c cursor for select 1; fetch c",
    "select 1; declare c cursor for select 2; fetch c",
    "select 1; begin; select 1/0 as x",
    "begin; begin",
    "begin; rollback; rollback",
    "copy (select 1) to stdout; select 2",
    "select 1; discard all",
    "select 1; insert into users(account) values ('1')",
    "; select 1; ;",
    "set local timezone = 'Europe/Berlin'; show timezone",
    "begin; prepare a as select 1; rollback; execute a",
    "close all; deallocate all; discard all",
];

const STATEMENT_NAMES: &[&str] = &["", "", "a", "b"];
const PORTAL_NAMES: &[&str] = &["", "", "p", "q", "c"];
const NAMES: &[&str] = &["", "a", "b", "p", "q", "c"];

fn pick<T: Clone>(rng: &mut StdRng, from: &[T]) -> T {
    from.choose(rng).unwrap().clone()
}

fn values(rng: &mut StdRng, count: usize) -> Vec<Option<&'static str>> {
    (0..count).map(|_| pick(rng, &[Some("1"), Some("2"), Some("x"), None])).collect()
}

fn sequence(seed: u64) -> Vec<Step> {
    let rng = &mut StdRng::seed_from_u64(seed);
    let simple = rng.random_range(0.0..0.4);
    let mut steps = Vec::new();
    for _ in 0..rng.random_range(3..15) {
        let kind = rng.random_range(0.0..1.0);
        if kind < simple {
            let several = rng.random_bool(0.4);
            steps.push(Step::Query(pick(rng, if several { SEVERAL } else { STATEMENTS })));
        } else if kind < simple + 0.1 {
            steps.push(Step::Sync);
        } else {
            extended(rng, &mut steps);
        }
    }
    steps.push(Step::Sync);
    steps
}

fn extended(rng: &mut StdRng, steps: &mut Vec<Step>) {
    match rng.random_range(0..100) {
        0..22 => {
            let oids = pick(rng, &[vec![], vec![], vec![], vec![23], vec![25], vec![0], vec![23, 25]]);
            steps.push(Step::Parse(pick(rng, STATEMENT_NAMES), pick(rng, STATEMENTS), oids));
        }
        22..55 => {
            // What a driver sends.
            let (statement, portal, sql) = (pick(rng, STATEMENT_NAMES), pick(rng, PORTAL_NAMES), pick(rng, STATEMENTS));
            let right = sql.matches('$').count();
            let count = if rng.random_bool(0.9) { right } else { rng.random_range(0..3) };
            steps.push(Step::Parse(statement, sql, Vec::new()));
            if rng.random_bool(0.4) {
                steps.push(Step::Describe(b'S', statement));
            }
            let results = pick(rng, &[vec![], vec![], vec![0], vec![1], vec![0, 1]]);
            steps.push(Step::Bind { portal, statement, values: values(rng, count), formats: Vec::new(), results });
            if rng.random_bool(0.5) {
                steps.push(Step::Describe(b'P', portal));
            }
            steps.push(Step::Execute(portal, pick(rng, &[0, 0, 1, 2, -1])));
            if rng.random_bool(0.3) {
                steps.push(Step::Execute(portal, pick(rng, &[0, 1, 2])));
            }
            if rng.random_bool(0.5) {
                steps.push(Step::Sync);
            }
        }
        55..65 => {
            let count = pick(rng, &[0, 0, 1, 1, 2]);
            steps.push(Step::Bind {
                portal: pick(rng, PORTAL_NAMES),
                statement: pick(rng, STATEMENT_NAMES),
                values: values(rng, count),
                formats: pick(rng, &[vec![], vec![], vec![0], vec![0, 0]]),
                results: pick(rng, &[vec![], vec![], vec![0], vec![1], vec![0, 1], vec![0, 0, 0]]),
            });
        }
        65..75 => steps.push(Step::Describe(pick(rng, b"SP"), pick(rng, NAMES))),
        75..88 => steps.push(Step::Execute(pick(rng, PORTAL_NAMES), pick(rng, &[0, 0, 1, 2, 5, i32::MAX, -1]))),
        88..95 => steps.push(Step::Close(pick(rng, b"SP"), pick(rng, NAMES))),
        _ => steps.push(Step::Flush),
    }
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

fn counted<T>(items: &[T], each: impl Fn(&T) -> Vec<u8>) -> Vec<u8> {
    let mut bytes = i16::try_from(items.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(items.iter().flat_map(each));
    bytes
}

fn bytes(step: &Step) -> Vec<u8> {
    let format = |format: &i16| format.to_be_bytes().to_vec();
    match step {
        Step::Query(sql) => frame(b'Q', &text(sql)),
        Step::Parse(name, sql, oids) => {
            frame(b'P', &[text(name), text(sql), counted(oids, |oid| oid.to_be_bytes().to_vec())].concat())
        }
        Step::Bind { portal, statement, values, formats, results } => {
            let values = counted(values, |value| match value {
                Some(text) => [&(text.len() as i32).to_be_bytes(), text.as_bytes()].concat(),
                None => (-1i32).to_be_bytes().to_vec(),
            });
            let parts = [text(portal), text(statement), counted(formats, format), values, counted(results, format)];
            frame(b'B', &parts.concat())
        }
        Step::Describe(kind, name) => frame(b'D', &[vec![*kind], text(name)].concat()),
        Step::Execute(portal, most) => frame(b'E', &[text(portal), most.to_be_bytes().to_vec()].concat()),
        Step::Close(kind, name) => frame(b'C', &[vec![*kind], text(name)].concat()),
        Step::Flush => frame(b'H', b""),
        Step::Sync => frame(b'S', b""),
    }
}

/// What both answer to `steps` on new connections, to the end.
fn play(pair: &Pair, steps: &[Step]) -> [Vec<String>; 2] {
    super::SIDES.map(|side: Side| {
        let mut raw = pair.open(side);
        let mut sent: Vec<u8> = steps.iter().flat_map(bytes).collect();
        sent.extend(frame(b'X', b""));
        raw.send_raw(&sent);
        comparable(&std::iter::from_fn(|| raw.next()).collect::<Vec<_>>())
    })
}

/// Leaves out what the difference does not need.
fn shortest(pair: &Pair, mut steps: Vec<Step>) -> Vec<Step> {
    let mut at = 0;
    while at + 1 < steps.len() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        let [postgres, grantd] = play(pair, &fewer);
        if postgres == grantd { at += 1 } else { steps = fewer }
    }
    steps
}

#[test]
fn every_sequence_of_messages_is_answered_as_by_postgresql() {
    let pair = pair();
    let first = number("GRANTD_SEQUENCE_SEED", 0);
    for seed in first..first + number("GRANTD_SEQUENCES", 150) {
        let steps = sequence(seed);
        let [postgres, grantd] = play(&pair, &steps);
        // PostgreSQL 15 itself ends with an internal error when a prepared ROLLBACK TO runs outside of a transaction block.
        if postgres.iter().any(|line| line == "E FATAL XX000") {
            continue;
        }
        if postgres != grantd {
            let steps = shortest(&pair, steps);
            let [postgres, grantd] = play(&pair, &steps);
            panic!("seed {seed}: {steps:#?}\nPostgreSQL: {postgres:#?}\ngrantd: {grantd:#?}");
        }
    }
}
