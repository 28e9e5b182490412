//! The session: who, where, which version, settings.

use datafusion::error::Result;

use super::scalar::{Answer, Changes, Definition, Nulls, Value, stable};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::{SERVER_VERSION, SERVER_VERSION_NUM, facts};

/// The number of every transaction: none changes a row.
pub(crate) const TRANSACTION: i32 = 3;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("version", (0, 0), "text", |_, _| Ok(Value::text(version()))),
    stable("current_database", (0, 0), "name", |catalog, _| Ok(Value::text(&catalog.identity.database))),
    stable("current_catalog", (0, 0), "name", |catalog, _| Ok(Value::text(&catalog.identity.database))),
    stable("current_user", (0, 0), "name", user),
    stable("session_user", (0, 0), "name", user),
    stable("current_role", (0, 0), "name", user),
    stable("user", (0, 0), "name", user),
    stable("getpgusername", (0, 0), "name", user),
    stable("current_schema", (0, 0), "name", |_, _| Ok(Value::text("public"))),
    stable("current_schemas", (1, 1), "_name", |_, arguments| {
        let implicit = arguments.first() == Some(&Value::Bool(true));
        let schemas = if implicit { &["pg_catalog", "public"][..] } else { &["public"][..] };
        Ok(Value::List(schemas.iter().map(|schema| Value::text(*schema)).collect()))
    }),
    Definition {
        name: "current_setting",
        arity: (1, 2),
        returns: "text",
        nulls: Nulls::Strict,
        changes: Changes::Volatile,
        answer: |catalog, arguments| {
            let name = arguments.first().map(Value::as_text).unwrap_or_default();
            match (setting(catalog, name), arguments.get(1)) {
                (Some(value), _) => Ok(Value::Text(value)),
                (None, Some(Value::Bool(true))) => Ok(Value::Null),
                (None, _) => Err(sql_error("42704", format!("unrecognized configuration parameter \"{name}\""))),
            }
        },
    },
    Definition {
        name: "set_config",
        arity: (3, 3),
        returns: "text",
        nulls: Nulls::Strict,
        changes: Changes::Volatile,
        answer: |catalog, arguments| {
            let [Value::Text(name), value, local] = arguments else { return Ok(Value::Null) };
            let value = value.print().unwrap_or_default();
            catalog.settings().set(name, &value, matches!(local, Value::Bool(true)))?;
            Ok(setting(catalog, name).map_or_else(|| Value::text(value), Value::Text))
        },
    },
    // Nothing is written: every transaction is the first one, and every row is older than all of them.
    stable("txid_current", (0, 0), "int8", |_, _| Ok(Value::Int(TRANSACTION.into()))),
    stable("pg_current_xact_id", (0, 0), "text", |_, _| Ok(Value::text(TRANSACTION.to_string()))),
    stable("pg_backend_pid", (0, 0), "int4", |catalog, _| Ok(Value::Int(catalog.identity.backend_pid.into()))),
    stable("pg_postmaster_start_time", (0, 0), "timestamptz", |catalog, _| Ok(Value::Int(catalog.started))),
    stable("pg_conf_load_time", (0, 0), "timestamptz", |catalog, _| Ok(Value::Int(catalog.started))),
    stable("pg_is_in_recovery", (0, 0), "bool", |_, _| Ok(Value::Bool(false))),
    // Asked at run time only: most ask behind a CASE that never gets there.
    Definition {
        name: "pg_is_wal_replay_paused",
        arity: (0, 0),
        returns: "bool",
        nulls: Nulls::Seen,
        changes: Changes::Volatile,
        answer: |_, _| Err(sql_error("55000", "recovery is not in progress")),
    },
    stable("pg_client_encoding", (0, 0), "name", |_, _| Ok(Value::text("UTF8"))),
    stable("getdatabaseencoding", (0, 0), "name", |_, _| Ok(Value::text("UTF8"))),
    stable("pg_blocking_pids", (1, 1), "_int4", |_, _| Ok(Value::List(Vec::new()))),
    signal("pg_cancel_backend", (1, 1), |catalog, arguments| signalled(catalog, arguments, false)),
    signal("pg_terminate_backend", (1, 2), |catalog, arguments| signalled(catalog, arguments, true)),
    no_lock("pg_advisory_lock", "void"),
    no_lock("pg_advisory_lock_shared", "void"),
    no_lock("pg_advisory_unlock", "bool"),
    no_lock("pg_advisory_unlock_shared", "bool"),
    no_lock("pg_advisory_xact_lock", "void"),
    no_lock("pg_advisory_xact_lock_shared", "void"),
    no_lock("pg_try_advisory_lock", "bool"),
    no_lock("pg_try_advisory_lock_shared", "bool"),
    no_lock("pg_try_advisory_xact_lock", "bool"),
    no_lock("pg_try_advisory_xact_lock_shared", "bool"),
    // There are no advisory locks to release; PostgreSQL returns void, which is sent as an empty text.
    stable("pg_advisory_unlock_all", (0, 0), "void", |_, _| Ok(Value::text(""))),
];

