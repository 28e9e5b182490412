//! An account frozen into columns: immutable, shared by `Arc`, in canonical order.
//!
//! Dense ids name principals, objects and privileges; names stand aside. Grants are ordered by object, so that what
//! is on an object is a run. Two snapshots of the same state have the same columns, whatever order the rows came in.
//!
//! INVARIANT: every object's database and schema are objects of the snapshot too, before it in order of id only by
//! name, so containers are found by id.

mod codec;
mod columns;
mod diff;
mod freeze;
mod resolve;

pub use codec::CodecError;
pub use columns::{Column, NONE, Postings, Strings};
pub use diff::{DiffBy, diff, diff_by};
pub use resolve::nearest;

use crate::account::{Account, PrincipalInfo};
use crate::account::{ApplyError, ContainerGrant, Micros, Reach};
use crate::graph::Graph;
use crate::model::{Change, Container, Ident, ObjectRef, ObjectType, Principal, Privilege, Properties, Signature};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The securables, one row per object id.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub(crate) kind: Column<u16>,
    pub(crate) database: Column<u32>,
    pub(crate) schema: Column<u32>,
    pub(crate) name: Strings,
    pub(crate) signature: HashMap<u32, Signature>,
    pub(crate) owner: Column<u32>,
    pub(crate) owner_evidence: HashMap<u32, (u32, Option<Micros>)>,
    pub(crate) listed: Column<bool>,
    pub(crate) created_on: Column<Option<Micros>>,
    pub(crate) properties: HashMap<u32, Properties>,
}

/// The grant rows in order of object, privilege, grantee and grantor. OWNERSHIP is a column of the objects.
#[derive(Clone, Debug, Default)]
pub struct Grants {
    pub(crate) object: Column<u32>,
    pub(crate) privilege: Column<u16>,
    pub(crate) grantee: Column<u32>,
    pub(crate) granted_by: Column<u32>,
    pub(crate) grant_option: Column<bool>,
    pub(crate) created_on: Column<Option<Micros>>,
}

/// One membership by ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MembershipRow {
    /// The role that is granted.
    pub role: u32,
    /// Who has it.
    pub member: u32,
    /// Index among the grantors, or [`NONE`].
    pub granted_by: u32,
    /// `WITH GRANT OPTION`.
    pub grant_option: bool,
    /// Made by the platform itself.
    pub builtin: bool,
    /// Evidence.
    pub created_on: Option<Micros>,
}

/// One future or inherited grant by ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerGrantRow {
    /// Template or live.
    pub reach: Reach,
    /// Object id of the database or schema; [`NONE`] for the account.
    pub container: u32,
    /// Index among the types.
    pub kind: u16,
    /// Index among the privileges.
    pub privilege: u16,
    /// Principal id.
    pub grantee: u32,
    /// With grant option.
    pub grant_option: bool,
    /// Index among the grantors, or [`NONE`].
    pub granted_by: u32,
    /// Evidence.
    pub created_on: Option<Micros>,
}

/// Everything known about one account at one moment.
#[derive(Debug)]
pub struct Snapshot {
    pub(crate) account: String,
    pub(crate) taken_at: Micros,
    pub(crate) principals: Column<Principal>,
    pub(crate) principal_info: Column<PrincipalInfo>,
    pub(crate) types: Column<ObjectType>,
    pub(crate) privileges: Column<Privilege>,
    pub(crate) grantors: Column<Principal>,
    pub(crate) objects: Objects,
    pub(crate) grants: Grants,
    pub(crate) memberships: Vec<MembershipRow>,
    pub(crate) container_grants: Vec<ContainerGrantRow>,
    pub(crate) on_object: Postings,
    names: Names,
    graph: OnceLock<Graph>,
}

/// Look-up by name.
#[derive(Debug, Default)]
struct Names {
    principals: HashMap<Principal, u32>,
    objects: HashMap<String, Vec<u32>>,
}

impl Snapshot {
    /// Freezes an account as of `taken_at`.
    pub fn freeze(account: &Account, taken_at: Micros) -> Self {
        freeze::freeze(account, taken_at)
    }

    /// The account again, to be edited.
    pub fn thaw(&self) -> Account {
        freeze::thaw(self)
    }

