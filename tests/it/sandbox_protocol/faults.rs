//! Each fault, as a client meets it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::record_batch::RecordBatch;
use grantd::sandbox::protocol::{FaultKind, FaultRule};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::driver::{Running, Session, small, start};
use super::results::{chunk, decode};

const SELECT: &str = "SELECT * FROM NUMBERS 50";

async fn raw(sandbox: &Running, session: &Session) -> Result<reqwest::Response, reqwest::Error> {
    let request = sandbox.http.post(sandbox.url("/queries/v1/query-request"));
    let request = request.header("Authorization", format!("Snowflake Token=\"{}\"", session.token));
    request.json(&json!({"sqlText": SELECT})).send().await
}

/// The answer to the test's SELECT, once each rule was added.
async fn struck(rules: &[Value]) -> (Running, Value) {
    let sandbox = start(small());
    let session = sandbox.login().await;
    for rule in rules {
        sandbox.fault(rule.clone()).await;
    }
    let answer = sandbox.query(&session, SELECT).await;
    (sandbox, answer)
}

fn rule(kind: &str, mut fields: Value) -> Value {
    fields["match"] = "NUMBERS 50".into();
    fields["kind"] = kind.into();
    fields
}

fn executed(sandbox: &Running) -> u64 {
    sandbox.controls.statements().statements
}

#[tokio::test]
async fn rules_strike_where_they_match_as_often_as_they_say() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    sandbox.fault(rule("http_status", json!({"status": 503, "skip": 1, "times": 2}))).await;
    assert_eq!(sandbox.query(&session, "SELECT * FROM NUMBERS 4").await["success"], true, "no match");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(raw(&sandbox, &session).await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 503, 200, 200]);
    let left: Value = sandbox.http.get(sandbox.url("/sandbox/faults")).send().await.unwrap().json().await.unwrap();
    assert_eq!(left, json!([]));
    sandbox.controls.add_faults(vec![FaultRule::once("/queries/v1", FaultKind::Unauthorized)]).unwrap();
    sandbox.controls.clear_faults();
    assert_eq!(raw(&sandbox, &session).await.unwrap().status(), 200);
}

#[tokio::test]
async fn wrong_rules_are_refused_with_their_place_and_none_is_taken() {
    let sandbox = start(small());
    let good = rule("close_before", json!({}));
    for (bad, says) in [
        (json!({}), "JSON list"),
        (json!([good, {"kind": "close_before"}]), "fault 1: \"match\""),
        (json!([rule("no_such", json!({}))]), "unknown variant"),
        (json!([rule("http_status", json!({}))]), "missing field `status`"),
        (json!([rule("http_status", json!({"status": 42}))]), "\"status\" must be"),
        (json!([rule("null_row", json!({"colour": "red"}))]), "colour"),
        (json!([rule("null_row", json!({"times": 0}))]), "\"times\""),
        (json!([rule("slow_body", json!({"bytes_per_second": 0}))]), "bytes_per_second"),
    ] {
        let response = sandbox.http.post(sandbox.url("/sandbox/faults")).json(&bad).send().await.unwrap();
        assert_eq!(response.status(), 400, "{bad}");
        let message = response.text().await.unwrap();
        assert!(message.contains(says), "{bad}: {message}");
    }
    let page = sandbox.http.post(sandbox.url("/sandbox/faults")).header("Content-Type", "text/plain").body("[]");
    assert_eq!(page.send().await.unwrap().status(), 415, "a web page cannot set faults");
    let left: Value = sandbox.http.get(sandbox.url("/sandbox/faults")).send().await.unwrap().json().await.unwrap();
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn answers_that_are_replaced_or_broken() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    sandbox.fault(rule("http_status", json!({"status": 429, "retry_after": 7}))).await;
    let response = raw(&sandbox, &session).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    sandbox.fault(rule("html_200", json!({}))).await;
    let response = raw(&sandbox, &session).await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()), (200, "text/html"));
    sandbox.fault(rule("close_before", json!({}))).await;
    assert!(raw(&sandbox, &session).await.is_err());
    assert_eq!(executed(&sandbox), 0, "none of these was carried out");

    sandbox.fault(rule("close_before", json!({"executed": true}))).await;
    assert!(raw(&sandbox, &session).await.is_err());
    sandbox.fault(rule("close_in_headers", json!({}))).await;
    assert!(raw(&sandbox, &session).await.is_err());
    sandbox.fault(rule("close_in_body", json!({}))).await;
    let mut response = raw(&sandbox, &session).await.unwrap();
    assert!(response.chunk().await.unwrap().is_some(), "the first half arrives");
    assert!(response.bytes().await.is_err(), "and then the connection breaks");
    sandbox.fault(rule("malformed_json", json!({}))).await;
    let text = raw(&sandbox, &session).await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<Value>(&text).unwrap_err().is_eof());
    assert_eq!(executed(&sandbox), 4, "each of these was");

    sandbox.fault(rule("deep_json", json!({"depth": 5000}))).await;
    let text = raw(&sandbox, &session).await.unwrap().text().await.unwrap();
    assert!(text.contains(&"[".repeat(5000)));
    sandbox.fault(rule("huge_json", json!({"bytes": 3_000_000}))).await;
    let huge: Value = raw(&sandbox, &session).await.unwrap().json().await.unwrap();
    assert!(huge["data"]["padding"].as_str().unwrap().len() >= 3_000_000);
    sandbox.fault(rule("failure", json!({"code": "000604", "sqlstate": "57014", "message": "x"}))).await;
    let failure: Value = raw(&sandbox, &session).await.unwrap().json().await.unwrap();
    assert_eq!((&failure["code"], &failure["data"]["sqlState"]), (&json!("000604"), &json!("57014")));
}

