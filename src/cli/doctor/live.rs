//! `grantd doctor --live`: what no documentation settles, as counts and types. No name and no value of the account is
//! printed.

use super::probe::ask;
use crate::cli::CliError;
use crate::sync::kind::Family;
use crate::sync::{Source, SourceError, SourceKind, SourceTable};

/// A fact: its name, and the statement that tells. `{}` is where the answer is counted.
struct Question {
    fact: &'static str,
    kind: SourceKind,
    sql: &'static str,
    told: fn(&SourceTable) -> String,
}

const GRANTS: &str = "SNOWFLAKE.ACCOUNT_USAGE.GRANTS_TO_ROLES";

/// Facts from one statement each.
const QUESTIONS: &[Question] = &[
    Question {
        fact: "version of the platform",
        kind: SourceKind::Fact,
        sql: "SELECT CURRENT_VERSION() AS FACT",
        told: value,
    },
    Question { fact: "form of a SELECT", kind: SourceKind::Fact, sql: "SELECT CURRENT_ROLE() AS FACT", told: form },
    Question { fact: "form of SHOW ROLES", kind: SourceKind::ShowRoles, sql: "SHOW ROLES", told: form },
    Question { fact: "types of SHOW ROLES", kind: SourceKind::ShowRoles, sql: "SHOW ROLES", told: types },
    Question {
        fact: "types of USERS",
        kind: SourceKind::Users,
        sql: "SELECT NAME, CREATED_ON, DISABLED FROM SNOWFLAKE.ACCOUNT_USAGE.USERS LIMIT 1",
        told: types,
    },
    Question {
        fact: "SHOW USERS: filled default roles",
        kind: SourceKind::ShowUsers,
        sql: "SHOW USERS",
        told: filled_default_roles,
    },
    Question {
        fact: "SHOW GRANTS ON ACCOUNT",
        kind: SourceKind::ShowGrants,
        sql: "SHOW GRANTS ON ACCOUNT",
        told: rows,
    },
    Question {
        fact: "SHOW GRANTS TO ROLE SYSADMIN",
        kind: SourceKind::ShowGrants,
        sql: "SHOW GRANTS TO ROLE SYSADMIN",
        told: rows,
    },
    Question {
        fact: "SHOW GRANTS OF ROLE SYSADMIN",
        kind: SourceKind::ShowGrants,
        sql: "SHOW GRANTS OF ROLE SYSADMIN",
        told: rows,
    },
    Question {
        fact: "SHOW FUTURE GRANTS TO ROLE SYSADMIN",
        kind: SourceKind::ShowFutureGrants,
        sql: "SHOW FUTURE GRANTS TO ROLE SYSADMIN",
        told: rows,
    },
];

/// Counts over the grants: their condition.
const COUNTS: &[(&str, &str)] = &[
    ("grants: all rows", "TRUE"),
    ("grants: rows of what was revoked", "DELETED_ON IS NOT NULL"),
    ("grants: to ROLE", "GRANTED_TO = 'ROLE'"),
    ("grants: to ACCOUNT ROLE", "GRANTED_TO = 'ACCOUNT ROLE'"),
    ("grants: to DATABASE_ROLE, name with a dot", "GRANTED_TO = 'DATABASE_ROLE' AND GRANTEE_NAME LIKE '%.%'"),
    ("grants: to DATABASE_ROLE, name without a dot", "GRANTED_TO = 'DATABASE_ROLE' AND GRANTEE_NAME NOT LIKE '%.%'"),
    (
        "grants: on functions and procedures, arguments in the name",
        "GRANTED_ON IN ('FUNCTION', 'PROCEDURE') AND NAME LIKE '%(%'",
    ),
    (
        "grants: on functions and procedures, result type in the name",
        "GRANTED_ON IN ('FUNCTION', 'PROCEDURE') AND NAME LIKE '%):%'",
    ),
    (
        "grants: on functions and procedures, name alone",
        "GRANTED_ON IN ('FUNCTION', 'PROCEDURE') AND NAME NOT LIKE '%(%'",
    ),
    ("grants: OWNERSHIP of users", "PRIVILEGE = 'OWNERSHIP' AND GRANTED_ON = 'USER'"),
    ("grants: OWNERSHIP of roles", "PRIVILEGE = 'OWNERSHIP' AND GRANTED_ON = 'ROLE'"),
    ("grants: without a grantor", "GRANTED_BY IS NULL OR GRANTED_BY = ''"),
    ("grants: inherited (columns of the feature)", "IS_INHERITED"),
];

/// All facts. A statement that is refused is a fact too; a login that is refused is an error.
pub(super) async fn facts(source: &dyn Source) -> Result<Vec<(&'static str, String)>, CliError> {
    let mut facts = Vec::new();
    for question in QUESTIONS {
        let answer = ask(source, question.kind, question.sql.to_owned()).await;
        facts.push((question.fact, told(answer, question.told)?));
    }
    for (fact, condition) in COUNTS {
        let sql = format!("SELECT COUNT(*) AS FACT FROM {GRANTS} WHERE {condition}");
        facts.push((fact, told(ask(source, SourceKind::Fact, sql).await, value)?));
    }
    for kind in SourceKind::ALL.iter().filter(|kind| kind.spec().family == Family::AccountUsage) {
        let spec = kind.spec();
        for column in spec.recent {
            let sql = format!("SELECT COUNT({column}) AS FACT FROM SNOWFLAKE.ACCOUNT_USAGE.{}", spec.name);
            let answer = ask(source, SourceKind::Fact, sql).await;
            if answer.as_ref().err().is_some_and(SourceError::is_unknown_column) {
                facts.push(("newer column that is not there", format!("{}.{column}", spec.name)));
            } else {
                told(answer, value)?;
            }
        }
    }
    source.close().await;
    Ok(facts)
}

fn told(answer: Result<SourceTable, SourceError>, tell: fn(&SourceTable) -> String) -> Result<String, CliError> {
    match answer {
        Ok(table) => Ok(tell(&table)),
        Err(SourceError::Server { code, sqlstate, .. }) => Ok(format!("refused ({code}, SQLSTATE {sqlstate})")),
        Err(error) => Err(CliError::new(error)),
    }
}

fn value(table: &SourceTable) -> String {
    let fact = table.column("FACT");
    table.rows().next().and_then(|row| row.filled(fact).map(std::borrow::Cow::into_owned)).unwrap_or_default()
}

fn form(table: &SourceTable) -> String {
    match table.receipt().arrow_streams {
        0 => "JSON".to_owned(),
        streams => format!("Arrow, streams: {streams}"),
    }
}

fn types(table: &SourceTable) -> String {
    let types = table.columns().iter().zip(&table.receipt().types);
    types.map(|(name, data_type)| format!("{name} {data_type}")).collect::<Vec<_>>().join(", ")
}

fn rows(table: &SourceTable) -> String {
    format!("{} rows of {} columns", table.len(), table.columns().len())
}

fn filled_default_roles(table: &SourceTable) -> String {
    let role = table.column("DEFAULT_ROLE");
    let filled = table.rows().filter(|row| row.filled(role).is_some()).count();
    format!("{filled} of {}", table.len())
}
