//! SHOW and DESCRIBE: immediate, without a warehouse, limited to what the active roles may see.
//!
//! Columns and their order are Snowflake's.

mod grants;
mod inventory;
mod table;

use super::session::{Session, expand_error, missing, sees_all_users, syntax_error};
use crate::sandbox::protocol::engine::{Answer, Failure, StatementKind};
use grantd_catalog::model::Principal;
use grantd_catalog::sql::Scope;
use grantd_catalog::sql::show::{Show, ShowWhat, parse_describe, parse_show};
use table::{Cell, Table};

/// Most rows of one SHOW; the rest is dropped in silence, as Snowflake documents it.
const SHOW_LIMIT: usize = 10_000;

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
        ShowWhat::Parameters => parameters(),
        ShowWhat::Objects => view.relations(command.within.as_ref())?,
        ShowWhat::Type(object_type) => view.inventory(object_type, command.within.as_ref())?,
    };
    limit(&mut table, &command)?;
    table.answer(StatementKind::Show)
}

/// What a SHOW looks at.
struct View<'a> {
    session: &'a Session,
    account: &'a grantd_catalog::account::Account,
    active: &'a super::roles::Active<'a>,
    scope: Scope<'a>,
}

/// `SHOW PARAMETERS`: the features that a sync asks about.
fn parameters() -> Table {
    let mut table = Table::new(&["key", "value", "default", "level", "description", "type"]);
    for (key, value, description) in [
        ("FEATURE_RBAC_INHERITED_GRANTS", "ENABLED", "Grants on all objects of a type in a container"),
        ("TIMEZONE", "UTC", "Time zone of the session"),
    ] {
        table.row(vec![
            Cell::text(key),
            Cell::text(value),
            Cell::text(value),
            Cell::text(""),
            Cell::text(description),
            Cell::text("STRING"),
        ]);
    }
    table
}

/// LIKE, STARTS WITH and LIMIT ... FROM, in Snowflake's order.
fn limit(table: &mut Table, command: &Show) -> Result<(), Failure> {
    if let Some(pattern) = &command.like {
        let pattern = pattern.to_ascii_uppercase();
        table.keep_names(|name| Ok(like(&name.to_ascii_uppercase(), &pattern)))?;
    }
    if let Some(start) = &command.starts_with {
        table.keep_names(|name| Ok(name.starts_with(start.as_str())))?;
    }
    if let Some(from) = &command.from {
        // The cursor is a prefix of a name; rows start after the first that has it.
        table.skip_past(from);
    }
    let most = command.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(SHOW_LIMIT);
    table.truncate(most.min(SHOW_LIMIT));
    Ok(())
}

/// SQL's LIKE: `%` any text, `_` any character, `\` takes the next one as it is.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // Which prefixes of the pattern match the text so far.
    let mut reached = vec![false; pattern.len() + 1];
    let spread = |reached: &mut Vec<bool>| {
        for (i, c) in pattern.iter().enumerate() {
            if *c == '%'
                && reached.get(i).copied().unwrap_or(false)
                && let Some(next) = reached.get_mut(i + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    spread(&mut reached);
    for c in text {
        let mut next = vec![false; pattern.len() + 1];
        for (i, p) in pattern.iter().enumerate() {
            if !reached.get(i).copied().unwrap_or(false) {
                continue;
            }
            let to = match p {
                '%' => Some(i),
                '_' => Some(i + 1),
                p if *p == c => Some(i + 1),
                _ => None,
            };
            if let Some(slot) = to.and_then(|t| next.get_mut(t)) {
                *slot = true;
            }
        }
        reached = next;
        spread(&mut reached);
    }
    reached.last().copied().unwrap_or(false)
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
            let fingerprint = crate::sandbox::protocol::keys::fingerprint(key);
            table.row(vec![Cell::text(name), Cell::text(&fingerprint), Cell::Null, Cell::Null]);
        }
    }
    table.answer(StatementKind::Describe)
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_matches_as_sql_does() {
        for (text, pattern, want) in [
            ("FEATURE_X", "FEATURE%", true),
            ("ABC", "A_C", true),
            ("ABC", "A_", false),
            ("", "%", true),
            ("ABC", "%B%", true),
            ("ABC", "", false),
        ] {
            assert_eq!(like(text, pattern), want, "{text} LIKE {pattern}");
        }
    }
}
