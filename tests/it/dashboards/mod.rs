//! The dashboards of `docker/`: their files are generated, and every panel's SQL answers what its title says, as Grafana
//! and Metabase send it.

mod compose;
mod definition;
mod grafana;
mod metabase;
mod provision;

use crate::support::wire::{connect, rows, told};
use crate::support::{Running, demo_with, grantd, serve, utf8};
use bytes::BytesMut;
use definition::{Dashboard, Kind, Panel, dashboards, folder, is_generated};
use grafana::{Chosen, Range};
use postgres_types::{Format, FromSql, IsNull, ToSql, Type};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use tokio_postgres::{Client, SimpleQueryMessage};

const ALWAYS: Range = Range { from: "2020-01-01T00:00:00Z", to: "2100-01-01T00:00:00.123456789Z" };
const LONG_AGO: Range = Range { from: "2001-01-01T00:00:00Z", to: "2001-01-02T00:00:00Z" };

/// What the numbers are in `grantd demo --story`, with one proposal; `None` is one that time changes.
const NUMBERS: &[(&str, &str, Option<&str>)] = &[
    ("who-has-access", "people", Some("4")),
    ("who-has-access", "writers", Some("2")),
    ("who-has-access", "administrators", Some("1")),
    ("who-has-access", "disabled", Some("1")),
    ("who-has-access", "everyone", Some("0")),
    ("who-has-access", "gaps", Some("0")),
    ("drift-and-changes", "differences", Some("16")),
    ("drift-and-changes", "people-affected", Some("4")),
    ("drift-and-changes", "gained", None),
    ("drift-and-changes", "lost", None),
    ("drift-and-changes", "accepted", None),
    ("drift-and-changes", "open-changesets", Some("1")),
    ("role-hygiene", "unusable", Some("1")),
    ("role-hygiene", "redundant", Some("1")),
    ("role-hygiene", "redundant-memberships", Some("3")),
    ("role-hygiene", "orphaned", Some("1")),
    ("role-hygiene", "outside-sysadmin", Some("3")),
    ("role-hygiene", "shadowed", Some("1")),
    ("sync-health", "age", None),
    ("sync-health", "failing", Some("0")),
    ("sync-health", "failed-runs", Some("1")),
    ("sync-health", "gaps", Some("0")),
    ("sync-health", "skipped", Some("0")),
    ("sync-health", "dangling", Some("0")),
];

/// What has nothing to show in the demo, because everything was read.
const EMPTY: &[(&str, &str)] = &[("sync-health", "coverage")];

/// Values that would break out of a text that is put together carelessly.
const HOSTILE: &[&str] = &[
    "'",
    "''",
    "x' OR 'a' = 'a",
    "'; DROP TABLE grants; --",
    "') OR TRUE --",
    "\\",
    "\\'; SELECT 1; --",
    "$1",
    "$$; SELECT 1; $$",
    "/* ",
    "-- ",
    "\"; SELECT 1",
    "a\nb",
    "日本'語",
    "no_such%name",
];

/// The demo with its story and a proposal.
async fn story() -> (Running, Client) {
    let running = demo_with(&["--story"]);
    let client = connect(&running.url).await;
    let propose = "CALL propose('Tidy up', 'DROP ROLE FR_REPORTING_READ')";
    rows(&client, propose).await;
    (running, client)
}

/// What a statement of the simple protocol is answered: one result, its rows as texts.
async fn simple(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
    let mut results = 0;
    let mut rows = Vec::new();
    for message in client.simple_query(sql).await? {
        match message {
            SimpleQueryMessage::Row(row) => {
                rows.push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect());
            }
            SimpleQueryMessage::CommandComplete(_) => results += 1,
            _ => {}
        }
    }
    assert_eq!(results, 1, "more than one statement: {sql}");
    Ok(rows)
}

/// Whether rows say that nothing was found: none, or counts of 0.
fn is_nothing(panel: &Panel, rows: &[Vec<Option<String>>]) -> bool {
    match panel.kind {
        Kind::Stat => rows.iter().flatten().all(|cell| cell.as_deref().is_none_or(|number| number == "0")),
        _ => rows.is_empty(),
    }
}

