//! The daemon as an operator runs it: health, metrics, log lines, secrets, its end, its image and unit.

mod image;
mod logs;
mod metrics;
mod panics;
mod secrets;
mod shutdown;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::operator::{OPERATOR, keys};
use crate::support::{Running, grantd, utf8, write_key};

/// `[[account]]` of a sandbox, with the operator's key beside the configuration.
fn account(name: &str, sandbox: &str, more: &str) -> String {
    format!(
        "\n[[account]]\nname = \"{name}\"\naccount_identifier = \"SANDBOX\"\nhost = \"{sandbox}\"\nuser = \"{OPERATOR}\"\n\
         role = \"ACCOUNTADMIN\"\nprivate_key_file = \"key.p8\"\n{more}\n"
    )
}

/// `grantd serve` that writes JSON lines, with health and metrics.
struct Served {
    running: Running,
    folder: tempfile::TempDir,
    gateway: SocketAddr,
    metrics: SocketAddr,
}

impl Served {
    /// Without a login, with these accounts and environment.
    fn start(server: &str, accounts: &str, environment: &[(&str, &str)]) -> Served {
        let folder = tempfile::tempdir().unwrap();
        write_key(&folder.path().join("key.p8"), &keys().private_key_pem);
        Served::start_in(folder, server, accounts, environment)
    }

    /// The same when its lines may be for people: the ports are found in either form.
    fn start_heard(server: &str, accounts: &str, environment: &[(&str, &str)]) -> Served {
        let folder = tempfile::tempdir().unwrap();
        write_key(&folder.path().join("key.p8"), &keys().private_key_pem);
        let mut served = Served::spawn(folder, server, accounts, environment);
        let port = |running: &mut Running, message: &str| {
            let mut found = None;
            until(message, || {
                let said = running.said();
                let line = said.lines().find(|line| line.contains(message) && line.contains("address"));
                let word = line.and_then(|line| line.split("127.0.0.1:").nth(1));
                found = word.map(|word| word.chars().take_while(char::is_ascii_digit).collect::<String>());
                found.is_some()
            });
            format!("127.0.0.1:{}", found.unwrap()).parse().unwrap()
        };
        served.metrics = port(&mut served.running, "health and metrics are shown");
        served.gateway = port(&mut served.running, "grantd answers");
        served
    }

    fn start_in(folder: tempfile::TempDir, server: &str, accounts: &str, environment: &[(&str, &str)]) -> Served {
        let mut served = Served::spawn(folder, server, accounts, environment);
        served.metrics = served.address("health and metrics are shown");
        served.gateway = served.address("grantd answers");
        served
    }

    fn spawn(folder: tempfile::TempDir, server: &str, accounts: &str, environment: &[(&str, &str)]) -> Served {
        let config = folder.path().join("grantd.toml");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:0\"\ndata_dir = \"state\"\n{server}\n{accounts}"
        );
        std::fs::write(&config, text).unwrap();
        let mut command = grantd(&["serve", "--config", utf8(&config)]);
        command.env("GRANTD_LOG", "info").env("GRANTD_LOG_FORMAT", "json").env("GRANTD__SERVER__LOGIN", "trust");
        command.envs(environment.iter().copied());
        Served { running: Running::start(command), folder, gateway: anywhere(), metrics: anywhere() }
    }

    /// The `address` of the event with this message.
    fn address(&mut self, message: &str) -> SocketAddr {
        let event = self.event(|event| event["message"] == message);
        event["address"].as_str().unwrap().parse().unwrap()
    }

    /// The first event of this kind, once it is there.
    fn event(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let said = self.running.said();
            let whole = said.rsplit_once('\n').map_or("", |(whole, _)| whole);
            if let Some(found) = whole.lines().map(parsed).find(&is_it) {
                return found;
            }
            assert!(Instant::now() < end, "no such event: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn url(&self) -> String {
        format!("postgresql://tester@{}/grantd", self.gateway)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("grantd.toml")
    }

    /// Status and body of a page.
    fn get(&self, path: &str) -> (u16, String) {
        let (head, body) = http(self.metrics, &format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
        (status(&head), body)
    }
}

fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// A line that must be one whole JSON object.
fn parsed(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert!(value.is_object(), "{line:?}");
    value
}

/// Head and body of the answer to a request.
fn http(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has said what it says.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    (head.to_owned(), body.to_owned())
}

fn status(head: &str) -> u16 {
    head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Switches a fault of the sandbox on, for every request.
fn arm(sandbox: &Running, mut fault: Value) {
    fault["match"] = "".into();
    fault["times"] = 1_000_000.into();
    let body = Value::Array(vec![fault]).to_string();
    let head = "POST /sandbox/faults HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let address = sandbox.sandbox.strip_prefix("http://").unwrap().parse().unwrap();
    assert_eq!(status(&http(address, &request).0), 200);
}

/// Asks until the answer is yes.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !is_so() {
        assert!(Instant::now() < end, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
