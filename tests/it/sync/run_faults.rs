//! Every fault of the protocol in the middle of a run: the right typed error or the right state, the state before served
//! until then, nothing half applied, and the next run as if nothing had been.

use super::account::{NAME, Platform, exact, shown, sync};
use grantd::daemon::{Daemon, DaemonError, SyncRequest};
use grantd::sandbox::protocol::{FaultKind, FaultRule};
use grantd::sync::{RunError, SourceError};
use std::sync::Arc;

const SCRIPT: &str = "
CREATE DATABASE D; CREATE SCHEMA D.S; CREATE TABLE D.S.T (ID NUMBER);
CREATE ROLE A; CREATE ROLE B; CREATE USER ANN;
GRANT ROLE A TO ROLE B; GRANT ROLE B TO USER ANN;
GRANT USAGE ON DATABASE D TO ROLE A; GRANT USAGE ON SCHEMA D.S TO ROLE A; GRANT SELECT ON TABLE D.S.T TO ROLE A;
";

/// A view that is chunked when large, a SHOW, and a statement of the last group.
const PLACES: [&str; 3] = ["ACCOUNT_USAGE.GRANTS_TO_ROLES", "SHOW ROLES", "SHOW FUTURE GRANTS IN DATABASE"];

/// How a run under a fault must end.
#[derive(Clone, Copy)]
enum Ends {
    Well,
    With(fn(&SourceError) -> bool),
}

fn source_error(error: &DaemonError) -> Option<&SourceError> {
    match error {
        DaemonError::Sync { error, .. } => match error.as_ref() {
            RunError::Statement { error, .. } => Some(error),
            _ => None,
        },
        _ => None,
    }
}

/// Plays the faults while an account that changed is synced, and looks at everything that a reader can see.
async fn play(place: &str, faults: &[(FaultKind, u64)], ends: Ends) {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(exact());
    let first = sync(&daemon, SyncRequest::full()).await.unwrap();
    let before = shown(&daemon);
    platform.run("CREATE ROLE LATER; GRANT INSERT ON TABLE D.S.T TO ROLE LATER");
    let rules = faults.iter().map(|(kind, times)| FaultRule { times: *times, ..FaultRule::once(place, kind.clone()) });
    platform.controls.add_faults(rules.collect()).unwrap();
    let result = sync(&daemon, SyncRequest::full()).await;
    let world = daemon.world();
    let view = world.account(NAME).unwrap();
    let last = world.sync_runs.iter().max_by_key(|r| r.run_id.parse::<i64>().unwrap()).unwrap();
    match (ends, result) {
        (Ends::Well, Ok(report)) => {
            assert!(report.snapshot > first.snapshot);
            assert_eq!((last.status.as_str(), last.snapshot_id), ("succeeded", Some(report.snapshot.0)));
        }
        (Ends::With(wanted), Err(error)) => {
            assert!(source_error(&error).is_some_and(wanted), "{place}, {faults:?}: {error}");
            assert!(Arc::ptr_eq(&view.snapshot, &before), "{place}, {faults:?}: the state before is served");
            assert_eq!(view.snapshot_id, first.snapshot.0);
            assert_eq!((last.status.as_str(), last.snapshot_id), ("failed", None));
            assert_eq!(view.health.failures, 1);
            assert!(error.to_string().contains(last.error.as_deref().unwrap()), "{error}");
        }
        (_, result) => panic!("{place}, {faults:?}: {result:?}"),
    }
    platform.controls.clear_faults();
    sync(&daemon, SyncRequest::full()).await.unwrap();
    let after = shown(&daemon);
    let roles: Vec<&str> = after.principals().iter().map(|p| p.name.as_str()).collect();
    assert!(roles.contains(&"LATER") && after.grants().len() == before.grants().len() + 1, "{place}, {faults:?}");
    assert_eq!(daemon.world().account(NAME).unwrap().health.failures, 0);
}

fn unavailable(status: u16, retry_after: Option<u32>) -> FaultKind {
    FaultKind::HttpStatus { status, retry_after, executed: false }
}

/// A test per fault: its name, whether it is played in every place, the faults, how the run ends.
macro_rules! faults {
    ($($name:ident: $places:expr, [$($fault:expr => $times:literal),+], $ends:expr;)+) => {
        $(
            #[tokio::test]
            async fn $name() {
                use FaultKind as F;
                use SourceError as E;
                let _ = (F::EmptyInline, E::Incomplete(String::new()));
                for place in $places {
                    play(place, &[$(($fault, $times)),+], $ends).await;
                }
            }
        )+
    };
}