/// Names and types that Grafana needs of a panel; what is wrong otherwise.
async fn check_columns(client: &Client, panel: &Panel, sql: &str) -> Result<(), String> {
    let statement = client.prepare(sql).await.map_err(|error| told(&error))?;
    let is_number = |ty: &Type| [Type::INT4, Type::INT8, Type::FLOAT8, Type::NUMERIC].contains(ty);
    let columns: Vec<(&str, &Type)> = statement.columns().iter().map(|c| (c.name(), c.type_())).collect();
    let names: BTreeSet<&str> = columns.iter().map(|c| c.0).collect();
    if names.len() != columns.len()
        || names.iter().any(|name| name.contains(|c: char| !c.is_ascii_lowercase() && c != '_'))
    {
        return Err(format!("names of columns: {names:?}"));
    }
    let over_time = [Kind::Columns, Kind::Points].contains(&panel.kind);
    for (name, ty) in &columns {
        // Grouped times are seconds since 1970, as Grafana's macro makes them.
        if *name == "time" && **ty != Type::TIMESTAMPTZ && !(over_time && is_number(ty)) {
            return Err(format!("time is a {ty}"));
        }
    }
    let (first, rest) = columns.split_first().ok_or("no columns")?;
    let numbers = |columns: &[(&str, &Type)]| columns.iter().all(|c| is_number(c.1));
    let good = match panel.kind {
        Kind::Stat => rest.is_empty() && is_number(first.1),
        Kind::Bars => *first.1 == Type::TEXT && !rest.is_empty() && numbers(rest),
        Kind::Columns => first.0 == "time" && !rest.is_empty() && numbers(rest),
        Kind::Points => first.0 == "time" && rest[0] == ("metric", &Type::TEXT) && numbers(&rest[1..]),
        Kind::Table => true,
    };
    if good { Ok(()) } else { Err(format!("a panel of the kind {:?} has the columns {columns:?}", panel.kind)) }
}

fn number(dashboard: &Dashboard, panel: &Panel) -> Option<Option<&'static str>> {
    NUMBERS.iter().find(|n| n.0 == dashboard.name && n.1 == panel.file).map(|n| n.2)
}

/// Whether what the demo shows is what it should; what is wrong otherwise.
fn check_rows(dashboard: &Dashboard, panel: &Panel, rows: &[Vec<Option<String>>]) -> Result<(), String> {
    let is_empty = EMPTY.contains(&(dashboard.name.as_str(), panel.file.as_str()));
    match (panel.kind, rows) {
        (Kind::Stat, [row]) => match (number(dashboard, panel), row.as_slice()) {
            (Some(Some(wanted)), [Some(found)]) if found == wanted => Ok(()),
            (Some(None), [Some(found)]) if found.parse::<f64>().is_ok_and(|n| n > 0.0) => Ok(()),
            (wanted, found) => Err(format!("{found:?} instead of {wanted:?}")),
        },
        (Kind::Stat, rows) => Err(format!("a number has {} rows", rows.len())),
        (_, rows) if rows.is_empty() != is_empty => Err(format!("{} rows", rows.len())),
        _ => Ok(()),
    }
}

