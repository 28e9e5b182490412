//! The questions of `grantd doctor` to an account.

use super::rights::{Expected, Held, missing, surplus};
use super::{Finding, Status};
use crate::config::AccountConfig;
use crate::daemon::snowflake::DEFAULT_ROLE;
use crate::sync::coverage::consequence;
use crate::sync::kind::Family;
use crate::sync::source::Silent;
use crate::sync::{Extent, Group, Source, SourceError, SourceKind, SourceTable, Statement, plan};
use grantd_catalog::model::Ident;
use grantd_catalog::sql::text_literal;
use std::collections::{BTreeSet, VecDeque};

/// More roles than this below the login's role are not looked into one by one.
const MOST_ROLES: usize = 100;

/// Asks one question.
pub(super) async fn ask(source: &dyn Source, kind: SourceKind, sql: String) -> Result<SourceTable, SourceError> {
    let needs_warehouse = kind.spec().family != Family::Show && kind != SourceKind::ShowGrants;
    let group = Group::Repair;
    let statement = Statement { group, name: sql.clone(), kind, sql, older_sql: None, needs_warehouse };
    source.read(&statement, &Silent).await
}

/// Looks at everything; after a login that is refused at nothing more.
pub(super) async fn findings(source: &dyn Source, account: &AccountConfig) -> Vec<Finding> {
    let role = configured(account.role.as_deref().unwrap_or(DEFAULT_ROLE));
    let warehouse = account.warehouse.as_deref().map(configured);
    let (Ok(role), Ok(warehouse)) = (role, warehouse.transpose()) else {
        let detail = "the role or the warehouse of the configuration is no name".to_owned();
        return vec![Finding { check: "login", status: Status::Fail, detail, fix: None }];
    };
    let expected = Expected { role: &role, warehouse: warehouse.as_ref() };
    let mut found = Vec::new();
    let own = match grants_to_role(source, &role).await {
        Ok(held) => held,
        Err(error) => {
            let check = if matches!(error, SourceError::Server { .. }) { "role" } else { "login" };
            return vec![Finding { check, status: Status::Fail, detail: error.to_string(), fix: None }];
        }
    };
    let name = account.user.as_str();
    found.push(Finding::ok("login", format!("user {name} with role {}", role.shown())));
    let of_user = match Ident::unquoted(name) {
        Ok(user) => held(source, format!("SHOW GRANTS TO USER {}", user.quoted()), user.as_str()).await,
        Err(_) => Ok(Vec::new()),
    };
    // A session of grantd has one role, but whoever has the key could use the others.
    let more = of_user.iter().flatten().filter_map(Held::account_role).collect();
    let held = closure(source, own, &role, more, &mut found).await;
    found.extend(missing(&held, &expected));
    found.extend(surplus(&held, &expected));
    found.extend(user(source, name, of_user, &expected).await);
    found.extend(others(source, name, &role).await);
    found.extend(sources(source).await);
    found
}

/// A name of the configuration as SQL reads it.
fn configured(text: &str) -> Result<Ident, grantd_catalog::model::IdentError> {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => Ident::new(inner.replace("\"\"", "\"")),
        None => Ident::unquoted(text),
    }
}

/// Of the check itself: it could not be made.
fn unknown(check: &'static str, what: &str, error: &SourceError) -> Finding {
    Finding { check, status: Status::Warn, detail: format!("{what} could not be checked: {error}"), fix: None }
}

async fn grants_to_role(source: &dyn Source, role: &Ident) -> Result<Vec<Held>, SourceError> {
    held(source, format!("SHOW GRANTS TO ROLE {}", role.quoted()), role.as_str()).await
}

async fn held(source: &dyn Source, sql: String, holder: &str) -> Result<Vec<Held>, SourceError> {
    let table = ask(source, SourceKind::ShowGrants, sql).await?;
    let [privilege, granted_on, name, role] = ["PRIVILEGE", "GRANTED_ON", "NAME", "ROLE"].map(|c| table.column(c));
    let mut rows = Vec::with_capacity(table.len());
    for row in table.rows() {
        let text = |column| row.filled(column).unwrap_or_default().into_owned();
        // SHOW GRANTS TO USER names a role in a column of its own.
        let held = match row.filled(role) {
            Some(role) => Held {
                privilege: "USAGE".to_owned(),
                granted_on: if role.contains('.') { "DATABASE_ROLE" } else { "ROLE" }.to_owned(),
                name: role.into_owned(),
                holder: holder.to_owned(),
            },
            None => Held {
                privilege: text(privilege),
                granted_on: text(granted_on).replace(' ', "_"),
                name: text(name),
                holder: holder.to_owned(),
            },
        };
        rows.push(held);
    }
    Ok(rows)
}

/// All that the login has or could have: its role's, what roles below it and other roles of the user have, and PUBLIC's.
async fn closure(
    source: &dyn Source,
    own: Vec<Held>,
    role: &Ident,
    others: Vec<Ident>,
    found: &mut Vec<Finding>,
) -> Vec<Held> {
    let mut held = own;
    let mut seen = BTreeSet::from([role.clone()]);
    let mut next: VecDeque<Ident> = held.iter().filter_map(Held::account_role).chain(others).collect();
    next.extend(Ident::new("PUBLIC"));
    while let Some(role) = next.pop_front() {
        if !seen.insert(role.clone()) {
            continue;
        }
        if seen.len() > MOST_ROLES {
            let detail = format!("there are more than {MOST_ROLES} roles below it; the rest was not looked at");
            found.push(Finding { check: "role", status: Status::Fail, detail, fix: None });
            break;
        }
        match grants_to_role(source, &role).await {
            Ok(rows) => {
                next.extend(rows.iter().filter_map(Held::account_role));
                held.extend(rows);
            }
            Err(error) => found.push(unknown("role", &format!("what role {} has", role.shown()), &error)),
        }
    }
    held
}

