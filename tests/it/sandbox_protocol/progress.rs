//! Statements that take long: polling, aborting, repeating, watching.

use serde_json::{Value, json};
use std::time::{Duration, Instant};

use super::driver::{impatient, small, start};

#[tokio::test]
async fn a_statement_that_outlives_the_wait_is_polled_to_its_result() {
    let sandbox = start(impatient());
    let session = sandbox.login().await;
    let first = sandbox.query(&session, "SLEEP 800").await;
    assert_eq!((&first["success"], &first["code"]), (&json!(true), &json!("333333")));
    let id = first["data"]["queryId"].as_str().unwrap();
    assert_eq!(first["data"]["getResultUrl"], format!("/queries/{id}/result"));
    let running = sandbox.get(&format!("/monitoring/queries/{id}"), &session.token).await;
    assert_eq!(running["data"]["queries"][0]["status"], "RUNNING");
    let mut polls = 0;
    let last = loop {
        let answer = sandbox.get(&format!("/queries/{id}/result"), &session.token).await;
        if answer["code"] == "333333" {
            polls += 1;
            continue;
        }
        break answer;
    };
    assert!(polls >= 1, "each poll waits, and then says that it runs");
    assert_eq!(last["data"]["rowset"], json!([["Slept."]]));
    let done = sandbox.get(&format!("/monitoring/queries/{id}"), &session.token).await;
    assert_eq!(done["data"]["queries"][0]["status"], "SUCCESS");
}

#[tokio::test]
async fn an_asynchronous_statement_answers_at_once_and_result_scan_reads_it() {
    let sandbox = start(impatient());
    let session = sandbox.login().await;
    let first = sandbox.query_as(&session, "SELECT * FROM MISSING", "1", json!({"asyncExec": true})).await;
    let id = first["data"]["queryId"].as_str();
    assert!(["333334", "002003"].contains(&first["code"].as_str().unwrap()), "{first}");
    let failed = sandbox.get(&format!("/queries/{}/result", id.unwrap()), &session.token).await;
    assert_eq!(failed["code"], "002003");
    let watched = sandbox.get(&format!("/monitoring/queries/{}", id.unwrap()), &session.token).await;
    assert_eq!(watched["data"]["queries"][0]["status"], "FAILED_WITH_ERROR");
    let second = sandbox.query(&session, "SHOW THINGS 3").await;
    let scan = format!("select * from table(result_scan('{}'))", second["data"]["queryId"].as_str().unwrap());
    assert_eq!(sandbox.query(&session, &scan).await["data"]["rowset"], second["data"]["rowset"]);
    let nothing = "SELECT * FROM TABLE(RESULT_SCAN('01000000-0000-0000-0000-000000000000'));";
    assert_eq!(sandbox.query(&session, nothing).await["code"], "000709");
}

#[tokio::test]
async fn an_abort_ends_the_statement_by_request_or_by_id() {
    let sandbox = start(impatient());
    let session = sandbox.login().await;
    for by_request in [true, false] {
        let request = format!("request-{by_request}");
        let first = sandbox.query_as(&session, "SLEEP 60000", &request, json!({})).await;
        let id = first["data"]["queryId"].as_str().unwrap();
        let path =
            if by_request { "/queries/v1/abort-request".to_owned() } else { format!("/queries/{id}/abort-request") };
        let body = json!({"sqlText": "SLEEP 60000", "requestId": request});
        assert_eq!(sandbox.post(&path, Some(&session.token), &body).await["success"], true);
        let ended = sandbox.get(&format!("/queries/{id}/result"), &session.token).await;
        assert_eq!((&ended["code"], &ended["data"]["sqlState"]), (&json!("000604"), &json!("57014")));
        let watched = sandbox.get(&format!("/monitoring/queries/{id}"), &session.token).await;
        assert_eq!(watched["data"]["queries"][0]["status"], "ABORTED");
    }
    let none = sandbox.post("/queries/v1/abort-request", Some(&session.token), &json!({"requestId": "none"})).await;
    assert_eq!(none["code"], "000605");
}

#[tokio::test]
async fn a_statement_ends_with_its_timeout_or_its_session() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let more = json!({"parameters": {"STATEMENT_TIMEOUT_IN_SECONDS": 1}});
    let ended = sandbox.query_as(&session, "SLEEP 60000", "1", more).await;
    assert_eq!((&ended["code"], &ended["data"]["sqlState"]), (&json!("000630"), &json!("57014")));
    let started = Instant::now();
    let closing = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        sandbox.post("/session?delete=true", Some(&session.token), &Value::Null).await
    };
    let (ended, _) = tokio::join!(sandbox.query(&session, "SLEEP 60000"), closing);
    assert_eq!(ended["code"], "000604");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_repeated_request_is_the_same_statement() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let once = sandbox.query_as(&session, "CREATE ROLE R", "same", json!({})).await;
    let again = sandbox.query_as(&session, "CREATE ROLE R", "same", json!({})).await;
    assert_eq!(once["data"]["queryId"], again["data"]["queryId"]);
    assert_eq!(sandbox.controls.statements().statements, 1);
    let other = sandbox.query_as(&session, "CREATE ROLE S", "same", json!({})).await;
    assert_ne!(once["data"]["queryId"], other["data"]["queryId"], "another text is another statement");
    let stranger = sandbox.login().await;
    let theirs = sandbox.query_as(&stranger, "CREATE ROLE R", "same", json!({})).await;
    assert_ne!(once["data"]["queryId"], theirs["data"]["queryId"], "request ids are a session's own");
}

#[tokio::test]
async fn the_counter_tells_statements_by_command_and_requests_by_endpoint() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    for sql in ["SHOW THINGS 1", "SHOW THINGS 2", "CREATE ROLE R", "SELECT * FROM MISSING", "SELECT * FROM TYPES"] {
        sandbox.query(&session, sql).await;
    }
    let told: Value = sandbox.http.get(sandbox.url("/sandbox/statements")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&told["statements"], &told["failed"], &told["open_sessions"]), (&json!(5), &json!(1), &json!(1)));
    assert_eq!(told["by_command"], json!({"CREATE ROLE": 1, "SELECT": 2, "SHOW THINGS": 2}));
    assert_eq!((&told["requests"]["query-request"], &told["requests"]["login-request"]), (&json!(5), &json!(1)));
    sandbox.http.delete(sandbox.url("/sandbox/statements")).send().await.unwrap();
    assert_eq!(sandbox.controls.statements().statements, 0);
}
