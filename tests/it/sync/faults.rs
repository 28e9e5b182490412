//! Every fault that the sandbox can play: a correct result or a typed error, never a short or wrong one.

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use grantd::sandbox::protocol::engine::{
    Answer, Column, Engine, EngineSession, Failure, LoginRequest, SessionNames, SnowflakeType, StatementKind,
};
use grantd::sandbox::protocol::keys::KeyPair;
use grantd::sandbox::protocol::{Controls, FaultKind, FaultRule, Sandbox};
use grantd::sync::snowflake::{Credential, Limits, SigningKey, SnowflakeConfig, SnowflakeSource};
use grantd::sync::source::Silent;
use grantd::sync::{Group, Source, SourceError, SourceKind, SourceTable, Statement};
use serde_json::{Map, Value};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const ROWS: usize = 35;

/// One pair for all tests: making it takes a second.
fn pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(|| KeyPair::generate().unwrap())
}

/// An account whose every statement answers the same rows.
struct Account;

#[async_trait]
impl Engine for Account {
    fn account_name(&self) -> String {
        "ACME".into()
    }

    fn public_keys(&self, login_name: &str) -> Result<Vec<Vec<u8>>, Failure> {
        let known = login_name.eq_ignore_ascii_case("GRANTD_SVC");
        Ok(known.then(|| pair().public_key_der.clone()).into_iter().collect())
    }

    fn open(&self, login: &LoginRequest) -> Result<Box<dyn EngineSession>, Failure> {
        Ok(Box::new(Session(login.role.clone())))
    }
}

struct Session(Option<String>);

#[async_trait]
impl EngineSession for Session {
    async fn execute(&mut self, sql: &str, _: bool, _: &Map<String, Value>) -> Result<Answer, Failure> {
        let names: StringArray = (0..ROWS).map(|i| Some(format!("v{i}"))).collect();
        let ids = Int64Array::from_iter_values((0..ROWS).map(|i| i as i64));
        let columns: [(&str, ArrayRef); 2] = [("NAME", Arc::new(names)), ("ID", Arc::new(ids))];
        Ok(Answer {
            kind: if sql.starts_with("SHOW") { StatementKind::Show } else { StatementKind::Select },
            columns: vec![Column::text("NAME"), Column::new("ID", SnowflakeType::Fixed { precision: 38, scale: 0 })],
            batches: vec![RecordBatch::try_from_iter(columns).unwrap()],
        })
    }

    fn names(&self) -> SessionNames {
        SessionNames { role: self.0.clone(), ..SessionNames::default() }
    }
}

