//! The clients: a driver script in `tests/clients` for each, and how it is started.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::postgres::postgres;
use crate::support::{client_folder, environments};

/// A client.
pub(super) struct Client {
    /// As the page and `GRANTD_CLIENTS` call it.
    pub(super) name: &'static str,
    /// What its driver does.
    pub(super) what: &'static str,
    /// Gives the program and its arguments; `URL` is replaced by the server's. Called when the client's turn comes.
    pub(super) program: fn() -> Vec<String>,
}

/// Every client, in the order of the page.
pub(super) const CLIENTS: &[Client] = &[
    Client {
        name: "psql",
        what: "every backslash command that asks the server, `\\copy`, `\\watch`, `\\crosstabview`, `\\gdesc`, the tab key",
        program: || python("psql", "steps.py", &[]),
    },
    Client {
        name: "pgcli",
        what: "what it completes with, its backslash commands, statements",
        program: || python("pgcli", "steps.py", &[]),
    },
    Client {
        name: "psycopg2",
        what: "statements, client and server side cursors, COPY, transactions, cancelling",
        program: || python("python", "psycopg2_steps.py", &[]),
    },
    Client {
        name: "psycopg",
        what: "text and binary, prepared statements, pipelines, server cursors, COPY, types",
        program: || python("python", "psycopg_steps.py", &[]),
    },
    Client {
        name: "asyncpg",
        what: "binary and prepared statements, cursors, COPY, pools, types it looks up",
        program: || python("python", "asyncpg_steps.py", &[]),
    },
    Client {
        name: "pg8000",
        what: "the extended protocol, types by its own table",
        program: || python("python", "pg8000_steps.py", &[]),
    },
    Client {
        name: "sqlalchemy",
        what: "over psycopg2, psycopg and asyncpg: connect, reflect everything, query",
        program: || python("python", "sqlalchemy_steps.py", &[]),
    },
    Client {
        name: "pandas",
        what: "`read_sql` and tables as frames",
        program: || python("python", "frames_steps.py", &["pandas"]),
    },
    Client {
        name: "adbc",
        what: "results as Arrow by COPY, objects of the catalog",
        program: || python("python", "frames_steps.py", &["adbc"]),
    },
    Client {
        name: "duckdb",
        what: "its postgres extension: ATTACH, scans, conditions",
        program: || python("python", "frames_steps.py", &["duckdb"]),
    },
    Client {
        name: "connectorx",
        what: "ConnectorX and Polars: frames, also in partitions",
        program: || python("python", "frames_steps.py", &["connectorx"]),
    },
    Client {
        name: "dbt",
        what: "debug, compile, show, test, source freshness, docs generate; a model is refused",
        program: || own_python("dbt"),
    },
    Client {
        name: "superset",
        what: "over its REST API: a connection, lists of a schema, SQL Lab, datasets, the queries of charts",
        program: || own_python("superset"),
    },
    Client {
        name: "pgadmin",
        what: "its pages' requests: the tree, properties, SQL, dependencies, query tool, dashboard, search, grant wizard, ERD",
        program: || own_python("pgadmin"),
    },
    Client {
        name: "jdbc",
        what: "the metadata calls of DBeaver, DataGrip and Metabase, statements that turn binary, fetch sizes, savepoints, COPY, cancelling",
        program: jdbc,
    },
    Client {
        name: "odbc",
        what: "catalog functions, parameters, cursors, manual commit with savepoints",
        program: || python("odbc", "steps.py", &[]),
    },
    Client {
        name: "node",
        what: "pg with cursors and streams, postgres.js, knex",
        program: || modules("node", "steps.js"),
    },
    Client {
        name: "prisma",
        what: "the engine of `prisma db pull`, the generated client, `migrate deploy`",
        program: || modules("prisma", "steps.mjs"),
    },
    Client {
        name: "tokio-postgres",
        what: "statements, parameters, types it looks up, portals, pipelines, transactions, COPY",
        program: || rust("tokio-postgres"),
    },
    Client { name: "sqlx", what: "the same, pools, a listener", program: || rust("sqlx") },
    Client {
        name: "go",
        what: "lib/pq and pgx: statements, parameters, arrays, contexts that end, transactions, COPY",
        program: go,
    },
    Client {
        name: "perl",
        what: "queries, placeholders, catalog calls, COPY, savepoints, errors",
        program: || script("perl", "perl", "steps.pl"),
    },
    Client {
        name: "php",
        what: "PDO with server side and emulated prepares, the pgsql extension",
        program: || script("php", "php", "steps.php"),
    },
    Client {
        name: "ruby",
        what: "queries, type maps, prepared statements, COPY, single rows, transactions, cancelling",
        program: || script("ruby", "ruby", "steps.rb"),
    },
    Client {
        name: "postgres_fdw",
        what: "IMPORT FOREIGN SCHEMA, SELECT with conditions that travel, joins, estimates, a write",
        program: fdw,
    },
    Client {
        name: "pgbench",
        what: "a script in each of its three protocols; `-i`, which writes, is refused",
        program: || python("pgbench", "steps.py", &[]),
    },
    Client {
        name: "metabase",
        what: "replayed: session, sync of a database, questions",
        program: || published("metabase"),
    },
    Client {
        name: "grafana",
        what: "replayed: the query editors, macros as expanded, panels, variables, alerts",
        program: || published("grafana"),
    },
    Client {
        name: "tableau",
        what: "replayed, over ODBC: probing, cursors, worksheets with the functions of its dialect",
        program: || published("tableau"),
    },
    Client {
        name: "npgsql",
        what: "replayed: opening, resetting, schema collections",
        program: || published("npgsql"),
    },
    Client {
        name: "powerbi",
        what: "replayed: opening, Power Query, previews, imports, DirectQuery",
        program: || published("powerbi"),
    },
    Client {
        name: "dbeaver",
        what: "replayed: what it reads of the catalog and of rows",
        program: || published("dbeaver"),
    },
    Client { name: "datagrip", what: "replayed: its session and introspection", program: || published("datagrip") },
];

