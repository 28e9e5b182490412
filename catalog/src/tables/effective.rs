//! `effective_privileges`, `effective_grants` and `effective_roles`: computed while they are read, never stored.

use super::definition::{ACCOUNT, Definition, OBJECT, bool, columns, int, text, time};
use super::filters::Dimension;
use super::provider::{BatchSource, Relation, ScanRequest};
use super::writer::Writer;
use crate::graph::effective::{GrantRow, Row, Scan, Wanted};
use crate::graph::{Lens, Source, Way};
use crate::model::Property;
use crate::snapshot::Snapshot;
use datafusion::error::Result;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(EffectivePrivileges), Arc::new(EffectiveGrants), Arc::new(EffectiveRoles)]
}

#[derive(Debug)]
struct EffectivePrivileges;

#[derive(Debug)]
struct EffectiveGrants;

#[derive(Debug)]
struct EffectiveRoles;

pub(super) const USER: [super::ColumnDef; 2] = [
    text("user_name", "User, as stored"),
    bool("user_disabled", "Whether the user is disabled; its grants remain and count again when it is enabled"),
];
pub(super) const ROLES: super::ColumnDef =
    text("roles", "Which roles count in this row: the session's grantd.roles (all, default or primary)");
const USABLE: [super::ColumnDef; 2] = [
    bool("usable", "Whether the same roles also reach the object's database and schema by any privilege"),
    bool("usage_missing", "Whether USAGE itself is missing on the database or schema"),
];
const SOURCE: super::ColumnDef = text(
    "source",
    "Why, the plainest reason first: grant, user (granted to the user itself), inherited, ownership, public",
);

impl Relation for EffectivePrivileges {
    fn definition(&self) -> Definition {
        Definition::new(
            "effective_privileges",
            "Who may do what with which object: one row per user, privilege and object, however many grants give it",
            columns([
                &[ACCOUNT],
                &USER,
                &[text("privilege", "Privilege, such as SELECT; OWNERSHIP implies every privilege of the type")],
                &OBJECT,
                &[bool("grant_option", "Whether the user may grant it to others")],
                &USABLE,
                &[SOURCE, int("role_count", "Number of the user's roles that carry it"), ROLES],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let write = |out: &mut Writer, account: &str, snapshot: &Snapshot, lens: Lens, rows: &[Row]| {
            for row in rows {
                user(out, account, snapshot, row.user)
                    .text(Some(snapshot.privileges().at(u32::from(row.privilege)).as_str()))
                    .object(snapshot, row.object)
                    .bool(Some(row.grant_option))
                    .bool(Some(row.usable))
                    .bool(Some(row.usage_missing))
                    .text(Some(row.source.as_str()))
                    .int(Some(i64::from(row.role_count)))
                    .text(Some(lens.as_str()))
                    .end();
            }
        };
        Box::new(Accounts { request, at: 0, scan: None, rows: Vec::new(), read: Scan::rows, write })
    }

    fn dimensions(&self) -> &'static [Dimension] {
        &[Dimension::User, Dimension::Object, Dimension::Privilege]
    }
}

impl Relation for EffectiveGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "effective_grants",
            "Which grants give a user a privilege: one row per user and grant, inherited grant or ownership",
            columns([
                &[ACCOUNT],
                &USER,
                &[text("privilege", "Privilege")],
                &OBJECT,
                &[bool("grant_option", "Whether this grant may be granted on")],
                &USABLE,
                &[
                    SOURCE,
                    text("role_name", "Role that carries the grant; NULL when the user itself does"),
                    text("role_type", "ROLE, DATABASE_ROLE or APPLICATION_ROLE"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                    ROLES,
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let write = |out: &mut Writer, account: &str, snapshot: &Snapshot, lens: Lens, rows: &[GrantRow]| {
            for row in rows {
                let (granted_by, created_on) = evidence(snapshot, row.object, &row.way);
                let carrier = snapshot.principals().at(row.way.carrier);
                let is_role = row.source != Source::User;
                user(out, account, snapshot, row.user)
                    .text(Some(snapshot.privileges().at(u32::from(row.way.privilege)).as_str()))
                    .object(snapshot, row.object)
                    .bool(Some(row.way.grant_option))
                    .bool(Some(row.usable))
                    .bool(Some(row.usage_missing))
                    .text(Some(row.source.as_str()))
                    .text_with(|| is_role.then(|| carrier.shown()))
                    .text(is_role.then(|| carrier.kind.as_str()))
                    .text_with(|| granted_by.map(crate::model::Principal::shown))
                    .time(created_on)
                    .text(Some(lens.as_str()))
                    .end();
            }
        };
        Box::new(Accounts { request, at: 0, scan: None, rows: Vec::new(), read: Scan::grant_rows, write })
    }

    fn dimensions(&self) -> &'static [Dimension] {
        &[Dimension::User, Dimension::Object, Dimension::Privilege]
    }
}

fn user<'w>(out: &'w mut Writer, account: &str, snapshot: &Snapshot, id: u32) -> &'w mut Writer {
    let disabled = snapshot.principal_info(id).properties.is_true(Property::Disabled);
    out.text(Some(account)).text(Some(snapshot.principals().at(id).name.as_str())).bool(Some(disabled))
}

/// By whom and when a way on an object was granted.
pub(super) fn evidence<'s>(
    snapshot: &'s Snapshot,
    object: u32,
    way: &Way,
) -> (Option<&'s crate::model::Principal>, Option<crate::account::Micros>) {
    match way.kind {
        Source::Ownership => snapshot.owner_evidence(object).unwrap_or_default(),
        Source::Inherited => snapshot
            .container_grants()
            .get(way.evidence as usize)
            .map(|g| (snapshot.grantor(g.granted_by), g.created_on))
            .unwrap_or_default(),
        _ => {
            let grants = snapshot.grants();
            (snapshot.grantor(grants.granted_by(way.evidence)), grants.created_on(way.evidence))
        }
    }
}

