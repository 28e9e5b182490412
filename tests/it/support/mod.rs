//! What end-to-end tests share: the program in a process of its own, its answers over the wire, an operator's login to
//! the sandbox.

pub(crate) mod operator;
pub(crate) mod wire;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program, without any variable of the machine that could change what it does.
pub(crate) fn grantd(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grantd"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("GRANTD") || text == "RUST_LOG" {
            command.env_remove(&name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
pub(crate) fn outcome(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A path as an argument.
pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `grantd demo` or `grantd serve` in a process of its own; ended when this value goes.
pub(crate) struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    /// `postgresql://...`, where questions are answered.
    pub(crate) url: String,
    /// `http://127.0.0.1:PORT`, where the sandbox listens; empty for `serve`.
    pub(crate) sandbox: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let mut stderr = child.stderr.take().unwrap();
        let heard = Arc::clone(&said);
        // Read to the end, so that the program never waits for a reader.
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stderr.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Running { child, said, url: String::new(), sandbox: String::new() }
    }

    /// The word after `before` on standard error, once it is there.
    pub(crate) fn word_after(&mut self, before: &str) -> String {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let text = self.said.lock().unwrap().clone();
            if let Some((_, rest)) = text.split_once(before)
                && let Some((word, _)) = rest.split_once(char::is_whitespace)
            {
                return word.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < end, "it said no {before:?}: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The demo account.
pub(crate) fn demo() -> Running {
    demo_with(&[])
}

/// The account that a script makes, under the name `demo`.
pub(crate) fn demo_of(script: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sql");
    std::fs::write(&file, script).unwrap();
    demo_with(&["--script", utf8(&file)])
}

fn demo_with(args: &[&str]) -> Running {
    let mut command = grantd(&["demo", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"]);
    command.args(args);
    let mut running = Running::start(command);
    let mut line = String::new();
    BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_prefix("ready: ").map(|url| url.trim_end().to_owned());
    running.url = url.unwrap_or_else(|| panic!("it said {line:?} and {}", running.said.lock().unwrap()));
    running.sandbox = running.word_after("from the sandbox at ");
    running
}

/// The daemon of a configuration whose `listen` has port 0, without a login.
pub(crate) fn serve(config: &Path) -> Running {
    serve_with(config, "trust")
}

/// The same with `login` as said. Where there is no user yet, [`Running::word_after`] has the first one's password.
pub(crate) fn serve_with(config: &Path, login: &str) -> Running {
    let mut command = grantd(&["serve", "--config", utf8(config)]);
    command.env("GRANTD_LOG", "grantd=info").env("GRANTD__SERVER__LOGIN", login);
    let mut running = Running::start(command);
    running.url = format!("postgresql://grantd@{}/grantd", running.word_after("grantd answers address="));
    running
}

/// What the `venv.sh` of a folder in `tests/clients` prints, line by line. Environments are made once, one at a time.
pub(crate) fn environments(client: &str) -> Vec<String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let venvs = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venvs");
    let made = Command::new("sh").arg(client_folder(client).join("venv.sh")).arg(venvs).output().unwrap();
    assert!(made.status.success(), "venv.sh of {client}: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A folder in `tests/clients`.
pub(crate) fn client_folder(client: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(client)
}

/// A key that only its owner can read.
pub(crate) fn write_key(key: &Path, pem: &str) {
    std::fs::write(key, pem).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}
