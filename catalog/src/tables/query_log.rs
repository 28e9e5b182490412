//! What was asked of grantd: `query_log`. Its rows come from outside, because the catalog has no disk.

use super::definition::{Definition, int, text, texts, time};
use super::provider::{BatchSource, Comparison, Relation, ScanRequest};
use super::writer::Writer;
use crate::account::Micros;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use std::fmt;
use std::sync::Arc;

/// Rows of one call of [`BatchSource::fill`].
const ROWS: usize = 512;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(QueryLogRelation)]
}

/// One record of the log.
#[derive(Clone, Debug, Default)]
pub struct QueryLogRow {
    /// Its number.
    pub sequence: i64,
    /// When it was written.
    pub logged_at: Micros,
    /// When it began.
    pub started_at: Micros,
    /// Who.
    pub user_name: Option<String>,
    /// From where.
    pub client_address: Option<String>,
    /// With what.
    pub application_name: Option<String>,
    /// In which session.
    pub session: Option<i64>,
    /// `simple` or `extended`.
    pub protocol: Option<String>,
    /// What it was.
    pub kind: String,
    /// The statement.
    pub statement: Option<String>,
    /// Its length.
    pub statement_bytes: Option<i64>,
    /// Its keyed fingerprint.
    pub fingerprint: Option<String>,
    /// The lens.
    pub roles: Option<String>,
    /// The changeset.
    pub changeset: Option<String>,
    /// `account=snapshot`.
    pub snapshots: Vec<String>,
    /// Rows sent.
    pub rows: Option<i64>,
    /// Bytes sent.
    pub bytes: Option<i64>,
    /// How long it took.
    pub micros: i64,
    /// How it ended.
    pub outcome: String,
    /// More about it.
    pub detail: Option<String>,
}

/// Gives the next record back; an error ends it.
pub type QueryLogRows =
    Box<dyn Iterator<Item = std::result::Result<QueryLogRow, datafusion::error::DataFusionError>> + Send>;

/// Where the rows come from.
pub trait QueryLog: fmt::Debug + Send + Sync {
    /// All records, the newest first. `logged_at` never grows on the way.
    fn rows(&self) -> Result<QueryLogRows>;
}

/// The log as one session sees it.
#[derive(Clone, Debug)]
pub struct QueryLogView {
    /// The log.
    pub log: Arc<dyn QueryLog>,
    /// Whose records are seen; `None` sees all.
    pub of_user: Option<String>,
}

#[derive(Debug)]
struct QueryLogRelation;

impl Relation for QueryLogRelation {
    fn definition(&self) -> Definition {
        Definition::new(
            "query_log",
            "What was asked of grantd and who logged in, newest first; administrators see all, others what they did themselves",
            vec![
                int("sequence", "Number of the record, without gaps"),
                time("started_at", "When it began"),
                time("logged_at", "When it was written"),
                text("user_name", "Who asked; NULL for what grantd does itself"),
                text("client_address", "Address and port of the client"),
                text("application_name", "The client's name for itself"),
                int("session", "pg_backend_pid() of the session"),
                text("protocol", "How a statement came: simple or extended; NULL for what is no statement"),
                text(
                    "kind",
                    "query, explain, show, set, transaction, cursor, prepared, session, call, copy; intent (a CALL that is \
                     about to run); refused; parse, bind and message (refused before it was a statement); login, logout, start, \
                     stop; recovery, resume and reset of the log itself",
                ),
                text("statement", "The statement with ? for each literal and without comments, cut at 8 kB"),
                int("statement_bytes", "Length of the whole statement"),
                text("fingerprint", "Keyed hash (HMAC-SHA-256) of the whole statement: equal for equal texts"),
                text("roles", "grantd.roles when it began"),
                text("changeset", "grantd.changeset when it began"),
                texts("snapshots", "The snapshots that it saw, as account=snapshot_id"),
                int("rows", "Rows sent"),
                int("bytes", "Bytes sent"),
                int("micros", "Microseconds from its start to its end"),
                text("outcome", "ok, or the SQLSTATE it failed with"),
                text("detail", "Whom a CALL is about, why an execution ended early, what happened to the log"),
            ],
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let of_user = request.query_log.as_ref().and_then(|view| view.of_user.clone());
        Box::new(Scan {
            opened: request.query_log.map(|view| view.log.rows()),
            of_user,
            since: lower_bound(&request.comparisons),
            wanted: request.comparisons,
        })
    }

    fn compares(&self) -> &'static [&'static str] {
        &["started_at", "logged_at", "user_name", "kind", "outcome"]
    }
}

struct Scan {
    opened: Option<Result<QueryLogRows>>,
    of_user: Option<String>,
    /// Records that were written before are not wanted, and nor is anything behind them.
    since: Option<Micros>,
    wanted: Vec<Comparison>,
}

impl BatchSource for Scan {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let mut rows = match self.opened.take() {
            None => return Ok(false),
            Some(rows) => rows?,
        };
        for _ in 0..ROWS {
            let Some(row) = rows.next().transpose()? else { return Ok(false) };
            if self.since.is_some_and(|since| row.logged_at < since) {
                return Ok(false);
            }
            let is_seen = self.of_user.is_none() || self.of_user == row.user_name;
            if is_seen && self.wanted.iter().all(|comparison| may_pass(&row, comparison)) {
                write(out, &row);
            }
        }
        self.opened = Some(Ok(rows));
        Ok(true)
    }
}

