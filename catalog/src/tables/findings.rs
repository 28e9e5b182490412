//! What is needless or without effect: `redundant_role_grants`, `redundant_grants`, `unusable_grants`.

use super::definition::{ACCOUNT, Definition, OBJECT, bool, columns, int, text, time};
use super::effective::{ROLES, evidence};
use super::filters::Dimension;
use super::provider::{BatchSource, Relation, ScanRequest, once};
use super::writer::Writer;
use crate::graph::effective::{GrantRow, Scan, Wanted};
use crate::graph::redundant::RedundantGrant;
use crate::graph::{Source, Way};
use crate::model::{Principal, Privilege, Property};
use crate::snapshot::Snapshot;
use datafusion::error::Result;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(UnusableGrants), Arc::new(RedundantGrants), Arc::new(RedundantRoleGrants)]
}

#[derive(Debug)]
struct RedundantRoleGrants;

#[derive(Debug)]
struct RedundantGrants;

#[derive(Debug)]
struct UnusableGrants;

const GRANTEE: [super::ColumnDef; 2] = [
    text("granted_to", "Kind of the grantee: ROLE, DATABASE_ROLE, APPLICATION_ROLE or USER"),
    text("grantee", "Who holds it; database roles by their full name"),
];

impl Relation for RedundantRoleGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "redundant_role_grants",
            "Memberships implied by another path: whoever has them keeps the role when this one is revoked",
            columns([
                &[ACCOUNT],
                &[
                    text("role_name", "Role that is granted; database roles by their full name"),
                    text("role_type", "ROLE, DATABASE_ROLE, APPLICATION_ROLE or INSTANCE_ROLE"),
                    text("granted_to", "Kind of the member: a role of some kind, USER, SHARE or APPLICATION"),
                    text("grantee", "Who has the role twice"),
                    text("via_role", "Another role granted to the member that includes the role"),
                    text("via_type", "Kind of that role"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                for row in s.redundant_memberships() {
                    out.text(Some(&view.name));
                    for (id, name_first) in [(row.role, true), (row.member, false), (row.via, true)] {
                        let principal = s.principals().at(id);
                        if name_first {
                            out.text_with(|| Some(principal.shown())).text(Some(principal.kind.as_str()));
                        } else {
                            out.text(Some(principal.kind.as_str())).text_with(|| Some(principal.shown()));
                        }
                    }
                    out.end();
                }
            }
            Ok(())
        })
    }
}

