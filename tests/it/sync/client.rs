//! What `snowflake-api` alone would lose, each fault by its own test.

use super::double::{Answer, Double, arrow, rows, stream};
use datafusion::arrow::array::{ArrayRef, Int8Array, Int64Array, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use grantd::sync::snowflake::{Credential, Limits, Secret, SigningKey, SnowflakeConfig, SnowflakeSource};
use grantd::sync::source::Silent;
use grantd::sync::{Group, Source, SourceError, SourceKind, SourceTable, Statement};
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "pat-very-secret";

fn statement(sql: &str) -> Statement {
    let kind = SourceKind::Roles;
    Statement {
        group: Group::Views,
        name: sql.to_owned(),
        kind,
        sql: sql.to_owned(),
        older_sql: None,
        needs_warehouse: true,
    }
}

fn config(double: &Double) -> SnowflakeConfig {
    let credential = Credential::AccessToken(Secret::new(TOKEN));
    let mut config = SnowflakeConfig::new("acme", "GRANTD_SVC", "GRANTD_SYNC", credential);
    config.url = Some(double.base.parse().unwrap());
    config.warehouse = Some("GRANTD_WH".into());
    config.use_proxy = false;
    config.limits = Limits { statement: Duration::from_secs(20), ..Limits::default() };
    config
}

fn source(double: &Double) -> SnowflakeSource {
    SnowflakeSource::new(config(double)).unwrap()
}

async fn read(double: &Double, sql: &str) -> Result<SourceTable, SourceError> {
    source(double).read(&statement(sql), &Silent).await
}

fn names(table: &SourceTable) -> Vec<String> {
    let name = table.required("NAME").unwrap();
    table.rows().map(|r| r.text(name).unwrap_or_default().into_owned()).collect()
}

fn batch(from: usize, n: usize) -> Vec<(&'static str, ArrayRef)> {
    let names: StringArray = (from..from + n).map(|i| Some(format!("v{i}"))).collect();
    let ids = Int64Array::from_iter_values((from..from + n).map(|i| i as i64));
    vec![("NAME", Arc::new(names)), ("ID", Arc::new(ids))]
}

const COLUMNS: &[(&str, &str)] = &[("NAME", "text"), ("ID", "fixed")];

fn wanted(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("v{i}")).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn arrow_parts_arrive_in_the_servers_order_whatever_their_widths() {
    let double = Double::start().await;
    let narrow: Vec<(&str, ArrayRef)> =
        vec![("NAME", batch(0, 5)[0].1.clone()), ("ID", Arc::new(Int8Array::from_iter_values(0..5)))];
    let chunks =
        &[double.chunk(gzip(&stream(&[batch(5, 10), batch(15, 5)])), 15), double.chunk(stream(&[batch(20, 5)]), 5)];
    double.answer("SELECT a", [Answer::Data(arrow(COLUMNS, &stream(&[narrow]), 25, chunks))]);
    let table = read(&double, "SELECT a").await.unwrap();
    assert_eq!(names(&table), wanted(25));
    let id = table.column("ID");
    let ids: Vec<_> = table.rows().map(|r| r.integer(id).unwrap().unwrap()).collect();
    assert_eq!(ids, (0..25).collect::<Vec<_>>());
    assert_eq!(table.receipt().query_id, "q-arrow");
    for seen in double.seen("/chunk/0") {
        assert!(seen.headers.get("authorization").is_none(), "the session token stays with the account's host");
        assert_eq!(seen.headers["x-amz-server-side-encryption-customer-key"], "a2V5");
    }
}

#[tokio::test]
async fn json_chunks_are_merged_behind_the_inline_rows() {
    let double = Double::start().await;
    let text = |from: usize, n: usize| {
        (from..from + n).map(|i| json!([format!("v{i}"), i.to_string()]).to_string()).collect::<Vec<_>>().join(",")
    };
    let chunks = &[double.chunk(text(3, 4).into_bytes(), 4), double.chunk(gzip(text(7, 4).as_bytes()), 4)];
    let inline = json!([["v0", "0"], ["v1", "1"], ["v2", null]]);
    double.answer("SHOW ROLES", [Answer::Data(rows(COLUMNS, &inline, 11, chunks))]);
    assert_eq!(names(&read(&double, "SHOW ROLES").await.unwrap()), wanted(11));
    assert_eq!(double.seen("/chunk/0")[0].headers["x-test-key"], "k");
}

#[tokio::test]
async fn an_empty_result_keeps_its_columns() {
    let double = Double::start().await;
    double.answer("SELECT none", [Answer::Data(arrow(COLUMNS, &[], 0, &[]))]);
    let table = read(&double, "SELECT none").await.unwrap();
    assert_eq!((table.columns(), table.len()), (&["NAME".to_owned(), "ID".to_owned()][..], 0));
    double.answer("SHOW none", [Answer::Data(rows(COLUMNS, &json!([]), 0, &[]))]);
    assert_eq!(read(&double, "SHOW none").await.unwrap().columns().len(), 2);
}

#[tokio::test]
async fn a_running_statement_is_polled_to_its_end() {
    let double = Double::start().await;
    let running = || Answer::Running("/queries/q1/result".into());
    double.answer("SELECT slow", [running()]);
    let done = Answer::Data(rows(COLUMNS, &json!([["v0", "0"]]), 1, &[]));
    let busy = Answer::Raw(503, vec![], "<html>busy</html>".into());
    double.lock().polls.insert("q1".into(), [running(), busy, done].into());
    let table = read(&double, "SELECT slow").await.unwrap();
    assert_eq!(names(&table), wanted(1));
    assert_eq!(table.receipt().polls, 2);
    assert!(double.seen("/queries/v1/abort-request").is_empty());
}

#[tokio::test]
async fn every_way_of_losing_rows_is_an_error() {
    let double = Double::start().await;
    let whole = stream(&[batch(0, 5), batch(5, 5)]);
    let one = stream(&[batch(0, 5)]);
    let boundary = [&one[..one.len() - 8], &[][..]].concat();
    for (sql, data) in [
        ("SELECT 1", arrow(COLUMNS, &[], 5, &[])),
        ("SELECT 2", rows(COLUMNS, &json!([]), 5, &[])),
        ("SELECT 3", arrow(COLUMNS, &one, 15, &[double.chunk(one.clone(), 10)])),
        ("SELECT 4", arrow(COLUMNS, &one, 15, &[double.chunk(boundary, 10)])),
        ("SELECT 5", arrow(COLUMNS, &one, 15, &[double.chunk(whole[..whole.len() - 100].to_vec(), 10)])),
        ("SELECT 6", arrow(COLUMNS, &one, 15, &[double.chunk(whole.clone(), 9)])),
        (
            "SELECT 7",
            arrow(COLUMNS, &one, 15, &[double.chunk(b"<Error><Code>AccessDenied</Code></Error>".to_vec(), 10)]),
        ),
        ("SELECT 8", rows(COLUMNS, &json!([["v0", "0"]]), 3, &[double.chunk(b"[\"v1\",\"1\"]".to_vec(), 2)])),
        ("SELECT 9", rows(COLUMNS, &json!([["v0"]]), 1, &[])),
    ] {
        double.answer(sql, [Answer::Data(data)]);
        let error = read(&double, sql).await.unwrap_err();
        assert!(matches!(error, SourceError::Incomplete(_)), "{sql}: {error}");
    }
    let gone = double.chunk_with(403, b"<Error/>".to_vec(), 10);
    double.answer("SELECT 403", [Answer::Data(arrow(COLUMNS, &one, 15, &[gone]))]);
    let error = read(&double, "SELECT 403").await.unwrap_err();
    assert!(matches!(error, SourceError::Http { status: 403, .. }), "{error}");
    assert!(!error.to_string().contains("signature"), "an address of a chunk is a credential: {error}");
}

#[tokio::test]
async fn retries_keep_the_request_id_and_heed_retry_after() {
    let double = Double::start().await;
    let done = Answer::Data(rows(COLUMNS, &json!([["v0", "0"]]), 1, &[]));
    let busy = Answer::Raw(503, vec![], String::new());
    let slow_down = Answer::Raw(429, vec![("retry-after", "1")], String::new());
    double.answer("SELECT r", [busy, slow_down, done]);
    let started = std::time::Instant::now();
    assert_eq!(names(&read(&double, "SELECT r").await.unwrap()), wanted(1));
    assert!(started.elapsed() >= Duration::from_secs(1));
    let seen = double.seen("/queries/v1/query-request");
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|s| s.query["requestId"] == seen[0].query["requestId"]));
    assert_ne!(seen[0].query["request_guid"], seen[1].query["request_guid"]);
    assert_eq!(seen[2].query["retryCount"], "2");
}

