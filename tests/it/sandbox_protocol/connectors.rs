//! The official Python connectors, as they come from their registry, against the sandbox.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::{client_folder, environments};

use super::driver::{impatient, keys, start};

fn folder() -> PathBuf {
    client_folder("connector")
}

/// Runs a program while the sandbox in this process goes on answering.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

/// The pythons of the pinned connectors; made at the first call.
async fn pythons() -> Vec<String> {
    tokio::task::spawn_blocking(|| environments("connector")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_official_connectors_work_against_the_sandbox() {
    let files = tempfile::tempdir().unwrap();
    let [alice, stranger] = keys();
    let (key, wrong) = (files.path().join("alice.p8"), files.path().join("stranger.p8"));
    std::fs::write(&key, &alice.private_key_pem).unwrap();
    std::fs::write(&wrong, &stranger.private_key_pem).unwrap();
    let mut versions = Vec::new();
    for python in pythons().await {
        let sandbox = start(impatient());
        let mut program = Command::new(python);
        program
            .arg(folder().join("protocol.py"))
            .arg(sandbox.addr.port().to_string())
            .args([&key, &wrong])
            .env("SNOWFLAKE_HOME", files.path())
            .env("NO_PROXY", "127.0.0.1");
        let program = run(program).await;
        let errors = String::from_utf8_lossy(&program.stderr);
        assert!(program.status.success(), "{errors}");
        versions.push(String::from_utf8(program.stdout).unwrap().trim().to_owned());
    }
    assert_eq!(versions, ["4.8.1", "5.2.0"]);
}
