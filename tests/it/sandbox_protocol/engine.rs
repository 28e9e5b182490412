//! An engine that knows a handful of statements, so that the protocol can be tested for itself.

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    StringViewArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use datafusion::arrow::record_batch::RecordBatch;
use grantd::sandbox::protocol::engine::{
    Answer, Column, Engine, EngineSession, Failure, LoginRequest, SessionNames, SnowflakeType, StatementKind,
};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// 2026-01-02 03:04:05.678901 UTC in microseconds.
pub(crate) const MOMENT: i64 = 1_767_323_045_678_901;

/// Knows one user, ALICE, by one key.
pub(crate) struct TestEngine {
    pub(crate) public_key: Vec<u8>,
}

impl Engine for TestEngine {
    fn account_name(&self) -> String {
        "TestAcct".to_owned()
    }

    fn public_keys(&self, login_name: &str) -> Result<Vec<Vec<u8>>, Failure> {
        match login_name.to_uppercase().as_str() {
            "ALICE" => Ok(vec![self.public_key.clone()]),
            "DISABLED" => Err(Failure::new("390101", "08001", "User access disabled.")),
            _ => Ok(Vec::new()),
        }
    }

    fn open(&self, login: &LoginRequest) -> Result<Box<dyn EngineSession>, Failure> {
        if login.role.as_deref() == Some("NOT_MINE") {
            return Err(Failure::new(
                "390189",
                "08001",
                "Role 'NOT_MINE' specified in the connect string is not granted.",
            ));
        }
        let names = SessionNames {
            database: login.database.clone(),
            schema: login.schema.clone(),
            warehouse: login.warehouse.clone(),
            role: login.role.clone().or_else(|| Some("PUBLIC".to_owned())),
        };
        Ok(Box::new(TestSession { names, parameters: HashMap::new() }))
    }
}

struct TestSession {
    names: SessionNames,
    parameters: HashMap<String, Value>,
}

#[async_trait]
impl EngineSession for TestSession {
    async fn execute(&mut self, sql: &str, describe_only: bool, _: &Map<String, Value>) -> Result<Answer, Failure> {
        let sql = sql.split("/*").next().unwrap_or_default();
        let words: Vec<&str> = sql.split_whitespace().collect();
        let number = |text: &&str| text.parse::<i64>().unwrap();
        let mut answer = match words.as_slice() {
            ["SELECT", "*", "FROM", "TYPES"] => types(),
            ["SELECT", "*", "FROM", "NUMBERS", n] => numbers(number(n)),
            ["SHOW", "THINGS", n] => things(number(n)),
            ["CREATE", "ROLE", name] => {
                Answer::status(StatementKind::Ddl, &format!("Role {name} successfully created."))
            }
            ["INSERT", n] => table(
                StatementKind::Insert,
                vec![(
                    Column::new("number of rows inserted", SnowflakeType::Fixed { precision: 19, scale: 0 }),
                    Arc::new(Int64Array::from(vec![number(n)])),
                )],
            ),
            ["USE", "ROLE", role] => {
                self.names.role = Some((*role).to_owned());
                Answer::status(StatementKind::Use, "Statement executed successfully.")
            }
            ["ALTER", "SESSION", "SET", name, "=", value] => {
                self.parameters.insert((*name).to_owned(), (*value).into());
                Answer::status(StatementKind::Set, "Statement executed successfully.")
            }
            ["SLEEP", milliseconds] => {
                tokio::time::sleep(Duration::from_millis(number(milliseconds) as u64)).await;
                Answer::status(StatementKind::Call, "Slept.")
            }
            ["PANIC"] => panic!("asked for"),
            ["RAGGED"] => {
                let mut answer = numbers(3);
                answer.columns.pop();
                answer
            }
            _ => {
                let message = "SQL compilation error:\nObject 'MISSING' does not exist or not authorized.";
                return Err(Failure::new("002003", "02000", message));
            }
        };
        if describe_only {
            answer.batches.clear();
        }
        Ok(answer)
    }