#[tokio::test]
async fn many_statements_after_an_expiry_share_one_renewal() {
    let double = Double::start().await;
    let done = Answer::Data(rows(COLUMNS, &json!([["v0", "0"]]), 1, &[]));
    double.answer("SELECT x", [done]);
    let source = Arc::new(source(&double));
    source.read(&statement("SELECT x"), &Silent).await.unwrap();
    for bare_401 in [false, true] {
        double.lock().seen.clear();
        double.expire(bare_401);
        let reads = (0..20).map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.read(&statement("SELECT x"), &Silent).await.map(|t| t.len()) })
        });
        for read in futures::future::join_all(reads).await {
            assert_eq!(read.unwrap().unwrap(), 1);
        }
        assert_eq!(double.seen("/session/token-request").len(), 1);
        assert!(double.seen("/session/v1/login-request").is_empty());
    }
    double.lock().seen.clear();
    double.lock().renewal = Some(Answer::Refused("390114", "Authentication token has expired."));
    double.expire(false);
    source.read(&statement("SELECT x"), &Silent).await.unwrap();
    assert_eq!(double.seen("/session/v1/login-request").len(), 1, "a dead session is replaced by one new login");
}

#[tokio::test]
async fn a_refused_login_is_asked_once_and_says_what_to_do() {
    let double = Double::start().await;
    double.lock().login = Some(Answer::Refused("390144", "JWT token is invalid. [abc]"));
    let private = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let key = SigningKey::from_pem(&private.to_pkcs8_pem(LineEnding::LF).unwrap(), None).unwrap();
    let fingerprint = key.fingerprint().to_owned();
    let mut config = config(&double);
    config.credential = Credential::KeyPair(Arc::new(key));
    let source = Arc::new(SnowflakeSource::new(config).unwrap());
    let reads = (0..5).map(|_| {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.read(&statement("SELECT x"), &Silent).await })
    });
    for read in futures::future::join_all(reads).await {
        let text = read.unwrap().unwrap_err().to_string();
        assert!(text.contains(&fingerprint) && text.contains("GRANTD_SVC"), "{text}");
        assert!(text.contains("ALTER USER GRANTD_SVC SET RSA_PUBLIC_KEY"), "{text}");
    }
    let logins = double.seen("/session/v1/login-request");
    assert_eq!(logins.len(), 1, "Snowflake locks users who fail repeatedly");
    assert_eq!(logins[0].body["data"]["AUTHENTICATOR"], "SNOWFLAKE_JWT");
}

