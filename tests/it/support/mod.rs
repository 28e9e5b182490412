//! What end-to-end tests share: the program in a process of its own, its answers over the wire, an operator's login to
//! the sandbox.

pub(crate) mod certificates;
pub(crate) mod operator;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod wire;

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program of this build, or the one that `GRANTD_BIN` names: measurements are of one that is built for shipping.
pub(crate) fn program() -> OsString {
    std::env::var_os("GRANTD_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_grantd").into())
}

/// The program, without any variable of the machine that could change what it does.
pub(crate) fn grantd(args: &[&str]) -> Command {
    let mut command = Command::new(program());
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

/// How much of a long test runs: a number in the environment.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
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
    /// The program with its standard error heard.
    pub(crate) fn start(mut command: Command) -> Running {
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

    /// Everything on standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, as systemd and container engines do.
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for its end; gives the exit code and everything on standard error.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let end = Instant::now() + Duration::from_mins(1);
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "it does not end: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        let code = self.child.wait().unwrap().code();
        // The reader is at the end as soon as the pipe is closed.
        std::thread::sleep(Duration::from_millis(200));
        (code, self.said())
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

/// The demo account, whose system calls with file names strace writes to `log`, and whose own files are in `temporary`.
pub(crate) fn demo_under_strace(log: &Path, temporary: &Path) -> Running {
    let plain = grantd(DEMO);
    let mut command = Command::new("strace");
    // The tracer is the grandchild: what is ended with the process is the program itself.
    command.args(["-D", "-f", "--seccomp-bpf", "-s", "4096", "-e", "trace=%file", "-o", utf8(log)]);
    command.arg(plain.get_program()).args(plain.get_args()).env("TMPDIR", temporary);
    for (name, value) in plain.get_envs() {
        if value.is_none() {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    demo_of_command(command)
}

const DEMO: &[&str] = &["demo", "--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];

/// The demo with more arguments.
pub(crate) fn demo_with(args: &[&str]) -> Running {
    let mut command = grantd(DEMO);
    command.args(args);
    demo_of_command(command)
}

fn demo_of_command(command: Command) -> Running {
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

/// The daemon of a configuration, without a login, in a process that ignores a signal.
pub(crate) fn serve_ignoring(config: &Path, signal: &str) -> Running {
    let program = grantd(&["serve", "--config", utf8(config)]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' {signal}; exec \"$0\" \"$@\"")]).arg(program.get_program());
    command.args(program.get_args()).stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("GRANTD_LOG", "grantd=info").env("GRANTD__SERVER__LOGIN", "trust");
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
