//! Accounts as text, with assertions of who can and who cannot, through the whole path: a sandbox behind HTTP, a login and
//! a sync, the gateway, the view and the function, by both protocols.
//!
//! The worlds are those of `catalog/tests/worlds` (format: the README there), and the four accounts for which another tool
//! was seen to give wrong answers. All of them are accounts of one daemon in this process.

use crate::support::wire::{Rows, connect, rows};
use async_trait::async_trait;
use grantd::daemon::snowflake::SandboxAccount;
use grantd::daemon::{Connector, Daemon, DaemonBackend};
use grantd::gateway::Gateway;
use grantd::sandbox::engine::SandboxEngine;
use grantd::sandbox::protocol::Sandbox;
use grantd::sandbox::protocol::keys::KeyPair;
use grantd::store::{AccountSource, Store};
use grantd::sync::source::Silent;
use grantd_catalog::model::ObjectType;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// One line after the `---`.
struct Assertion {
    line: String,
    lens: String,
    expected: &'static str,
    user: String,
    privilege: String,
    object_type: String,
    object: String,
    with: Vec<(String, String)>,
}

struct World {
    name: String,
    sql: String,
    assertions: Vec<Assertion>,
}

fn world(name: &str, text: &str) -> World {
    let (sql, lines) = text.split_once("\n---\n").unwrap_or_else(|| panic!("{name}: no line ---"));
    let mut lens = "all".to_owned();
    let mut assertions = Vec::new();
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        match line.strip_prefix("lens ") {
            Some(other) => other.clone_into(&mut lens),
            None => assertions.push(assertion(line, &lens).unwrap_or_else(|| panic!("{name}: {line}"))),
        }
    }
    assert!(!assertions.is_empty(), "{name} asserts nothing");
    World { name: name.to_owned(), sql: sql.to_owned(), assertions }
}

fn assertion(line: &str, lens: &str) -> Option<Assertion> {
    let words = words(line);
    let on = words.iter().position(|word| word == "ON")?;
    let with = words.iter().position(|word| word == "with").unwrap_or(words.len());
    let expected = ["can", "granted-but-unusable", "cannot"].into_iter().find(|word| words[0] == *word)?;
    let (object, object_type) = words.get(on + 1..with)?.split_last()?;
    let unquoted = |name: &str| name.trim_matches('"').replace("\"\"", "\"");
    Some(Assertion {
        line: line.to_owned(),
        lens: lens.to_owned(),
        expected,
        user: unquoted(&words[1]),
        privilege: words[2..on].join(" "),
        object_type: ObjectType::new(&object_type.join(" ")).as_str().to_owned(),
        object: object.clone(),
        with: words
            .iter()
            .skip(with + 1)
            .map(|w| w.split_once('=').map(|(k, v)| (k.into(), v.into())))
            .collect::<Option<_>>()?,
    })
}

/// Splits at spaces outside of quotes and parentheses.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted, mut depth) = (vec![String::new()], false, 0);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        words.last_mut().unwrap().push(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The four accounts of the survey of other tools; each had the opposite answer there.
fn four_accounts() -> Vec<World> {
    vec![
        world(
            "the same database role name in two databases",
            "CREATE USER ALICE; CREATE ROLE ANALYST; GRANT ROLE ANALYST TO USER ALICE;
             CREATE DATABASE DB1; CREATE DATABASE DB2; CREATE SCHEMA DB2.S; CREATE TABLE DB2.S.SECRET (ID NUMBER);
             CREATE DATABASE ROLE DB1.READER; CREATE DATABASE ROLE DB2.READER;
             GRANT DATABASE ROLE DB1.READER TO ROLE ANALYST;
             GRANT USAGE ON SCHEMA DB2.S TO DATABASE ROLE DB2.READER;
             GRANT SELECT ON TABLE DB2.S.SECRET TO DATABASE ROLE DB2.READER;
---
cannot ALICE SELECT ON TABLE DB2.S.SECRET
",
        ),
        world(
            "select without usage on the schema and the database",
            "CREATE USER ALICE; CREATE ROLE ANALYST; GRANT ROLE ANALYST TO USER ALICE;
             CREATE DATABASE DB3; CREATE SCHEMA DB3.S; CREATE TABLE DB3.S.T (ID NUMBER);
             GRANT SELECT ON TABLE DB3.S.T TO ROLE ANALYST;
---
granted-but-unusable ALICE SELECT ON TABLE DB3.S.T with usage_missing=true
",
        ),
        world(
            "select through public",
            "CREATE USER ALICE;
             CREATE DATABASE DB4; CREATE SCHEMA DB4.S; CREATE TABLE DB4.S.T (ID NUMBER);
             GRANT USAGE ON DATABASE DB4 TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB4.S TO ROLE PUBLIC;
             GRANT SELECT ON TABLE DB4.S.T TO ROLE PUBLIC;
---
can ALICE SELECT ON TABLE DB4.S.T with source=public
",
        ),
        world(
            "orders and ORDERS",
            "CREATE USER ALICE; CREATE ROLE ANALYST; GRANT ROLE ANALYST TO USER ALICE;
             CREATE DATABASE DB5; CREATE SCHEMA DB5.S;
             CREATE TABLE DB5.S.ORDERS (ID NUMBER); CREATE TABLE DB5.S.\"orders\" (ID NUMBER);
             GRANT USAGE ON DATABASE DB5 TO ROLE ANALYST; GRANT USAGE ON SCHEMA DB5.S TO ROLE ANALYST;
             GRANT SELECT ON TABLE DB5.S.\"orders\" TO ROLE ANALYST;
---
cannot ALICE SELECT ON TABLE DB5.S.ORDERS
can ALICE SELECT ON TABLE DB5.S.\"orders\"
",
        ),
    ]
}

