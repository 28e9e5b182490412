//! What `CALL` does: decide, never read. `sync`, `accept_baseline`, `propose`, `set_changeset_status`.

use super::{Daemon, DaemonError, SyncRequest, blocking, now, user_calls};
use crate::gateway::{CallOutcome, SqlError};
use crate::store::{AccountSource, ChangeRow, ChangesetStatus, NewChangeset, SnapshotId, StoreError};
use crate::sync::source::Silent;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::common::ScalarValue;
use grantd_catalog::sql::{parse_changes, render_script};
use grantd_catalog::tables::{AccountView, ObjectColumns, World};
use std::sync::Arc;

/// The calls, with their arguments, for errors.
const CALLS: &[&str] = &[
    "accept_baseline(account, note)",
    "cancel(changeset, note)",
    "propose(title, sql [, account])",
    "sync(account [, force])",
];

/// Runs a call for a user.
pub(super) async fn call(
    daemon: &Daemon,
    user: &str,
    administrator: bool,
    name: &str,
    args: Vec<ScalarValue>,
) -> Result<CallOutcome, SqlError> {
    let args = args.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let Some(outcome) = user_calls::call(daemon, administrator, name, &args).await {
        return outcome;
    }
    match (name, args.as_slice()) {
        ("sync", [account]) => sync(daemon, account, false).await,
        ("sync", [account, force]) => sync(daemon, account, boolean(force)?).await,
        ("accept_baseline", [account]) => accept_baseline(daemon, user, account, "").await,
        ("accept_baseline", [account, note]) => accept_baseline(daemon, user, account, note).await,
        ("propose", [title, sql]) => propose(daemon, user, title, sql, None).await,
        ("propose", [title, sql, account]) => propose(daemon, user, title, sql, Some(account)).await,
        ("cancel", [changeset]) => cancel(daemon, user, changeset, "").await,
        ("cancel", [changeset, note]) => cancel(daemon, user, changeset, note).await,
        (name, args) => {
            let all = CALLS.iter().chain(user_calls::CALLS);
            let same = all.clone().find(|c| c.split('(').next() == Some(name));
            let hint = match same {
                Some(usage) => format!("Use CALL {usage}."),
                None => format!("There are: {}.", all.copied().collect::<Vec<_>>().join(", ")),
            };
            let given = vec!["text"; args.len()].join(", ");
            Err(SqlError::new("42883", format!("procedure {name}({given}) does not exist")).with_hint(hint))
        }
    }
}

/// The account, changeset, user or token that a call is about, for the log. Nothing else of its arguments is kept.
pub(super) fn about(name: &str, args: &[ScalarValue]) -> Option<String> {
    let position = match name {
        "sync" | "accept_baseline" | "cancel" => 0,
        "propose" => 2,
        name if user_calls::CALLS.iter().any(|usage| usage.split('(').next() == Some(name)) => 0,
        _ => return None,
    };
    text(args.get(position)?.clone()).ok()
}

/// A truth value as PostgreSQL writes it.
pub(super) fn boolean(text: &str) -> Result<bool, SqlError> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "off" | "0" => Ok(false),
        _ => Err(SqlError::new("22P02", format!("invalid input syntax for type boolean: \"{text}\""))
            .with_hint("Say true or false.")),
    }
}

fn text(value: ScalarValue) -> Result<String, SqlError> {
    match value {
        ScalarValue::Boolean(Some(b)) => Ok(b.to_string()),
        ScalarValue::Utf8(Some(t)) | ScalarValue::Utf8View(Some(t)) | ScalarValue::LargeUtf8(Some(t)) => Ok(t),
        number if number.data_type().is_integer() && !number.is_null() => Ok(number.to_string()),
        other if other.is_null() => Err(SqlError::new("22004", "an argument of CALL cannot be NULL")),
        other => Err(SqlError::new("42804", format!("an argument of CALL must be text, not {other}"))),
    }
}

/// Reads everything now. With `force`, a loss is accepted that the shrink guard refuses.
async fn sync(daemon: &Daemon, account: &str, force: bool) -> Result<CallOutcome, SqlError> {
    let source = match daemon.world().account(account).map(|view| view.source.clone()) {
        Some(word) => AccountSource::parse(&word).unwrap_or(AccountSource::Sync),
        None => AccountSource::Sync,
    };
    let request = SyncRequest { force_shrink: force, ..SyncRequest::full() };
    let report = daemon.sync_with(account, source, request, &Silent).await.map_err(|e| sql_error(&e))?;
    rows(vec![
        ("account", Arc::new(StringArray::from(vec![report.account])) as ArrayRef),
        ("snapshot_id", Arc::new(Int64Array::from(vec![report.snapshot.0]))),
        ("statements", Arc::new(Int64Array::from(vec![report.statements as i64]))),
        ("rows", Arc::new(Int64Array::from(vec![i64::try_from(report.rows).unwrap_or(i64::MAX)]))),
        ("findings", Arc::new(Int64Array::from(vec![report.findings as i64]))),
    ])
}

async fn accept_baseline(daemon: &Daemon, user: &str, account: &str, note: &str) -> Result<CallOutcome, SqlError> {
    let _turn = daemon.writer.lock().await;
    let world = daemon.world();
    let view = find(&world, account)?;
    let differences = view.drift().len();
    let (store, name, note, user) = (Arc::clone(&daemon.store), account.to_owned(), note.to_owned(), user.to_owned());
    let id = SnapshotId(view.snapshot_id);
    let set = blocking(move || store.set_baseline(&name, id, &note, &user, now())).await;
    set.map_err(|e| sql_error(&e))?.map_err(|e| sql_error(&e.into()))?;
    daemon.reload().await.map_err(|e| sql_error(&e))?;
    let notice = format!("accepted snapshot {id} of account \"{account}\" with its {differences} differences");
    Ok(CallOutcome::Done { notice })
}

