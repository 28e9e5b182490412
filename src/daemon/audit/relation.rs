//! The log as the rows of `query_log`.

use super::QueryLog;
use crate::gateway::SqlError;
use crate::store::audit::{AuditError, Backwards, Record};
use datafusion::error::{DataFusionError, Result};
use grantd_catalog::tables::{QueryLog as Rows, QueryLogRow, QueryLogRows};
use std::sync::Arc;

/// The log of a running daemon, for its sessions.
#[derive(Debug)]
pub struct LogRelation(pub Arc<QueryLog>);

impl Rows for LogRelation {
    fn rows(&self) -> Result<QueryLogRows> {
        let Some((dir, key, head)) = self.0.readable() else { return Ok(Box::new(std::iter::empty())) };
        let mut back = Backwards::open(&dir, key, head).map_err(|error| failed(&error))?;
        Ok(Box::new(std::iter::from_fn(move || match back.before() {
            Ok(record) => record.map(|record| Ok(row(record))),
            Err(error) => Some(Err(failed(&error))),
        })))
    }
}

fn failed(error: &AuditError) -> DataFusionError {
    tracing::error!(target: "grantd::audit", %error, "the query log cannot be read");
    let told = match error {
        AuditError::Broken(finding) => {
            SqlError::new("XX001", format!("record {} of the query log is not as it was written", finding.sequence))
                .with_hint("Whoever runs the server finds the place with grantd audit verify.")
        }
        AuditError::Newer { .. } => SqlError::new("0A000", "a newer grantd wrote the query log"),
        _ => SqlError::new("58030", "the query log cannot be read").with_hint("The server's log says why."),
    };
    DataFusionError::External(Box::new(told))
}

fn row(record: Record) -> QueryLogRow {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let event = record.event;
    QueryLogRow {
        sequence: number(record.seq),
        logged_at: record.at,
        started_at: event.started,
        user_name: event.user,
        client_address: event.address,
        application_name: event.application,
        session: event.session.map(i64::from),
        protocol: event.route,
        kind: event.kind,
        statement: event.text,
        statement_bytes: event.text_bytes.map(number),
        fingerprint: event.fingerprint,
        roles: event.roles,
        changeset: event.changeset,
        snapshots: event.snapshots.iter().map(|(account, id)| format!("{account}={id}")).collect(),
        rows: event.rows.map(number),
        bytes: event.bytes.map(number),
        micros: number(event.micros),
        outcome: event.outcome,
        detail: event.detail,
    }
}
