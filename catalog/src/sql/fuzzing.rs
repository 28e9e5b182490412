//! What holds for any script, as a function that fuzzing and the tests call.

use super::{Names, SqlError, canonical, parse_changes, parse_script, render};
use crate::account::{Account, ApplyError};

/// Reads a script as the work of an account that is empty, and each change that it makes once more from its rendered
/// SQL.
///
/// # Errors
/// What does not hold: an error without a place, a change that is rendered as several statements or reads back as
/// another one.
pub fn script_reads_back(sql: &str) -> Result<(), String> {
    if let Err(error) = parse_script(sql) {
        let (lines, at) = (sql.lines().count().max(1) + 1, error.at);
        if at.line < 1 || at.column < 1 || at.line as usize > lines {
            return Err(format!("an error at {at:?} of {lines} lines: {error}"));
        }
    }
    let mut account = Account::new("A");
    let changes = match parse_changes(sql, &account) {
        Ok(changes) => changes,
        Err(error) => return place(&error),
    };
    for change in changes {
        // What the platform knows and SQL cannot say has no text.
        if let Ok(text) = render(&change) {
            let statements = parse_script(&text).map_err(|error| format!("{text}\n{error}"))?;
            let [statement] = statements.as_slice() else {
                return Err(format!("{} statements in {text}", statements.len()));
            };
            let read = statement.expand(&account, &Names::default());
            if read.as_deref() != Ok(&[canonical(&change)]) {
                return Err(format!("{text}\nreads back as {read:?}\ninstead of {:?}", canonical(&change)));
            }
        }
        match account.apply(&change, None) {
            Ok(()) | Err(ApplyError::NotGranted(_)) => {}
            Err(error) => return Err(format!("{change:?} was applied before and now is not: {error}")),
        }
    }
    Ok(())
}

fn place(error: &SqlError) -> Result<(), String> {
    let at = error.position();
    if at.line >= 1 && at.column >= 1 { Ok(()) } else { Err(format!("an error without a place: {error}")) }
}