#[tokio::test]
async fn login_pins_the_role_and_statements_carry_their_limits() {
    let double = Double::start().await;
    double.answer("SELECT x", [Answer::Data(rows(COLUMNS, &json!([]), 0, &[]))]);
    let source = source(&double);
    source.read(&statement("SELECT x"), &Silent).await.unwrap();
    source.close().await;
    let login = &double.seen("/session/v1/login-request")[0];
    assert_eq!((login.query["roleName"].as_str(), login.query["warehouse"].as_str()), ("GRANTD_SYNC", "GRANTD_WH"));
    let data = &login.body["data"];
    assert_eq!((&data["SECONDARY_ROLES"], &data["ACCOUNT_NAME"]), (&json!("NONE"), &json!("ACME")));
    assert_eq!((&data["LOGIN_NAME"], &data["TOKEN"]), (&json!("GRANTD_SVC"), &json!(TOKEN)));
    assert_eq!((&data["PASSWORD"], &data["SESSION_PARAMETERS"]["TIMEZONE"]), (&Value::Null, &json!("UTC")));
    let query = &double.seen("/queries/v1/query-request")[0];
    let parameters = &query.body["parameters"];
    assert_eq!(parameters["ROWS_PER_RESULTSET"], "0");
    assert_eq!(parameters["STATEMENT_TIMEOUT_IN_SECONDS"], "20");
    assert!(parameters["QUERY_TAG"].as_str().unwrap().starts_with("grantd/"));
    assert_eq!(double.seen("/session")[0].query["delete"], "true");
    assert!(!format!("{:?}", config(&double)).contains(TOKEN));
}

