//! The nearest miss: the grant, or the few, that would make an access usable. Only what Snowflake accepts is proposed.
//!
//! One statement is better than several, a privilege for a role that the user has is better than another role, and the
//! role nearest the user is better than one further away. Roles that administer the account are the last to be chosen,
//! and never proposed as a membership; nothing is ever proposed for PUBLIC.

use super::{Need, Walk};
use crate::account::imports;
use crate::graph::Lens;
use crate::model::{
    Change, ObjectType, OutboundGrants, Principal, PrincipalKind, Privilege, Property, shipped_privileges,
};
use crate::snapshot::Snapshot;
use std::collections::BTreeSet;

/// One statement that is missing.
#[derive(Clone, Debug)]
pub struct Missing {
    /// The need it fulfils; `None` when it fulfils all that is missing.
    pub need: Option<Need>,
    /// Who would have it: the grantee.
    pub holder: u32,
    /// The statement.
    pub change: Change,
}

/// Why no grant is proposed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoGrant {
    /// The type does not have the privilege.
    #[error("{privilege} cannot be granted on {object_type}; that type offers {offered}")]
    NotOffered {
        /// What was asked for.
        privilege: Privilege,
        /// The type, as SQL writes it.
        object_type: String,
        /// The privileges that it has.
        offered: String,
    },
    /// A role is had by membership.
    #[error("USAGE on a role is membership: GRANT ROLE gives it, and effective_roles shows it")]
    Membership,
    /// `REFERENCE_USAGE`.
    #[error("REFERENCE_USAGE on a database can be granted to shares only")]
    SharesOnly,
    /// Ownership of this type stays where it is.
    #[error("ownership of {0} cannot be transferred")]
    NotTransferable(String),
    /// The objects of a share have what the share gives.
    #[error(
        "{database} is made from a share: {privilege} on its objects cannot be granted here, only IMPORTED PRIVILEGES on \
         the database, which give {given}"
    )]
    Imported {
        /// The database.
        database: String,
        /// What was asked for.
        privilege: Privilege,
        /// What there is instead.
        given: String,
    },
    /// Synced grants show it as USAGE.
    #[error("IMPORTED PRIVILEGES on a database made from a share are kept and shown as USAGE on it: ask for USAGE")]
    KeptAsUsage,
    /// Nobody could be granted it so that the user has it.
    #[error(
        "no grant to a role of the user gives it: under this lens the user has no role that can be granted it, besides \
         PUBLIC and roles that only their application grants to"
    )]
    NoGrantee,
}

/// What would have to be granted to `user` for a usable privilege on an object, given the needs without a proof.
///
/// Every statement is needed; applied one after the other, in order, they make the access usable.
///
/// # Errors
/// The privilege cannot be granted on the object, or to nobody whose grants would count.
pub fn nearest_miss(
    s: &Snapshot,
    lens: Lens,
    user: u32,
    privilege: &Privilege,
    object: u32,
    missing: &[(Need, u32)],
) -> Result<Vec<Missing>, NoGrant> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if missing.iter().any(|(need, _)| *need == Need::Privilege) {
        can_be_granted(s, privilege, object)?;
    }
    let search = Search::new(s, lens, user, privilege, object, missing);
    search
        .one_grant()
        .or_else(|| search.one_membership())
        .or_else(|| search.imported_privileges())
        .or_else(|| search.several_grants())
        .or_else(|| search.a_default_role())
        .ok_or(NoGrant::NoGrantee)
}

/// Types whose ownership no statement moves.
const NOT_TRANSFERABLE: &[&str] =
    &["ACCOUNT", "APPLICATION_ROLE", "APPLICATION_SERVICE", "CONNECTION", "MODEL", "SERVICE", "SHARE"];