fn worlds_of_the_catalog() -> Vec<World> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/tests/worlds");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "world"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        world(&path.file_stem().unwrap().to_string_lossy(), &std::fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

/// A daemon with one account for each world; ends with this value.
struct Served {
    url: String,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Roles that every sandbox has; a world's text may make them as if it were the first to do so.
const SYSTEM_ROLES: [&str; 4] = ["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

/// A role that nobody has makes the world and owns it, as ACCOUNTADMIN may be somebody's in it.
const MAKER: &str = "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'; CREATE ROLE MAKER; GRANT ROLE ACCOUNTADMIN TO ROLE MAKER; USE ROLE MAKER;\n";

async fn served(worlds: &[World]) -> Served {
    let stop = CancellationToken::new();
    let keys = KeyPair::generate().unwrap();
    let mut connectors: HashMap<String, Arc<dyn Connector>> = HashMap::new();
    let mut refused = Vec::new();
    for world in worlds {
        let engine = SandboxEngine::new("WORLD");
        let mut sql = format!("{MAKER}{}", world.sql);
        for role in SYSTEM_ROLES {
            sql = sql.replace(&format!("CREATE ROLE {role};"), "");
        }
        refused.extend(engine.run_script(&sql).err().map(|error| format!("{}: {error}", world.name)));
        engine.prepare_sync("GRANTD_SVC", "GRANTD_SYNC", "GRANTD_WH", &keys.public_key_der).unwrap();
        let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let account = SandboxAccount {
            url: format!("http://{}", sandbox.local_addr()).parse().unwrap(),
            account: "WORLD".to_owned(),
            user: "GRANTD_SVC".to_owned(),
            role: "GRANTD_SYNC".to_owned(),
            warehouse: Some("GRANTD_WH".to_owned()),
            private_key_pem: keys.private_key_pem.clone(),
        };
        connectors.insert(world.name.clone(), Arc::new(account));
        tokio::spawn(sandbox.serve(Arc::new(engine), stop.clone()));
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let daemon = Arc::new(Daemon::open(Arc::new(Store::in_memory().unwrap()), connectors).unwrap());
    for world in worlds {
        let synced = daemon.sync(&world.name, AccountSource::Sandbox, &Silent).await;
        synced.unwrap_or_else(|error| panic!("{}: {error}", world.name));
    }
    let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("postgresql://grantd@{}/grantd", gateway.local_addr());
    let backend = Arc::new(DaemonBackend::new(daemon).unwrap());
    tokio::spawn(gateway.serve(backend, stop.clone()));
    Served { url, stop }
}

/// A way to ask whether a user has a privilege: at most one row of usable, source, `grant_option`, `role_count`,
/// `user_disabled`, and `usage_missing` where it is known.
#[async_trait]
trait Door: Sync {
    fn name(&self) -> &'static str;
    async fn row(&self, client: &Client, account: &str, a: &Assertion) -> Rows;
}

struct View;
struct ViewWithParameters;
struct Function;

const COLUMNS: &str = "usable, source, grant_option, role_count, user_disabled";

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[async_trait]
impl Door for View {
    fn name(&self) -> &'static str {
        "view, simple protocol"
    }

    async fn row(&self, client: &Client, account: &str, a: &Assertion) -> Rows {
        let of = |column: &str, value: &str| format!("{column} = {}", literal(value));
        let sql = format!(
            "SELECT {COLUMNS}, usage_missing FROM effective_privileges WHERE {} AND {} AND {} AND {} AND {}",
            of("account", account),
            of("user_name", &a.user),
            of("privilege", &a.privilege),
            of("object_type", &a.object_type),
            of("object", &a.object)
        );
        rows(client, &sql).await
    }
}

#[async_trait]
impl Door for ViewWithParameters {
    fn name(&self) -> &'static str {
        "view, extended protocol with parameters"
    }

    async fn row(&self, client: &Client, account: &str, a: &Assertion) -> Rows {
        let sql = "SELECT usable, source, grant_option, role_count, user_disabled, usage_missing \
                   FROM effective_privileges \
                   WHERE account = $1 AND user_name = $2 AND privilege = $3 AND object_type = $4 AND object = $5";
        let statement = client.prepare(sql).await.unwrap();
        let found = client
            .query(&statement, &[&account, &a.user, &a.privilege, &a.object_type, &a.object])
            .await
            .unwrap_or_else(|error| panic!("{account}: {}: {error}", a.line));
        let flag = |b: bool| if b { "t" } else { "f" }.to_owned();
        let texts = |row: &tokio_postgres::Row| {
            let role_count: i64 = row.get(3);
            let source: String = row.get(1);
            vec![flag(row.get(0)), source, flag(row.get(2)), role_count.to_string(), flag(row.get(4)), flag(row.get(5))]
        };
        found.iter().map(texts).collect()
    }
}

#[async_trait]
impl Door for Function {
    fn name(&self) -> &'static str {
        "who_can"
    }