#[tokio::test]
async fn slow_bodies_and_latency_take_their_time() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    sandbox.fault(rule("latency", json!({"milliseconds": 400}))).await;
    let started = Instant::now();
    let body = raw(&sandbox, &session).await.unwrap().bytes().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(400));
    sandbox.fault(rule("slow_body", json!({"bytes_per_second": body.len() * 2}))).await;
    let started = Instant::now();
    let slow = raw(&sandbox, &session).await.unwrap().bytes().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(400));
    assert!(serde_json::from_slice::<Value>(&slow).is_ok());
}

#[tokio::test]
async fn an_expired_session_stays_expired_until_one_renewal() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    sandbox.fault(rule("session_expired", json!({}))).await;
    let answers = futures::future::join_all((0..8).map(|_| sandbox.query(&session, SELECT))).await;
    let expired = answers.iter().filter(|answer| answer["code"] == "390112").count();
    assert!(expired >= 1);
    assert_eq!(sandbox.query(&session, SELECT).await["code"], "390112", "also the next request");
    let renewed = sandbox.post("/session/token-request", Some(&session.master), &json!({})).await;
    let token = renewed["data"]["sessionToken"].as_str().unwrap().to_owned();
    let master = renewed["data"]["masterToken"].as_str().unwrap().to_owned();
    let session = Session { token, master };
    assert_eq!(sandbox.query(&session, SELECT).await["success"], true);

    sandbox.fault(rule("unauthorized", json!({}))).await;
    let bare = raw(&sandbox, &session).await.unwrap();
    assert_eq!((bare.status().as_u16(), bare.bytes().await.unwrap().len()), (401, 0));
    sandbox.fault(json!({"match": "", "kind": "renew_refused"})).await;
    let refused = sandbox.post("/session/token-request", Some(&session.master), &json!({})).await;
    assert_eq!(refused["code"], "390114");
    assert_eq!(sandbox.query(&session, SELECT).await["code"], "390111", "the session is gone");
}

#[tokio::test]
async fn logins_meet_skewed_clocks_and_other_roles() {
    let sandbox = start(small());
    for seconds in [-600, 600] {
        sandbox.fault(json!({"match": "login-request", "kind": "clock_skew", "seconds": seconds})).await;
        assert_eq!(sandbox.login_with(|_| ()).await["code"], "390144", "{seconds}");
    }
    sandbox.fault(json!({"match": "login-request", "kind": "wrong_role", "role": "OTHER"})).await;
    assert_eq!(sandbox.login_with(|_| ()).await["data"]["sessionInfo"]["roleName"], "OTHER");
    let (_, answer) = struck(&[rule("wrong_role", json!({"role": "OTHER"}))]).await;
    assert_eq!(answer["data"]["finalRoleName"], "OTHER");
}

#[tokio::test]
async fn progress_is_pretended_so_many_times_and_may_lead_elsewhere() {
    let (sandbox, answer) = struck(&[rule("in_progress", json!({"polls": 2}))]).await;
    assert_eq!(answer["code"], "333333");
    let url = answer["data"]["getResultUrl"].as_str().unwrap();
    let session = sandbox.login().await;
    sandbox.fault(json!({"match": "/result", "kind": "http_status", "status": 503})).await;
    let poll = sandbox.http.get(sandbox.url(url)).send().await.unwrap();
    assert_eq!(poll.status(), 503, "a poll can fail too");
    for expected in [json!("333333"), json!("333333"), Value::Null] {
        assert_eq!(sandbox.get(url, &session.token).await["code"], expected);
    }
    let (_, answer) = struck(&[rule("result_url_elsewhere", json!({"url": "http://other.invalid/x"}))]).await;
    assert_eq!(
        (&answer["code"], &answer["data"]["getResultUrl"]),
        (&json!("333333"), &json!("http://other.invalid/x"))
    );
}