/// Roles that administer the account or every object in it.
const ADMINISTRATORS: &[&str] =
    &["ACCOUNTADMIN", "GLOBALORGADMIN", "ORGADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

/// Whether a statement can grant a privilege on an object to anybody.
fn can_be_granted(s: &Snapshot, privilege: &Privilege, object: u32) -> Result<(), NoGrant> {
    let object_type = s.object_type(object);
    if object_type.is_role() && *privilege == Privilege::USAGE {
        return Err(NoGrant::Membership);
    }
    if *privilege == Privilege::OWNERSHIP {
        let stays = NOT_TRANSFERABLE.contains(&object_type.as_str()) || s.import_of(object).is_some();
        return if stays { Err(NoGrant::NotTransferable(object_type.sql())) } else { Ok(()) };
    }
    let offered = offered(s, object_type);
    if !offered.contains(&privilege.as_str()) && !seen_on_type(s, privilege, object_type) {
        let offered = if offered.is_empty() { "OWNERSHIP".to_owned() } else { offered.join(", ") };
        return Err(NoGrant::NotOffered { privilege: privilege.clone(), object_type: object_type.sql(), offered });
    }
    if privilege.as_str() == "REFERENCE_USAGE" {
        return Err(NoGrant::SharesOnly);
    }
    let imported = s.import_of(object);
    if *privilege == Privilege::IMPORTED_PRIVILEGES {
        return Err(match imported {
            Some(_) => NoGrant::KeptAsUsage,
            None => NoGrant::NotOffered {
                privilege: privilege.clone(),
                object_type: "DATABASE that is not made from a share".to_owned(),
                offered: offered.into_iter().filter(|p| *p != privilege.as_str()).collect::<Vec<_>>().join(", "),
            },
        });
    }
    let Some(database) = imported else { return Ok(()) };
    let given = imports::exposed(object_type);
    if given.contains(&privilege.as_str()) {
        return Ok(());
    }
    Err(NoGrant::Imported {
        database: s.object_name(database).to_owned(),
        privilege: privilege.clone(),
        given: if given.is_empty() { "nothing on it".to_owned() } else { given.join(" and ") },
    })
}

/// What can be granted on one object of a type: the account's word, else the shipped table's.
fn offered<'s>(s: &'s Snapshot, object_type: &ObjectType) -> Vec<&'s str> {
    let of_account = s.offers().iter().filter(|o| o.object_type == *object_type && o.is_individual());
    let of_account: Vec<&str> = of_account.map(|o| o.privilege.as_str()).collect();
    if of_account.is_empty() {
        let shipped = shipped_privileges().filter(|(t, ..)| *t == object_type.as_str());
        return shipped.map(|(_, privilege, _)| privilege).collect();
    }
    of_account
}

/// Live accounts have privileges that no documentation lists: what somebody has on one object of a type can be granted
/// on another.
fn seen_on_type(s: &Snapshot, privilege: &Privilege, object_type: &ObjectType) -> bool {
    let Some(id) = s.privilege_id(privilege.as_str()) else { return false };
    let grants = s.grants();
    (0..s.object_count())
        .filter(|object| s.object_type(*object) == object_type)
        .any(|object| s.grants_on(object).any(|row| grants.privilege(row) == id))
}

/// One of the needs of an access: fulfilled or missing.
struct Fact {
    need: Need,
    target: u32,
    /// What is granted for it.
    privilege: Privilege,
    missing: bool,
    /// Who fulfils it alone.
    carriers: BTreeSet<u32>,
}

struct Search<'a> {
    s: &'a Snapshot,
    walk: Walk<'a>,
    user: u32,
    object: u32,
    facts: Vec<Fact>,
    /// The active roles by membership, the best to grant to first.
    roles: Vec<u32>,
}

impl<'a> Search<'a> {
    fn new(
        s: &'a Snapshot,
        lens: Lens,
        user: u32,
        privilege: &Privilege,
        object: u32,
        missing: &[(Need, u32)],
    ) -> Self {
        let graph = s.graph();
        let walk = Walk::from(s, graph, lens, user);
        let id = s.privilege_id(privilege.as_str());
        let mut ways = Vec::new();
        s.ways_on(object, &mut ways);
        let carriers = ways.iter().filter(|w| Some(w.privilege) == id).map(|w| w.carrier).collect();
        let is_missing = |need| missing.iter().any(|(n, _)| *n == need);
        let mut facts = vec![Fact {
            need: Need::Privilege,
            target: object,
            privilege: privilege.clone(),
            missing: is_missing(Need::Privilege),
            carriers,
        }];
        for (need, target) in [(Need::Schema, s.schema_of(object)), (Need::Database, s.database_of(object))] {
            let Some(target) = target else { continue };
            let carriers = graph.reach().carriers(target).iter().map(|(carrier, _)| *carrier).collect();
            facts.push(Fact { need, target, privilege: Privilege::USAGE, missing: is_missing(need), carriers });
        }
        let mut search = Self { s, walk, user, object, facts, roles: Vec::new() };
        search.roles = search.ordered();
        search
    }

