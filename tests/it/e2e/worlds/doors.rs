//! The ways to ask grantd whether a user has a privilege, and what is wrong with an answer.

use super::text::Assertion;
use crate::support::wire::{Rows, rows};
use async_trait::async_trait;
use tokio_postgres::Client;

/// A way to ask whether a user has a privilege: at most one row of usable, source, `grant_option`, `role_count`,
/// `user_disabled`, and `usage_missing` where it is known.
#[async_trait]
pub(super) trait Door: Sync {
    fn name(&self) -> &'static str;
    async fn row(&self, client: &Client, account: &str, a: &Assertion) -> Rows;
}

pub(super) struct View;
pub(super) struct ViewWithParameters;
pub(super) struct Function;

const COLUMNS: &str = "usable, source, grant_option, role_count, user_disabled";

pub(super) fn literal(text: &str) -> String {
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
pub(super) fn wrong(a: &Assertion, found: &Rows) -> Option<String> {
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