#[tokio::test]
async fn counts_that_lie() {
    let (_, answer) = struck(&[rule("total_off", json!({"by": -2}))]).await;
    assert_eq!((&answer["data"]["total"], &answer["data"]["returned"]), (&json!(48), &json!(48)));
    let (_, answer) = struck(&[rule("empty_inline", json!({}))]).await;
    assert_eq!((&answer["data"]["total"], &answer["data"]["rowsetBase64"]), (&json!(50), &json!("")));
    let (_, answer) = struck(&[rule("chunk_row_count", json!({"by": 1}))]).await;
    assert_eq!(answer["data"]["chunks"][0]["rowCount"], 31);
    let (_, answer) = struck(&[rule("show_cut", json!({"rows": 10}))]).await;
    assert_eq!(answer["data"]["total"], 10);
}

#[tokio::test]
async fn chunks_that_are_refused_cut_or_damaged() {
    let (sandbox, answer) = struck(&[rule("chunk_status", json!({}))]).await;
    let url = answer["data"]["chunks"][0]["url"].as_str().unwrap();
    let refused = sandbox.http.get(url).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().starts_with("<?xml"));

    let (sandbox, answer) = struck(&[rule("chunk_cut_mid_message", json!({}))]).await;
    let bytes = chunk(&sandbox, &answer["data"]["chunks"][0]).await;
    let read: Result<Vec<_>, _> = StreamReader::try_new(bytes.as_slice(), None).unwrap().collect();
    assert!(read.is_err(), "cut inside a message");

    let (sandbox, answer) = struck(&[rule("chunk_cut_at_boundary", json!({}))]).await;
    let told = &answer["data"]["chunks"][0];
    let bytes = chunk(&sandbox, told).await;
    let rows: usize = decode(&bytes).iter().map(RecordBatch::num_rows).sum();
    assert_eq!((rows, told["rowCount"].as_u64()), (15, Some(30)), "half of the rows, and no error from Arrow");

    let (sandbox, answer) = struck(&[rule("chunk_missing_eos", json!({}))]).await;
    let bytes = chunk(&sandbox, &answer["data"]["chunks"][0]).await;
    assert!(!bytes.ends_with(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]));
    assert_eq!(decode(&bytes).iter().map(RecordBatch::num_rows).sum::<usize>(), 30);

    let (sandbox, answer) = struck(&[rule("chunk_wrong_gzip", json!({}))]).await;
    let url = answer["data"]["chunks"][0]["url"].as_str().unwrap();
    assert!(sandbox.http.get(url).send().await.unwrap().bytes().await.is_err());

    let (_, answer) = struck(&[rule("chunk_missing_eos", json!({"chunk": 60}))]).await;
    assert_eq!(answer["code"], "000603", "a fault that cannot strike says so: {answer}");
    let (_, answer) = struck(&[rule("chunk_missing_eos", json!({"chunk": 5}))]).await;
    assert_eq!(answer["data"]["chunks"].as_array().unwrap().len(), 6, "a small result is cut to have the chunk");
}

#[tokio::test]
async fn columns_that_surprise() {
    let split = rule("split", json!({"inline_rows": 10, "chunk_rows": 20}));
    let (sandbox, answer) = struck(&[split, rule("mixed_integer_widths", json!({}))]).await;
    let data = &answer["data"];
    let mut widths = vec![decode(&STANDARD.decode(data["rowsetBase64"].as_str().unwrap()).unwrap())[0].schema()];
    for told in data["chunks"].as_array().unwrap() {
        widths.push(decode(&chunk(&sandbox, told).await)[0].schema());
    }
    let widths: Vec<&DataType> = widths.iter().map(|schema| schema.field(0).data_type()).collect();
    assert_eq!(widths, [&DataType::Int8, &DataType::Int16, &DataType::Int32]);

    let (_, answer) = struck(&[rule("unknown_column_type", json!({}))]).await;
    assert_eq!(answer["data"]["rowtype"][0]["type"], "vector");
    let (_, answer) = struck(&[rule("duplicate_column_names", json!({}))]).await;
    assert_eq!(
        (&answer["data"]["rowtype"][0]["name"], &answer["data"]["rowtype"][1]["name"]),
        (&json!("ID"), &json!("ID"))
    );
    let (_, answer) = struck(&[rule("null_row", json!({}))]).await;
    assert_eq!(answer["data"]["total"], 51);
}
