//! The image and the unit, without an engine: the Dockerfile's own command lines run as nobody on files that only the data
//! directory lets them write, and what the files promise is in them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{Running, utf8};

fn repository(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// The instructions of the image's last stage, with their continued lines joined.
fn last_stage() -> Vec<(String, String)> {
    let text = repository("docker/Dockerfile").replace("\\\n", " ");
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let all: Vec<(String, String)> = lines
        .map(|line| line.split_once(' ').map(|(word, rest)| (word.to_owned(), rest.trim().to_owned())).unwrap())
        .collect();
    let last = all.iter().rposition(|(word, _)| word == "FROM").unwrap();
    all[last..].to_vec()
}

fn instruction(stage: &[(String, String)], word: &str) -> String {
    let found: Vec<&String> = stage.iter().filter(|(w, _)| w == word).map(|(_, rest)| rest).collect();
    assert_eq!(found.len(), 1, "{word}: {found:?}");
    found[0].clone()
}

/// A command in the exec form, which needs no shell.
fn exec(text: &str) -> Vec<String> {
    let start = text.find('[').unwrap_or_else(|| panic!("not in exec form: {text}"));
    serde_json::from_str(text.split_at(start).1).unwrap()
}

/// The image's files in a folder that belongs to somebody else; only the data directory is the daemon's.
struct Rootfs(tempfile::TempDir);

impl Rootfs {
    fn new(user: u32) -> Rootfs {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["usr/local/bin", "etc/grantd", "var/lib/grantd", "work"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        std::fs::copy(env!("CARGO_BIN_EXE_grantd"), at("usr/local/bin/grantd")).unwrap();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nmetrics_listen = \"127.0.0.1:{}\"\ndata_dir = \"{}\"\n",
            free_port(),
            at("var/lib/grantd").display()
        );
        std::fs::write(at("etc/grantd/grantd.toml"), config).unwrap();
        if is_root() {
            std::os::unix::fs::chown(at("var/lib/grantd"), Some(user), Some(user)).unwrap();
        }
        let mode = |path: &str, mode| std::fs::set_permissions(at(path), PermissionsExt::from_mode(mode)).unwrap();
        mode("var/lib/grantd", 0o700);
        for folder in ["", "usr", "usr/local", "usr/local/bin", "etc", "etc/grantd", "var", "var/lib", "work"] {
            mode(folder, 0o555);
        }
        Rootfs(root)
    }

    fn path(&self, in_image: &str) -> PathBuf {
        self.0.path().join(in_image.trim_start_matches('/'))
    }

    /// A command line of the image as its user, without privileges to gain and without anything of this environment.
    fn command(&self, user: u32, line: &[String], environment: &[(String, String)]) -> Command {
        let program = self.path(&line[0]);
        let mut command = if is_root() {
            let mut setpriv = Command::new("setpriv");
            let id = user.to_string();
            setpriv.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--no-new-privs", "--inh-caps=-all"]);
            setpriv.arg("--bounding-set=-all").arg(program);
            setpriv
        } else {
            Command::new(program)
        };
        command.args(&line[1..]).env_clear().current_dir(self.path("work")).stdin(std::process::Stdio::null());
        for (name, value) in environment {
            let inside = if value.starts_with('/') { utf8(&self.path(value)).to_owned() } else { value.clone() };
            command.env(name, inside);
        }
        command
    }
}

impl Drop for Rootfs {
    fn drop(&mut self) {
        // So that whoever is not root can remove them.
        for folder in ["", "usr", "usr/local", "usr/local/bin", "etc", "etc/grantd", "var", "var/lib", "work"] {
            let _ = std::fs::set_permissions(self.0.path().join(folder), PermissionsExt::from_mode(0o755));
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// A port that is free now: the health check has to know it beforehand.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_images_commands_run_as_nobody_and_write_only_state() {
    let stage = last_stage();
    let user: u32 =
        instruction(&stage, "USER").split(':').next().unwrap().parse().expect("a number, so that engines can check it");
    assert_ne!(user, 0);
    let environment: Vec<(String, String)> = instruction(&stage, "ENV")
        .split_whitespace()
        .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap())
        .collect();
    let entrypoint = exec(&instruction(&stage, "ENTRYPOINT"));
    let main = [entrypoint, exec(&instruction(&stage, "CMD"))].concat();
    let check = exec(&instruction(&stage, "HEALTHCHECK"));
    assert_eq!(instruction(&stage, "VOLUME"), "[\"/var/lib/grantd\"]");
    assert!(instruction(&stage, "FROM").contains("distroless"), "no shell, no package manager");

    let rootfs = Rootfs::new(user);
    let unhealthy = rootfs.command(user, &check, &environment).output().unwrap();
    assert_eq!(unhealthy.status.code(), Some(1), "nothing runs yet: {unhealthy:?}");
    let mut running = Running::start(rootfs.command(user, &main, &environment));
    running.word_after("\"message\":\"grantd ");
    // With a login: the first password is in a file that only its owner reads, and not in the log.
    let file = rootfs.path("var/lib/grantd/first-password");
    super::until("the first password", || file.exists());
    let meta = std::fs::metadata(&file).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    let mut healthy = None;
    super::until("health", || {
        healthy = rootfs.command(user, &check, &environment).output().unwrap().status.code();
        healthy == Some(0)
    });
    let password = std::fs::read_to_string(&file).unwrap();
    assert!(password.len() >= 20 && !running.said().contains(&password));
    if Path::new("/proc/self/limits").exists() {
        let proc = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", running.pid())).unwrap();
        let limits = proc("limits");
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
        if is_root() {
            let status = proc("status");
            let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
            assert!(line("Uid:").split_whitespace().all(|id| id == user.to_string()), "{status}");
            assert_eq!((line("NoNewPrivs:"), line("CapEff:")), ("1".to_owned(), "0000000000000000".to_owned()));
        }
    }
    running.terminate();
    let (code, said) = running.ended();
    assert_eq!(code, Some(0), "{said}");
    for line in said.lines() {
        super::parsed(line);
    }
    let inside = std::fs::read_dir(rootfs.path("work")).unwrap().count();
    assert_eq!(inside, 0, "nothing is written where it was started");
}

#[test]
fn the_image_is_built_from_what_is_pinned_and_nothing_else_is_sent() {
    let text = repository("docker/Dockerfile");
    assert!(text.contains("cargo build --locked --profile dist"));
    let toolchain: toml::Table = repository("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let image = text.lines().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let version = image.split('-').next().unwrap();
    assert!(channel.starts_with(&format!("{version}.")), "rust:{version} builds, and {channel} is tested");
    let ignored = repository(".dockerignore");
    let sent: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    assert!(ignored.lines().any(|line| line == "*"), "everything that is not named stays here");
    for path in &sent {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(), "{path}");
    }
    let manifest: toml::Table = repository("Cargo.toml").parse().unwrap();
    for member in manifest["workspace"]["members"].as_array().unwrap() {
        assert!(sent.contains(&member.as_str().unwrap()), "{member} is not sent to the engine");
    }
}

#[test]
fn the_unit_confines_the_daemon() {
    let unit = repository("docker/grantd.service");
    for line in [
        "Type=notify",
        "User=grantd",
        "StateDirectory=grantd",
        "StateDirectoryMode=0700",
        "UMask=0077",
        "LimitCORE=0",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "MemoryDenyWriteExecute=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
    ] {
        assert!(unit.lines().any(|written| written == line), "{line}");
    }
    // systemd's own opinion, where it is installed.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grantd.service");
    std::fs::write(&file, unit.replace("/usr/local/bin/grantd", "/bin/true")).unwrap();
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else {
        assert!(!cfg!(target_os = "linux") || std::env::var_os("CI").is_none(), "systemd-analyze is missing");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && !said.contains("grantd.service"), "{said}");
    let security = Command::new("systemd-analyze").args(["security", "--offline=true"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&security.stdout).into_owned();
    let level = said.lines().find_map(|line| line.split_once("exposure level for grantd.service: ")).unwrap().1;
    let level: f64 = level.split(' ').next().unwrap().parse().unwrap();
    assert!(level <= 1.5, "{said}");
    assert!(Duration::from_secs(30) > grantd::config::DEFAULT_SHUTDOWN_TIMEOUT, "TimeoutStopSec is longer");
}
