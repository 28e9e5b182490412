//! `tests/sql`: the manual, run through the wire by both protocols.
//!
//! Pages that only read share a demo account; one that calls something has its own. A statement whose first line is [`AT_SNOWFLAKE`] is run in the sandbox by
//! an administrator, as somebody does who goes around grantd; such a file's account has the administrator's login too.

use crate::support::operator::{Operator, operator_sql};
use crate::support::wire::{BOTH, Protocol, ask, connect};
use crate::support::{Running, demo, demo_of};
use async_trait::async_trait;
use grantd::sandbox::demo::DEMO;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use std::path::{Path, PathBuf};
use tokio_postgres::Client;

const AT_SNOWFLAKE: &str = "-- at Snowflake";

/// One connection as the runner needs it.
struct Connection {
    client: Client,
    protocol: Protocol,
    operator: Option<Operator>,
}

/// Why a statement did not run.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("{}", crate::support::wire::told(.0))]
    Grantd(#[from] tokio_postgres::Error),
    #[error("Snowflake: {0}")]
    Snowflake(String),
}

#[async_trait]
impl AsyncDB for Connection {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        if let Some(statement) = sql.strip_prefix(AT_SNOWFLAKE) {
            let operator = self.operator.as_ref().unwrap();
            operator.run(statement.split_once('\n').unwrap().1).await.map_err(Refused::Snowflake)?;
            return Ok(DBOutput::StatementComplete(0));
        }
        let mut rows = ask(&self.client, self.protocol, sql).await?;
        for cell in rows.iter_mut().flatten().filter(|cell| cell.is_empty()) {
            *cell = "(empty)".to_owned();
        }
        let width = rows.first().map_or(0, Vec::len);
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; width], rows })
    }

    async fn shutdown(&mut self) {}

    fn error_sql_state(error: &Refused) -> Option<String> {
        match error {
            Refused::Grantd(error) => error.code().map(|code| code.code().to_owned()),
            Refused::Snowflake(_) => None,
        }
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "slt"));
    files.sort();
    files
}

/// Runs one file; what is wrong with it otherwise.
async fn run(file: &Path, running: &Running, protocol: Protocol, with_operator: bool) -> Result<(), String> {
    let make = || async {
        let operator = if with_operator { Some(Operator::login(&running.sandbox).await) } else { None };
        Ok(Connection { client: connect(&running.url).await, protocol, operator })
    };
    let mut runner = Runner::new(make);
    runner.with_column_validator(|found, written| found.is_empty() || found.len() == written.len());
    let outcome = runner.run_file_async(file).await;
    outcome.map_err(|error| format!("{} ({protocol:?}): {error}", file.display()))
}

async fn every_page(protocol: Protocol) {
    let files = files();
    assert!(files.len() >= 18, "only {} pages were found", files.len());
    let mut wrong = Vec::new();
    let shared = demo();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let with_operator = text.contains(AT_SNOWFLAKE);
        let own = if with_operator {
            Some(demo_of(&format!("{DEMO}{}", operator_sql())))
        } else {
            text.contains("\nCALL ").then(demo)
        };
        wrong.extend(run(&file, own.as_ref().unwrap_or(&shared), protocol, with_operator).await.err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_page_of_the_manual_is_true_by_the_simple_protocol() {
    every_page(BOTH[0]).await;
}

#[tokio::test]
async fn every_page_of_the_manual_is_true_by_the_extended_protocol() {
    every_page(BOTH[1]).await;
}