/// Clients that need psql, a PostgreSQL 15 server and one environment of Python packages only.
pub(super) const QUICK: &[&str] = &[
    "psql",
    "psycopg2",
    "psycopg",
    "asyncpg",
    "pg8000",
    "sqlalchemy",
    "pandas",
    "postgres_fdw",
    "pgbench",
    "metabase",
    "grafana",
    "tableau",
    "npgsql",
    "powerbi",
    "dbeaver",
    "datagrip",
];

fn file(folder: &str, name: &str) -> String {
    client_folder(folder).join(name).to_str().unwrap().to_owned()
}

/// A driver in the environment of the Python clients.
fn python(folder: &str, name: &str, more: &[&str]) -> Vec<String> {
    let mut program = vec![environments("python").remove(0), file(folder, name), "URL".to_owned()];
    program.extend(more.iter().map(|&more| more.to_owned()));
    program
}

/// A driver in an environment of its own.
fn own_python(folder: &str) -> Vec<String> {
    vec![environments(folder).remove(0), file(folder, "steps.py"), "URL".to_owned()]
}

/// A driver in another language, with Debian's packages of it.
fn script(language: &str, folder: &str, name: &str) -> Vec<String> {
    vec![language.to_owned(), file(folder, name), "URL".to_owned()]
}

fn jdbc() -> Vec<String> {
    let jar = "/usr/share/java/postgresql.jar";
    vec!["java".to_owned(), "-cp".to_owned(), jar.to_owned(), file("jdbc", "Steps.java"), "URL".to_owned()]
}

/// A driver that gets the folder of its node modules.
fn modules(folder: &str, name: &str) -> Vec<String> {
    vec!["node".to_owned(), file(folder, name), "URL".to_owned(), environments(folder).remove(0)]
}

/// The driver of the clients in Rust, a project of its own.
fn rust(client: &str) -> Vec<String> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venvs/rust");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path", &file("rust", "Cargo.toml")])
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let program = target.join("debug/steps").to_str().unwrap().to_owned();
    vec![program, client.to_owned(), "URL".to_owned()]
}

/// The driver in Go, compiled with Debian's sources of lib/pq and pgx.
fn go() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/venvs/go");
    std::fs::create_dir_all(&folder).unwrap();
    let program = folder.join("steps");
    let built = Command::new("go")
        .args(["build", "-o", program.to_str().unwrap(), &file("go", "steps.go")])
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", folder.join("cache"))
        .env("GOTOOLCHAIN", "local")
        .stdin(Stdio::null())
        .output()
        .expect("these tests need Go: apt-get install golang-go");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    vec![program.to_str().unwrap().to_owned(), "URL".to_owned()]
}

/// The importing side is the cluster that tests share.
fn fdw() -> Vec<String> {
    python("fdw", "steps.py", &[&postgres().url("postgres", "postgres")])
}

/// Statements that a client publishes, replayed.
fn published(client: &str) -> Vec<String> {
    python("published", "replay.py", &[&file("published", &format!("{client}.sql"))])
}
