//! `docker/compose.yml`, what it mounts, and its first start, without an engine.

use super::definition::folder;
use crate::support::wire::{connect, rows, told};
use crate::support::{client_folder, environments, grantd, outcome, serve_with, utf8};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs `setup.sh` with a folder in place of the container's volumes.
fn setup(volumes: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_grantd")).parent().unwrap();
    let path = format!("{}:{}", utf8(program), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.arg(folder().join("setup.sh")).args(arguments).env("PATH", path).stdin(Stdio::null());
    // As whoever runs the tests: nothing is handed to another user.
    command.env("VOLUMES", volumes).env("CHOWN", "true");
    outcome(&command.output().unwrap())
}

/// A process that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Parsed as YAML, held against the schema of compose files, and against what this project wants of every service. Where
/// docker compose is installed, it reads the file too.
#[test]
fn the_compose_file_is_valid_and_hardened() {
    let venv = environments("compose").remove(0);
    let check = client_folder("compose").join("check.py");
    let command = Command::new(format!("{venv}/bin/python")).arg(check).arg(folder()).output().unwrap();
    let (code, said, errors) = outcome(&command);
    assert_eq!(code, Some(0), "{said}{errors}");
    let has_compose = Command::new("docker").args(["compose", "version"]).output().is_ok_and(|o| o.status.success());
    if has_compose {
        let file = folder().join("compose.yml");
        let output = Command::new("docker").args(["compose", "-f", utf8(&file), "config", "-q"]).output().unwrap();
        assert_eq!(outcome(&output).0, Some(0), "{}", outcome(&output).2);
    }
}

#[tokio::test]
async fn the_first_start_makes_secrets_once_and_they_let_in() {
    let volumes = tempfile::tempdir().unwrap();
    let at = |path: &str| volumes.path().join(path);
    let (code, said, errors) = setup(volumes.path(), &[]);
    assert_eq!(code, Some(0), "{said}{errors}");
    let secrets = ["secrets/grafana/token", "secrets/grafana/admin-password", "secrets/metabase/token"];
    let secrets = secrets.into_iter().chain(["secrets/metabase/admin-password", "secrets/grantd/admin-password"]);
    let texts: Vec<String> = secrets.clone().map(|file| read(&at(file))).collect();
    for (file, secret) in secrets.clone().zip(&texts) {
        assert!(secret.len() >= 24 && !secret.contains(char::is_whitespace), "{file}: {} bytes", secret.len());
        assert!(!said.contains(secret) && !errors.contains(secret), "{file} was printed");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(at(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{file}: {mode:o}");
        }
    }
    assert_eq!(texts.iter().collect::<std::collections::BTreeSet<_>>().len(), texts.len());

    // A second start changes nothing; `show` says what people need to log in.
    assert_eq!(setup(volumes.path(), &[]).0, Some(0));
    assert_eq!(texts, secrets.clone().map(|file| read(&at(file))).collect::<Vec<_>>());
    let (code, said, _) = setup(volumes.path(), &["show"]);
    assert_eq!(code, Some(0));
    for file in ["secrets/grafana/admin-password", "secrets/metabase/admin-password", "secrets/grantd/admin-password"] {
        assert!(said.contains(&read(&at(file))), "{file}: {said}");
    }
    assert!(!said.contains(&read(&at("secrets/grafana/token"))));

    // The sandbox takes the script, and grantd the configuration that is mounted, on other ports and folders.
    let script = at("sandbox/setup.sql");
    let mut sandbox = grantd(&["sandbox", "--listen", "127.0.0.1:0", "--demo", "--script", utf8(&script)]);
    let mut sandbox = Ended(sandbox.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    let out = sandbox.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    let url = line.strip_prefix("ready: ").unwrap().trim_end().to_owned();
    let mut config = read(&folder().join("grantd/grantd.toml"));
    for (from, to) in [
        ("0.0.0.0:5433", "127.0.0.1:0"),
        ("/var/lib/grantd", utf8(&at("state"))),
        ("/run/grantd/grantd.p8", utf8(&at("secrets/grantd/grantd.p8"))),
        ("http://127.0.0.1:8085", &url),
    ] {
        assert!(config.contains(from), "{from} is not in grantd.toml");
        config = config.replace(from, to);
    }
    let file = at("grantd.toml");
    std::fs::write(&file, config).unwrap();
    let running = serve_with(&file, "password");
    let address = running.url.split('@').nth(1).unwrap();
    for user in ["grafana", "metabase"] {
        let token = read(&at(&format!("secrets/{user}/token")));
        let client = connect(&format!("postgresql://{user}:{token}@{address}")).await;
        let end = std::time::Instant::now() + std::time::Duration::from_mins(2);
        while rows(&client, "SELECT account FROM accounts WHERE last_success_at IS NOT NULL").await.is_empty() {
            assert!(std::time::Instant::now() < end, "the account was not read");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        // It may read, and change nobody.
        let refused = client.simple_query("CALL create_user('eve')").await.unwrap_err();
        assert!(told(&refused).starts_with("42501"), "{}", told(&refused));
    }
    let password = read(&at("secrets/grantd/admin-password"));
    let administrator = connect(&format!("postgresql://grantd:{password}@{address}")).await;
    assert!(rows(&administrator, "CALL list_users()").await.len() >= 3);
}