    fn names(&self) -> SessionNames {
        self.names.clone()
    }

    fn parameter(&self, name: &str) -> Option<Value> {
        self.parameters.get(name).cloned()
    }
}

fn table(kind: StatementKind, columns: Vec<(Column, ArrayRef)>) -> Answer {
    let named = columns.iter().enumerate().map(|(at, (_, array))| (at.to_string(), Arc::clone(array), true));
    let batch = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    Answer { kind, columns: columns.into_iter().map(|(column, _)| column).collect(), batches: vec![batch] }
}

/// Rows `(n, "vn")`, in uneven batches.
fn numbers(rows: i64) -> Answer {
    let batch = |range: std::ops::Range<i64>| {
        let ids: ArrayRef = Arc::new(range.clone().collect::<Int64Array>());
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(range.map(|n| format!("v{n}"))));
        RecordBatch::try_from_iter([("ID", ids), ("V", texts)]).unwrap()
    };
    let middle = rows / 3;
    let columns = vec![Column::new("ID", SnowflakeType::Fixed { precision: 38, scale: 0 }), Column::text("V")];
    Answer { kind: StatementKind::Select, columns, batches: vec![batch(0..middle), batch(middle..rows)] }
}

fn things(rows: i64) -> Answer {
    let at = TimestampMicrosecondArray::from(vec![MOMENT; usize::try_from(rows).unwrap()]);
    let names = StringArray::from_iter_values((0..rows).map(|n| format!("v{n}")));
    table(
        StatementKind::Show,
        vec![
            (Column::new("created_on", SnowflakeType::TimestampLtz { scale: 3 }), Arc::new(at)),
            (Column::text("name"), Arc::new(names)),
        ],
    )
}

/// One row of values and one of NULLs, a column for each type.
fn types() -> Answer {
    use SnowflakeType as T;
    let moment = || Arc::new(TimestampMicrosecondArray::from(vec![Some(MOMENT), None]));
    let whole = |precision| T::Fixed { precision, scale: 0 };
    let cents = Decimal128Array::from(vec![Some(125), None]).with_precision_and_scale(10, 2).unwrap();
    let json = r#"{"b":1,"a":[1.50,null]}"#;
    let columns: Vec<(&str, T, ArrayRef)> = vec![
        ("T", T::Text, Arc::new(StringViewArray::from(vec![Some("héllo"), None]))),
        ("I", whole(38), Arc::new(Int64Array::from(vec![Some(42), None]))),
        ("BIG", whole(38), Arc::new(Int64Array::from(vec![Some(1 << 62), None]))),
        ("D", T::Fixed { precision: 10, scale: 2 }, Arc::new(cents)),
        ("B", T::Boolean, Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("R", T::Real, Arc::new(Float64Array::from(vec![Some(1.5), None]))),
        ("DT", T::Date, Arc::new(Date32Array::from(vec![Some(20_000), None]))),
        ("TI", T::Time { scale: 9 }, Arc::new(Time64MicrosecondArray::from(vec![Some(3_723_000_004), None]))),
        ("LTZ6", T::TimestampLtz { scale: 6 }, moment()),
        ("LTZ9", T::TimestampLtz { scale: 9 }, moment()),
        ("NTZ3", T::TimestampNtz { scale: 3 }, moment()),
        ("NTZ9", T::TimestampNtz { scale: 9 }, moment()),
        ("TZ3", T::TimestampTz { scale: 3 }, moment()),
        ("TZ9", T::TimestampTz { scale: 9 }, moment()),
        ("VAR", T::Variant, Arc::new(StringArray::from(vec![Some(json), None]))),
        ("BIN", T::Binary, Arc::new(BinaryArray::from(vec![Some(&[1_u8, 255][..]), None]))),
    ];
    let columns = columns.into_iter().map(|(name, data_type, array)| (Column::new(name, data_type), array)).collect();
    table(StatementKind::Select, columns)
}
