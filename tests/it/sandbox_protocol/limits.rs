//! What the server refuses, and that nothing a stranger sends ends it.

use flate2::Compression;
use flate2::write::GzEncoder;
use grantd::sandbox::protocol::{Sandbox, Settings};
use serde_json::json;
use std::io::Write as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::driver::{Running, small, start};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn status(sandbox: &Running, path: &str, encoding: &str, body: Vec<u8>) -> u16 {
    let request = sandbox.http.post(sandbox.url(path)).header("Content-Encoding", encoding).body(body);
    request.send().await.unwrap().status().as_u16()
}

#[test]
fn only_loopback_addresses_are_bound() {
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = Sandbox::bind(addr.parse().unwrap()).err().unwrap();
        assert!(error.to_string().contains("loopback"), "{addr}: {error}");
    }
    let first = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let taken = Sandbox::bind(first.local_addr()).err().unwrap();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn bodies_are_bounded_before_and_after_decompression() {
    let sandbox = start(Settings { body_bytes: 100_000, ..small() });
    let login = "/session/v1/login-request";
    assert_eq!(status(&sandbox, login, "identity", vec![b' '; 100_001]).await, 413);
    assert_eq!(status(&sandbox, login, "gzip", gzip(&vec![b' '; 10_000_000])).await, 413, "a gzip bomb");
    assert_eq!(status(&sandbox, login, "gzip", b"not gzip".to_vec()).await, 400);
    assert_eq!(status(&sandbox, login, "br", b"{}".to_vec()).await, 415);
    assert_eq!(status(&sandbox, login, "gzip", gzip(b"{\"data\":{}}")).await, 200, "a refused login is HTTP 200");
    assert_eq!(status(&sandbox, login, "identity", b"{".to_vec()).await, 400);
    assert_eq!(status(&sandbox, login, "identity", "[".repeat(50_000).into_bytes()).await, 400);
    let session = sandbox.login().await;
    for body in [json!({}), json!({"sqlText": 5}), json!([]), json!(null)] {
        let request = sandbox.http.post(sandbox.url("/queries/v1/query-request")).json(&body);
        let request = request.header("Authorization", format!("Snowflake Token=\"{}\"", session.token));
        assert_eq!(request.send().await.unwrap().status(), 400, "{body}");
    }
}

#[tokio::test]
async fn headers_paths_and_methods_are_checked() {
    let sandbox = start(small());
    let long = "x".repeat(40_000);
    assert_eq!(sandbox.http.get(sandbox.url("/chunk/x")).header("X-Long", &long).send().await.unwrap().status(), 431);
    assert_eq!(sandbox.http.get(sandbox.url(&format!("/chunk/x?{long}"))).send().await.unwrap().status(), 431);
    for path in ["/", "/queries", "/queries/x", "/session/v1", "/chunk/", "/%00", "/chunk/a/b"] {
        assert_eq!(sandbox.http.get(sandbox.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    assert_eq!(sandbox.http.get(sandbox.url("/session/v1/login-request")).send().await.unwrap().status(), 405);
    assert_eq!(sandbox.http.get(sandbox.url("/chunk/..%2F..")).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn garbage_on_the_wire_does_not_end_the_server() {
    let sandbox = start(small());
    for garbage in [
        &b"\0\xFF\x16\x03\x01"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /session HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(sandbox.addr).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "the server answers or closes");
    }
    sandbox.login().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let sandbox = start(Settings { body_wait: Duration::from_millis(200), ..small() });
    let mut stream = TcpStream::connect(sandbox.addr).await.unwrap();
    let head = "POST /session/v1/login-request HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0_u8; 12];
    tokio::time::timeout(Duration::from_secs(5), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
}

#[tokio::test]
async fn connections_over_the_limit_wait_their_turn() {
    let sandbox = start(Settings { connections: 1, ..small() });
    let first = TcpStream::connect(sandbox.addr).await.unwrap();
    let second = async {
        let mut stream = TcpStream::connect(sandbox.addr).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::pin!(second);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut second).await.is_err(), "no room yet");
    drop(first);
    let answer = tokio::time::timeout(Duration::from_secs(5), second).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[tokio::test]
async fn the_shutdown_ends_the_server_while_a_statement_runs() {
    let mut sandbox = start(Settings { statement_wait: Duration::from_mins(1), ..small() });
    let session = sandbox.login().await;
    let ending = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        sandbox.shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(sandbox.query(&session, "SLEEP 60000"), ending);
    assert!(["333333", "000604"].contains(&answer["code"].as_str().unwrap()), "{answer}");
    sandbox.http = reqwest::Client::new();
    let ended = tokio::time::timeout(Duration::from_secs(8), &mut sandbox.served).await;
    ended.unwrap().unwrap().unwrap();
}
