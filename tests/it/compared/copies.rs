//! COPY TO STDOUT and results, byte for byte: every option, odd characters, and random values of every type that grantd's
//! relations have, in text and binary.
//!
//! A long run: `GRANTD_COPIES=2000 cargo test --workspace --test it -- compared::copies`; `GRANTD_COPY_SEED` is the first
//! seed.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::answer::{field, lines};
use super::{Pair, SIDES, Side, pair};
use crate::support::number;
use crate::support::raw::frame;

/// What COPY takes and what it refuses.
const OPTIONS: &[&str] = &[
    "",
    "(foo bar)",
    "(format foo)",
    "(format csv, format text)",
    "(format csv, delimiter 'ab')",
    "(delimiter e'\\n')",
    "(delimiter 'a')",
    "(delimiter '\\')",
    "(delimiter '.')",
    "(format csv, delimiter 'a')",
    "(delimiter '')",
    "(delimiter 'ä')",
    "(delimiter ';')",
    "(delimiter e'\\x01')",
    "(format binary)",
    "(format \"binary\")",
    "(format binary, delimiter ',')",
    "(format binary, null 'x')",
    "(format binary, header)",
    "(format binary, header false)",
    "(quote '\"')",
    "(escape '\"')",
    "(format csv, quote 'ab')",
    "(format csv, quote ',')",
    "(format csv, quote '|')",
    "(format csv, escape 'ab')",
    "(format csv, escape '\\')",
    "(format csv, quote '|', escape '~')",
    "(null e'a\\nb')",
    "(null 'NULL')",
    "(format csv, null 'NULL')",
    "(format csv, null '\"')",
    "(format csv, null 'a,b')",
    "(null e'a\\tb')",
    "(encoding 'foo')",
    "(encoding 'utf8')",
    "(header foo)",
    "(header)",
    "(header true)",
    "(header 0)",
    "(header 'on')",
    "(header match)",
    "(header, header)",
    "(format csv, header)",
    "(freeze)",
    "(force_quote (a))",
    "(format csv, force_quote (a))",
    "(format csv, force_quote *)",
    "(format csv, force_quote (b, a))",
    "(format csv, force_quote (nope))",
    "(format csv, force_quote a)",
    "(format csv, force_not_null (a))",
    "(format csv, force_null (a))",
    "()",
    "(format)",
    "(format 'csv')",
    "(format CSV)",
    "csv header",
    "with csv header quote '\"' escape '\"'",
    "csv force quote b",
    "csv force quote *",
    "csv force not null a",
    "delimiter ',' null 'NULL'",
    "with delimiter as ',' null as 'NULL'",
    "using delimiters ','",
    "binary",
    "with binary",
    "with (format csv, header true, delimiter ';', quote '''', null 'n')",
    "where a = 1",
];

/// Rows that the options make something of.
const ROWS: &[&str] = &[
    "select 'x' as a, null as b, 1 as c",
    "select e'a\\\\b\\tc\\nd\\re\\bf\\vg\\fh' as a, '' as b",
    "select e'a\"b' as a, 'a,b' as b, e'a''b' as c, '\\.' as d, ' x ' as \"e,f\"",
    "select e'a|b~' as a, 'NULL' as b, null as \"c\"\"d\"",
    "select '\\.' as a",
    "select 1 as a, 2 as b where false",
];

/// The messages that a query gives, by COPY or as a result.
fn answers(pair: &Pair, sql: &str) -> [Vec<String>; 2] {
    SIDES.map(|side: Side| {
        let mut raw = pair.open(side);
        raw.send(b'Q', format!("{sql}\0").as_bytes());
        let messages = raw.until(b'Z');
        let error = messages.iter().find(|(kind, _)| *kind == b'E').map(|(_, body)| {
            let position = field(body, 'P').unwrap_or_default();
            format!("{} {position}", field(body, 'M').unwrap())
        });
        lines(&messages).into_iter().chain(error).collect()
    })
}