    /// The active roles: administrators last, then by distance, then those that fulfil more of what is there.
    fn ordered(&self) -> Vec<u32> {
        let graph = self.s.graph();
        let active = self.walk.prefix.last().map_or(&[][..], |root| graph.closure().includes(*root));
        let mut roles: Vec<(bool, usize, usize, u32)> = active
            .iter()
            .filter(|role| **role != self.user && **role != graph.public())
            .filter_map(|role| {
                let lacks = self.facts.iter().filter(|f| !f.missing && !self.fulfils(*role, f)).count();
                Some((self.administers(*role), self.walk.chain(*role)?.len(), lacks, *role))
            })
            .collect();
        roles.sort_unstable();
        roles.into_iter().map(|(.., role)| role).collect()
    }

    fn administers(&self, role: u32) -> bool {
        let principal = self.s.principals().at(role);
        principal.kind == PrincipalKind::Role && ADMINISTRATORS.contains(&principal.name.as_str())
    }

    /// Whether a role, with what it includes and what is everyone's, fulfils a need.
    fn fulfils(&self, role: u32, fact: &Fact) -> bool {
        let graph = self.s.graph();
        let includes = |role: u32| graph.closure().includes(role).iter().any(|r| fact.carriers.contains(r));
        includes(role) || includes(graph.public())
    }

    fn missing(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(|f| f.missing)
    }

    /// Whether Snowflake lets a principal be granted what a need takes.
    fn may_hold(&self, principal: u32, fact: &Fact) -> bool {
        let principal = self.s.principals().at(principal);
        let target = self.s.object(fact.target);
        if self.in_foreign_database() {
            return false;
        }
        let ownership = fact.privilege == Privilege::OWNERSHIP;
        match principal.kind {
            PrincipalKind::Role => *principal != Principal::public(),
            PrincipalKind::DatabaseRole if target.object_type == ObjectType::DATABASE => {
                let allowed = ["CREATE SCHEMA", "MODIFY", "MONITOR", "USAGE"].contains(&fact.privilege.as_str());
                allowed && principal.scope.first() == Some(&target.name)
            }
            PrincipalKind::DatabaseRole => {
                target.database.is_some() && principal.scope.first() == target.database.as_ref()
            }
            PrincipalKind::User => {
                let of_user = target.object_type.as_str() != "USER" || fact.privilege.as_str() == "MONITOR";
                let creates = fact.privilege.as_str().starts_with("CREATE ");
                self.walk.own_grants && !ownership && !creates && of_user && !target.object_type.is_role()
            }
            _ => false,
        }
    }

    /// Whether grants on the object are made elsewhere: by the share it comes from, or by its application.
    fn in_foreign_database(&self) -> bool {
        let Some(database) = self.s.database_of(self.object) else {
            return self.s.import_of(self.object).is_some();
        };
        let kind = self.s.object_properties(database).and_then(|p| p.get(Property::Kind));
        self.s.import_of(self.object).is_some() || kind == Some("APPLICATION")
    }

    fn grant(&self, fact: &Fact, grantee: u32) -> Missing {
        let (object, to) = (self.s.object(fact.target), self.s.principals().at(grantee).clone());
        let change = if fact.privilege == Privilege::OWNERSHIP {
            Change::TransferOwnership { object, to, outbound: Some(OutboundGrants::Copy) }
        } else {
            let privilege = fact.privilege.clone();
            Change::GrantPrivilege { privilege, object, grantee: to, grant_option: false, granted_by: None }
        };
        Missing { need: Some(fact.need), holder: grantee, change }
    }

    fn membership(&self, role: u32, member: u32) -> Missing {
        let named = |id: u32| self.s.principals().at(id).clone();
        let change = Change::GrantRole { role: named(role), to: named(member), grant_option: false, granted_by: None };
        Missing { need: None, holder: member, change }
    }

    /// Those to grant to, the best first: who has the privilege already, then the other roles, then the user itself.
    fn grantees(&self) -> Vec<u32> {
        let has =
            |id: &u32| self.facts.iter().any(|f| f.need == Need::Privilege && !f.missing && f.carriers.contains(id));
        let all = || self.roles.iter().copied().chain(self.walk.own_grants.then_some(self.user));
        all().filter(has).chain(all().filter(|id| !has(id))).collect()
    }

    /// The only missing need, granted to the nearest who can hold it.
    fn one_grant(&self) -> Option<Vec<Missing>> {
        let mut missing = self.missing();
        let (Some(fact), None) = (missing.next(), missing.next()) else { return None };
        let grantee = self.grantees().into_iter().find(|id| self.may_hold(*id, fact))?;
        Some(vec![self.grant(fact, grantee)])
    }

