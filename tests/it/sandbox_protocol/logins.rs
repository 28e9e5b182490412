//! Who gets in, and how long a session and its tokens live.

use grantd::sandbox::protocol::Settings;
use serde_json::{Value, json};
use std::time::Duration;

use super::driver::{keys, now, small, start, token};

fn code(answer: &Value) -> &str {
    assert_eq!(answer["success"], false, "{answer}");
    answer["code"].as_str().unwrap()
}

#[tokio::test]
async fn a_login_answers_every_field_that_drivers_insist_on() {
    let sandbox = start(small());
    let answer = sandbox.login_with(|_| ()).await;
    let data = &answer["data"];
    for field in ["token", "masterToken", "serverVersion", "displayUserName"] {
        assert!(data[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    for field in ["sessionId", "validityInSeconds", "masterValidityInSeconds"] {
        assert!(data[field].as_u64().is_some_and(|number| number > 0), "{field}");
    }
    assert_eq!(data["sessionInfo"]["roleName"], "ANALYST");
    assert_eq!(data["sessionInfo"]["databaseName"], Value::Null, "an empty name asks for none");
    let telemetry = data["parameters"].as_array().unwrap().iter().find(|p| p["name"] == "CLIENT_TELEMETRY_ENABLED");
    assert_eq!(telemetry.unwrap()["value"], false);
    assert_ne!(data["token"], sandbox.login_with(|_| ()).await["data"]["token"]);
}

#[tokio::test]
async fn each_wrong_part_of_a_key_pair_login_is_refused_alike() {
    let sandbox = start(small());
    let [alice, stranger] = keys();
    let wrong = [
        ("another key", token(stranger, "ALICE", |_| ())),
        ("another user's token", token(alice, "BOB", |_| ())),
        ("expired", token(alice, "ALICE", |claims| claims["exp"] = json!(now() - 120))),
        ("from the future", token(alice, "ALICE", |claims| claims["iat"] = json!(now() + 120))),
        ("lower-case subject", token(alice, "ALICE", |claims| claims["sub"] = json!("testacct.alice"))),
        ("no issuer", token(alice, "ALICE", |claims| claims["iss"] = json!(""))),
        ("garbage", "a.b.c".to_owned()),
        ("nothing", String::new()),
    ];
    for (what, token) in wrong {
        let answer = sandbox.login_with(|data| data["TOKEN"] = token.into()).await;
        assert_eq!(code(&answer), "390144", "{what}");
        let message = answer["message"].as_str().unwrap();
        let id = message.strip_prefix("JWT token is invalid. [").and_then(|rest| rest.strip_suffix(']'));
        assert!(id.is_some_and(|id| id.len() == 36), "{what}: {message}");
        assert_eq!(answer["data"]["authnMethod"], "KEYPAIR", "{what}");
    }
    let unknown = sandbox
        .login_with(|data| {
            data["LOGIN_NAME"] = "nobody".into();
            data["TOKEN"] = token(alice, "NOBODY", |_| ()).into();
        })
        .await;
    assert_eq!(code(&unknown), "390144", "an unknown user hears what a wrong key hears");
    let elsewhere = sandbox.login_with(|data| data["ACCOUNT_NAME"] = "other".into()).await;
    assert_eq!(code(&elsewhere), "390144");
    let region = sandbox.login_with(|data| data["ACCOUNT_NAME"] = "TESTACCT.eu-central-1".into()).await;
    assert_eq!(region["success"], true, "the account is cut at the first dot");
}

#[tokio::test]
async fn other_ways_to_log_in_are_refused_by_their_own_codes() {
    let sandbox = start(small());
    for (authenticator, expected) in [
        ("SNOWFLAKE", "390100"),
        ("", "390100"),
        ("OAUTH", "390303"),
        ("PROGRAMMATIC_ACCESS_TOKEN", "394400"),
        ("EXTERNALBROWSER", "390100"),
        ("NONSENSE", "390100"),
    ] {
        let answer = sandbox
            .login_with(|data| {
                data["AUTHENTICATOR"] = authenticator.into();
                data["PASSWORD"] = "x".into();
            })
            .await;
        assert_eq!(code(&answer), expected, "{authenticator}");
    }
    let sso = sandbox.post("/session/authenticator-request", None, &json!({"data": {}})).await;
    assert_eq!(code(&sso), "390100");
    let disabled = sandbox.login_with(|data| data["LOGIN_NAME"] = "disabled".into()).await;
    assert_eq!(code(&disabled), "390101", "what the engine refuses is told in its words");
}

#[tokio::test]
async fn a_role_the_engine_refuses_refuses_the_login() {
    let sandbox = start(small());
    let body = json!({"data": {"ACCOUNT_NAME": "testacct", "LOGIN_NAME": "alice", "AUTHENTICATOR": "SNOWFLAKE_JWT",
        "TOKEN": token(&keys()[0], "ALICE", |_| ())}});
    let answer = sandbox.post("/session/v1/login-request?roleName=NOT_MINE", None, &body).await;
    assert_eq!(code(&answer), "390189");
}

#[tokio::test]
async fn a_renewal_gives_new_tokens_and_ends_the_old_ones() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let body = json!({"oldSessionToken": session.token, "requestType": "RENEW"});
    // One driver sends the double slash.
    let renewed = sandbox.post("//session/token-request", Some(&session.master), &body).await;
    let fresh = renewed["data"]["sessionToken"].as_str().unwrap();
    assert!(renewed["data"]["validityInSecondsST"].is_u64() && renewed["data"]["masterToken"].is_string());
    assert_eq!(code(&sandbox.post("/session/heartbeat", Some(&session.token), &Value::Null).await), "390104");
    assert_eq!(sandbox.post("/session/heartbeat", Some(fresh), &Value::Null).await["success"], true);
    assert_eq!(code(&sandbox.post("/session/token-request", Some(&session.master), &body).await), "390113");
    assert_eq!(code(&sandbox.post("/session/token-request", Some(fresh), &body).await), "390113");
    assert_eq!(code(&sandbox.post("/session/heartbeat", None, &Value::Null).await), "390103");
    assert_eq!(code(&sandbox.post("/session/heartbeat", Some("x"), &Value::Null).await), "390104");
}

#[tokio::test]
async fn a_session_expires_is_renewed_and_dies_with_its_master_token() {
    let lives = Settings {
        session_lifetime: Duration::from_millis(200),
        master_lifetime: Duration::from_millis(900),
        ..small()
    };
    let sandbox = start(lives);
    let session = sandbox.login().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(code(&sandbox.query(&session, "CREATE ROLE R").await), "390112");
    let renewed = sandbox.post("/session/token-request", Some(&session.master), &json!({})).await;
    let fresh = renewed["data"]["sessionToken"].as_str().unwrap();
    assert_eq!(sandbox.post("/session/heartbeat", Some(fresh), &Value::Null).await["success"], true);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let master = renewed["data"]["masterToken"].as_str();
    assert_eq!(code(&sandbox.post("/session/token-request", master, &json!({})).await), "390114");
    assert_eq!(code(&sandbox.post("/session/token-request", master, &json!({})).await), "390113");
}

#[tokio::test]
async fn a_closed_session_is_gone_and_makes_room() {
    let sandbox = start(Settings { sessions: 1, ..small() });
    let session = sandbox.login().await;
    assert_eq!(code(&sandbox.login_with(|_| ()).await), "390999", "the limit of sessions");
    assert_eq!(sandbox.post("/session?delete=true", Some(&session.token), &Value::Null).await["success"], true);
    assert_eq!(code(&sandbox.query(&session, "CREATE ROLE R").await), "390111");
    assert_eq!(code(&sandbox.post("/session/token-request", Some(&session.master), &json!({})).await), "390113");
    sandbox.login().await;
}
