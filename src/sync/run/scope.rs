//! What future grants can be asked about, from what a run has read so far.

use crate::sync::kind::SourceKind;
use crate::sync::plan::Scope;
use crate::sync::table::SourceTable;
use grantd_catalog::model::{Ident, PrincipalKind};
use std::collections::BTreeSet;

/// The containers and grantees that future grants can be asked about, from what was read.
pub(super) fn scope(tables: &[SourceTable]) -> Scope {
    let (mut databases, mut foreign) = (BTreeSet::new(), BTreeSet::new());
    let (mut schemas, mut roles, mut database_roles) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let name = |text: Option<std::borrow::Cow<'_, str>>| text.and_then(|t| Ident::new(&*t).ok());
    for table in tables {
        let columns: [&'static str; 3] = match table.kind() {
            SourceKind::Databases => ["DATABASE_NAME", "", "TYPE"],
            SourceKind::ShowDatabases => ["NAME", "", "KIND"],
            SourceKind::Schemata => ["SCHEMA_NAME", "CATALOG_NAME", ""],
            SourceKind::ShowSchemas => ["NAME", "DATABASE_NAME", ""],
            SourceKind::Roles => ["NAME", "ROLE_DATABASE_NAME", "ROLE_TYPE"],
            SourceKind::ShowRoles => ["NAME", "", ""],
            _ => continue,
        };
        let [own, outer, kind] = columns.map(|c| table.column(c));
        for row in table.rows() {
            let Some(own) = name(row.filled(own)) else { continue };
            let (outer, kind) = (name(row.filled(outer)), row.filled(kind));
            match table.kind() {
                SourceKind::Databases | SourceKind::ShowDatabases => {
                    let standard = kind.is_none_or(|k| k.eq_ignore_ascii_case("STANDARD"));
                    if standard {
                        databases.insert(own)
                    } else {
                        foreign.insert(own)
                    };
                }
                SourceKind::Schemata | SourceKind::ShowSchemas => {
                    schemas.extend(outer.map(|database| (database, own)));
                }
                _ => match (kind.and_then(|k| PrincipalKind::parse(&k)), outer) {
                    (None | Some(PrincipalKind::Role), _) => {
                        roles.insert(own);
                    }
                    (Some(PrincipalKind::DatabaseRole), Some(database)) => {
                        database_roles.insert((database, own));
                    }
                    _ => {}
                },
            }
        }
    }
    // Imported databases and applications hold no future grants.
    databases.retain(|d| !foreign.contains(d));
    let askable =
        |(database, name): &(Ident, Ident)| databases.contains(database) && name.as_str() != "INFORMATION_SCHEMA";
    Scope {
        schemas: schemas.into_iter().filter(askable).collect(),
        database_roles: database_roles.into_iter().filter(|(d, _)| databases.contains(d)).collect(),
        databases: databases.into_iter().collect(),
        roles: roles.into_iter().collect(),
    }
}
