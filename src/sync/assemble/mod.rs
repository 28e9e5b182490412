//! From rows to an account: the one path for sync and import.
//!
//! Inventory first, so that its types win over the general ones of grant rows; then memberships and grants; then
//! owners that only an inventory names. Whatever a grant mentions is kept, and counted when no inventory lists it.

mod carry;
mod findings;
mod fresh;
mod grants;
mod inventory;
mod names;
mod offers;
mod principals;
mod signature;

use super::coverage::{CoverageRow, CoverageStatus, consequence};
use super::kind::{REQUIRED, SourceKind};
use super::table::{SourceTable, TableError};
pub use carry::Carry;
use findings::Findings;
pub use fresh::{differing_roles, look, overlay};
use grantd_catalog::account::{Account, Membership, ObjectInfo, Ownership, PrincipalInfo};
use grantd_catalog::model::{Ident, IdentError, ObjectRef, ObjectType, Principal, PrincipalKind, Property};
pub(super) use inventory::listed_type;
use std::collections::BTreeSet;

/// An account and what is known about how it was seen.
#[derive(Clone, Debug)]
pub struct Assembled {
    /// The account.
    pub account: Account,
    /// Findings, by source.
    pub coverage: Vec<CoverageRow>,
    /// Why the grants that were carried over cannot be trusted: they have to be read in full.
    pub doubt: Option<String>,
}

/// Why rows do not make an account.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AssembleError {
    /// A source without which no account can be read is not there.
    #[error("{} missing; GRANTS_TO_ROLES, GRANTS_TO_USERS, ROLES and USERS are needed", list(.0))]
    Missing(Vec<SourceKind>),
    /// A row cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
}

