//! What a driver reports: one JSON line per step, and the client's version first.

use serde_json::{Map, Value, json};

/// Why a step ended early.
pub struct Failure {
    pub outcome: String,
    pub class: Option<String>,
    pub message: String,
}

/// What a step found: columns where there are some, and rows.
pub struct Answer {
    columns: Option<Value>,
    rows: Value,
}

impl From<Value> for Answer {
    fn from(rows: Value) -> Self {
        Self { columns: None, rows }
    }
}

impl From<(Value, Value)> for Answer {
    fn from((columns, rows): (Value, Value)) -> Self {
        Self { columns: Some(columns), rows }
    }
}

pub type Outcome = Result<Answer, Failure>;

/// The client's version, as the lock file has it.
pub fn version(client: &str) {
    let lock = include_str!("../Cargo.lock");
    let (_, rest) =
        lock.split_once(&format!("name = \"{client}\"\nversion = \"")).expect("the lock file has every client");
    println!("{}", json!({ "client": format!("{client} {}", rest.split('"').next().unwrap_or_default()) }));
}

/// Takes a step and reports it.
pub async fn step(name: &str, work: impl Future<Output = Outcome>) {
    let mut line = Map::from_iter([("step".to_owned(), name.into())]);
    match work.await {
        Ok(answer) => {
            line.insert("outcome".to_owned(), "ok".into());
            line.extend(answer.columns.map(|columns| ("columns".to_owned(), columns)));
            line.insert("rows".to_owned(), answer.rows);
        }
        Err(failure) => {
            line.insert("outcome".to_owned(), failure.outcome.into());
            line.extend(failure.class.map(|class| ("class".to_owned(), class.into())));
            line.insert("message".to_owned(), failure.message.into());
        }
    }
    println!("{}", Value::Object(line));
}

/// Bytes as text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value by its text, with the type where JSON has none.
pub fn text(kind: &str, value: impl ToString) -> Value {
    format!("{kind} {}", value.to_string()).into()
}
