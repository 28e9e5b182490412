//! A PostgreSQL database of the same shape as grantd's: the same relations as views, with the same columns, comments and rows, and
//! functions of the same names, made from what grantd's own catalog says. It belongs to a role called grantd and only reads.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::support::postgres::Postgres;

/// The twin: its cluster, and where it is.
pub(super) struct Twin {
    _cluster: Postgres,
    pub(super) url: String,
}

/// Separates the cells of a row of the catalog; in no name and no comment.
const CELL: char = '\u{1}';

const RELATIONS: &str = "SELECT concat_ws(chr(1), c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        coalesce(col_description(c.oid, a.attnum::int), ''), coalesce(obj_description(c.oid, 'pg_class'), ''))
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace ORDER BY c.relname, a.attnum";

const FUNCTIONS: &str = "SELECT concat_ws(chr(1), proname, pg_get_function_arguments(oid), pg_get_function_result(oid),
        coalesce(obj_description(oid, 'pg_proc'), ''))
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname";

fn psql(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]).args(arguments).arg(url).stdin(Stdio::null());
    command
}

fn said(command: &mut Command) -> String {
    let output = command.output().expect("psql must be on PATH for these tests");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Makes the twin of what answers at `url`.
pub(super) fn of(url: &str) -> Twin {
    let cluster = Postgres::of("grantd");
    cluster.run("postgres", "CREATE DATABASE grantd");
    let twin = cluster.url("grantd", "grantd");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twin.sql");
    std::fs::write(&file, script(url)).unwrap();
    said(&mut psql(&twin, &["-f", file.to_str().unwrap()]));
    // Only grantd's database is there, and the owner is nobody special.
    for statement in [
        "DROP DATABASE postgres",
        "UPDATE pg_database SET datistemplate = false WHERE datname <> 'grantd'",
        "DROP DATABASE template1",
        "DROP DATABASE template0",
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "SELECT pg_reload_conf()",
        "BEGIN READ WRITE; ALTER ROLE grantd NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS; COMMIT",
    ] {
        cluster.run("grantd", statement);
    }
    Twin { _cluster: cluster, url: twin }
}

/// The statements that make the database. The rows are in tables of a schema that clients do not show.
fn script(url: &str) -> String {
    let mut sql = String::from("SET allow_system_table_mods = on;\nSET client_min_messages = warning;\n");
    sql.push_str("ALTER SCHEMA public OWNER TO grantd;\nCOMMENT ON SCHEMA public IS 'standard public schema';\n");
    let rows = said(&mut psql(url, &["-c", RELATIONS]));
    let rows: Vec<Vec<&str>> = rows.lines().map(|line| line.split(CELL).collect()).collect();
    for columns in rows.chunk_by(|a, b| a[0] == b[0]) {
        let (name, comment) = (columns[0][0], columns[0][4]);
        let (view, table) = (quoted(name), quoted(&format!("rows_of_{name}")));
        let list: Vec<String> = columns.iter().map(|column| format!("{} {}", quoted(column[1]), column[2])).collect();
        writeln!(sql, "CREATE TABLE pg_catalog.{table} ({});", list.join(", ")).unwrap();
        let copied = said(&mut psql(url, &["-c", &format!("COPY (SELECT * FROM {view}) TO STDOUT")]));
        writeln!(sql, "COPY pg_catalog.{table} FROM STDIN;\n{copied}\\.").unwrap();
        writeln!(sql, "CREATE VIEW public.{view} AS SELECT * FROM pg_catalog.{table};").unwrap();
        writeln!(sql, "COMMENT ON VIEW public.{view} IS {};", literal(comment)).unwrap();
        for column in columns {
            writeln!(sql, "COMMENT ON COLUMN public.{view}.{} IS {};", quoted(column[1]), literal(column[3])).unwrap();
        }
        writeln!(sql, "REVOKE ALL ON public.{view} FROM grantd;\nGRANT SELECT ON public.{view} TO grantd, PUBLIC;")
            .unwrap();
    }
    for line in said(&mut psql(url, &["-c", FUNCTIONS])).lines() {
        let [name, arguments, result, comment] = line.split(CELL).collect::<Vec<_>>()[..] else { panic!("{line}") };
        // No rows, of the right types.
        let columns = result.trim_start_matches("TABLE(").trim_end_matches(')').split(", ");
        let nulls: Vec<String> = columns.map(|column| format!("NULL::{}", column.split_once(' ').unwrap().1)).collect();
        writeln!(
            sql,
            "CREATE FUNCTION public.{}({arguments}) RETURNS {result} LANGUAGE sql STABLE PARALLEL SAFE AS {};",
            quoted(name),
            literal(&format!("SELECT {} WHERE false", nulls.join(", "))),
        )
        .unwrap();
        writeln!(sql, "COMMENT ON FUNCTION public.{} IS {};", quoted(name), literal(comment)).unwrap();
    }
    sql
}