/// The user: a service, with this role alone and nothing of its own.
async fn user(
    source: &dyn Source,
    name: &str,
    granted: Result<Vec<Held>, SourceError>,
    expected: &Expected<'_>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let Ok(ident) = Ident::unquoted(name) else { return found };
    match granted {
        Ok(rows) => {
            let surplus = surplus(&rows, expected);
            if surplus.is_empty() {
                found.push(Finding::ok("user", "it has the role and nothing else"));
            }
            found.extend(surplus.into_iter().map(|finding| Finding { check: "user", ..finding }));
        }
        Err(error) => found.push(unknown("user", "what is granted to the user itself", &error)),
    }
    let sql = format!("SHOW USERS LIKE {}", text_literal(ident.as_str()));
    let table = match ask(source, SourceKind::ShowUsers, sql).await {
        Ok(table) => table,
        Err(error) => {
            found.push(unknown("user", "the user's properties", &error));
            return found;
        }
    };
    let columns = ["NAME", "TYPE", "HAS_PASSWORD", "DEFAULT_SECONDARY_ROLES"].map(|c| table.column(c));
    let [own, kind, password, secondary] = columns;
    let Some(row) = table.rows().find(|row| row.filled(own).as_deref() == Some(ident.as_str())) else {
        found.push(Finding {
            check: "user",
            status: Status::Warn,
            detail: "SHOW USERS does not list it, so its properties could not be checked".to_owned(),
            fix: Some(format!("GRANT MONITOR USER ON ACCOUNT TO ROLE {};", expected.role.quoted())),
        });
        return found;
    };
    let alter = |what: &str| Some(format!("ALTER USER {} {what};", ident.quoted()));
    let mut want = |fine: bool, detail: &str, fix: Option<String>| {
        found.push(if fine {
            Finding::ok("user", detail)
        } else {
            Finding { check: "user", status: Status::Warn, detail: format!("not so: {detail}"), fix }
        });
    };
    let service = row.filled(kind).is_some_and(|k| k.eq_ignore_ascii_case("SERVICE"));
    want(service, "it is of type SERVICE: no person can log in as it", alter("SET TYPE = SERVICE"));
    let has_password = row.boolean(password).ok().flatten().unwrap_or(false);
    want(!has_password, "it has no password", alter("UNSET PASSWORD"));
    let none = row.filled(secondary).is_none_or(|s| !s.to_ascii_uppercase().contains("ALL"));
    want(none, "its sessions start without secondary roles", alter("SET DEFAULT_SECONDARY_ROLES = ()"));
    found
}

/// Who else has the role, and what comes to it by itself.
async fn others(source: &dyn Source, user: &str, role: &Ident) -> Vec<Finding> {
    let mut found = Vec::new();
    let sql = format!("SHOW GRANTS OF ROLE {}", role.quoted());
    match ask(source, SourceKind::ShowGrants, sql).await {
        Ok(table) => {
            let name = table.column("GRANTEE_NAME");
            let grantees = table.rows().filter_map(|row| row.filled(name).map(std::borrow::Cow::into_owned));
            let others: Vec<String> = grantees.filter(|grantee| !grantee.eq_ignore_ascii_case(user)).collect();
            found.push(if others.is_empty() {
                Finding::ok("role", "nobody else has it")
            } else {
                let detail = format!("others have it too: {}", others.join(", "));
                Finding { check: "role", status: Status::Warn, detail, fix: None }
            });
        }
        Err(error) => found.push(unknown("role", "who else has the role", &error)),
    }
    let sql = format!("SHOW FUTURE GRANTS TO ROLE {}", role.quoted());
    match ask(source, SourceKind::ShowFutureGrants, sql).await {
        Ok(table) if table.is_empty() => found.push(Finding::ok("role", "no future grant is made to it")),
        Ok(table) => {
            let detail = format!("{} future grants give it privileges on new objects by themselves", table.len());
            found.push(Finding { check: "role", status: Status::Fail, detail, fix: None });
        }
        Err(error) => found.push(unknown("role", "which future grants it has", &error)),
    }
    found
}

/// Whether every source of a sync answers; views are asked for no rows.
async fn sources(source: &dyn Source) -> Vec<Finding> {
    let whole = plan::bulk(Extent::Full, None).into_iter();
    let statements: Vec<Statement> = whole.flat_map(|s| plan::apart(&s).unwrap_or_else(|| vec![s])).collect();
    let number = statements.len();
    let mut found = Vec::new();
    for mut statement in statements {
        if statement.needs_warehouse {
            statement.sql.push_str(" LIMIT 0");
            statement.older_sql = statement.older_sql.map(|sql| sql + " LIMIT 0");
        }
        let mut answer = source.read(&statement, &Silent).await;
        if let (Err(error), Some(older)) = (&answer, &statement.older_sql)
            && error.is_unknown_column()
        {
            let detail = format!("{}: the account lacks newer columns ({error})", statement.name);
            found.push(Finding { check: "source", status: Status::Warn, detail, fix: None });
            statement.sql.clone_from(older);
            answer = source.read(&statement, &Silent).await;
        }
        if let Err(error) = answer {
            let status = if statement.kind.is_required() { Status::Fail } else { Status::Warn };
            let detail = format!("{}: {} ({error})", statement.name, consequence(statement.kind));
            found.push(Finding { check: "source", status, detail, fix: None });
        }
    }
    if found.is_empty() {
        found.push(Finding::ok("source", format!("all {number} sources answer")));
    }
    found
}
