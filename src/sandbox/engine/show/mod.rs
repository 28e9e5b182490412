//! SHOW and DESCRIBE: immediate, without a warehouse, limited to what the active roles may see.
//!
//! Columns and their order are Snowflake's.

mod grants;
mod inventory;
mod relations;
mod table;
#[cfg(test)]
mod tests;

use super::refusals::{expand_error, missing, syntax_error};
use super::session::{Session, sees_all_users};
use super::state::INHERITED_GRANTS;
use crate::sandbox::protocol::engine::{Answer, Failure, StatementKind};
use grantd_catalog::model::Principal;
use grantd_catalog::sql::Scope;
use grantd_catalog::sql::show::{Show, ShowWhat, parse_describe, parse_show};
use table::{Cell, Table};

/// Most rows of one SHOW.
const SHOW_LIMIT: usize = 10_000;
/// What is refused beyond that, unless LIMIT is said; of everything else the rest is dropped in silence.
const REFUSED_BEYOND: &[&str] = &["DATABASE", "ROLE", "SCHEMA", "USER"];

/// Runs a SHOW command.
pub(super) fn show(session: &Session, sql: &str) -> Result<Answer, Failure> {
    let command = parse_show(sql).map_err(|e| syntax_error(&e))?;
    let account = session.engine.account();
    let active = session.active(&account);
    let scope = Scope { account: &account, names: &session.names };
    let view = View { session, account: &account, active: &active, scope };
    let mut table = match &command.what {
        ShowWhat::MyGrants => view.grants_to(&session.user)?,
        ShowWhat::GrantsOn(target) => view.grants_on(target)?,
        ShowWhat::GrantsTo(grantee) => view.grants_to(&scope.grantee(grantee).map_err(|e| expand_error(&e))?)?,
        ShowWhat::GrantsOf(role) => view.grants_of(&scope.role(role).map_err(|e| expand_error(&e))?)?,
        ShowWhat::GrantsOfShare(name) => return Err(missing("Share", &name.shown())),
        ShowWhat::FutureGrantsIn(within) => view.future_grants_in(within)?,
        ShowWhat::FutureGrantsTo(grantee) => {
            view.future_grants_to(&scope.grantee(grantee).map_err(|e| expand_error(&e))?)
        }
        ShowWhat::InheritedGrantsIn(within) => view.inherited_grants_in(within)?,
        ShowWhat::Parameters => parameters(session.engine.state().inherited_grants),
        ShowWhat::Objects => view.relations(command.within.as_ref())?,
        ShowWhat::Type(object_type) => view.inventory(object_type, command.within.as_ref())?,
    };
    limit(&mut table, &command)?;
    table.answer(StatementKind::Show)
}

/// One row with one text.
pub(super) fn one_text(column: &'static str, text: &str, kind: StatementKind) -> Result<Answer, Failure> {
    let mut table = Table::new(&[column]);
    table.row(vec![Cell::text(text)]);
    table.answer(kind)
}

/// What a SHOW looks at.
struct View<'a> {
    session: &'a Session,
    account: &'a grantd_catalog::account::Account,
    active: &'a super::roles::Active<'a>,
    scope: Scope<'a>,
}

/// `SHOW PARAMETERS`: the features that a sync asks about.
fn parameters(inherited_grants: bool) -> Table {
    let mut table = Table::new(&["key", "value", "default", "level", "description", "type"]);
    let (inherited, level) = if inherited_grants { ("ENABLED", "ACCOUNT") } else { ("DISABLED", "") };
    for (key, value, default, level, description) in [
        (INHERITED_GRANTS, inherited, "DISABLED", level, "Grants on all objects of a type in a container"),
        ("TIMEZONE", "UTC", "UTC", "", "Time zone of the session"),
    ] {
        table.row(vec![
            Cell::text(key),
            Cell::text(value),
            Cell::text(default),
            Cell::text(level),
            Cell::text(description),
            Cell::text("STRING"),
        ]);
    }
    table
}

/// LIKE, STARTS WITH and LIMIT ... FROM, in Snowflake's order.
fn limit(table: &mut Table, command: &Show) -> Result<(), Failure> {
    if let Some(pattern) = &command.like {
        table.keep_like(pattern)?;
    }
    if let Some(start) = &command.starts_with {
        table.keep_names(|name| name.starts_with(start.as_str()));
    }
    if let Some(from) = &command.from {
        // The cursor is a prefix of a name; rows start after the first that has it.
        table.skip_past(from);
    }
    let refused = matches!(&command.what, ShowWhat::Type(t) if REFUSED_BEYOND.contains(&t.as_str()));
    if refused && command.limit.is_none() && table.len() > SHOW_LIMIT {
        let text = format!(
            "Processing aborted: result set size exceeded the max number of rows({SHOW_LIMIT}) supported for SHOW \
             statements. Use LIMIT option to limit result set to a smaller number."
        );
        return Err(Failure::new("090153", "22000", text));
    }
    let most = command.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(SHOW_LIMIT);
    table.truncate(most.min(SHOW_LIMIT));
    Ok(())
}

/// DESCRIBE USER and DESCRIBE of a relation.
pub(super) fn describe(session: &Session, sql: &str) -> Result<Answer, Failure> {
    let named = parse_describe(sql).map_err(|e| syntax_error(&e))?;
    let account = session.engine.account();
    let active = session.active(&account);
    let scope = Scope { account: &account, names: &session.names };
    let object = scope.object(&named).map_err(|e| expand_error(&e))?;
    let Some(principal) = Principal::from_object(&object) else {
        if !active.has_any(&object) {
            return Err(missing(&object.object_type.sql(), &object.shown()));
        }
        // The sandbox keeps no columns of relations.
        return Table::new(&["name", "type", "kind", "null?", "default"]).answer(StatementKind::Describe);
    };
    if !(sees_all_users(&active) || active.owns(&object) || principal == session.user) {
        return Err(missing("User", &principal.shown()));
    }
    let mut table = Table::new(&["property", "value", "default", "description"]);
    if let Some(info) = account.principal(&principal) {
        table.row(vec![Cell::text("NAME"), Cell::text(principal.name.as_str()), Cell::Null, Cell::Null]);
        for (property, value) in info.properties.iter() {
            table.row(vec![Cell::text(property.as_str()), Cell::text(value), Cell::Null, Cell::Null]);
        }
        let keys = session.engine.state().keys.get(&principal).cloned().unwrap_or_default();
        for (key, name) in keys.iter().zip(["RSA_PUBLIC_KEY_FP", "RSA_PUBLIC_KEY_2_FP"]) {
            let Some(key) = key else { continue };
            let fingerprint = crate::sandbox::protocol::keys::fingerprint(key);
            table.row(vec![Cell::text(name), Cell::text(&fingerprint), Cell::Null, Cell::Null]);
        }
    }
    table.answer(StatementKind::Describe)
}
