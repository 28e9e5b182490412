//! What a role has and who has the role: `role_privileges`, `effective_role_members`; and `privilege_catalog`.

use super::definition::{ACCOUNT, Definition, OBJECT, bool, columns, text, time};
use super::effective::{ROLES, USER, evidence};
use super::filters::Dimension;
use super::provider::{BatchSource, Relation, ScanRequest, once};
use super::writer::Writer;
use crate::graph::Way;
use crate::model::{Principal, shipped_privileges};
use crate::snapshot::{Postings, Snapshot};
use datafusion::error::Result;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(RolePrivileges), Arc::new(EffectiveRoleMembers), Arc::new(PrivilegeCatalog)]
}

#[derive(Debug)]
struct RolePrivileges;

#[derive(Debug)]
struct EffectiveRoleMembers;

#[derive(Debug)]
struct PrivilegeCatalog;

const ROLE: [super::ColumnDef; 2] = [
    text("role_name", "Role; database and application roles by their full name: DB.READER"),
    text("role_type", "ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE"),
];

/// Up to so many roles, the objects they have something on are found from the roles.
const FEW_ROLES: usize = 16;

impl Relation for RolePrivileges {
    fn definition(&self) -> Definition {
        Definition::new(
            "role_privileges",
            "What each role has on objects, its own and through the roles granted to it: one row per role and grant, \
             inherited grant or privilege that OWNERSHIP implies; what everyone has through PUBLIC is PUBLIC's alone",
            columns([
                &[ACCOUNT],
                &ROLE,
                &[text("privilege", "Privilege, such as SELECT; OWNERSHIP implies every privilege of the type")],
                &OBJECT,
                &[
                    bool("grant_option", "Whether it may be granted on"),
                    bool("direct", "Whether the role carries it itself"),
                    text("via_role", "Role that carries it: the role itself or one that it includes"),
                    text("via_type", "Kind of that role"),
                    text("source", "grant, inherited (an inherited grant on a container) or ownership"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(RoleRows { request, account: 0, scan: None, ways: Vec::new() })
    }

    fn dimensions(&self) -> &'static [Dimension] {
        &[Dimension::Role, Dimension::Object, Dimension::Privilege]
    }
}

struct RoleRows {
    request: ScanRequest,
    account: usize,
    scan: Option<RoleScan>,
    ways: Vec<Way>,
}

/// A scan of one account, object by object.
struct RoleScan {
    /// The objects asked for; `None` for all.
    objects: Option<Vec<u32>>,
    at: usize,
    privileges: Option<Vec<u16>>,
    /// For each principal that carries something, the roles asked for that include it.
    holders: Postings,
}

impl RoleScan {
    fn start(request: &ScanRequest, account: &str, s: &Snapshot) -> Result<Self> {
        let passing = request.pushed.passing(account, s)?;
        let closure = s.graph().closure();
        let roles: Vec<u32> = passing.roles.unwrap_or_else(|| s.role_ids().collect());
        let pairs = roles.iter().flat_map(|role| closure.includes(*role).iter().map(|carrier| (*carrier, *role)));
        let holders = Postings::group(s.principals().len(), pairs);
        let objects = passing.objects.or_else(|| {
            let carriers = || roles.iter().flat_map(|role| closure.includes(*role)).copied().collect::<Vec<_>>();
            (roles.len() <= FEW_ROLES).then(|| s.objects_touched_by(&carriers()))
        });
        Ok(Self { objects, at: 0, privileges: passing.privileges, holders })
    }

    fn next(&mut self, s: &Snapshot) -> Option<u32> {
        let object = match &self.objects {
            Some(list) => list.get(self.at).copied(),
            None => u32::try_from(self.at).ok().filter(|id| *id < s.object_count()),
        };
        self.at += 1;
        object
    }
}

impl BatchSource for RoleRows {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let world = Arc::clone(&self.request.world);
        let Some(view) = world.accounts.get(self.account) else { return Ok(false) };
        let s = &view.snapshot;
        let mut scan = match self.scan.take() {
            Some(scan) => scan,
            None => RoleScan::start(&self.request, &view.name, s)?,
        };
        while out.rows() < super::BATCH_ROWS {
            let Some(object) = scan.next(s) else {
                self.account += 1;
                return Ok(true);
            };
            s.ways_on(object, &mut self.ways);
            let wanted = |way: &&Way| scan.privileges.as_ref().is_none_or(|list| list.contains(&way.privilege));
            for way in self.ways.iter().filter(wanted) {
                for role in scan.holders.of(way.carrier) {
                    write_role_privilege(out, &view.name, s, *role, object, way);
                }
            }
        }
        self.scan = Some(scan);
        Ok(true)
    }
}

fn write_role_privilege(out: &mut Writer, account: &str, s: &Snapshot, role: u32, object: u32, way: &Way) {
    let (holder, carrier) = (s.principals().at(role), s.principals().at(way.carrier));
    let (granted_by, created_on) = evidence(s, object, way);
    out.text(Some(account))
        .text_with(|| Some(holder.shown()))
        .text(Some(holder.kind.as_str()))
        .text(Some(s.privileges().at(u32::from(way.privilege)).as_str()))
        .object(s, object)
        .bool(Some(way.grant_option))
        .bool(Some(role == way.carrier))
        .text_with(|| Some(carrier.shown()))
        .text(Some(carrier.kind.as_str()))
        .text(Some(way.kind.as_str()))
        .text_with(|| granted_by.map(Principal::shown))
        .time(created_on)
        .end();
}

impl Relation for EffectiveRoleMembers {
    fn definition(&self) -> Definition {
        Definition::new(
            "effective_role_members",
            "Who ends up with a role: one row per role and user, the rows of effective_roles read from the role",
            columns([
                &[ACCOUNT],
                &ROLE,
                &USER,
                &[
                    bool("direct", "Whether the role is granted to the user itself"),
                    text("source", "direct, inherited (through another role) or public (everyone has it)"),
                    ROLES,
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(MembersOfRoles { request, account: 0, roles: None })
    }

    fn dimensions(&self) -> &'static [Dimension] {
        &[Dimension::Role]
    }
}

struct MembersOfRoles {
    request: ScanRequest,
    account: usize,
    roles: Option<std::vec::IntoIter<u32>>,
}

impl BatchSource for MembersOfRoles {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let world = Arc::clone(&self.request.world);
        let Some(view) = world.accounts.get(self.account) else { return Ok(false) };
        let s = &view.snapshot;
        let mut roles = match self.roles.take() {
            Some(roles) => roles,
            None => {
                let passing = self.request.pushed.passing(&view.name, s)?;
                passing.roles.unwrap_or_else(|| s.role_ids().collect()).into_iter()
            }
        };
        while out.rows() < super::BATCH_ROWS {
            let Some(role) = roles.next() else {
                self.account += 1;
                return Ok(true);
            };
            self.write(out, &view.name, s, role);
        }
        self.roles = Some(roles);
        Ok(true)
    }
}

impl MembersOfRoles {
    fn write(&self, out: &mut Writer, account: &str, s: &Snapshot, role: u32) {
        let (graph, lens) = (s.graph(), self.request.lens);
        let first = graph.users().start;
        let by_membership = graph.user_roles(s, lens).users_of(role);
        let everyones = graph.public_roles().binary_search(&role).is_ok();
        let principal = s.principals().at(role);
        let mut member = |id: u32, source: &str| {
            let disabled = s.principal_info(id).properties.is_true(crate::model::Property::Disabled);
            out.text(Some(account))
                .text_with(|| Some(principal.shown()))
                .text(Some(principal.kind.as_str()))
                .text(Some(s.principals().at(id).name.as_str()))
                .bool(Some(disabled))
                .bool(Some(source == "direct"))
                .text(Some(source))
                .text(Some(lens.as_str()))
                .end();
        };
        let users: Box<dyn Iterator<Item = u32>> =
            if everyones { Box::new(graph.users()) } else { Box::new(by_membership.iter().map(|index| first + index)) };
        for id in users {
            if by_membership.binary_search(&(id - first)).is_err() {
                member(id, "public");
            } else if graph.granted_to(id).binary_search(&role).is_ok() {
                member(id, "direct");
            } else {
                member(id, "inherited");
            }
        }
    }
}

impl Relation for PrivilegeCatalog {
    fn definition(&self) -> Definition {
        Definition::new(
            "privilege_catalog",
            "Which privileges each type of object offers: the table that grantd ships; an account may know others",
            vec![
                text("object_type", "Type of object: TABLE, VIEW, SCHEMA, WAREHOUSE, ..."),
                text("privilege", "Privilege, such as SELECT or OWNERSHIP"),
                bool("implied_by_ownership", "Whether the owner of an object has it without a grant"),
            ],
        )
    }

    fn open(&self, _request: ScanRequest) -> Box<dyn BatchSource> {
        once(|out| {
            for (object_type, privilege, implied) in shipped_privileges() {
                out.text(Some(object_type)).text(Some(privilege)).bool(Some(implied)).end();
            }
            Ok(())
        })
    }
}
