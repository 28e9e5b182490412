//! A real PostgreSQL 15 to compare with: one throw-away cluster per test process, with trust login on a port of
//! 127.0.0.1. It ends with the test process, however that ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The role that tests connect as: it logs in and reads, and its transactions are read only by default, like grantd's.
pub(crate) const READER: &str = "reader";

/// A running cluster.
pub(crate) struct Postgres {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// Its superuser.
    superuser: String,
    /// Where its Unix socket is.
    pub(crate) socket_directory: PathBuf,
    /// The shell that ends the server when this process closes its standard input.
    _keeper: Child,
}

/// The cluster of this process, started at the first call.
pub(crate) fn postgres() -> &'static Postgres {
    static CLUSTER: OnceLock<Postgres> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Postgres::of("postgres");
        cluster.run("postgres", &format!("CREATE ROLE {READER} LOGIN"));
        cluster.run("postgres", &format!("ALTER ROLE {READER} SET default_transaction_read_only = on"));
        cluster
    })
}

impl Postgres {
    /// A cluster of its own whose superuser, who owns everything in it, has this name.
    pub(crate) fn of(superuser: &str) -> Self {
        let bin = binaries();
        // Somebody else may take a free port before the server has it.
        let start = |_| Self::start(&bin, superuser).map_err(|said| eprintln!("PostgreSQL: {said}")).ok();
        (0..5).find_map(start).expect("PostgreSQL 15 starts")
    }

    fn start(bin: &Path, superuser: &str) -> Result<Self, String> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut keeper = unprivileged("sh")
            .arg("-c")
            .arg(include_str!("postgres.sh"))
            .arg("postgres.sh")
            .arg(bin)
            .arg(port.to_string())
            .arg(superuser)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        match line.strip_prefix("ready ") {
            Some(directory) => Ok(Self {
                port,
                superuser: superuser.to_owned(),
                socket_directory: directory.trim_end().into(),
                _keeper: keeper,
            }),
            None => {
                let mut said = String::new();
                keeper.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                keeper.wait().unwrap();
                Err(said)
            }
        }
    }

    /// The URL of a database for a role.
    pub(crate) fn url(&self, role: &str, database: &str) -> String {
        format!("postgresql://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database, runs `sql` in it as its superuser, and gives its URL for [`READER`].
    pub(crate) fn database(&self, name: &str, sql: &str) -> String {
        self.run("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.run(name, sql);
        self.url(READER, name)
    }

    /// Runs SQL as the superuser; it must succeed.
    pub(crate) fn run(&self, database: &str, sql: &str) {
        let psql = Command::new("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(&self.superuser, database))
            .stdin(Stdio::null())
            .output()
            .expect("psql must be on PATH for these tests");
        assert!(psql.status.success(), "{sql}: {}", String::from_utf8_lossy(&psql.stderr));
    }
}

/// The folder of PostgreSQL 15's programs: Debian's, what `pg_config` says, or PATH.
fn binaries() -> PathBuf {
    let said = Command::new("pg_config").arg("--bindir").output().map(|output| output.stdout).unwrap_or_default();
    let configured = PathBuf::from(String::from_utf8_lossy(&said).trim());
    let path = std::env::var_os("PATH").unwrap_or_default();
    [PathBuf::from("/usr/lib/postgresql/15/bin"), configured]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| {
            let version = Command::new(folder.join("postgres")).arg("--version").output();
            folder.join("initdb").exists()
                && version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" 15."))
        })
        .expect("these tests need a PostgreSQL 15 server: apt-get install postgresql-15")
}

/// A command as somebody other than root, whom PostgreSQL and pgbouncer refuse.
pub(crate) fn unprivileged(program: &str) -> Command {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if id != b"0\n" {
        return Command::new(program);
    }
    let known = Command::new("id").args(["-u", "postgres"]).output().is_ok_and(|output| output.status.success());
    let user = if known { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={user}")).args(["--regid=65534", "--clear-groups", program]);
    command
}

#[test]
fn the_reader_reads_and_no_more() {
    let url = postgres().database("support", "CREATE TABLE t (a int); GRANT ALL ON t TO reader");
    let psql = |sql: &str| {
        let output = Command::new("psql").args(["-X", "-At", "-v", "VERBOSITY=sqlstate", "-c", sql, &url]).output();
        let output = output.unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert!(psql("SHOW server_version").starts_with("15."));
    assert_eq!(psql("SELECT count(*) FROM t"), "0\n");
    assert_eq!(psql("INSERT INTO t VALUES (1)"), "ERROR:  25006\n");
    assert!(postgres().socket_directory.join(format!(".s.PGSQL.{}", postgres().port)).exists());
}