/// Views are read as Arrow, SHOW commands as JSON.
const BOTH: [&str; 2] = [PLACES[0], PLACES[1]];
const VIEW: [&str; 1] = [PLACES[0]];

fn split() -> FaultKind {
    FaultKind::Split { inline_rows: 3, chunk_rows: 5 }
}

faults! {
    too_many_requests_are_waited_for: PLACES, [unavailable(429, Some(1)) => 1], Ends::Well;
    bad_gateway_is_retried: PLACES, [unavailable(502, None) => 1], Ends::Well;
    unavailable_is_retried: PLACES, [unavailable(503, None) => 2], Ends::Well;
    gateway_timeout_after_the_statement_ran_is_retried: VIEW,
        [F::HttpStatus { status: 504, retry_after: None, executed: true } => 1], Ends::Well;
    unavailable_for_long_ends_the_run: PLACES, [unavailable(503, None) => 99],
        Ends::With(|e| matches!(e, E::Http { status: 503, .. }));
    a_status_that_means_nothing_ends_the_run: BOTH, [unavailable(404, None) => 1],
        Ends::With(|e| matches!(e, E::Http { status: 404, .. }));
    a_connection_closed_before_the_answer_is_retried: BOTH, [F::CloseBefore { executed: false } => 1], Ends::Well;
    a_connection_closed_in_the_headers_is_retried: BOTH, [F::CloseInHeaders { executed: true } => 1], Ends::Well;
    a_connection_closed_in_the_body_is_retried: BOTH, [F::CloseInBody => 1], Ends::Well;
    a_connection_that_always_closes_ends_the_run: BOTH, [F::CloseBefore { executed: false } => 99],
        Ends::With(|e| matches!(e, E::Transport { .. }));
    a_page_of_a_captive_proxy_ends_the_run: BOTH, [F::Html200 { executed: false } => 1],
        Ends::With(|e| matches!(e, E::Malformed { .. }));
    malformed_json_ends_the_run: BOTH, [F::MalformedJson => 1], Ends::With(|e| matches!(e, E::Malformed { .. }));
    deep_json_ends_the_run: BOTH, [F::DeepJson { depth: 100_000 } => 1], Ends::With(|e| matches!(e, E::Malformed { .. }));
    huge_json_ends_the_run: BOTH, [F::HugeJson { bytes: 6 << 20 } => 1],
        Ends::With(|e| matches!(e, E::TooLarge { .. }));
    a_body_that_trickles_ends_the_run: VIEW, [F::SlowBody { bytes_per_second: 1 } => 99],
        Ends::With(|e| matches!(e, E::Deadline(_) | E::Transport { .. }));
    latency_is_only_slow: BOTH, [F::Latency { milliseconds: 300 } => 1], Ends::Well;
    an_expired_session_is_renewed: PLACES, [F::SessionExpired => 1], Ends::Well;
    a_bare_401_is_an_expired_session: BOTH, [F::Unauthorized => 1], Ends::Well;
    an_error_of_the_server_ends_the_run: BOTH,
        [F::Failure { code: "000603".into(), sqlstate: "XX000".into(), message: "boom".into() } => 1],
        Ends::With(|e| matches!(e, E::Server { code, .. } if code == "000603"));
    a_lost_warehouse_ends_the_run: VIEW,
        [F::Failure { code: "000606".into(), sqlstate: "57P03".into(), message: "no warehouse".into() } => 1],
        Ends::With(|e| matches!(e, E::Server { code, .. } if code == "000606"));
    a_statement_timeout_of_the_server_ends_the_run: VIEW,
        [F::Failure { code: "000630".into(), sqlstate: "57014".into(), message: "timeout".into() } => 1],
        Ends::With(|e| matches!(e, E::Server { code, .. } if code == "000630"));
    a_statement_that_runs_on_is_polled: BOTH, [F::InProgress { polls: 3 } => 1], Ends::Well;
    a_result_on_another_host_is_refused: BOTH,
        [F::ResultUrlElsewhere { url: "http://127.0.0.1:1/queries/x/result".into() } => 1],
        Ends::With(|e| matches!(e, E::Malformed { .. }));
    a_result_in_chunks_is_put_together: BOTH, [split() => 1], Ends::Well;
    a_refused_chunk_ends_the_run: BOTH, [split() => 1, F::ChunkStatus { chunk: 0, status: 403 } => 1],
        Ends::With(|e| matches!(e, E::Http { status: 403, .. }));
    a_chunk_cut_in_a_message_ends_the_run: BOTH, [split() => 1, F::ChunkCutMidMessage { chunk: 0 } => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_) | E::Malformed { .. }));
    a_chunk_cut_between_messages_ends_the_run: BOTH, [split() => 1, F::ChunkCutAtBoundary { chunk: 0 } => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_)));
    a_chunk_without_its_end_mark_ends_the_run: VIEW, [split() => 1, F::ChunkMissingEos { chunk: 0 } => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_)));
    a_chunk_with_broken_gzip_ends_the_run: BOTH, [split() => 1, F::ChunkWrongGzip { chunk: 0 } => 1],
        Ends::With(|e| matches!(e, E::Transport { .. }));
    a_chunk_with_more_rows_than_it_should_ends_the_run: BOTH,
        [split() => 1, F::ChunkRowCount { chunk: 0, by: -1 } => 1], Ends::With(|e| matches!(e, E::Incomplete(_)));
    a_chunk_with_fewer_rows_than_it_should_ends_the_run: BOTH,
        [split() => 1, F::ChunkRowCount { chunk: 0, by: 1 } => 1], Ends::With(|e| matches!(e, E::Incomplete(_)));
    a_total_that_is_too_high_ends_the_run: PLACES, [F::TotalOff { by: 1 } => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_)));
    a_total_that_is_too_low_ends_the_run: BOTH, [F::TotalOff { by: -1 } => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_)));
    an_empty_first_part_with_a_total_ends_the_run: BOTH, [F::EmptyInline => 1],
        Ends::With(|e| matches!(e, E::Incomplete(_)));
    columns_of_the_same_name_end_the_run: VIEW, [F::DuplicateColumnNames => 1],
        Ends::With(|e| matches!(e, E::Table(_)));
    an_unknown_type_is_read_as_text: VIEW, [F::UnknownColumnType { name: "vector".into() } => 1], Ends::Well;
}

