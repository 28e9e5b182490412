//! What the client decodes from a server that is not our own: fakesnow, with tables for views.

use crate::support::{client_folder, environments};
use grantd::sync::plan::views;
use grantd::sync::snowflake::{Credential, Secret, SnowflakeConfig, SnowflakeSource};
use grantd::sync::source::Silent;
use grantd::sync::{Group, Source, SourceError, SourceKind, SourceTable, Statement};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that ends with the test.
struct Fakesnow {
    process: Child,
    port: u16,
}

impl Fakesnow {
    fn start() -> Self {
        let environments = environments("fakesnow");
        let [environment] = environments.as_slice() else { panic!("{environments:?}") };
        let bin = Path::new(environment).join("bin");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new(bin.join("fakesnow"));
        command.args(["--server", "--port", &port.to_string()]);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process, port };
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(started.elapsed() < Duration::from_mins(1), "fakesnow does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut load = Command::new(bin.join("python"));
        load.arg("-B")
            .arg(client_folder("fakesnow").join("load.py"))
            .arg(port.to_string())
            .env("NO_PROXY", "localhost");
        let loaded = load.output().unwrap();
        assert!(loaded.status.success(), "load.py: {}", String::from_utf8_lossy(&loaded.stderr));
        server
    }

    fn source(&self) -> SnowflakeSource {
        let credential = Credential::AccessToken(Secret::new("any"));
        let mut config = SnowflakeConfig::new("fakesnow", "GRANTD_SVC", "GRANTD_SYNC", credential);
        config.url = Some(format!("http://127.0.0.1:{}", self.port).parse().unwrap());
        config.use_proxy = false;
        SnowflakeSource::new(config).unwrap()
    }
}

impl Drop for Fakesnow {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn plain(sql: &str) -> Statement {
    Statement {
        group: Group::Views,
        name: sql.to_owned(),
        kind: SourceKind::Users,
        sql: sql.to_owned(),
        older_sql: None,
        needs_warehouse: false,
    }
}

async fn view(source: &SnowflakeSource, kind: SourceKind) -> SourceTable {
    let statement = views(None).into_iter().find(|s| s.kind == kind).unwrap();
    source.read(&statement, &Silent).await.unwrap()
}

#[tokio::test]
async fn another_servers_rows_are_decoded_by_their_metadata() {
    let server = Fakesnow::start();
    let source = server.source();
    let users = view(&source, SourceKind::Users).await;
    let seen: Vec<String> = users
        .rows()
        .map(|row| {
            let text = |name| format!("{:?}", users.column(name).and_then(|c| row.text(c)));
            let time = |name| format!("{:?}", row.timestamp(users.column(name)).unwrap());
            let flag = |name| format!("{:?}", row.boolean(users.column(name)).unwrap());
            [
                text("NAME"),
                time("CREATED_ON"),
                time("LAST_SUCCESS_LOGIN"),
                flag("DISABLED"),
                flag("HAS_MFA"),
                text("COMMENT"),
            ]
            .join(" ")
        })
        .collect();
    assert_eq!(
        seen,
        [
            r#"Some("ALICE") Some(1767323045678901) Some(-1) Some(false) Some(true) Some("Ünïcode ✓ \"quoted\"")"#,
            r#"Some("empty row") Some(0) Some(0) None None None"#,
        ]
    );
    let empty = view(&source, SourceKind::GrantsToUsers).await;
    assert!(empty.is_empty() && empty.column("ROLE").is_some(), "an empty result keeps its columns");
    let numbers = plain("SELECT 9007199254740993::NUMBER AS NAME, 1.5::NUMBER(10, 2) AS COMMENT");
    let numbers = source.read(&numbers, &Silent).await.unwrap();
    let name = numbers.column("NAME");
    let all: Vec<_> = numbers.rows().map(|row| row.integer(name).unwrap()).collect();
    assert_eq!(all, [Some(9_007_199_254_740_993)]);
    // It sends a NULL time as a value whose parts are missing, which Arrow does not allow. It is not read as 1970.
    let no_time = plain("SELECT NAME, DELETED_ON FROM SNOWFLAKE.ACCOUNT_USAGE.USERS");
    let refused = source.read(&no_time, &Silent).await.unwrap_err();
    assert!(matches!(refused, SourceError::Incomplete(_)), "{refused}");
    let missing = source.read(&plain("SELECT NAME FROM SNOWFLAKE.ACCOUNT_USAGE.ROLES"), &Silent).await.unwrap_err();
    assert!(missing.is_absent() || missing.is_not_authorized(), "{missing}");
    source.close().await;
}