impl Relation for RedundantGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "redundant_grants",
            "Privileges granted to a role that it has anyway, with the same grant option: by ownership, by an inherited \
             grant, or through another role. Rows of several grantors are not redundant with each other",
            columns([
                &[ACCOUNT, text("privilege", "Privilege that is granted twice")],
                &OBJECT,
                &GRANTEE,
                &[
                    bool("grant_option", "Whether the grantee may grant it on"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                    text("implied_by", "Why it is needless: ownership, inherited, role (one it includes) or public"),
                    text("via_role", "Role that carries the other one: the grantee itself or a role it includes"),
                    int("parallel_grantors", "Grantors of this privilege to this grantee; all must revoke"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(RedundantRows { request, account: 0, object: 0, ways: Vec::new(), rows: Vec::new() })
    }
}

/// Goes through the objects of one account after the other.
struct RedundantRows {
    request: ScanRequest,
    account: usize,
    object: u32,
    ways: Vec<Way>,
    rows: Vec<RedundantGrant>,
}

impl BatchSource for RedundantRows {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let Some(view) = self.request.world.accounts.get(self.account) else { return Ok(false) };
        let s = &view.snapshot;
        while self.object < s.object_count() && out.rows() < super::BATCH_ROWS {
            self.rows.clear();
            s.redundant_grants_on(self.object, &mut self.ways, &mut self.rows);
            for row in &self.rows {
                write_redundant(out, &view.name, s, row);
            }
            self.object += 1;
        }
        if self.object >= s.object_count() {
            self.object = 0;
            self.account += 1;
        }
        Ok(true)
    }
}

fn write_redundant(out: &mut Writer, account: &str, s: &Snapshot, row: &RedundantGrant) {
    let grants = s.grants();
    let grantee = s.principals().at(grants.grantee(row.row));
    out.text(Some(account))
        .text(Some(s.privileges().at(u32::from(grants.privilege(row.row))).as_str()))
        .object(s, row.object)
        .text(Some(grantee.kind.as_str()))
        .text_with(|| Some(grantee.shown()))
        .bool(Some(grants.grant_option(row.row)))
        .text_with(|| s.grantor(grants.granted_by(row.row)).map(Principal::shown))
        .time(grants.created_on(row.row))
        .text(Some(row.implied_by.as_str()))
        .text_with(|| Some(s.principals().at(row.carrier).shown()))
        .int(Some(i64::from(row.parallel)))
        .end();
}

impl Relation for UnusableGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "unusable_grants",
            "Grants that users hold and none of them can use, because no role of theirs reaches the database or schema; \
             one row per grant, an inherited grant once per object, OWNERSHIP without what it implies. Grants that no \
             user holds are not here: see orphan_roles",
            columns([
                &[ACCOUNT, text("privilege", "Privilege")],
                &OBJECT,
                &GRANTEE,
                &[
                    text("source", "grant, inherited or ownership"),
                    bool("grant_option", "Whether the grantee may grant it on"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                    int("users", "Users that hold it"),
                    int("enabled_users", "Those among them that are not disabled"),
                    ROLES,
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(UnusableRows { request, account: 0, scan: None, rows: Vec::new() })
    }

    fn dimensions(&self) -> &'static [Dimension] {
        &[Dimension::Object, Dimension::Privilege]
    }
}

struct UnusableRows {
    request: ScanRequest,
    account: usize,
    scan: Option<Scan>,
    rows: Vec<GrantRow>,
}

impl BatchSource for UnusableRows {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let world = Arc::clone(&self.request.world);
        let Some(view) = world.accounts.get(self.account) else { return Ok(false) };
        if self.scan.is_none() {
            let passing = self.request.pushed.passing(&view.name, &view.snapshot)?;
            // Without a choice of users a scan goes object by object, whole objects at a time: the users of one way
            // come one after the other.
            let wanted = Wanted {
                users: None,
                objects: passing.objects,
                privileges: passing.privileges,
                lens: self.request.lens,
            };
            self.scan = Some(Scan::new(Arc::clone(&view.snapshot), wanted));
        }
        self.rows.clear();
        let more = self.scan.as_mut().is_some_and(|scan| scan.grant_rows(super::BATCH_ROWS, &mut self.rows));
        let s = &view.snapshot;
        for held in self.rows.chunk_by(|a, b| (a.object, a.way) == (b.object, b.way)) {
            let Some(first) = held.first() else { continue };
            let privilege = s.privileges().at(u32::from(first.way.privilege));
            let implied = first.way.kind == Source::Ownership && *privilege != Privilege::OWNERSHIP;
            if implied || held.iter().any(|row| row.usable) {
                continue;
            }
            let enabled = |row: &&GrantRow| !s.principal_info(row.user).properties.is_true(Property::Disabled);
            let carrier = s.principals().at(first.way.carrier);
            let (granted_by, created_on) = evidence(s, first.object, &first.way);
            out.text(Some(&view.name))
                .text(Some(privilege.as_str()))
                .object(s, first.object)
                .text(Some(carrier.kind.as_str()))
                .text_with(|| Some(carrier.shown()))
                .text(Some(first.way.kind.as_str()))
                .bool(Some(first.way.grant_option))
                .text_with(|| granted_by.map(Principal::shown))
                .time(created_on)
                .int(Some(held.len() as i64))
                .int(Some(held.iter().filter(enabled).count() as i64))
                .text(Some(self.request.lens.as_str()))
                .end();
        }
        if !more {
            self.scan = None;
            self.account += 1;
        }
        Ok(true)
    }
}