/// Runs a check for every panel, and reports all that is wrong.
macro_rules! every_panel {
    (|$dashboard:ident, $panel:ident| $check:expr) => {{
        let mut wrong = Vec::new();
        for $dashboard in &dashboards() {
            for $panel in &$dashboard.panels {
                let outcome: Result<(), String> = async { $check }.await;
                wrong.extend(outcome.err().map(|e| format!("{}/{}.sql: {e}", $dashboard.name, $panel.file)));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }};
}

#[test]
fn generated_files_are_what_the_definitions_say() {
    let all = dashboards();
    for dashboard in &all {
        is_generated(&folder().join(format!("grafana/dashboards/{}.json", dashboard.name)), &grafana::json(dashboard));
    }
    is_generated(&folder().join("metabase/dashboards.json"), &metabase::json(&all));
    is_generated(&folder().join("dashboards/README.md"), &page(&all));
}

/// The page that says what each panel answers.
fn page(all: &[Dashboard]) -> String {
    let mut page = String::from(
        "# Dashboards\n\nFour dashboards for Grafana and Metabase. Every panel is a SQL file here; `../grafana/dashboards` and \
         `../metabase/dashboards.json` are made from them:\n`GRANTD_UPDATE_DASHBOARDS=1 cargo test --workspace --test it -- \
         dashboards::generated`. The tests run every panel against\n`grantd demo --story`, as both tools send it. This page is made \
         in the same way.\n\nThe SQL has Grafana's variables and macros. `('' IN ($user) OR user_name IN ($user))` is true for \
         *All*, which stands for\nan empty text.\n",
    );
    for dashboard in all {
        let Dashboard { title, description, .. } = dashboard;
        write!(page, "\n## {title}\n\n{description}\n\n| panel | |\n| --- | --- |\n").unwrap();
        for panel in &dashboard.panels {
            let (name, file) = (&dashboard.name, &panel.file);
            writeln!(page, "| [{}]({name}/{file}.sql) | {} |", panel.title, panel.description).unwrap();
        }
    }
    page
}

#[tokio::test]
async fn every_panel_shows_in_grafana_what_it_says() {
    let (_running, client) = story().await;
    every_panel!(|dashboard, panel| {
        let sql = grafana::expand(&panel.query, &grafana::everything(dashboard), &ALWAYS);
        check_columns(&client, panel, &sql).await?;
        check_rows(dashboard, panel, &simple(&client, &sql).await.map_err(|error| told(&error))?)
    });
    // The lists of the filters hold texts, and something to choose.
    for dashboard in &dashboards() {
        for variable in &dashboard.variables {
            let Some(query) = &variable.query else { continue };
            let texts = simple(&client, query).await.unwrap_or_else(|e| panic!("{query}: {}", told(&e)));
            assert!(!texts.is_empty() && texts.iter().all(|row| row.len() == 1 && row[0].is_some()), "{query}");
        }
    }
}

#[tokio::test]
async fn hostile_values_break_no_statement_in_grafana() {
    let (_running, client) = story().await;
    every_panel!(|dashboard, panel| {
        for value in HOSTILE {
            let sql = grafana::expand(&panel.query, &grafana::all_are(dashboard, value), &ALWAYS);
            match simple(&client, &sql).await {
                Ok(rows) if is_nothing(panel, &rows) => {}
                Ok(rows) => return Err(format!("{value:?} finds {rows:?}")),
                // A function is told the name of an account that does not exist.
                Err(error) if told(&error).starts_with("42704: account ") => {}
                Err(error) => return Err(format!("{value:?}: {}", told(&error))),
            }
        }
        Ok(())
    });
    // Grafana expands macros inside of values too. What that breaks is refused, and nothing else happens.
    for dashboard in &dashboards() {
        for panel in &dashboard.panels {
            let chosen = grafana::all_are(dashboard, "$__timeFrom()");
            if let Err(error) = simple(&client, &grafana::expand(&panel.query, &chosen, &ALWAYS)).await {
                assert!(told(&error).starts_with("42601: "), "{}: {}", panel.file, told(&error));
            }
        }
    }
    assert_eq!(rows(&client, "SELECT count(*) FROM roles WHERE role_name = 'DATA_SCIENCE'").await, [["1"]]);
}

#[tokio::test]
async fn a_range_of_time_without_anything_shows_nothing() {
    let (_running, client) = story().await;
    every_panel!(|dashboard, panel| {
        let within = grafana::expand(&panel.query, &grafana::everything(dashboard), &LONG_AGO);
        let rows = simple(&client, &within).await.map_err(|error| told(&error))?;
        let depends = panel.query.contains("$__timeFilter");
        if depends && !is_nothing(panel, &rows) { Err(format!("{rows:?}")) } else { Ok(()) }
    });
}

#[tokio::test]
async fn filters_leave_what_was_chosen() {
    let (_running, client) = story().await;
    let all = dashboards();
    let panel = |name: &str, file: &str| {
        let dashboard = all.iter().find(|d| d.name == name).unwrap();
        (dashboard, dashboard.panels.iter().find(|p| p.file == file).unwrap())
    };
    for (dashboard, file, variable, chosen, wanted) in [
        ("who-has-access", "people", "user", Chosen::Several(vec!["ANA".into(), "MAIN".into()]), "2"),
        ("who-has-access", "people", "object", Chosen::One("budget_book.trans".into()), "3"),
        ("who-has-access", "people", "database", Chosen::Several(vec!["RAW_DB".into()]), "3"),
        ("who-has-access", "people", "privilege", Chosen::Several(vec!["TRUNCATE".into()]), "2"),
        ("who-has-access", "people", "account", Chosen::Several(vec!["demo".into(), "none".into()]), "4"),
        ("role-hygiene", "redundant-memberships", "role", Chosen::Several(vec!["MAIN".into()]), "3"),
        ("role-hygiene", "redundant-memberships", "role", Chosen::Several(vec!["FR_CORTEX_USE".into()]), "1"),
        ("role-hygiene", "outside-sysadmin", "role", Chosen::Several(vec!["GRANTD_SYNC".into()]), "1"),
    ] {
        let (dashboard, panel) = panel(dashboard, file);
        let mut values = grafana::everything(dashboard);
        values.insert(variable.to_owned(), chosen.clone());
        let found = simple(&client, &grafana::expand(&panel.query, &values, &ALWAYS)).await.unwrap();
        assert_eq!(found, [[Some(wanted.to_owned())]], "{file}: {variable} {chosen:?}");
    }
}

/// A value as JDBC sends it: as text, whatever its type.
#[derive(Debug)]
struct Jdbc(String);

impl ToSql for Jdbc {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    postgres_types::to_sql_checked!();
}

/// Whether a number is NULL or 0.
struct Zero(bool);

impl FromSql<'_> for Zero {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Zero, Box<dyn Error + Sync + Send>> {
        Ok(Zero(raw.iter().all(|byte| *byte == 0)))
    }

    fn from_sql_null(_: &Type) -> Result<Zero, Box<dyn Error + Sync + Send>> {
        Ok(Zero(true))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// How many rows a card of Metabase has, and whether all that is in them is NULL or 0.
async fn jdbc(
    client: &Client,
    query: &str,
    values: &BTreeMap<&str, String>,
) -> Result<(usize, bool), tokio_postgres::Error> {
    let (sql, parameters) = metabase::statement(query, values);
    let types: Vec<Type> = parameters.iter().map(|p| if p.1 { Type::DATE } else { Type::VARCHAR }).collect();
    let values: Vec<Jdbc> = parameters.into_iter().map(|p| Jdbc(p.0)).collect();
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
    let statement = client.prepare_typed(&sql, &types).await?;
    let rows = client.query(&statement, &values).await?;
    let is_zero = |row: &tokio_postgres::Row| row.len() == 1 && row.get::<_, Zero>(0).0;
    Ok((rows.len(), rows.iter().all(is_zero)))
}

#[tokio::test]
async fn every_card_of_metabase_answers_by_jdbcs_protocol() {
    let (_running, client) = story().await;
    every_panel!(|dashboard, panel| {
        let query = metabase::query(panel);
        let defaults: BTreeMap<&str, String> =
            dashboard.variables.iter().filter_map(|v| Some((v.name.as_str(), v.default.clone()?))).collect();
        let (rows, zero) = jdbc(&client, &query, &defaults).await.map_err(|error| told(&error))?;
        let expected = match (panel.kind, number(dashboard, panel)) {
            (Kind::Stat, Some(wanted)) => rows == 1 && zero == (wanted == Some("0")),
            _ => (rows == 0) == EMPTY.contains(&(dashboard.name.as_str(), panel.file.as_str())),
        };
        if !expected {
            return Err(format!("{rows} rows: {query}"));
        }
        // With every filter set to something that there is: at least it answers.
        let all: BTreeMap<&str, String> = metabase::variables(&query)
            .into_iter()
            .map(|name| {
                let value = match name {
                    "from" => "2020-01-01",
                    "to" => "2100-01-01",
                    "account" => "demo",
                    "database" => "RAW_DB",
                    "object" => "budget",
                    "privilege" => "SELECT",
                    "user" => "MAIN",
                    "role" => "DATA_SCIENCE",
                    other => return (other, String::new()),
                };
                (name, value.to_owned())
            })
            .collect();
        jdbc(&client, &query, &all).await.map_err(|error| format!("filtered: {}", told(&error)))?;
        for value in HOSTILE {
            let values = all.keys().map(|name| match *name {
                "from" | "to" => (*name, all[name].clone()),
                _ => (*name, (*value).to_owned()),
            });
            match jdbc(&client, &query, &values.collect()).await {
                Ok((rows, zero)) if rows == 0 || zero => {}
                Ok(_) if all.keys().all(|name| ["from", "to"].contains(name)) => {}
                Ok((rows, _)) => return Err(format!("{value:?} finds {rows} rows")),
                Err(error) if told(&error).starts_with("42704: account ") => {}
                Err(error) => return Err(format!("{value:?}: {}", told(&error))),
            }
        }
        Ok(())
    });
}

/// An account that was imported without most of its views has gaps, and the panels about them show those.
#[tokio::test]
async fn gaps_show_in_the_panels_about_them() {
    let folder = tempfile::tempdir().unwrap();
    let exports = folder.path().join("exports");
    std::fs::create_dir(&exports).unwrap();
    for (name, text) in [
        (
            "GRANTS_TO_ROLES.csv",
            "PRIVILEGE,GRANTED_ON,NAME,TABLE_CATALOG,TABLE_SCHEMA,GRANTED_TO,GRANTEE_NAME,GRANT_OPTION,GRANTED_BY,DELETED_ON\n\
             SELECT,TABLE,ORDERS,RAW,S,ROLE,ANALYST,false,SYSADMIN,\n",
        ),
        (
            "GRANTS_TO_USERS.csv",
            "ROLE,GRANTED_TO,GRANTEE_NAME,GRANTED_BY,DELETED_ON\nANALYST,USER,ALICE,SECURITYADMIN,\n",
        ),
        ("ROLES.csv", "NAME,OWNER\nANALYST,USERADMIN\n"),
        ("USERS.csv", "NAME,DISABLED\nALICE,false\n"),
    ] {
        std::fs::write(exports.join(name), text).unwrap();
    }
    let state = folder.path().join("state");
    let import = ["import", "--account", "files", "--data-dir", utf8(&state), utf8(&exports)];
    let imported = grantd(&import).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let config = folder.path().join("grantd.toml");
    let text = format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = {:?}\n", utf8(&state));
    std::fs::write(&config, text).unwrap();
    let running = serve(&config);
    let client = connect(&running.url).await;
    let all = dashboards();
    for (name, file) in
        [("sync-health", "coverage"), ("sync-health", "gaps"), ("who-has-access", "gaps"), ("sync-health", "accounts")]
    {
        let dashboard = all.iter().find(|d| d.name == name).unwrap();
        let panel = dashboard.panels.iter().find(|p| p.file == file).unwrap();
        let sql = grafana::expand(&panel.query, &grafana::everything(dashboard), &ALWAYS);
        let rows = simple(&client, &sql).await.unwrap_or_else(|error| panic!("{file}: {}", told(&error)));
        assert!(!is_nothing(panel, &rows), "{name}/{file}: {rows:?}");
    }
    // Every panel of the account that has one user and one grant answers, too.
    every_panel!(|dashboard, panel| {
        let mut chosen = grafana::everything(dashboard);
        if dashboard.variables.iter().any(|v| v.single) {
            chosen.insert("account".to_owned(), Chosen::One("files".to_owned()));
        }
        let sql = grafana::expand(&panel.query, &chosen, &ALWAYS);
        simple(&client, &sql).await.map(drop).map_err(|error| told(&error))
    });
}
