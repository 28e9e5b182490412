//! Deep and branching role graphs over the wire: what is counted is not listed, and no chain is too long.

use crate::support::wire::{BOTH, Rows, ask, column, connect, rows, told};
use grantd::daemon::{Daemon, DaemonBackend};
use grantd::gateway::{Access, Gateway};
use grantd::store::{AccountRow, AccountSource, RunRow, Store};
use grantd_catalog::account::Account;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::sql::parse_changes;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio_postgres::Client;
use tokio_util::sync::{CancellationToken, DropGuard};

const ACCOUNT: &str = "deep";

/// A daemon that holds the account of a script, and a client of it. The daemon ends with the guard.
async fn served(sql: &str) -> (Client, DropGuard) {
    let mut account = Account::new(ACCOUNT);
    for change in parse_changes(sql, &account).unwrap() {
        account.apply(&change, Some(1)).unwrap();
    }
    let store = Store::in_memory().unwrap();
    let row = AccountRow {
        name: ACCOUNT.to_owned(),
        platform: "snowflake".to_owned(),
        source: AccountSource::Import,
        created_at: 1,
    };
    store.put_account(&row).unwrap();
    let run = RunRow { kind: "import".to_owned(), taken_at: 1, ..RunRow::default() };
    store.commit_snapshot(ACCOUNT, &Snapshot::freeze(&account, 1).encode().unwrap(), &run).unwrap();
    let daemon = Arc::new(Daemon::open(Arc::new(store), HashMap::new()).unwrap());
    let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), Access::default()).await.unwrap();
    let url = format!("postgresql://grantd@{}/grantd", gateway.local_addr());
    let stop = CancellationToken::new();
    tokio::spawn(gateway.serve(Arc::new(DaemonBackend::new(daemon).unwrap()), stop.clone()));
    (connect(&url).await, stop.drop_guard())
}

/// ALICE has `R0`; `bottom` reads DB.S.T and reaches its containers.
fn frame(bottom: &str) -> String {
    format!(
        "CREATE USER ALICE; CREATE USER BOB; GRANT ROLE R0 TO USER ALICE;
         CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (ID NUMBER);
         GRANT USAGE ON DATABASE DB TO ROLE {bottom}; GRANT USAGE ON SCHEMA DB.S TO ROLE {bottom};
         GRANT SELECT ON TABLE DB.S.T TO ROLE {bottom};"
    )
}

/// Asks by both protocols, which must say the same.
async fn both(client: &Client, sql: &str) -> Rows {
    let mut answers = Vec::new();
    for protocol in BOTH {
        answers.push(ask(client, protocol, sql).await.unwrap_or_else(|error| panic!("{sql}: {}", told(&error))));
    }
    let simple = answers.swap_remove(0);
    assert_eq!(answers, std::slice::from_ref(&simple), "{sql}");
    simple
}

/// Who reads the table, by the function and by the view.
async fn only_alice_reads(client: &Client) {
    let who = "SELECT user_name, usable, source, role_count FROM who_can('SELECT', 'DB.S.T')";
    assert_eq!(both(client, who).await, [["ALICE", "t", "grant", "1"]]);
    let privileges = "SELECT user_name, privilege, object_type, object, usable, usage_missing \
                      FROM effective_privileges ORDER BY object";
    let expected = [
        ["ALICE", "USAGE", "DATABASE", "DB", "t", "f"],
        ["ALICE", "USAGE", "SCHEMA", "DB.S", "t", "f"],
        ["ALICE", "SELECT", "TABLE", "DB.S.T", "t", "f"],
    ];
    assert_eq!(both(client, privileges).await, expected, "one row each, however many ways lead there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_diamonds_are_explained_by_one_chain_and_a_million_are_counted() {
    let mut sql = String::from("CREATE ROLE R0;");
    for i in 0..20 {
        let next = i + 1;
        write!(sql, "CREATE ROLE R{i}A; CREATE ROLE R{i}B; CREATE ROLE R{next};").unwrap();
        for side in ["A", "B"] {
            write!(sql, "GRANT ROLE R{i}{side} TO ROLE R{i}; GRANT ROLE R{next} TO ROLE R{i}{side};").unwrap();
        }
    }
    sql.push_str(&frame("R20"));
    let (client, _guard) = served(&sql).await;
    let roles = "SELECT count(*) FROM roles WHERE role_name <> 'PUBLIC'";
    assert_eq!(column(&client, roles).await, ["61"]);
    only_alice_reads(&client).await;

    // Three needs, one shortest chain each: ALICE, 41 roles, the grant.
    let why = "SELECT need, count(*), min(chains), max(chains), max(hop), count(DISTINCT path) \
               FROM explain_access('ALICE', 'SELECT', 'DB.S.T') GROUP BY need ORDER BY need";
    let expected = ["database", "privilege", "schema"].map(|need| [need, "42", "1048576", "1048576", "42", "1"]);
    assert_eq!(both(&client, why).await, expected);
    assert_eq!(both(&client, "SELECT count(*) FROM effective_roles WHERE user_name = 'ALICE'").await, [["62"]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_five_thousand_roles_is_followed_to_its_end() {
    const ROLES: usize = 5_000;
    let last = ROLES - 1;
    let mut sql = String::from("CREATE ROLE R0;");
    for i in 1..ROLES {
        write!(sql, "CREATE ROLE R{i}; GRANT ROLE R{i} TO ROLE R{};", i - 1).unwrap();
    }
    sql.push_str(&frame(&format!("R{last}")));
    let (client, _guard) = served(&sql).await;
    only_alice_reads(&client).await;

    // ALICE, 5,000 roles, the grant; in order, each holder having the next one.
    let why = "SELECT hop, kind, holder, has, chains FROM explain_access('ALICE', 'SELECT', 'DB.S.T') \
               WHERE need = 'privilege' ORDER BY hop";
    let found = both(&client, why).await;
    let role = |i: usize| format!("R{i}");
    let mut expected: Rows = (0..ROLES)
        .map(|i| {
            let holder = if i == 0 { "ALICE".to_owned() } else { role(i - 1) };
            [(i + 1).to_string(), "membership".to_owned(), holder, format!("ROLE {}", role(i)), "1".to_owned()].into()
        })
        .collect();
    let grant = ["5001", "grant", &role(last), "SELECT on TABLE DB.S.T", "1"];
    expected.push(grant.map(str::to_owned).into());
    assert_eq!(found.len(), expected.len());
    assert_eq!(found, expected);

    let roles = "SELECT count(*), count(DISTINCT role_name) FROM effective_roles WHERE user_name = 'ALICE'";
    assert_eq!(both(&client, roles).await, [["5001", "5001"]], "the chain and PUBLIC");
    let none = "SELECT count(*) FROM effective_privileges WHERE user_name = 'BOB'";
    assert_eq!(rows(&client, none).await, [["0"]]);
}
