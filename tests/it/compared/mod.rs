//! grantd and PostgreSQL 15 side by side: the same relations, types and rows in both, the same bytes sent to both, and
//! the answers compared. PostgreSQL's role reads only by default, as grantd does.

mod answer;
mod copies;
mod cursors;
mod errors;
mod frames;
mod pooled;
mod sequences;
mod settings;
mod values;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::support::postgres::{READER, postgres};
use crate::support::raw::Raw;
use crate::support::{Running, demo};

/// One of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Postgres,
    Grantd,
}

const SIDES: [Side; 2] = [Side::Postgres, Side::Grantd];

/// Both servers. In PostgreSQL each relation of grantd is a view with the same rows, at most 500.
struct Pair {
    grantd: Running,
    relations: Vec<String>,
}

/// The pair that tests share while one of them holds it.
fn pair() -> Arc<Pair> {
    static SHARED: Mutex<Weak<Pair>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let pair = Arc::new(Pair::start());
        *shared = Arc::downgrade(&pair);
        pair
    })
}

impl Pair {
    fn start() -> Self {
        let mut pair = Self { grantd: demo(), relations: Vec::new() };
        let columns = psql(
            &pair.url(Side::Grantd),
            "SELECT table_name, column_name, udt_name FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
            &[],
        );
        let mut relations: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for line in columns.lines() {
            let [relation, column, ty] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            relations.entry(relation).or_default().push(format!("\"{column}\" {ty}"));
        }
        let mut sql = format!("CREATE SCHEMA data; GRANT USAGE ON SCHEMA data TO {READER};");
        for (relation, columns) in &relations {
            let columns = columns.join(", ");
            let made = format!(
                "CREATE TABLE data.\"{relation}\" ({columns}); CREATE VIEW \"{relation}\" AS TABLE data.\"{relation}\"; \
                 GRANT ALL ON \"{relation}\" TO {READER};"
            );
            sql.push_str(&made);
        }
        postgres().run("postgres", "DROP DATABASE IF EXISTS grantd WITH (FORCE)");
        postgres().database("grantd", &sql);
        for relation in relations.keys() {
            let copy = format!("COPY (SELECT * FROM \"{relation}\" LIMIT 500) TO STDOUT");
            let rows = psql(&pair.url(Side::Grantd), &copy, &[]);
            psql(
                &postgres().url("postgres", "grantd"),
                &format!("COPY data.\"{relation}\" FROM STDIN"),
                rows.as_bytes(),
            );
            pair.relations.push((*relation).to_owned());
        }
        assert!(pair.relations.len() > 20, "{:?}", pair.relations);
        pair
    }

    /// The URL of a side.
    fn url(&self, side: Side) -> String {
        match side {
            Side::Postgres => postgres().url(READER, "grantd"),
            Side::Grantd => self.grantd.url.replace("grantd@", &format!("{READER}@")),
        }
    }

    /// A connection to a side whose startup is over.
    fn open(&self, side: Side) -> Raw {
        let mut raw = self.connect(side);
        raw.startup(3 << 16, &[("user", READER), ("database", "grantd")]);
        raw.until(b'Z');
        raw
    }

    /// A connection to a side, nothing sent.
    fn connect(&self, side: Side) -> Raw {
        let url = self.url(side);
        let address = url.split('@').nth(1).and_then(|rest| rest.split('/').next()).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_nodelay(true).unwrap();
        Raw(stream)
    }

    /// What a side answers to one simple query on a connection of its own.
    fn ask(&self, side: Side, sql: &str) -> Vec<String> {
        let mut raw = self.open(side);
        raw.send(b'Q', format!("{sql}\0").as_bytes());
        answer::comparable(&raw.until(b'Z'))
    }
}

/// What psql prints, unaligned; `input` is what COPY FROM STDIN reads.
fn psql(url: &str, sql: &str, input: &[u8]) -> String {
    let mut child = Command::new("psql")
        .args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("psql must be on PATH for these tests");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // psql reads no input where the statement wants none.
    let _ = writer.join().unwrap();
    assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