#[test]
fn copy_writes_and_refuses_what_postgresql_does() {
    let pair = pair();
    let mut wrong = Vec::new();
    for options in OPTIONS {
        for rows in ROWS {
            let sql = format!("copy ({rows}) to stdout {options}");
            let [postgres, grantd] = answers(&pair, &sql);
            if postgres != grantd {
                wrong.push(format!("{sql}\n  PostgreSQL: {postgres:?}\n  grantd:     {grantd:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const CHARACTERS: &[&str] = &[
    "a", "B", "7", " ", "\t", "\n", "\r", "\u{8}", "\u{b}", "\u{c}", "\\", "\"", "'", ",", ";", "|", "{", "}", "(",
    ")", "NULL", "null", "\\N", "\\.", "\u{1}", "\u{7f}", "ä", "€", "😀", "\u{202e}", "\u{a0}", "%", "$1", "--", "/*",
];

fn text(rng: &mut StdRng) -> String {
    let length = *[0, 1, 1, 2, 3, 8, 40].choose(rng).unwrap();
    (0..length).map(|_| *CHARACTERS.choose(rng).unwrap()).collect()
}

fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Object identifiers, whose forms are numbers and names, and arrays that are counted from 0.
const IDENTIFIERS: &[&str] = &[
    "'pg_class'::regclass",
    "999999::regclass",
    "'boolin'::regproc",
    "23::regtype",
    "array['pg_class'::regclass, null]",
    "(select proargtypes::oid[] from pg_proc where oid = 870)",
    "(select proargtypes::regtype[] from pg_proc where oid = 2803)",
    "'{a,b}'::information_schema.sql_identifier[]",
];

/// A range or multirange.
fn range(rng: &mut StdRng) -> String {
    let low: i32 = rng.random_range(-50..50);
    let high = low + rng.random_range(0..20);
    let (open, close) = (["[", "("].choose(rng).unwrap(), ["]", ")"].choose(rng).unwrap());
    match rng.random_range(0..5) {
        0 => format!("'{open}{low},{high}{close}'::int4range"),
        1 => format!("'{open}{low}.50,{close}'::numrange"),
        2 => {
            format!("'{open}2024-03-30 23:00:00+00,2024-04-{:02} 10:00:00.5+00{close}'::tstzrange", low.abs() % 30 + 1)
        }
        3 => format!("'{open},2024-02-{:02}{close}'::daterange", low.abs() % 29 + 1),
        _ => format!("'{{{open}{low},{high}{close},[{},80]}}'::int8multirange", high - 3),
    }
}

/// An expression of a random value of one of grantd's types.
fn value(rng: &mut StdRng) -> String {
    if rng.random_bool(0.1) {
        return format!("null::{}", ["text", "int8", "bool", "timestamptz", "text[]"].choose(rng).unwrap());
    }
    match rng.random_range(0..9) {
        0 => format!("{}::text", literal(&text(rng))),
        1 => format!("'{}'::int8", [0, 1, -1, i64::MAX, i64::MIN, rng.random()].choose(rng).unwrap()),
        2 => rng.random_bool(0.5).to_string(),
        3 => {
            // Until 2087: both libraries know the summer times of the years to come only so far.
            let (day, second) = (rng.random_range(-20_000..43_000), rng.random_range(0..86_400));
            let fraction = [0, 500_000, 1, 999_999, 120_000].choose(rng).unwrap();
            let date = chrono::DateTime::from_timestamp(day * 86_400 + second, fraction * 1_000).unwrap();
            format!("'{}+00'::timestamptz", date.format("%Y-%m-%d %H:%M:%S%.6f"))
        }
        4 => format!("'{}'::int4", [0, 1, -1, i32::MAX, i32::MIN, rng.random()].choose(rng).unwrap()),
        5 => range(rng),
        6 => IDENTIFIERS.choose(rng).unwrap().to_string(),
        7 => format!("'{}'::float8", [0.0, 0.5, -1.25, 1e20, 1e-5, 123_456_789.125, rng.random()].choose(rng).unwrap()),
        _ => {
            let items: Vec<String> = (0..rng.random_range(0..4))
                .map(|_| if rng.random_bool(0.2) { "null".to_owned() } else { literal(&text(rng)) })
                .collect();
            format!("array[{}]::text[]", items.join(", "))
        }
    }
}

/// A result in the binary format, by the extended protocol.
fn binary(pair: &Pair, sql: &str) -> [Vec<String>; 2] {
    SIDES.map(|side| {
        let mut raw = pair.open(side);
        let parse = [b"\0", sql.as_bytes(), b"\0\0\0"].concat();
        raw.send_raw(
            &[
                frame(b'P', &parse),
                frame(b'B', b"\0\0\0\0\0\0\0\x01\0\x01"),
                frame(b'D', b"P\0"),
                frame(b'E', b"\0\0\0\0\0"),
                frame(b'S', b""),
            ]
            .concat(),
        );
        lines(&raw.until(b'Z'))
    })
}

#[test]
fn values_of_every_type_are_written_as_postgresql_writes_them() {
    let pair = pair();
    let first = number("GRANTD_COPY_SEED", 0);
    for seed in first..first + number("GRANTD_COPIES", 60) {
        let rng = &mut StdRng::seed_from_u64(seed);
        let columns: Vec<String> = (0..rng.random_range(1..6)).map(|at| format!("{} as c{at}", value(rng))).collect();
        let sql = format!("select {}", columns.join(", "));
        let zone = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"].choose(rng).unwrap();
        let same = |[postgres, grantd]: [Vec<String>; 2]| assert_eq!(postgres, grantd, "seed {seed}: {sql}");
        same(answers(&pair, &format!("set timezone = '{zone}'; {sql}")));
        same(binary(&pair, &sql));
        for options in ["", "(format csv, header)", "(format binary)"] {
            same(answers(&pair, &format!("set timezone = '{zone}'; copy ({sql}) to stdout {options}")));
        }
    }
}

#[test]
fn every_relation_is_written_as_postgresql_writes_it() {
    let pair = pair();
    // The log has a row more with each statement.
    for relation in pair.relations.iter().filter(|relation| *relation != "query_log") {
        let columns = super::psql(
            &pair.url(Side::Postgres),
            &format!(
                "select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns \
                      where table_schema = 'public' and table_name = '{relation}'"
            ),
            &[],
        );
        // All columns order the rows; what PostgreSQL has is cut at 500.
        let sql = format!("select * from \"{relation}\" order by {} limit 100", columns.trim());
        let count = super::psql(&pair.url(Side::Grantd), &format!("select count(*) <= 500 from \"{relation}\""), &[]);
        if count.trim() == "f" {
            continue;
        }
        for options in ["", "(format csv, header, force_quote *)", "(format binary)"] {
            let [postgres, grantd] = answers(&pair, &format!("copy ({sql}) to stdout {options}"));
            assert_eq!(postgres, grantd, "{relation} {options}");
        }
        let [postgres, grantd] = binary(&pair, &sql);
        assert_eq!(postgres, grantd, "{relation}");
    }
}