    /// The smallest role, by what it includes and carries, that has all that is missing.
    fn one_membership(&self) -> Option<Vec<Missing>> {
        let receiver = *self.walk.prefix.last()?;
        let role = self.smallest_role(receiver, |role| self.missing().all(|f| self.fulfils(role, f)))?;
        Some(vec![self.membership(role, receiver)])
    }

    fn smallest_role(&self, receiver: u32, wanted: impl Fn(u32) -> bool) -> Option<u32> {
        let graph = self.s.graph();
        let has = |role: u32| graph.closure().contains(receiver, role) || graph.public_roles().contains(&role);
        let candidates = self.s.role_ids().filter(|role| {
            let kind = self.s.principals().at(*role).kind;
            // Instance roles are not granted to users, and what only a grant mentions may be gone.
            kind != PrincipalKind::InstanceRole
                && self.s.principal_info(*role).listed
                && !self.administers(*role)
                && !has(*role)
                && !graph.closure().contains(*role, receiver)
                && wanted(*role)
        });
        let size = |role: &u32| {
            let carries = graph.grants_to(*role).len() + graph.owned_by(*role).len();
            (graph.closure().includes(*role).len(), carries, *role)
        };
        candidates.min_by_key(size)
    }

    /// `GRANT IMPORTED PRIVILEGES`, when the object comes from a share: to an account role.
    fn imported_privileges(&self) -> Option<Vec<Missing>> {
        let database = self.s.import_of(self.object)?;
        let is_role = |id: &u32| self.s.principals().at(*id).kind == PrincipalKind::Role;
        let role = self.roles.iter().copied().find(is_role)?;
        let change = Change::GrantPrivilege {
            privilege: Privilege::IMPORTED_PRIVILEGES,
            object: self.s.object(database),
            grantee: self.s.principals().at(role).clone(),
            grant_option: false,
            granted_by: None,
        };
        Some(vec![Missing { need: None, holder: role, change }])
    }

    /// Every missing need, granted to one who can hold them all, or each to whoever can.
    fn several_grants(&self) -> Option<Vec<Missing>> {
        let grantees = self.grantees();
        let all = grantees.iter().find(|id| self.missing().all(|f| self.may_hold(**id, f)));
        self.missing()
            .map(|fact| {
                let grantee = all.or_else(|| grantees.iter().find(|id| self.may_hold(**id, fact)))?;
                Some(self.grant(fact, *grantee))
            })
            .collect()
    }

    /// For a user whose lens counts the default role alone and who has none: the default role, and what it lacks.
    fn a_default_role(&self) -> Option<Vec<Missing>> {
        if !self.walk.prefix.is_empty() {
            return None;
        }
        let graph = self.s.graph();
        let lacking = |role: u32| self.missing().filter(|f| !self.fulfils(role, f)).collect::<Vec<_>>();
        let grantable = |role: u32| lacking(role).iter().all(|f| self.may_hold(role, f));
        let is_role = |role: &u32| {
            *role != graph.public() && self.s.principals().at(*role).kind == PrincipalKind::Role && grantable(*role)
        };
        let property = self.s.principal_info(self.user).properties.get(Property::DefaultRole);
        let named = property.and_then(|name| {
            self.s.principal_id(&Principal::role(crate::model::Ident::new(name).ok()?)).filter(is_role)
        });
        let best =
            |role: &u32| (self.administers(*role), lacking(*role).len(), graph.closure().includes(*role).len(), *role);
        let granted = graph.closure().includes(self.user).iter().copied().filter(is_role).min_by_key(best);
        let other = || self.smallest_role(self.user, |role| is_role(&role) && lacking(role).is_empty());
        let mut rows = Vec::new();
        let role = match (named, granted) {
            // The name is set, but the role is not granted.
            (Some(role), granted) if granted.is_none_or(|g| lacking(role).len() <= lacking(g).len()) => {
                rows.push(self.membership(role, self.user));
                role
            }
            (_, Some(role)) => {
                rows.push(self.default_role(role));
                role
            }
            _ => {
                let role = other()?;
                rows.extend([self.membership(role, self.user), self.default_role(role)]);
                role
            }
        };
        rows.extend(lacking(role).into_iter().map(|fact| self.grant(fact, role)));
        Some(rows)
    }

    fn default_role(&self, role: u32) -> Missing {
        let change = Change::AlterPrincipal {
            principal: self.s.principals().at(self.user).clone(),
            property: Property::DefaultRole,
            value: Some(self.s.principals().at(role).name.as_str().to_owned()),
        };
        Missing { need: None, holder: self.user, change }
    }
}