async fn propose(
    daemon: &Daemon,
    user: &str,
    title: &str,
    sql: &str,
    account: Option<&str>,
) -> Result<CallOutcome, SqlError> {
    let _turn = daemon.writer.lock().await;
    let world = daemon.world();
    let view = match (account, world.accounts.as_slice()) {
        (Some(name), _) => find(&world, name)?,
        (None, [only]) => only,
        (None, _) => {
            return Err(SqlError::new("42P13", "propose needs an account: there is not exactly one")
                .with_hint("Use CALL propose(title, sql, account)."));
        }
    };
    if title.trim().is_empty() {
        return Err(SqlError::new("22023", "the title of a changeset cannot be empty"));
    }
    let before = view.snapshot.thaw();
    let changes = parse_changes(sql, &before).map_err(|error| {
        SqlError::new("42601", format!("the proposed SQL: {error}")).with_hint(
            "Only statements that change access can be proposed; names are written in full: DB.SCHEMA.OBJECT.",
        )
    })?;
    if changes.is_empty() {
        return Err(SqlError::new("22023", "the proposed SQL changes nothing"));
    }
    let script = render_script(&changes, &before)
        .map_err(|error| SqlError::new("42601", format!("the proposed SQL: {error}")))?;
    let steps: Vec<ChangeRow> = script
        .statements
        .iter()
        .map(|s| {
            let about = ObjectColumns::of(&s.change);
            let [object_type, object_database, object_schema, object_name, object] = about.texts();
            let inverse: Vec<String> = s.inverse.iter().map(|i| format!("{i};")).collect();
            ChangeRow {
                kind: s.change.kind().to_owned(),
                sql: format!("{};", s.sql),
                inverse_sql: (!inverse.is_empty()).then(|| inverse.join("\n")),
                privilege: None,
                object_type,
                object_database,
                object_schema,
                object_name,
                object,
                grantee_type: about.grantee.as_ref().map(|g| g.kind.as_str().to_owned()),
                grantee: about.grantee.as_ref().map(grantd_catalog::model::Principal::shown),
            }
        })
        .collect();
    let count = steps.len() as i64;
    let new = NewChangeset {
        account: view.name.clone(),
        title: title.to_owned(),
        created_by: user.to_owned(),
        created_at: now(),
        sql: sql.to_owned(),
        base_snapshot: Some(SnapshotId(view.snapshot_id)),
        changes: steps,
    };
    let store = Arc::clone(&daemon.store);
    let made = blocking(move || store.create_changeset(&new)).await;
    let made = made.map_err(|e| sql_error(&e))?.map_err(|e| sql_error(&e.into()))?;
    daemon.reload().await.map_err(|e| sql_error(&e))?;
    rows(vec![
        ("changeset", Arc::new(StringArray::from(vec![made.id])) as ArrayRef),
        ("account", Arc::new(StringArray::from(vec![made.account]))),
        ("status", Arc::new(StringArray::from(vec![made.status.as_str()]))),
        ("changes", Arc::new(Int64Array::from(vec![count]))),
    ])
}

async fn cancel(daemon: &Daemon, user: &str, changeset: &str, note: &str) -> Result<CallOutcome, SqlError> {
    let _turn = daemon.writer.lock().await;
    let store = Arc::clone(&daemon.store);
    let (id, by, why) = (changeset.to_owned(), user.to_owned(), note.to_owned());
    let done = blocking(move || store.set_changeset_status(&id, ChangesetStatus::Cancelled, &by, &why, now())).await;
    done.map_err(|e| sql_error(&e))?.map_err(|e| sql_error(&e.into()))?;
    daemon.reload().await.map_err(|e| sql_error(&e))?;
    Ok(CallOutcome::Done { notice: format!("changeset {changeset} is cancelled") })
}

fn find<'w>(world: &'w World, account: &str) -> Result<&'w Arc<AccountView>, SqlError> {
    world.account(account).ok_or_else(|| sql_error(&super::no_account(world, account)))
}

pub(super) fn rows(columns: Vec<(&str, ArrayRef)>) -> Result<CallOutcome, SqlError> {
    let batch = RecordBatch::try_from_iter(columns).map_err(|error| {
        tracing::error!(%error, "the result of a call");
        SqlError::internal()
    })?;
    Ok(CallOutcome::Rows(batch.schema(), vec![batch]))
}

pub(super) fn sql_error(error: &DaemonError) -> SqlError {
    match error {
        DaemonError::Store(e) => store_error(e),
        DaemonError::NoAccount(..) => SqlError::new("42704", error.to_string()),
        DaemonError::NoConnection(_) => SqlError::new("55000", error.to_string()),
        DaemonError::Sync { .. } => {
            SqlError::new("58000", error.to_string()).with_hint("The state before stays; see sync_runs.")
        }
        DaemonError::Import(_) | DaemonError::Assemble { .. } => SqlError::new("22000", error.to_string()),
        DaemonError::Snapshot { .. } => SqlError::new("58030", error.to_string()),
        DaemonError::Internal(text) => {
            tracing::error!(%text, "a call failed");
            SqlError::internal()
        }
    }
}

pub(super) fn store_error(error: &StoreError) -> SqlError {
    let told = SqlError::new(error.sqlstate(), error.to_string());
    match error.hint() {
        Some(hint) => told.with_hint(hint),
        None => told,
    }
}