fn write(out: &mut Writer, row: &QueryLogRow) {
    out.int(Some(row.sequence))
        .time(Some(row.started_at))
        .time(Some(row.logged_at))
        .text(row.user_name.as_deref())
        .text(row.client_address.as_deref())
        .text(row.application_name.as_deref())
        .int(row.session)
        .text(row.protocol.as_deref())
        .text(Some(&row.kind))
        .text(row.statement.as_deref())
        .int(row.statement_bytes)
        .text(row.fingerprint.as_deref())
        .text(row.roles.as_deref())
        .text(row.changeset.as_deref())
        .texts(Some(row.snapshots.iter().map(String::as_str)))
        .int(row.rows)
        .int(row.bytes)
        .int(Some(row.micros))
        .text(Some(&row.outcome))
        .text(row.detail.as_deref())
        .end();
}

/// The time before which nothing is wanted. What began at a time was not written before it.
fn lower_bound(comparisons: &[Comparison]) -> Option<Micros> {
    let bounds = comparisons.iter().filter_map(|c| match (c.column.as_str(), c.op) {
        ("started_at" | "logged_at", Operator::Gt | Operator::GtEq | Operator::Eq) => micros(&c.value),
        _ => None,
    });
    bounds.max()
}

fn micros(value: &ScalarValue) -> Option<Micros> {
    match value {
        ScalarValue::TimestampMicrosecond(Some(micros), _) => Some(*micros),
        ScalarValue::TimestampNanosecond(Some(nanos), _) => Some(nanos.div_euclid(1_000)),
        ScalarValue::TimestampMillisecond(Some(millis), _) => millis.checked_mul(1_000),
        ScalarValue::TimestampSecond(Some(seconds), _) => seconds.checked_mul(1_000_000),
        _ => None,
    }
}

/// Whether DataFusion, which looks at each row again, could let it pass. Only equality of texts is decided here.
fn may_pass(row: &QueryLogRow, comparison: &Comparison) -> bool {
    let Comparison { column, op: Operator::Eq, value } = comparison else { return true };
    let found = match column.as_str() {
        "user_name" => row.user_name.as_deref(),
        "kind" => Some(row.kind.as_str()),
        "outcome" => Some(row.outcome.as_str()),
        _ => return true,
    };
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            found == Some(text.as_str())
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SessionState, World, providers};
    use super::*;
    use datafusion::arrow::util::pretty::pretty_format_batches;
    use datafusion::prelude::SessionContext;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// A log of so many records, one a second; counts how many were read.
    #[derive(Debug)]
    struct Made(i64, Arc<AtomicI64>);

    impl QueryLog for Made {
        fn rows(&self) -> Result<QueryLogRows> {
            let read = Arc::clone(&self.1);
            Ok(Box::new((1..=self.0).rev().map(move |sequence| {
                read.fetch_add(1, Ordering::Relaxed);
                Ok(QueryLogRow {
                    sequence,
                    started_at: sequence * 1_000_000,
                    logged_at: sequence * 1_000_000 + 1,
                    user_name: Some(if sequence % 2 == 0 { "ann" } else { "bob" }.to_owned()),
                    kind: "query".to_owned(),
                    outcome: "ok".to_owned(),
                    ..QueryLogRow::default()
                })
            })))
        }
    }

    async fn ask(of_user: Option<&str>, records: i64, sql: &str) -> (String, i64) {
        let read = Arc::new(AtomicI64::new(0));
        let view =
            QueryLogView { log: Arc::new(Made(records, Arc::clone(&read))), of_user: of_user.map(str::to_owned) };
        let session = Arc::new(SessionState::new(Arc::new(World::default())).with_query_log(view));
        let context = SessionContext::new();
        for (name, table) in providers(&session) {
            context.register_table(name, table).unwrap();
        }
        let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
        let shown = pretty_format_batches(&batches).unwrap().to_string();
        let rows: Vec<String> =
            shown.lines().filter(|l| l.starts_with('|')).skip(1).map(|l| l.replace([' ', '|'], "")).collect();
        (rows.join(" "), read.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn everybody_sees_his_own_and_administrators_see_all() {
        let sql = "SELECT sequence FROM query_log";
        assert_eq!(ask(None, 5, sql).await.0, "5 4 3 2 1");
        assert_eq!(ask(Some("ann"), 5, sql).await.0, "4 2");
        assert_eq!(ask(Some("eve"), 5, sql).await.0, "");
        assert_eq!(ask(Some("ann"), 5, "SELECT sequence FROM query_log WHERE user_name = 'bob'").await.0, "");
    }

    #[tokio::test]
    async fn filters_are_right_and_stop_reading_at_a_time() {
        let (rows, read) = ask(None, 100_000, "SELECT sequence FROM query_log LIMIT 3").await;
        assert!(rows == "100000 99999 99998" && read <= 2_048, "{rows} {read}");
        let since = "SELECT sequence FROM query_log WHERE started_at > to_timestamp(99998) AND user_name = 'ann'";
        let (rows, read) = ask(None, 100_000, since).await;
        assert!(rows == "100000" && read <= 4, "{rows} {read}");
        let (rows, _) =
            ask(None, 10, "SELECT sequence FROM query_log WHERE to_timestamp(3) >= started_at AND kind = 'query'")
                .await;
        assert_eq!(rows, "3 2 1");
        assert_eq!(ask(None, 10, "SELECT count(*) FROM query_log WHERE kind = 'call'").await.0, "0");
    }
}
