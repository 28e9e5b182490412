//! Catalog rows about the session: its settings, its own activity, PostgreSQL's keywords of configuration.

use std::str::FromStr as _;

use datafusion::arrow::array::timezone::Tz;

use super::{Rows, cell, flag, text};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::facts;
use crate::gateway::pgcatalog::functions::session::all_settings;
use crate::gateway::values::local;

/// The rows this session adds to a relation of `pg_catalog`.
pub(super) fn rows(catalog: &Catalog, rows: &mut Rows) {
    match rows.relation.name {
        "pg_settings" => {
            for (name, value, description) in all_settings(catalog) {
                let fact = |column: &str| facts::setting(&name, column).map(std::borrow::Cow::Borrowed);
                // A value that is not the built-in one was set for or by the session.
                let changed = fact("boot_val").is_some_and(|boot| boot != value)
                    && fact("context").as_deref() != Some("internal");
                rows.push([
                    ("setting", cell(&value)),
                    ("unit", fact("unit")),
                    ("category", fact("category").or(text("Customized Options"))),
                    ("short_desc", fact("short_desc").or_else(|| cell(&description))),
                    ("extra_desc", fact("extra_desc")),
                    ("context", fact("context").or(text("user"))),
                    ("vartype", fact("vartype").or(text("string"))),
                    ("source", text(if changed { "session" } else { "default" })),
                    ("min_val", fact("min_val")),
                    ("max_val", fact("max_val")),
                    ("enumvals", fact("enumvals")),
                    ("boot_val", fact("boot_val")),
                    ("reset_val", fact("reset_val")),
                    ("pending_restart", text("f")),
                    ("name", cell(&name)),
                ]);
            }
        }
        "pg_prepared_statements" => {
            for one in catalog.settings().prepared() {
                let types: Vec<String> = one.parameters.iter().map(ToString::to_string).collect();
                rows.push([
                    ("name", cell(&one.name)),
                    ("statement", cell(&one.statement)),
                    ("prepare_time", cell(one.made)),
                    ("parameter_types", cell(format!("{{{}}}", types.join(",")))),
                    ("from_sql", flag(one.from_sql)),
                    ("generic_plans", text("0")),
                    ("custom_plans", text("0")),
                ]);
            }
        }
        "pg_cursors" => {
            for one in catalog.settings().cursors() {
                rows.push([
                    ("name", cell(&one.name)),
                    ("statement", cell(&one.statement)),
                    ("is_holdable", flag(one.holdable)),
                    ("is_binary", flag(one.binary)),
                    ("is_scrollable", flag(one.scrollable)),
                    ("creation_time", cell(one.made)),
                ]);
            }
        }
        "pg_timezone_names" => {
            for name in facts::time_zones() {
                if let Some((abbreviation, seconds, summer)) = zone_now(name, chrono::Utc::now().timestamp_micros()) {
                    rows.push([
                        ("name", text(name)),
                        ("abbrev", cell(abbreviation)),
                        ("utc_offset", cell(format!("{seconds} seconds"))),
                        ("is_dst", flag(summer)),
                    ]);
                }
            }
        }
        "pg_stat_activity" => {
            for session in catalog.settings().sessions() {
                let role = catalog.roles.iter().find(|role| role.name == session.user);
                let about = session.doing.as_ref();
                let moment = |at: Option<i64>| at.and_then(cell);
                let address = about.and_then(|doing| doing.address.as_ref());
                rows.push([
                    ("datid", cell(facts::DATABASE)),
                    ("datname", cell(&catalog.identity.database)),
                    ("pid", cell(session.pid)),
                    ("usesysid", role.and_then(|role| cell(role.oid))),
                    ("usename", cell(&session.user)),
                    ("application_name", cell(&session.application)),
                    ("client_addr", address.and_then(|(address, _)| cell(address))),
                    // PostgreSQL's number for the Unix socket.
                    ("client_port", about.and_then(|_| cell(address.map_or(-1, |(_, port)| *port)))),
                    ("backend_start", moment(about.map(|doing| doing.started))),
                    ("xact_start", moment(about.and_then(|doing| doing.transaction_started))),
                    ("query_start", moment(about.and_then(|doing| doing.statement_started))),
                    ("state_change", moment(about.map(|doing| doing.since))),
                    ("state", about.and_then(|doing| text(doing.state))),
                    ("query", about.map_or(text("<insufficient privilege>"), |doing| cell(&doing.statement))),
                    ("backend_type", about.and_then(|_| text("client backend"))),
                ]);
            }
        }
        _ => {}
    }
}

/// A zone at a moment: its abbreviation, seconds east of UTC, and whether it is summer time there.
fn zone_now(name: &str, micros: i64) -> Option<(String, i32, bool)> {
    const HALF_A_YEAR: i64 = 182 * 86_400_000_000;
    let zone = Tz::from_str(name).ok()?;
    let (_, abbreviation, seconds) = local(micros, zone)?;
    let (_, _, then) = local(micros.checked_add(HALF_A_YEAR)?, zone)?;
    Some((abbreviation, seconds, seconds > then))
}
