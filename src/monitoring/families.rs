//! The metrics, one entry each; `docs/operations.md` has the same table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use datafusion::execution::memory_pool::MemoryLimit;

use super::Monitor;
use super::accounts::{self, AccountFigures, SnapshotFigures};
use super::process::Process;
use super::prometheus::{Family, Kind, Sample, Values};
use crate::daemon::now;
use crate::gateway::stats::{DURATION_BOUNDS, Label, Stats, Tally};

/// Everything that a page is made of, read at one moment.
pub(super) struct Reading {
    gateway: Arc<Stats>,
    accounts: BTreeMap<String, AccountFigures>,
    process: Process,
    panics: u64,
    started: f64,
    now_micros: i64,
    /// Reserved by queries, and the most they may have.
    memory: (u64, Option<u64>),
}

impl Reading {
    pub(super) fn of(monitor: &Monitor) -> Self {
        let started = monitor.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            gateway: Arc::clone(&monitor.gateway),
            accounts: accounts::figures(
                &monitor.daemon.world(),
                monitor.daemon.connected(),
                &monitor.daemon.sync_counts(),
            ),
            process: Process::now(),
            panics: (monitor.panics)(),
            started: started.as_secs_f64(),
            now_micros: now(),
            memory: query_memory(&monitor.gateway),
        }
    }
}

fn query_memory(gateway: &Stats) -> (u64, Option<u64>) {
    let Some(pool) = gateway.query_memory.get() else { return (0, None) };
    let limit = match pool.memory_limit() {
        MemoryLimit::Finite(most) => Some(most as u64),
        _ => None,
    };
    (pool.reserved() as u64, limit)
}

fn one(value: f64) -> Values {
    Values::Samples(vec![Sample { labels: Vec::new(), value }])
}

fn count(value: u64) -> Values {
    one(value as f64)
}

fn if_known(value: Option<u64>) -> Values {
    value.map_or(Values::Samples(Vec::new()), count)
}

fn tally<L: Label>(tally: &Tally<L>) -> Values {
    let samples = tally.all().map(|(word, value)| Sample { labels: vec![word.to_owned()], value: value as f64 });
    Values::Samples(samples.collect())
}

/// A number of every account that has it.
fn accounts(reading: &Reading, value: impl Fn(&AccountFigures) -> Option<f64>) -> Values {
    let samples = reading
        .accounts
        .iter()
        .filter_map(|(name, account)| value(account).map(|value| Sample { labels: vec![name.clone()], value }));
    Values::Samples(samples.collect())
}

/// A number of every account's newest snapshot.
fn snapshots(reading: &Reading, value: impl Fn(&SnapshotFigures) -> f64) -> Values {
    accounts(reading, |account| account.snapshot.as_ref().map(&value))
}

const ACCOUNT: &[&str] = &["account"];