fn list(kinds: &[SourceKind]) -> String {
    let names: Vec<&str> = kinds.iter().map(|k| k.name()).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// The roles that every account has, and who contains whom (Snowflake's documentation, "System-defined roles").
const SYSTEM_ROLES: &[&str] = &["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];
const BUILTIN: &[(&str, &str)] =
    &[("SECURITYADMIN", "ACCOUNTADMIN"), ("SYSADMIN", "ACCOUNTADMIN"), ("USERADMIN", "SECURITYADMIN")];

/// Builds the account called `name` from the rows of its sources.
///
/// # Errors
/// A needed source is missing or a value cannot be read. Nothing is left out: what cannot be placed is counted in
/// the coverage.
pub fn assemble(name: &str, tables: &[SourceTable]) -> Result<Assembled, AssembleError> {
    assemble_onto(name, tables, None)
}

/// As [`assemble`], with the grants of an earlier snapshot that were not read again.
///
/// # Errors
/// As [`assemble`].
pub fn assemble_onto(name: &str, tables: &[SourceTable], carry: Option<&Carry>) -> Result<Assembled, AssembleError> {
    let missing: Vec<SourceKind> =
        REQUIRED.iter().copied().filter(|kind| tables.iter().all(|t| t.kind() != *kind)).collect();
    if !missing.is_empty() {
        return Err(AssembleError::Missing(missing));
    }
    let mut builder = Builder::onto(Account::new(name));
    // Views first, SHOWs after them: they are newer.
    let mut ordered: Vec<&SourceTable> = tables.iter().collect();
    ordered.sort_by_key(|t| t.kind());
    for table in &ordered {
        builder.principals(table)?;
    }
    for table in &ordered {
        builder.inventory(table)?;
    }
    builder.builtin_roles();
    let doubt = match carry {
        Some(carry) => builder.carry(carry, &ordered)?,
        None => None,
    };
    for table in &ordered {
        builder.grants(table)?;
        builder.offers(table)?;
    }
    builder.remaining_owners();
    builder.gone(&ordered)?;
    let mut coverage = builder.findings.rows();
    coverage.extend(seen(tables));
    coverage.extend(tables.iter().filter_map(older_columns));
    coverage.extend(imported(&builder.account));
    coverage.sort();
    Ok(Assembled { account: builder.account, coverage, doubt })
}

/// One row per source: read or absent.
fn seen(tables: &[SourceTable]) -> Vec<CoverageRow> {
    let read = |kind: SourceKind| tables.iter().any(|t| t.kind() == kind);
    SourceKind::ALL
        .iter()
        .copied()
        .filter(|kind| !kind.is_derived())
        .filter(|kind| *kind != SourceKind::Views || read(*kind) || !read(SourceKind::Tables))
        .map(|kind| {
            if read(kind) {
                let rows = tables.iter().filter(|t| t.kind() == kind).map(SourceTable::len).sum::<usize>();
                CoverageRow::new(kind, CoverageStatus::Read, rows as u64, "")
            } else {
                CoverageRow::new(kind, CoverageStatus::Absent, 0, consequence(kind))
            }
        })
        .collect()
}

/// A source without columns that newer accounts have: what they say is not known.
fn older_columns(table: &SourceTable) -> Option<CoverageRow> {
    let missing: Vec<&str> = table.kind().spec().recent.iter().copied().filter(|c| table.column(c).is_none()).collect();
    let detail = format!("without the columns {}, which newer accounts have", missing.join(", "));
    (!missing.is_empty()).then(|| CoverageRow::new(table.kind(), CoverageStatus::OlderColumns, 0, detail))
}

/// What the views leave out of databases made from shares: their database roles always, and mostly their objects.
fn imported(account: &Account) -> Vec<CoverageRow> {
    let is_import = |o: &ObjectRef, info: &ObjectInfo| {
        o.object_type == ObjectType::DATABASE && info.properties.get(Property::Kind) == Some("IMPORTED DATABASE")
    };
    let mut rows = Vec::new();
    for (database, _) in account.objects().filter(|(o, info)| is_import(o, info)) {
        let found = |kind, detail: String| {
            CoverageRow::new(kind, CoverageStatus::Imported, 0, detail).of_database(Some(database.name.clone()))
        };
        let name = database.shown();
        rows.push(found(
            SourceKind::Roles,
            format!("{name} is made from a share: no view lists its database roles, nor who has them"),
        ));
        let listed = account
            .objects()
            .any(|(o, info)| o.database.as_ref() == Some(&database.name) && info.listed && o.schema.is_some());
        if !listed {
            rows.push(found(
                SourceKind::Tables,
                format!("{name} is made from a share: its objects are not listed, and known from grants only"),
            ));
        }
    }
    rows
}

/// The account while it grows.
struct Builder {
    account: Account,
    /// Owners that inventories name.
    owners: Vec<(ObjectRef, Principal)>,
    database_roles: names::DatabaseRoles,
    functions: names::Overloads,
    /// Namespaces whose inventory was read: what is in none of them is not missing but unknown.
    inventoried: BTreeSet<String>,
    findings: Findings,
}

impl Builder {
    /// A builder that starts with what an account has.
    fn onto(account: Account) -> Self {
        let mut database_roles = names::DatabaseRoles::default();
        for (principal, _) in account.principals().filter(|(p, _)| p.kind == PrincipalKind::DatabaseRole) {
            if let Some(database) = principal.scope.first() {
                database_roles.add(database.clone(), principal.name.clone());
            }
        }
        Self {
            account,
            owners: Vec::new(),
            database_roles,
            functions: names::Overloads::default(),
            inventoried: BTreeSet::new(),
            findings: Findings::default(),
        }
    }

    /// The edges among system roles, whether or not the platform listed them, and the roles themselves.
    fn builtin_roles(&mut self) {
        for name in SYSTEM_ROLES {
            if let Some(role) = system_role(name).filter(|r| self.account.principal(r).is_none_or(|i| !i.listed)) {
                self.account.put_principal(role, PrincipalInfo { listed: true, ..PrincipalInfo::default() });
            }
        }
        for (role, member) in BUILTIN {
            let (Some(role), Some(member)) = (system_role(role), system_role(member)) else { continue };
            let membership =
                Membership { role, member, granted_by: None, grant_option: false, builtin: true, created_on: None };
            self.account.put_membership(&membership);
        }
    }

    /// An inventory's owner counts where no OWNERSHIP row says otherwise.
    fn remaining_owners(&mut self) {
        for (object, owner) in std::mem::take(&mut self.owners) {
            if self.account.owner(&object).is_none() {
                self.account.put_ownership(&Ownership { object, owner, granted_by: None, created_on: None });
            }
        }
    }
}

fn system_role(name: &str) -> Option<Principal> {
    Ident::new(name).ok().map(Principal::role)
}

/// Whether a membership is one of the built-in edges.
fn is_builtin(role: &Principal, member: &Principal) -> bool {
    let plain = |p: &Principal| p.scope.is_empty() && p.kind == PrincipalKind::Role;
    plain(role) && plain(member) && BUILTIN.iter().any(|(r, m)| role.name.as_str() == *r && member.name.as_str() == *m)
}

/// Why a row cannot be placed.
fn unplaceable(error: &IdentError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