    async fn row(&self, client: &Client, account: &str, a: &Assertion) -> Rows {
        let sql = format!(
            "SELECT {COLUMNS} FROM who_can({}, {}) WHERE account = {} AND user_name = {} AND object_type = {}",
            literal(&a.privilege),
            literal(&a.object),
            literal(account),
            literal(&a.user),
            literal(&a.object_type)
        );
        rows(client, &sql).await
    }
}

/// What is wrong with an answer, if anything.
fn wrong(a: &Assertion, found: &Rows) -> Option<String> {
    let row = match found.as_slice() {
        [] => None,
        [one] => Some(one),
        many => return Some(format!("{} rows", many.len())),
    };
    let is = match row.map(|row| row[0].as_str()) {
        None => "cannot",
        Some("t") => "can",
        Some(_) => "granted-but-unusable",
    };
    if is != a.expected {
        return Some(is.to_string());
    }
    for (name, value) in &a.with {
        let at = ["", "source", "grant_option", "role_count", "user_disabled", "usage_missing"];
        let at = at.iter().position(|column| column == name).unwrap_or_else(|| panic!("no column {name}"));
        let wanted = match value.as_str() {
            "true" => "t",
            "false" => "f",
            other => other,
        };
        // who_can has no usage_missing.
        if let Some(cell) = row.and_then(|row| row.get(at))
            && cell != wanted
        {
            return Some(format!("{name} is {cell}"));
        }
    }
    None
}

async fn check(worlds: &[World]) {
    let served = served(worlds).await;
    let client = connect(&served.url).await;
    let mut failures = Vec::new();
    let mut lens = String::new();
    for world in worlds {
        // A misspelled name would be a "cannot" that cannot fail.
        let account = literal(&world.name);
        let known = format!(
            "SELECT user_name FROM users WHERE account = {account} UNION ALL \
             SELECT object_type || ' ' || object FROM objects WHERE account = {account} UNION ALL \
             SELECT role_type || ' ' || role_name FROM roles WHERE account = {account}"
        );
        let known = rows(&client, &known).await;
        for a in &world.assertions {
            for name in [a.user.clone(), format!("{} {}", a.object_type, a.object)] {
                if !known.iter().any(|row| row[0] == name) {
                    failures.push(format!("{}: {}: there is no {name}", world.name, a.line));
                }
            }
            if lens != a.lens {
                a.lens.clone_into(&mut lens);
                rows(&client, &format!("SET grantd.roles = '{lens}'")).await;
            }
            for door in [&View as &dyn Door, &ViewWithParameters, &Function] {
                if let Some(why) = wrong(a, &door.row(&client, &world.name, a).await) {
                    failures.push(format!("{}: {}: by {}: {why}", world.name, a.line, door.name()));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_four_accounts_that_another_tool_gets_wrong() {
    check(&four_accounts()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_world_is_true_over_the_wire() {
    let worlds = worlds_of_the_catalog();
    assert!(worlds.len() >= 46, "only {} worlds were found", worlds.len());
    check(&worlds).await;
}