/// Every metric, in the order of the page.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "grantd_build_info",
        kind: Kind::Gauge,
        labels: &["version"],
        help: "1, with the version of grantd.",
        read: |_| Values::Samples(vec![Sample { labels: vec![env!("CARGO_PKG_VERSION").to_owned()], value: 1.0 }]),
    },
    Family {
        name: "grantd_start_time_seconds",
        kind: Kind::Gauge,
        labels: &[],
        help: "When the daemon started, in seconds since 1970.",
        read: |r| one(r.started),
    },
    Family {
        name: "grantd_process_resident_memory_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Memory of the process that is in use.",
        read: |r| if_known(r.process.resident_bytes),
    },
    Family {
        name: "grantd_process_threads",
        kind: Kind::Gauge,
        labels: &[],
        help: "Threads of the process.",
        read: |r| if_known(r.process.threads),
    },
    Family {
        name: "grantd_process_open_fds",
        kind: Kind::Gauge,
        labels: &[],
        help: "Open files and sockets of the process.",
        read: |r| if_known(r.process.open_fds),
    },
    Family {
        name: "grantd_process_max_fds",
        kind: Kind::Gauge,
        labels: &[],
        help: "How many files and sockets the process may open.",
        read: |r| if_known(r.process.max_fds),
    },
    Family {
        name: "grantd_panics_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Panics anywhere in the process. None is meant: each is a fault to report.",
        read: |r| count(r.panics),
    },
    Family {
        name: "grantd_gateway_connections_accepted_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Connections that were accepted.",
        read: |r| count(r.gateway.accepted.get()),
    },
    Family {
        name: "grantd_gateway_connections_starting",
        kind: Kind::Gauge,
        labels: &[],
        help: "Connections that have not logged in yet.",
        read: |r| count(r.gateway.starting.get()),
    },
    Family {
        name: "grantd_gateway_sessions",
        kind: Kind::Gauge,
        labels: &[],
        help: "Sessions that are open.",
        read: |r| count(r.gateway.sessions.get()),
    },
    Family {
        name: "grantd_gateway_connections_refused_total",
        kind: Kind::Counter,
        labels: &["reason"],
        help: "Connections that got no session, by reason.",
        read: |r| tally(&r.gateway.refused),
    },
    Family {
        name: "grantd_gateway_logins_total",
        kind: Kind::Counter,
        labels: &["outcome"],
        help: "Logins by how they ended.",
        read: |r| tally(&r.gateway.logins),
    },
    Family {
        name: "grantd_gateway_statements_total",
        kind: Kind::Counter,
        labels: &["kind", "sqlstate_class"],
        help: "Statements by kind and by the first two characters of their SQLSTATE; 00 went well.",
        read: |r| {
            let samples = r.gateway.statements().into_iter().map(|((kind, class), value)| Sample {
                labels: vec![kind.to_owned(), class.to_owned()],
                value: value as f64,
            });
            Values::Samples(samples.collect())
        },
    },
    Family {
        name: "grantd_gateway_statement_duration_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "How long statements took, until their last row was handed to the system.",
        read: |r| {
            let durations = &r.gateway.durations;
            Values::Buckets(&DURATION_BOUNDS, durations.buckets().to_vec(), durations.seconds())
        },
    },
    Family {
        name: "grantd_gateway_rows_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Rows that were sent.",
        read: |r| count(r.gateway.rows.get()),
    },
    Family {
        name: "grantd_gateway_received_bytes_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Bytes of messages that sessions received.",
        read: |r| count(r.gateway.bytes_received.get()),
    },
    Family {
        name: "grantd_gateway_sent_bytes_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Bytes that were sent to clients, before encryption.",
        read: |r| count(r.gateway.bytes_sent.get()),
    },
    Family {
        name: "grantd_gateway_panics_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Panics that ended a connection with XX000.",
        read: |r| count(r.gateway.panics.get()),
    },
    Family {
        name: "grantd_gateway_cancels_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Cancel requests with the right secret.",
        read: |r| count(r.gateway.cancels.get()),
    },
    Family {
        name: "grantd_gateway_cancels_ignored_total",
        kind: Kind::Counter,
        labels: &[],
        help: "Cancel requests for nobody or with a wrong secret.",
        read: |r| count(r.gateway.cancels_ignored.get()),
    },
    Family {
        name: "grantd_query_memory_reserved_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Memory that running queries have reserved.",
        read: |r| count(r.memory.0),
    },
    Family {
        name: "grantd_query_memory_limit_bytes",
        kind: Kind::Gauge,
        labels: &[],
        help: "Memory that all queries together may reserve.",
        read: |r| if_known(r.memory.1),
    },
    Family {
        name: "grantd_account_snapshot_id",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "The number of the account's newest snapshot; no series while there is none.",
        read: |r| snapshots(r, |s| s.id as f64),
    },
    Family {
        name: "grantd_account_snapshot_age_seconds",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "How long ago the account was as the newest snapshot shows it.",
        read: |r| snapshots(r, |s| r.now_micros.saturating_sub(s.as_of).max(0) as f64 / 1e6),
    },
    Family {
        name: "grantd_account_users",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "Users in the newest snapshot.",
        read: |r| snapshots(r, |s| s.users as f64),
    },
    Family {
        name: "grantd_account_roles",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "Roles in the newest snapshot, database roles included.",
        read: |r| snapshots(r, |s| s.roles as f64),
    },
    Family {
        name: "grantd_account_objects",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "Objects in the newest snapshot.",
        read: |r| snapshots(r, |s| s.objects as f64),
    },
    Family {
        name: "grantd_account_grants",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "Grants in the newest snapshot.",
        read: |r| snapshots(r, |s| s.grants as f64),
    },
    Family {
        name: "grantd_account_coverage_gaps",
        kind: Kind::Gauge,
        labels: &["account", "reason"],
        help: "Rows of the relation coverage: what the newest snapshot could not read, by reason.",
        read: |r| {
            let samples = r.accounts.iter().flat_map(|(name, account)| {
                account
                    .gaps
                    .iter()
                    .map(|(reason, gaps)| Sample { labels: vec![name.clone(), reason.clone()], value: *gaps as f64 })
            });
            Values::Samples(samples.collect())
        },
    },
    Family {
        name: "grantd_account_sync_runs_total",
        kind: Kind::Counter,
        labels: &["account", "outcome"],
        help: "Syncs, checks and imports of this process by outcome.",
        read: |r| {
            let samples = r.accounts.iter().flat_map(|(name, account)| {
                [("succeeded", account.succeeded), ("failed", account.failed)].map(|(outcome, runs)| Sample {
                    labels: vec![name.clone(), outcome.to_owned()],
                    value: runs as f64,
                })
            });
            Values::Samples(samples.collect())
        },
    },
    Family {
        name: "grantd_account_sync_failures",
        kind: Kind::Gauge,
        labels: ACCOUNT,
        help: "Failed runs since the last one that succeeded, also before the start.",
        read: |r| accounts(r, |account| Some(account.failures as f64)),
    },
];
