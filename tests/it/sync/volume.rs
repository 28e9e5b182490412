//! What a sync of a large account takes: wall time, peak memory, and where they go. Printed, not judged.

use crate::support::operator::{OPERATOR, keys, operator_sql};
use crate::support::{grantd, utf8, write_key};
use grantd::daemon::Daemon;
use grantd::store::Store;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Grants per schema: 200 tables, each to ten of the roles.
const PER_SCHEMA: usize = 2_000;
const ROLES: usize = 200;

fn script(grants: usize) -> String {
    let mut sql = "CREATE DATABASE D;\n".to_owned();
    for role in 0..ROLES {
        writeln!(sql, "CREATE ROLE R{role}; GRANT ROLE R{role} TO ROLE SYSADMIN;").unwrap();
    }
    for schema in 0..grants / PER_SCHEMA {
        writeln!(sql, "CREATE SCHEMA D.S{schema};").unwrap();
        for table in 0..200 {
            writeln!(sql, "CREATE TABLE D.S{schema}.T{table} (X INT);").unwrap();
        }
        for role in 0..10 {
            let role = (schema + role * 17) % ROLES;
            writeln!(sql, "GRANT SELECT ON ALL TABLES IN SCHEMA D.S{schema} TO ROLE R{role};").unwrap();
        }
    }
    sql + &operator_sql()
}

/// Ends with the test.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Most memory that the process had, in MiB, as Linux counts it.
fn peak(process: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Wall time and peak memory of a run that has to succeed.
fn measured(mut command: Command) -> (Duration, u64) {
    let started = Instant::now();
    let mut process = Ending(command.stdout(Stdio::null()).spawn().unwrap());
    let mut most = 0;
    loop {
        most = most.max(peak(&process.0).unwrap_or_default());
        if let Some(status) = process.0.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return (started.elapsed(), most);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn serve_sandbox(file: &Path) -> (Ending, String) {
    let mut command = grantd(&["sandbox", "--listen", "127.0.0.1:0", "--script", utf8(file)]);
    let mut process = Ending(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned);
    (process, url.unwrap_or_else(|| panic!("the sandbox said {line:?}")))
}

#[test]
#[ignore = "prints figures; takes minutes"]
fn figures() {
    let grants = std::env::var("GRANTD_VOLUME_GRANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("account.sql");
    std::fs::write(&file, script(grants)).unwrap();
    let started = Instant::now();
    let (sandbox, url) = serve_sandbox(&file);
    println!("the sandbox has {grants} grants after {:.1?}", started.elapsed());
    write_key(&folder.path().join("key.p8"), &keys().private_key_pem);
    let config = folder.path().join("grantd.toml");
    let text = format!(
        "[server]\ndata_dir = \"state\"\n\n[[account]]\nname = \"large\"\naccount_identifier = \"SANDBOX\"\n\
         host = \"{url}\"\nuser = \"{OPERATOR}\"\nrole = \"ACCOUNTADMIN\"\nprivate_key_file = \"key.p8\"\n"
    );
    std::fs::write(&config, text).unwrap();
    for kind in ["full", "full, unchanged", "incremental"] {
        let mut sync = grantd(&["sync", "--config", utf8(&config)]);
        if kind == "incremental" {
            sync.arg("--incremental");
        }
        let (wall, mib) = measured(sync);
        println!("{kind}: {wall:.1?}, {mib} MiB at most");
        let store = Store::open(folder.path().join("state")).unwrap();
        let world = Daemon::open(Arc::new(store), HashMap::new()).unwrap().world();
        let newest = world.sync_runs.iter().max_by_key(|r| r.run_id.parse::<i64>().unwrap()).unwrap();
        let mut steps: Vec<_> = world.sync_steps.iter().filter(|s| s.run_id == newest.run_id).collect();
        steps.sort_by_key(|s| std::cmp::Reverse(s.millis));
        for step in steps.iter().take(4) {
            println!("  {}: {} rows in {} ms", step.source, step.rows, step.millis);
        }
        let snapshot = &world.account("large").unwrap().snapshot;
        println!("  {} statements, {} grants in the snapshot", newest.statements, snapshot.grants().len());
    }
    println!("the sandbox had {:?} MiB at most", peak(&sandbox.0));
}
