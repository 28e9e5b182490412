//! The JSON envelope around every answer: `{"data", "code", "message", "success"}`.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};

use super::engine::Failure;

/// A successful answer's body.
pub(super) fn success(data: &Value) -> Bytes {
    body(data, None, None, true)
}

/// A body whose statement still runs.
pub(super) fn in_progress(data: &Value, code: &str) -> Bytes {
    body(data, Some(code), Some("Query execution in progress."), true)
}

/// A refused login: application errors are HTTP 200.
pub(super) fn login_failure(failure: &Failure, method: &str) -> Bytes {
    let data = json!({
        "nextAction": "RETRY_LOGIN", "pwdChangeInfo": null, "inFlightCtx": null, "redirectUrl": null,
        "licenseAgreementPDFLink": null, "licenseAgreementHTMLLink": null,
        "licenseAgreementAcceptedByAccountAdmin": null, "messageCode": null, "authnMethod": method,
        "signInOptions": {}
    });
    body(&data, Some(&failure.code), Some(&failure.message), false)
}

/// A refused request of a session: there is no statement to speak of.
pub(super) fn session_failure(failure: &Failure) -> Bytes {
    body(&Value::Null, Some(&failure.code), Some(&failure.message), false)
}

/// A failed statement.
pub(super) fn statement_failure(failure: &Failure, query_id: &str) -> Bytes {
    let data = json!({
        "internalError": false, "unredactedFromSecureObject": false, "errorCode": failure.code, "age": 0,
        "sqlState": failure.sqlstate, "queryId": query_id, "line": -1, "pos": -1, "type": "COMPILATION"
    });
    body(&data, Some(&failure.code), Some(&failure.message), false)
}

fn body(data: &Value, code: Option<&str>, message: Option<&str>, success: bool) -> Bytes {
    let envelope = json!({"data": data, "code": code, "message": message, "success": success, "headers": null});
    Bytes::from(envelope.to_string())
}

/// A response with a JSON body.
pub(super) fn json_response(body: impl Into<Body>) -> Response<Body> {
    respond(StatusCode::OK, "application/json", body)
}

/// A response with this status, content type and body.
pub(super) fn respond(status: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A plain-text response, for what no driver should ever send.
pub(super) fn text(status: StatusCode, message: impl Into<String>) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", message.into())
}
