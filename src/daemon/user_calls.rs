//! What administrators do to users by `CALL`. A secret that is made is in the answer, and nowhere else.

use super::calls::{rows, store_error};
use super::users::{Users, listed};
use super::{Daemon, blocking};
use crate::gateway::{CallOutcome, SqlError};
use crate::store::StoreError;
use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
use std::sync::Arc;
use std::time::Duration;

/// The calls, with their arguments, for errors.
pub(super) const CALLS: &[&str] = &[
    "create_token(user, label [, days])",
    "create_user(name [, administrator])",
    "disable_user(name)",
    "enable_user(name)",
    "list_users()",
    "reset_password(name)",
    "revoke_token(token)",
    "rotate_token(token [, hours])",
];

const DAY: Duration = Duration::from_hours(24);
/// How long a token goes on beside the one in its place.
pub const GRACE: Duration = DAY;

/// Runs a call, if it is one about users with arguments that fit.
pub(super) async fn call(
    daemon: &Daemon,
    administrator: bool,
    name: &str,
    args: &[&str],
) -> Option<Result<CallOutcome, SqlError>> {
    let known = CALLS.iter().any(|usage| usage.split('(').next() == Some(name));
    if !known {
        return None;
    }
    if !administrator {
        let error = SqlError::new("42501", format!("permission denied for procedure {name}"));
        return Some(Err(error.with_hint("Administrators change users.")));
    }
    let users = Users::new(Arc::clone(&daemon.store));
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let call = name.to_owned();
    // Making a secret takes some milliseconds of a processor, and the store is a disk.
    match blocking(move || run(&users, &call, &args.iter().map(String::as_str).collect::<Vec<_>>())).await {
        Ok(outcome) => outcome,
        Err(error) => Some(Err(super::calls::sql_error(&error))),
    }
}

fn run(users: &Users, name: &str, args: &[&str]) -> Option<Result<CallOutcome, SqlError>> {
    Some(match (name, args) {
        ("create_user", [user]) => {
            users.add(user, false).map_err(|e| failed(&e)).and_then(|p| secret(user, None, p.expose()))
        }
        ("create_user", [user, administrator]) => super::calls::boolean(administrator)
            .and_then(|administrator| users.add(user, administrator).map_err(|e| failed(&e)))
            .and_then(|password| secret(user, None, password.expose())),
        ("reset_password", [user]) => {
            users.reset_password(user).map_err(|e| failed(&e)).and_then(|p| secret(user, None, p.expose()))
        }
        ("create_token", [user, label]) => token(users, user, label, None),
        ("create_token", [user, label, days]) => match days.parse::<u32>() {
            Ok(days @ 1..) => token(users, user, label, Some(DAY * days)),
            _ => Err(SqlError::new("22023", format!("\"{days}\" is no number of days, at least 1"))),
        },
        ("disable_user", [user]) => done(users.set_disabled(user, true), "is kept out from the next login on", user),
        ("enable_user", [user]) => done(users.set_disabled(user, false), "is let in again", user),
        ("revoke_token", [id]) => number(id).and_then(|number| done(users.revoke(number), "is revoked", id)),
        ("rotate_token", [id]) => number(id).and_then(|id| rotate(users, id, GRACE)),
        ("rotate_token", [id, hours]) => match hours.parse::<u32>() {
            Ok(hours) => number(id).and_then(|id| rotate(users, id, Duration::from_hours(1) * hours)),
            Err(_) => Err(SqlError::new("22023", format!("\"{hours}\" is no number of hours"))),
        },
        ("list_users", []) => listed(users).map_err(|e| failed(&e)),
        _ => return None,
    })
}

fn number(id: &str) -> Result<i64, SqlError> {
    id.parse().map_err(|_| SqlError::new("22P02", format!("invalid input syntax for type bigint: \"{id}\"")))
}

fn rotate(users: &Users, id: i64, grace: Duration) -> Result<CallOutcome, SqlError> {
    let (user, id, token) = users.rotate(id, grace).map_err(|e| failed(&e))?;
    secret(&user, Some(id), token.expose())
}

fn failed(error: &StoreError) -> SqlError {
    match error {
        StoreError::Invalid { detail, .. } => SqlError::new("22023", detail.clone()),
        other => store_error(other),
    }
}

fn done(result: Result<(), StoreError>, what: &str, who: &str) -> Result<CallOutcome, SqlError> {
    result.map_err(|e| failed(&e))?;
    Ok(CallOutcome::Done { notice: format!("{who} {what}") })
}

fn token(users: &Users, user: &str, label: &str, lives: Option<Duration>) -> Result<CallOutcome, SqlError> {
    let (id, token) = users.token(user, label, lives).map_err(|e| failed(&e))?;
    secret(user, Some(id), token.expose())
}

fn secret(user: &str, token: Option<i64>, text: &str) -> Result<CallOutcome, SqlError> {
    let texts = |text: &str| Arc::new(StringArray::from(vec![text.to_owned()])) as ArrayRef;
    rows(vec![
        ("user_name", texts(user)),
        ("token", Arc::new(Int64Array::from(vec![token])) as ArrayRef),
        ("secret", texts(text)),
    ])
}