struct Running {
    controls: Controls,
    url: String,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn start() -> Running {
    let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (controls, url, stop) =
        (sandbox.controls(), format!("http://{}", sandbox.local_addr()), CancellationToken::new());
    tokio::spawn(sandbox.serve(Arc::new(Account), stop.clone()));
    Running { controls, url, stop }
}

fn source(running: &Running) -> SnowflakeSource {
    let key = SigningKey::from_pem(&pair().private_key_pem, None).unwrap();
    let mut config = SnowflakeConfig::new("acme", "grantd_svc", "GRANTD_SYNC", Credential::KeyPair(Arc::new(key)));
    config.url = Some(running.url.parse().unwrap());
    config.use_proxy = false;
    config.limits = Limits {
        response_bytes: 4 << 20,
        request: Duration::from_secs(2),
        statement: Duration::from_secs(8),
        attempts: 4,
        ..Limits::default()
    };
    SnowflakeSource::new(config).unwrap()
}

async fn read(source: &SnowflakeSource, sql: &str) -> Result<SourceTable, SourceError> {
    let kind = SourceKind::Roles;
    let group = Group::Shows;
    let statement =
        Statement { group, name: sql.into(), kind, sql: sql.into(), older_sql: None, needs_warehouse: false };
    source.read(&statement, &Silent).await
}

fn whole(table: &SourceTable) -> bool {
    let (name, id) = (table.required("NAME").unwrap(), table.column("ID"));
    let row = |(i, r): (usize, grantd::sync::table::Row<'_>)| {
        r.text(name).as_deref() == Some(&format!("v{i}")) && r.integer(id) == Ok(Some(i as i64))
    };
    table.len() == ROWS && table.rows().enumerate().all(row)
}

/// What a fault must lead to.
type Wanted = fn(&Result<SourceTable, SourceError>) -> bool;

const WHOLE: Wanted = |r| r.as_ref().is_ok_and(whole);
const INCOMPLETE: Wanted = |r| matches!(r, Err(SourceError::Incomplete(_)));
const MALFORMED: Wanted = |r| matches!(r, Err(SourceError::Malformed { .. }));
/// A JSON chunk that is cut is no JSON; an Arrow one is incomplete.
const CUT: Wanted = |r| matches!(r, Err(SourceError::Incomplete(_) | SourceError::Malformed { .. }));

fn cases() -> Vec<(FaultKind, u64, Wanted)> {
    use FaultKind as F;
    let unavailable = |status| F::HttpStatus { status, retry_after: None, executed: false };
    vec![
        (unavailable(503), 2, WHOLE),
        (unavailable(502), 1, WHOLE),
        (F::HttpStatus { status: 504, retry_after: None, executed: true }, 1, WHOLE),
        (F::HttpStatus { status: 429, retry_after: Some(1), executed: false }, 1, WHOLE),
        (unavailable(503), 9, |r| matches!(r, Err(SourceError::Http { status: 503, .. }))),
        (unavailable(404), 1, |r| matches!(r, Err(SourceError::Http { status: 404, .. }))),
        (F::CloseBefore { executed: false }, 1, WHOLE),
        (F::CloseInHeaders { executed: true }, 1, WHOLE),
        (F::CloseInBody, 1, WHOLE),
        (F::CloseBefore { executed: false }, 9, |r| matches!(r, Err(SourceError::Transport { .. }))),
        (F::Html200 { executed: false }, 1, MALFORMED),
        (F::MalformedJson, 1, MALFORMED),
        (F::DeepJson { depth: 100_000 }, 1, MALFORMED),
        (F::HugeJson { bytes: 6 << 20 }, 1, |r| matches!(r, Err(SourceError::TooLarge { .. }))),
        (F::SlowBody { bytes_per_second: 1 }, 9, |r| {
            matches!(r, Err(SourceError::Deadline(_) | SourceError::Transport { .. }))
        }),
        (F::Latency { milliseconds: 300 }, 1, WHOLE),
        (F::SessionExpired, 1, WHOLE),
        (F::Unauthorized, 1, WHOLE),
        (
            F::Failure { code: "000603".into(), sqlstate: "XX000".into(), message: "boom".into() },
            1,
            |r| matches!(r, Err(SourceError::Server { code, .. }) if code == "000603"),
        ),
        (F::InProgress { polls: 3 }, 1, WHOLE),
        (F::ResultUrlElsewhere { url: "http://127.0.0.1:1/queries/x/result".into() }, 1, MALFORMED),
        (F::Split { inline_rows: 5, chunk_rows: 10 }, 1, WHOLE),
        (F::ChunkStatus { chunk: 0, status: 403 }, 1, |r| matches!(r, Err(SourceError::Http { status: 403, .. }))),
        (F::ChunkCutMidMessage { chunk: 0 }, 1, CUT),
        (F::ChunkCutAtBoundary { chunk: 0 }, 1, INCOMPLETE),
        (
            F::ChunkWrongGzip { chunk: 0 },
            1,
            |r| matches!(r, Err(SourceError::Transport { detail, .. }) if detail.contains("gzip")),
        ),
        (F::ChunkRowCount { chunk: 0, by: 1 }, 1, INCOMPLETE),
        (F::ChunkRowCount { chunk: 0, by: -1 }, 1, INCOMPLETE),
        (F::TotalOff { by: 1 }, 1, INCOMPLETE),
        (F::TotalOff { by: -1 }, 1, INCOMPLETE),
        (F::EmptyInline, 1, INCOMPLETE),
        (F::UnknownColumnType { name: "vector".into() }, 1, WHOLE),
        (F::DuplicateColumnNames, 1, |r| matches!(r, Err(SourceError::Table(_)))),
        (F::NullRow, 1, |r| r.as_ref().is_ok_and(|t| t.len() == ROWS + 1)),
    ]
}

#[tokio::test]
async fn every_fault_ends_in_the_whole_result_or_a_typed_error() {
    let running = start();
    for sql in ["SELECT NAME, ID FROM T", "SHOW ROLES"] {
        for (fault, times, wanted) in cases() {
            running.controls.clear_faults();
            let client = source(&running);
            assert!(whole(&read(&client, sql).await.unwrap()), "{sql}");
            running.controls.add_faults(vec![FaultRule { times, ..FaultRule::once(sql, fault.clone()) }]).unwrap();
            let result = read(&client, sql).await;
            assert!(wanted(&result), "{sql}, {fault:?}: {result:?}");
            running.controls.clear_faults();
            let after = read(&client, sql).await;
            assert!(after.as_ref().is_ok_and(whole), "{sql}, after {fault:?}: {after:?}");
            client.close().await;
        }
    }
}

#[tokio::test]
async fn whole_numbers_of_mixed_widths_and_streams_without_end_are_told_apart() {
    let running = start();
    let client = source(&running);
    let sql = "SELECT NAME, ID FROM T";
    let both = |kind| {
        vec![FaultRule::once(sql, FaultKind::Split { inline_rows: 5, chunk_rows: 10 }), FaultRule::once(sql, kind)]
    };
    running.controls.add_faults(both(FaultKind::MixedIntegerWidths)).unwrap();
    assert!(read(&client, sql).await.as_ref().is_ok_and(whole));
    running.controls.clear_faults();
    running.controls.add_faults(both(FaultKind::ChunkMissingEos { chunk: 0 })).unwrap();
    assert!(matches!(read(&client, sql).await, Err(SourceError::Incomplete(_))));
}

#[tokio::test]
async fn a_refused_renewal_leads_to_one_new_login() {
    let running = start();
    let client = source(&running);
    let sql = "SHOW ROLES";
    read(&client, sql).await.unwrap();
    running
        .controls
        .add_faults(vec![
            FaultRule::once(sql, FaultKind::SessionExpired),
            FaultRule::once("token-request", FaultKind::RenewRefused),
        ])
        .unwrap();
    assert!(read(&client, sql).await.as_ref().is_ok_and(whole));
}

#[tokio::test]
async fn a_login_by_key_pair_fails_with_advice_when_the_clock_is_wrong_or_the_role_is_another() {
    for (fault, want) in [
        (FaultKind::ClockSkew { seconds: 100_000 }, "the clock of this machine is wrong"),
        (FaultKind::WrongRole { role: "PUBLIC".into() }, "GRANT ROLE GRANTD_SYNC TO USER grantd_svc"),
    ] {
        let running = start();
        running.controls.add_faults(vec![FaultRule::once("login-request", fault)]).unwrap();
        let error = read(&source(&running), "SHOW ROLES").await.unwrap_err();
        assert!(matches!(&error, SourceError::Login { .. }) && error.to_string().contains(want), "{error}");
    }
}