    /// The snapshot after the changes; the first one that does not apply is the error, with its position.
    pub fn apply(&self, changes: &[Change], at: Micros) -> Result<Self, (usize, ApplyError)> {
        let mut account = self.thaw();
        for (i, change) in changes.iter().enumerate() {
            account.apply(change, Some(at)).map_err(|e| (i, e))?;
        }
        Ok(Self::freeze(&account, at))
    }

    /// The account's name.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// When this state was seen.
    pub fn taken_at(&self) -> Micros {
        self.taken_at
    }

    /// Every user, role and other grantee by id.
    pub fn principals(&self) -> &Column<Principal> {
        &self.principals
    }

    /// What is known of a principal.
    pub fn principal_info(&self, id: u32) -> &PrincipalInfo {
        self.principal_info.at(id)
    }

    /// The id of a principal.
    pub fn principal_id(&self, principal: &Principal) -> Option<u32> {
        self.names.principals.get(principal).copied()
    }

    /// The ids of the roles of every kind, PUBLIC among them.
    pub fn role_ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.principals.iter().zip(0..).filter(|(p, _)| p.kind.is_role()).map(|(_, id)| id)
    }

    /// Number of objects; their ids are below it.
    pub fn object_count(&self) -> u32 {
        self.objects.kind.len() as u32
    }

    /// The type of an object.
    pub fn object_type(&self, id: u32) -> &ObjectType {
        self.types.at(u32::from(*self.objects.kind.at(id)))
    }

    /// The stored spelling of the last part of an object's name.
    pub fn object_name(&self, id: u32) -> &str {
        self.objects.name.get(id)
    }

    /// The object id of an object's database, if it lies in one.
    pub fn database_of(&self, id: u32) -> Option<u32> {
        some(*self.objects.database.at(id))
    }

    /// The object id of an object's schema, if it lies in one.
    pub fn schema_of(&self, id: u32) -> Option<u32> {
        some(*self.objects.schema.at(id))
    }

    /// The principal id of an object's owner.
    pub fn owner_of(&self, id: u32) -> Option<u32> {
        some(*self.objects.owner.at(id))
    }

    /// The attributes of an object.
    pub fn object_properties(&self, id: u32) -> Option<&Properties> {
        self.objects.properties.get(&id)
    }

    /// Whether the inventory lists an object.
    pub fn object_listed(&self, id: u32) -> bool {
        *self.objects.listed.at(id)
    }

    /// When an object was created.
    pub fn object_created_on(&self, id: u32) -> Option<Micros> {
        *self.objects.created_on.at(id)
    }

    /// An object by its full name.
    pub fn object(&self, id: u32) -> ObjectRef {
        let part = |id: u32| some(id).and_then(|id| Ident::new(self.objects.name.get(id)).ok());
        ObjectRef {
            database: part(*self.objects.database.at(id)),
            schema: part(*self.objects.schema.at(id)),
            object_type: self.object_type(id).clone(),
            name: Ident::new(self.objects.name.get(id)).unwrap_or_else(|_| Principal::public().name),
            signature: self.objects.signature.get(&id).cloned(),
        }
    }

    /// The ids of objects whose full name, as [`ObjectRef::shown`] or [`ObjectRef::quoted`] prints it, is `text`.
    pub fn objects_named(&self, text: &str) -> Vec<u32> {
        let Some(last) = last_part(text) else { return Vec::new() };
        let candidates = self.names.objects.get(&last).map_or(&[][..], Vec::as_slice);
        let matches = |id: &&u32| {
            let object = self.object(**id);
            object.shown() == text || object.quoted() == text
        };
        candidates.iter().filter(matches).copied().collect()
    }

    /// The ids of objects whose last part is `name`.
    pub fn objects_with_name(&self, name: &str) -> &[u32] {
        self.names.objects.get(name).map_or(&[][..], Vec::as_slice)
    }

    /// The id of an object; relations are found by any relation type.
    pub fn object_id(&self, object: &ObjectRef) -> Option<u32> {
        let same = |id: &u32| {
            let other = self.object(*id);
            other.object_type.namespace() == object.object_type.namespace()
                && (&other.database, &other.schema, &other.signature)
                    == (&object.database, &object.schema, &object.signature)
        };
        self.objects_with_name(object.name.as_str()).iter().copied().find(|id| same(id))
    }

    /// The grant rows on an object, by index.
    pub fn grants_on(&self, object: u32) -> std::ops::Range<u32> {
        let range = self.on_object.range(object);
        range.start as u32..range.end as u32
    }

    /// The grant rows.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// The memberships, by role and member.
    pub fn memberships(&self) -> &[MembershipRow] {
        &self.memberships
    }

    /// The future and inherited grants.
    pub fn container_grants(&self) -> &[ContainerGrantRow] {
        &self.container_grants
    }

    /// A future or inherited grant with its names.
    pub fn container_grant(&self, row: &ContainerGrantRow) -> ContainerGrant {
        ContainerGrant {
            reach: row.reach,
            container: self.container(row.container),
            object_type: self.types.at(u32::from(row.kind)).clone(),
            privilege: self.privileges.at(u32::from(row.privilege)).clone(),
            grantee: self.principals.at(row.grantee).clone(),
            grant_option: row.grant_option,
            granted_by: self.grantor(row.granted_by).cloned(),
            created_on: row.created_on,
        }
    }

    fn container(&self, id: u32) -> Container {
        let Some(id) = some(id) else { return Container::Account };
        let object = self.object(id);
        match object.database {
            Some(database) => Container::Schema(database, object.name),
            None => Container::Database(object.name),
        }
    }

    /// The privileges that occur, by index and in order of name.
    pub fn privileges(&self) -> &Column<Privilege> {
        &self.privileges
    }

    /// The index of a privilege.
    pub fn privilege_id(&self, name: &str) -> Option<u16> {
        self.privileges.as_slice().binary_search_by(|p| p.as_str().cmp(name)).ok().map(|i| i as u16)
    }

    /// The types that occur, by index and in order of name.
    pub fn types(&self) -> &Column<ObjectType> {
        &self.types
    }

    /// A grantor by index; `None` for the system.
    pub fn grantor(&self, index: u32) -> Option<&Principal> {
        self.grantors.get(index)
    }

    /// When and by whom an object's owner was set.
    pub fn owner_evidence(&self, object: u32) -> Option<(Option<&Principal>, Option<Micros>)> {
        self.objects.owner_evidence.get(&object).map(|(by, at)| (self.grantor(*by), *at))
    }

    /// The role graph and what follows from it; built at the first use.
    pub fn graph(&self) -> &Graph {
        self.graph.get_or_init(|| Graph::build(self))
    }

    /// Whether both hold the same state: names, attributes, owners, grants, memberships. Evidence (times, who lists
    /// what) does not count.
    pub fn same_state(&self, other: &Self) -> bool {
        self.state_difference(other).is_none()
    }

    /// The first part of the state that differs, in words; `None` when all is the same.
    pub fn state_difference(&self, other: &Self) -> Option<&'static str> {
        freeze::state_difference(self, other)
    }
}

