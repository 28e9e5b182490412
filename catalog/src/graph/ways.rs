//! Ways to a privilege: who carries what on one object, and why.

use crate::account::Reach;
use crate::model::{ObjectType, Privilege, Property, privileges_of};
use crate::snapshot::{NONE, Snapshot};
use std::collections::HashMap;

/// Why a user has a privilege, the plainest reason first. A row shows the first that holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Source {
    /// A role of the user is granted it on the object.
    Grant,
    /// The user itself is granted it.
    User,
    /// A role of the user has an inherited grant on a container of the object.
    Inherited,
    /// A role of the user owns the object.
    Ownership,
    /// Only PUBLIC, or a role granted to PUBLIC, carries it.
    Public,
}

impl Source {
    /// The word of the `source` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::User => "user",
            Self::Inherited => "inherited",
            Self::Ownership => "ownership",
            Self::Public => "public",
        }
    }
}

/// One carrier of one privilege on one object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Way {
    /// Index of the privilege.
    pub privilege: u16,
    /// Principal id of the role, or user, that carries it.
    pub carrier: u32,
    /// `Grant`, `Inherited` or `Ownership`.
    pub kind: Source,
    /// Whether the carrier may grant it on.
    pub grant_option: bool,
    /// What makes it: a grant row, a container grant's index, or [`NONE`] for ownership.
    pub evidence: u32,
}

/// Inherited grants by the type and container they cover, and what ownership of each type implies.
#[derive(Debug, Default)]
pub(crate) struct InheritedGrants {
    covering: HashMap<(u16, u32), Vec<u32>>,
    implied: Vec<Vec<u16>>,
}

impl InheritedGrants {
    pub(super) fn build(snapshot: &Snapshot) -> Self {
        let mut covering: HashMap<(u16, u32), Vec<u32>> = HashMap::new();
        for (row, i) in snapshot.container_grants().iter().zip(0..) {
            if row.reach == Reach::Inherited {
                covering.entry((row.kind, row.container)).or_default().push(i);
            }
        }
        let implied = snapshot.types().iter().map(|t| implied_by_ownership(snapshot, t)).collect();
        Self { covering, implied }
    }

    /// The container grants on objects of a type, given the containers of the object.
    fn covering(&self, kind: u16, containers: [u32; 3]) -> impl Iterator<Item = u32> + '_ {
        containers.into_iter().filter_map(move |c| self.covering.get(&(kind, c))).flatten().copied()
    }

    /// Whether no inherited grant exists.
    pub(crate) fn is_empty(&self) -> bool {
        self.covering.is_empty()
    }

    /// Every inherited grant's index.
    pub(crate) fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.covering.values().flatten().copied()
    }
}

fn implied_by_ownership(snapshot: &Snapshot, object_type: &ObjectType) -> Vec<u16> {
    let own = std::iter::once(Privilege::OWNERSHIP.as_str());
    own.chain(privileges_of(object_type).iter().copied()).filter_map(|p| snapshot.privilege_id(p)).collect()
}

impl Snapshot {
    /// Every way to a privilege on an object, in order of privilege and carrier.
    ///
    /// USAGE on a role is membership, not a privilege on an object, and is left out.
    pub fn ways_on(&self, object: u32, out: &mut Vec<Way>) {
        out.clear();
        let grants = self.grants();
        let is_role = self.object_type(object).is_role();
        for row in self.grants_on(object) {
            let privilege = grants.privilege(row);
            if is_role && *self.privileges().at(u32::from(privilege)) == Privilege::USAGE {
                continue;
            }
            out.push(Way {
                privilege,
                carrier: grants.grantee(row),
                kind: Source::Grant,
                grant_option: grants.grant_option(row),
                evidence: row,
            });
        }
        let kind = *self.objects.kind.at(object);
        let (schema, database) = (*self.objects.schema.at(object), *self.objects.database.at(object));
        let inherited = self.graph().inherited();
        if let Some(owner) = self.owner_of(object) {
            // In a managed access schema only the schema's owner grants.
            let grant_option = !self.schema_of(object).is_some_and(|s| self.is_managed(s));
            let implied = inherited.implied.get(usize::from(kind)).map_or(&[][..], Vec::as_slice);
            out.extend(implied.iter().map(|privilege| Way {
                privilege: *privilege,
                carrier: owner,
                kind: Source::Ownership,
                grant_option,
                evidence: NONE,
            }));
        }
        if !inherited.is_empty() && self.object_listed(object) {
            let mut containers = [NONE, database, schema];
            // The account is asked for once, whatever the object lies in.
            if database == NONE {
                containers = [NONE, u32::MAX - 1, u32::MAX - 1];
            } else if schema == NONE {
                containers = [NONE, database, u32::MAX - 1];
            }
            out.extend(inherited.covering(kind, containers).filter_map(|i| {
                let row = self.container_grants.get(i as usize)?;
                Some(Way {
                    privilege: row.privilege,
                    carrier: row.grantee,
                    kind: Source::Inherited,
                    grant_option: false,
                    evidence: i,
                })
            }));
        }
        out.sort_unstable();
    }

    /// Whether a schema is a managed access schema.
    pub fn is_managed(&self, schema: u32) -> bool {
        self.object_properties(schema).is_some_and(|p| p.is_true(Property::ManagedAccess))
    }
}
