//! `grantd serve` with a login, and what its process takes of the machine.

use super::{Running, grantd, outcome, serve_with, utf8};
use grantd::gateway::login::scram::{Keys, Salting, verifier};
use std::net::SocketAddr;

/// A daemon without accounts in a process of its own.
pub(crate) struct Process {
    running: Running,
    _folder: tempfile::TempDir,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// The password of its administrator, `grantd`.
    pub(crate) password: String,
    /// What it is salted with: few rounds, so that clients in tests have little to compute.
    pub(crate) salting: Salting,
}

impl Process {
    pub(crate) fn serve() -> Self {
        Self::serve_with("")
    }

    /// With further keys of `[server]`.
    pub(crate) fn serve_with(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("grantd.toml");
        let text = format!("[server]\nlisten = \"127.0.0.1:0\"\ndata_dir = \"state\"\n{keys}");
        std::fs::write(&config, text).unwrap();
        let (password, salting) = ("right".to_owned(), Salting { salt: b"sixteen bytes ..".to_vec(), rounds: 4_096 });
        let file = folder.path().join("verifier");
        std::fs::write(&file, verifier(&salting, &Keys::of(&password, &salting))).unwrap();
        let add =
            ["user", "add", "grantd", "--administrator", "--config", utf8(&config), "--verifier-file", utf8(&file)];
        let (code, _, said) = outcome(&grantd(&add).output().unwrap());
        assert_eq!(code, Some(0), "{said}");
        let running = serve_with(&config, "password");
        let address = running.url.split(['@', '/']).nth(3).unwrap().parse().unwrap();
        Self { running, _folder: folder, address, password, salting }
    }

    /// Memory that it has now.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Files that it has open now.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.running.child.id())).unwrap().count()
    }
}
