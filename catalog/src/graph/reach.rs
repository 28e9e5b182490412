//! Who reaches which database and schema: any privilege on a container resolves names in it.

use crate::account::Reach;
use crate::model::{ObjectRef, PrincipalKind, Privilege};
use crate::snapshot::{NONE, Snapshot};
use std::collections::{BTreeMap, HashMap};

/// The principals that reach a container by themselves, and whether by USAGE.
pub(crate) type Carriers = Vec<(u32, bool)>;

/// For each database and schema, who reaches it.
#[derive(Debug)]
pub(crate) struct ReachIndex {
    carriers: HashMap<u32, Carriers>,
}

impl ReachIndex {
    pub(super) fn build(snapshot: &Snapshot) -> Self {
        let mut all: HashMap<u32, BTreeMap<u32, bool>> = HashMap::new();
        let mut add = |container: u32, principal: u32, usage: bool| {
            *all.entry(container).or_default().entry(principal).or_default() |= usage;
        };
        let is_container = |id: u32| matches!(snapshot.object_type(id).as_str(), "DATABASE" | "SCHEMA");
        let gives_usage = |p: &Privilege| *p == Privilege::USAGE || *p == Privilege::IMPORTED_PRIVILEGES;
        let grants = snapshot.grants();
        for container in (0..snapshot.object_count()).filter(|id| is_container(*id)) {
            for row in snapshot.grants_on(container) {
                let usage = gives_usage(snapshot.privileges().at(u32::from(grants.privilege(row))));
                add(container, grants.grantee(row), usage);
            }
            if let Some(owner) = snapshot.owner_of(container) {
                add(container, owner, true);
            }
        }
        // An inherited grant resolves its own container only: a schema's not the database, a database's not the
        // schemas, the account's neither. On containers themselves it is a privilege like any other.
        for row in snapshot.container_grants().iter().filter(|r| r.reach == Reach::Inherited) {
            if row.container != NONE {
                add(row.container, row.grantee, false);
            }
            let covered = snapshot.types().at(u32::from(row.kind));
            if !matches!(covered.as_str(), "DATABASE" | "SCHEMA") {
                continue;
            }
            let usage = gives_usage(snapshot.privileges().at(u32::from(row.privilege)));
            let inside = |id: u32| row.container == NONE || snapshot.database_of(id) == Some(row.container);
            for id in (0..snapshot.object_count()).filter(|id| snapshot.object_type(*id) == covered) {
                if inside(id) && snapshot.object_listed(id) {
                    add(id, row.grantee, usage);
                }
            }
        }
        // A database role has USAGE on its own database, irrevocably.
        for (principal, id) in snapshot.principals().iter().zip(0..) {
            if principal.kind == PrincipalKind::DatabaseRole
                && let Some(database) = principal.scope.first()
                && let Some(database) = snapshot.object_id(&ObjectRef::database(database.clone()))
            {
                add(database, id, true);
            }
        }
        Self { carriers: all.into_iter().map(|(c, list)| (c, list.into_iter().collect())).collect() }
    }

    /// Who reaches a container by itself.
    pub(crate) fn carriers(&self, container: u32) -> &[(u32, bool)] {
        self.carriers.get(&container).map_or(&[], Vec::as_slice)
    }
}
