//! Questions over the PostgreSQL wire, by the simple and by the extended protocol, with every value as its text.

use std::error::Error;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, Row, SimpleQueryMessage};

/// How a value that is NULL is shown.
pub(crate) const NULL: &str = "NULL";

/// Which protocol a question takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protocol {
    Simple,
    Extended,
}

pub(crate) const BOTH: [Protocol; 2] = [Protocol::Simple, Protocol::Extended];

/// A connection; it ends with this value.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The rows of an answer.
pub(crate) type Rows = Vec<Vec<String>>;

/// Asks; an error is the server's own.
pub(crate) async fn ask(client: &Client, protocol: Protocol, sql: &str) -> Result<Rows, tokio_postgres::Error> {
    match protocol {
        Protocol::Simple => Ok(client.simple_query(sql).await?.into_iter().filter_map(simple_row).collect()),
        Protocol::Extended => {
            let statement = client.prepare(sql).await?;
            Ok(client.query(&statement, &[]).await?.iter().map(extended_row).collect())
        }
    }
}

/// Asks what must be answered.
pub(crate) async fn rows(client: &Client, sql: &str) -> Rows {
    ask(client, Protocol::Simple, sql).await.unwrap_or_else(|error| panic!("{sql}: {}", told(&error)))
}

/// The first column of what must be answered.
pub(crate) async fn column(client: &Client, sql: &str) -> Vec<String> {
    rows(client, sql).await.into_iter().map(|mut row| row.swap_remove(0)).collect()
}

/// What tells of the sessions themselves: the question is in it before it is answered.
const OF_SESSIONS: &[&str] = &["query_log", "gateway_secrets"];

/// One number for all that the relations of `public` say of the account.
pub(crate) async fn digest(client: &Client) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for relation in column(client, "SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1").await {
        if OF_SESSIONS.contains(&relation.as_str()) {
            continue;
        }
        let mut all = rows(client, &format!("SELECT * FROM \"{relation}\"")).await;
        all.sort();
        (relation, all).hash(&mut hasher);
    }
    hasher.finish()
}

/// SQLSTATE and message of a refusal.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refusal) => match refusal.hint() {
            Some(hint) => format!("{}: {} ({hint})", refusal.code().code(), refusal.message()),
            None => format!("{}: {}", refusal.code().code(), refusal.message()),
        },
        None => format!("{error}: {:?}", error.source()),
    }
}

fn simple_row(message: SimpleQueryMessage) -> Option<Vec<String>> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|i| row.get(i).unwrap_or(NULL).to_owned()).collect())
}

fn extended_row(row: &Row) -> Vec<String> {
    let cell = |(index, column): (usize, &tokio_postgres::Column)| {
        let value = match *column.type_() {
            Type::BOOL => row.get::<_, Option<bool>>(index).map(|b| if b { "t" } else { "f" }.to_owned()),
            Type::INT4 => row.get::<_, Option<i32>>(index).map(|n| n.to_string()),
            Type::INT8 => row.get::<_, Option<i64>>(index).map(|n| n.to_string()),
            // As the simple protocol shows it, for texts that need no quotes.
            Type::TEXT_ARRAY => row.get::<_, Option<Vec<String>>>(index).map(|list| format!("{{{}}}", list.join(","))),
            Type::TEXT | Type::VARCHAR | Type::NAME => row.get::<_, Option<String>>(index),
            ref other => panic!("column {} has the type {other}", column.name()),
        };
        value.unwrap_or_else(|| NULL.to_owned())
    };
    row.columns().iter().enumerate().map(cell).collect()
}