#[tokio::test]
async fn a_row_of_nothing_but_nulls_ends_the_run_and_names_its_place() {
    let platform = Platform::start(SCRIPT);
    let daemon = platform.daemon(exact());
    sync(&daemon, SyncRequest::full()).await.unwrap();
    let before = shown(&daemon);
    platform.controls.add_faults(vec![FaultRule::once(PLACES[0], FaultKind::NullRow)]).unwrap();
    let error = sync(&daemon, SyncRequest::full()).await.unwrap_err();
    assert!(
        matches!(&error, DaemonError::Sync { error, .. } if matches!(error.as_ref(), RunError::Assemble(_))),
        "{error}"
    );
    assert!(error.to_string().contains("GRANTS_TO_ROLES: row "), "{error}");
    assert!(Arc::ptr_eq(&shown(&daemon), &before));
}

#[tokio::test]
async fn a_refused_renewal_leads_to_a_new_login_in_the_same_run() {
    play_login(vec![
        FaultRule::once(PLACES[0], FaultKind::SessionExpired),
        FaultRule::once("token-request", FaultKind::RenewRefused),
    ])
    .await
    .unwrap();
}

#[tokio::test]
async fn a_login_that_is_refused_ends_the_run_with_advice() {
    for fault in [FaultKind::ClockSkew { seconds: 100_000 }, FaultKind::WrongRole { role: "PUBLIC".into() }] {
        let error = play_login(vec![FaultRule::once("login-request", fault)]).await.unwrap_err();
        assert!(matches!(source_error(&error), Some(SourceError::Login { .. })), "{error}");
    }
}

async fn play_login(rules: Vec<FaultRule>) -> Result<(), DaemonError> {
    let platform = Platform::start(SCRIPT);
    let daemon: Daemon = platform.daemon(exact());
    sync(&daemon, SyncRequest::full()).await.unwrap();
    let before = shown(&daemon);
    platform.controls.add_faults(rules).unwrap();
    let result = sync(&daemon, SyncRequest::full()).await;
    assert_eq!(result.is_err(), Arc::ptr_eq(&shown(&daemon), &before), "served is the state before, or the new one");
    result.map(drop)
}