#[tokio::test]
async fn another_role_than_the_planned_one_is_refused() {
    let double = Double::start().await;
    double.lock().role = "PUBLIC".into();
    let text = read(&double, "SELECT x").await.unwrap_err().to_string();
    assert!(text.contains("GRANT ROLE GRANTD_SYNC TO USER GRANTD_SVC"), "{text}");
    assert!(double.seen("/queries/v1/query-request").is_empty());
}

#[tokio::test]
async fn a_statement_out_of_time_or_given_up_is_cancelled_on_the_server() {
    let double = Double::start().await;
    let late = Answer::After(Duration::from_secs(30), Box::new(Answer::Refused("x", "x")));
    double.answer("SELECT late", [late]);
    let mut config = config(&double);
    config.limits.statement = Duration::from_secs(1);
    let source = SnowflakeSource::new(config).unwrap();
    let error = source.read(&statement("SELECT late"), &Silent).await.unwrap_err();
    assert!(matches!(error, SourceError::Deadline(_)), "{error}");
    let aborted = |n| {
        let double = double.clone();
        async move {
            for _ in 0..100 {
                if double.seen("/queries/v1/abort-request").len() == n {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            false
        }
    };
    assert!(aborted(1).await);
    let asked = double.seen("/queries/v1/query-request");
    assert_eq!(double.seen("/queries/v1/abort-request")[0].body["requestId"], asked[0].query["requestId"].as_str());
    let late = statement("SELECT late");
    let dropped = tokio::time::timeout(Duration::from_millis(300), source.read(&late, &Silent)).await;
    assert!(dropped.is_err());
    assert!(aborted(2).await);
}

#[tokio::test]
async fn what_is_no_snowflake_answer_is_refused() {
    let double = Double::start().await;
    let page = |body: &str| Answer::Raw(200, vec![("content-type", "text/html")], body.to_owned());
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    double.answer("SELECT portal", [page("<html>log in to the wifi</html>")]);
    double.answer("SELECT deep", [page(&deep)]);
    double.answer("SELECT elsewhere", [Answer::Running("http://127.0.0.1:1/queries/x/result".into())]);
    for sql in ["SELECT portal", "SELECT deep", "SELECT elsewhere"] {
        let error = read(&double, sql).await.unwrap_err();
        assert!(matches!(error, SourceError::Malformed { .. }), "{sql}: {error}");
    }
    double.answer("SELECT moved", [Answer::Raw(302, vec![("location", "http://127.0.0.1:1/")], String::new())]);
    let error = read(&double, "SELECT moved").await.unwrap_err();
    assert!(matches!(error, SourceError::Http { status: 302, .. }), "{error}");
    double.answer("SELECT huge", [page(&"x".repeat(5000))]);
    let mut config = config(&double);
    config.limits.response_bytes = 4000;
    let source = SnowflakeSource::new(config).unwrap();
    let error = source.read(&statement("SELECT huge"), &Silent).await.unwrap_err();
    assert!(matches!(error, SourceError::TooLarge { limit: 4000, .. }), "{error}");
}

#[tokio::test]
async fn a_refused_statement_says_code_state_query_and_the_way_out() {
    let double = Double::start().await;
    double.answer(
        "SELECT v",
        [Answer::Refused(
            "002003",
            "SQL compilation error:\nSchema 'SNOWFLAKE.ACCOUNT_USAGE' does not exist or not authorized.",
        )],
    );
    let text = read(&double, "SELECT v").await.unwrap_err().to_string();
    for part in ["002003", "02000", "q-refused", "GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE GRANTD_SYNC"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    double.answer("SELECT w", [Answer::Refused("000606", "No active warehouse selected in the current session.")]);
    let text = read(&double, "SELECT w").await.unwrap_err().to_string();
    assert!(text.contains("GRANT USAGE ON WAREHOUSE GRANTD_WH TO ROLE GRANTD_SYNC"), "{text}");
}

#[tokio::test]
async fn an_unreachable_host_is_named_with_what_to_check() {
    let double = Double::start().await;
    let mut config = config(&double);
    config.url = Some("http://127.0.0.1:9".parse().unwrap());
    config.limits.attempts = 2;
    let error = SnowflakeSource::new(config).unwrap().read(&statement("SELECT x"), &Silent).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("127.0.0.1:9") && text.contains("login") && !text.contains("requestId"), "{text}");
}