/// Scans one account after the other.
struct Accounts<R, W> {
    request: ScanRequest,
    at: usize,
    scan: Option<Scan>,
    rows: Vec<R>,
    read: fn(&mut Scan, usize, &mut Vec<R>) -> bool,
    write: W,
}

impl<R: Send, W: Fn(&mut Writer, &str, &Snapshot, Lens, &[R]) + Send> BatchSource for Accounts<R, W> {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let world = Arc::clone(&self.request.world);
        let Some(view) = world.accounts.get(self.at) else { return Ok(false) };
        if self.scan.is_none() {
            let passing = self.request.pushed.passing(&view.name, &view.snapshot)?;
            let wanted = Wanted {
                users: passing.users,
                objects: passing.objects,
                privileges: passing.privileges,
                lens: self.request.lens,
            };
            self.scan = Some(Scan::new(Arc::clone(&view.snapshot), wanted));
        }
        self.rows.clear();
        let more = self.scan.as_mut().is_some_and(|scan| (self.read)(scan, super::BATCH_ROWS, &mut self.rows));
        (self.write)(out, &view.name, &view.snapshot, self.request.lens, &self.rows);
        if !more {
            self.scan = None;
            self.at += 1;
        }
        Ok(true)
    }
}

impl Relation for EffectiveRoles {
    fn definition(&self) -> Definition {
        Definition::new(
            "effective_roles",
            "Which roles a user ends up with: one row per user and role, PUBLIC among them",
            columns([
                &[ACCOUNT],
                &USER,
                &[
                    text("role_name", "Role; database roles by their full name"),
                    text("role_type", "ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE"),
                    bool("direct", "Whether the role is granted to the user itself"),
                    text("source", "direct, inherited (through another role) or public (everyone has it)"),
                    ROLES,
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(RolesOfUsers { request, account: 0, user: 0 })
    }
}

struct RolesOfUsers {
    request: ScanRequest,
    account: usize,
    user: u32,
}

impl BatchSource for RolesOfUsers {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let world = Arc::clone(&self.request.world);
        let Some(view) = world.accounts.get(self.account) else { return Ok(false) };
        let (snapshot, lens) = (&view.snapshot, self.request.lens);
        let graph = snapshot.graph();
        let roles = graph.user_roles(snapshot, lens);
        let users = graph.users();
        while self.user < users.len() as u32 && out.rows() < super::BATCH_ROWS {
            let id = users.start + self.user;
            let own = roles.roles_of(self.user);
            let direct = graph.granted_to(id);
            let mut write = |role: u32, source: &str| {
                let principal = snapshot.principals().at(role);
                user(out, &view.name, snapshot, id)
                    .text_with(|| Some(principal.shown()))
                    .text(Some(principal.kind.as_str()))
                    .bool(Some(source == "direct"))
                    .text(Some(source))
                    .text(Some(lens.as_str()))
                    .end();
            };
            for role in own {
                write(*role, if direct.binary_search(role).is_ok() { "direct" } else { "inherited" });
            }
            for role in graph.public_roles().iter().filter(|r| own.binary_search(r).is_err()) {
                write(*role, "public");
            }
            self.user += 1;
        }
        if self.user >= users.len() as u32 {
            self.user = 0;
            self.account += 1;
        }
        Ok(true)
    }
}