impl Grants {
    /// Number of grant rows.
    pub fn len(&self) -> usize {
        self.object.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.object.is_empty()
    }

    /// Object id of a row.
    pub fn object(&self, row: u32) -> u32 {
        *self.object.at(row)
    }

    /// Privilege index of a row.
    pub fn privilege(&self, row: u32) -> u16 {
        *self.privilege.at(row)
    }

    /// Principal id of a row's grantee.
    pub fn grantee(&self, row: u32) -> u32 {
        *self.grantee.at(row)
    }

    /// Grantor index of a row, [`NONE`] for the system.
    pub fn granted_by(&self, row: u32) -> u32 {
        *self.granted_by.at(row)
    }

    /// Whether a row carries the grant option.
    pub fn grant_option(&self, row: u32) -> bool {
        *self.grant_option.at(row)
    }

    /// When a row was granted.
    pub fn created_on(&self, row: u32) -> Option<Micros> {
        *self.created_on.at(row)
    }
}

fn some(id: u32) -> Option<u32> {
    (id != NONE).then_some(id)
}

/// The stored spelling of the last part of a printed name, its argument types aside.
fn last_part(text: &str) -> Option<String> {
    let mut end = text.len();
    if text.ends_with(')') {
        // The signature starts at the first parenthesis outside quotes.
        let mut quoted = false;
        end = text.char_indices().find_map(|(i, c)| {
            quoted ^= c == '"';
            (c == '(' && !quoted).then_some(i)
        })?;
    }
    let parts = crate::model::qualified(text.get(..end)?).ok()?;
    parts.last().map(|p| p.as_str().to_owned())
}
