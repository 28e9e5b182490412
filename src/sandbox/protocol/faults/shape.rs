//! What the faults do to answers on the wire: other statuses, broken connections, spoilt bodies.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use bytes::Bytes;
use futures::stream;
use std::io;
use std::time::Duration;

use super::FaultKind;
use crate::sandbox::protocol::envelope::{json_response, respond};
use crate::sandbox::protocol::request::Route;
use crate::sandbox::protocol::wire::Wire;

/// Enough for a status line and the start of a header, never for all headers.
const BYTES_INTO_HEADERS: u64 = 24;
/// The largest answer that is held to be spoilt.
const MOST_HELD: usize = 1 << 30;
/// How long the first half of a body has to reach the client before the connection breaks.
const BEFORE_BREAK: Duration = Duration::from_millis(100);
/// A stream's step.
const STEP: usize = 64 << 10;

/// The answer that replaces the request's own, if one does and the request is not to be carried out (`executed`
/// false), or is already (`executed` true).
pub(in super::super) fn replaced(
    faults: &[FaultKind],
    executed: bool,
    route: &Route,
    wire: &Wire,
) -> Option<Response<Body>> {
    faults.iter().find_map(|fault| match fault {
        FaultKind::HttpStatus { status, retry_after, executed: when } if *when == executed => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
            let mut response = page(status, route);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Some(response)
        }
        FaultKind::CloseBefore { executed: when } if *when == executed => {
            wire.cut_after(0);
            Some(json_response(Body::empty()))
        }
        FaultKind::CloseInHeaders { executed: when } if *when == executed => {
            wire.cut_after(BYTES_INTO_HEADERS);
            Some(json_response(Body::empty()))
        }
        FaultKind::Html200 { executed: when } if *when == executed => Some(page(StatusCode::OK, route)),
        FaultKind::DeepJson { depth } if !executed => {
            let text = format!("{{\"data\":{}{},\"success\":true}}", "[".repeat(*depth), "]".repeat(*depth));
            Some(json_response(text))
        }
        FaultKind::HugeJson { bytes } if !executed => Some(json_response(huge(*bytes))),
        _ => None,
    })
}

/// A page as a proxy, a gateway or an object store writes it.
pub(in super::super) fn page(status: StatusCode, route: &Route) -> Response<Body> {
    if matches!(route, Route::Chunk(_)) {
        let code = if status == StatusCode::FORBIDDEN { "AccessDenied" } else { "InternalError" };
        let xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code></Error>");
        return respond(status, "application/xml", xml);
    }
    respond(status, "text/html", format!("<html><body><h1>{status}</h1></body></html>"))
}

/// The request's own answer after the faults that spoil its body.
pub(in super::super) async fn shaped(faults: &[FaultKind], mut response: Response<Body>) -> Response<Body> {
    for fault in faults {
        response = match fault {
            FaultKind::MalformedJson => {
                spoil(response, |body| {
                    let half = body.slice(..body.len() / 2);
                    (Body::from(half.clone()), half.len())
                })
                .await
            }
            FaultKind::CloseInBody => {
                spoil(response, |body| (broken(body.slice(..body.len() / 2)), body.len().max(1))).await
            }
            FaultKind::SlowBody { bytes_per_second } => {
                let speed = *bytes_per_second;
                spoil(response, |body| (slow(body.clone(), speed), body.len())).await
            }
            _ => response,
        };
    }
    response
}

async fn spoil(response: Response<Body>, change: impl FnOnce(&Bytes) -> (Body, usize)) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let body = match to_bytes(body, MOST_HELD).await {
        Ok(body) => body,
        Err(error) => return respond(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string()),
    };
    let (body, length) = change(&body);
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Response::from_parts(head, body)
}

fn broken(half: Bytes) -> Body {
    Body::from_stream(stream::unfold(Some(half), |half| async {
        if let Some(half) = half {
            return Some((Ok(half), None));
        }
        tokio::time::sleep(BEFORE_BREAK).await;
        Some((Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a sandbox fault")), None))
    }))
}

fn slow(body: Bytes, bytes_per_second: u64) -> Body {
    // At most ten steps a second, so that a fast "slow" body needs no thousand timers.
    let step = usize::try_from(bytes_per_second / 10).unwrap_or(STEP).clamp(1, STEP);
    let pause = Duration::from_secs_f64(step as f64 / bytes_per_second as f64);
    Body::from_stream(stream::unfold(body, move |mut body| async move {
        if body.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let part = body.split_to(step.min(body.len()));
        Some((Ok::<_, io::Error>(part), body))
    }))
}

fn huge(bytes: u64) -> Body {
    const START: &[u8] = b"{\"code\":null,\"message\":null,\"success\":true,\"data\":{\"padding\":\"";
    const END: &[u8] = b"\"}}";
    let filler = Bytes::from(vec![b'x'; STEP]);
    let steps = bytes.div_ceil(STEP as u64);
    Body::from_stream(stream::unfold(0_u64, move |step| {
        let part = match step {
            0 => Some(Bytes::from_static(START)),
            n if n <= steps => Some(filler.clone()),
            n if n == steps.saturating_add(1) => Some(Bytes::from_static(END)),
            _ => None,
        };
        async move { part.map(|part| (Ok::<_, io::Error>(part), step + 1)) }
    }))
}