/// Advisory locks keep writers apart. Nobody writes here, and a lock that others do not see would be worse than none.
const fn no_lock(name: &'static str, returns: &'static str) -> Definition {
    let answer: Answer = |_, _| Err(sql_error("0A000", "there are no advisory locks in grantd".to_owned()));
    Definition { name, arity: (1, 2), returns, nulls: Nulls::Strict, changes: Changes::Volatile, answer }
}

/// A function that does something to another connection, so only when it is run.
const fn signal(name: &'static str, arity: (usize, usize), answer: Answer) -> Definition {
    Definition { name, arity, returns: "bool", nulls: Nulls::Strict, changes: Changes::Volatile, answer }
}

fn signalled(catalog: &Catalog, arguments: &[Value], ends: bool) -> Result<Value> {
    let Some(Value::Int(pid)) = arguments.first() else { return Ok(Value::Bool(false)) };
    let Ok(pid) = i32::try_from(*pid) else { return Ok(Value::Bool(false)) };
    Ok(Value::Bool(catalog.settings().signal(pid, ends)?))
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of every function's answer")]
fn user(catalog: &Catalog, _: &[Value]) -> Result<Value> {
    Ok(Value::text(&catalog.identity.user))
}

/// `version()`: PostgreSQL's form, which clients parse, and then who answers.
fn version() -> String {
    format!("PostgreSQL {SERVER_VERSION} (grantd {}) on {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)
}

/// Settings that are facts of the server and not the session's to keep: PostgreSQL's preset options.
const PRESETS: [&str; 8] = [
    "block_size",
    "max_function_args",
    "max_identifier_length",
    "max_index_keys",
    "integer_datetimes",
    "server_encoding",
    "server_version",
    "server_version_num",
];

fn preset(name: &str) -> Option<&'static str> {
    if !PRESETS.contains(&name) {
        return None;
    }
    match name {
        "server_version" => Some(SERVER_VERSION),
        "server_version_num" => Some(SERVER_VERSION_NUM),
        "server_encoding" => Some("UTF8"),
        name => facts::setting(name, "setting"),
    }
}

/// A setting's value: the session's, or a preset option's. Names are compared without case.
fn setting(catalog: &Catalog, name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let own = catalog.settings().get(name).or_else(|| catalog.settings().get(&lower));
    own.or_else(|| preset(&lower).map(str::to_owned))
}

/// Every setting by name: name, value, description.
pub(crate) fn all_settings(catalog: &Catalog) -> Vec<(String, String, String)> {
    let mut all = catalog.settings().all();
    for name in PRESETS {
        if let Some(value) = preset(name)
            && !all.iter().any(|(known, ..)| known == name)
        {
            let description = facts::setting(name, "short_desc").unwrap_or_default();
            all.push((name.to_owned(), value.to_owned(), description.to_owned()));
        }
    }
    all.sort();
    all
}
