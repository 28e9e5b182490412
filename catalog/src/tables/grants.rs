//! `grants`, `future_grants` and `inherited_grants`.

use super::definition::{ACCOUNT, Definition, OBJECT, bool, columns, text, time};
use super::provider::{BatchSource, Relation, ScanRequest, once};
use super::writer::Writer;
use crate::account::{ContainerGrant, Reach};
use crate::model::{Container, Principal, Privilege};
use crate::snapshot::Snapshot;
use datafusion::error::Result;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(Grants), Arc::new(FutureGrants), Arc::new(InheritedGrants)]
}

#[derive(Debug)]
struct Grants;

#[derive(Debug)]
struct FutureGrants;

#[derive(Debug)]
struct InheritedGrants;

const GRANTEE: [super::ColumnDef; 2] = [
    text("granted_to", "Kind of the grantee: ROLE, DATABASE_ROLE, APPLICATION_ROLE, USER, SHARE, APPLICATION"),
    text("grantee", "Who holds it; database roles by their full name"),
];

impl Relation for Grants {
    fn definition(&self) -> Definition {
        Definition::new(
            "grants",
            "Privileges granted on objects, one row per grantor; OWNERSHIP among them, memberships in role_grants",
            columns([
                &[ACCOUNT, text("privilege", "Privilege, such as SELECT or OWNERSHIP")],
                &OBJECT,
                &GRANTEE,
                &[
                    bool("grant_option", "Whether the grantee may grant it on"),
                    text("granted_by", "Role that granted it; NULL for the system"),
                    time("created_on", "When it was granted"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(GrantRows { request, account: 0, object: 0 })
    }
}

/// Goes through the objects of one account after the other.
struct GrantRows {
    request: ScanRequest,
    account: usize,
    object: u32,
}

impl BatchSource for GrantRows {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let Some(view) = self.request.world.accounts.get(self.account) else { return Ok(false) };
        let s = &view.snapshot;
        while self.object < s.object_count() && out.rows() < super::BATCH_ROWS {
            write_grants_on(out, &view.name, s, self.object);
            self.object += 1;
        }
        if self.object >= s.object_count() {
            self.object = 0;
            self.account += 1;
        }
        Ok(true)
    }
}

fn write_grants_on(out: &mut Writer, account: &str, s: &Snapshot, object: u32) {
    if let Some(owner) = s.owner(object) {
        let (granted_by, created_on) = s.owner_evidence(object).unwrap_or_default();
        out.text(Some(account))
            .text(Some(Privilege::OWNERSHIP.as_str()))
            .object(s, object)
            .text(Some(owner.kind.as_str()))
            .text_with(|| Some(owner.shown()))
            .bool(Some(true))
            .text_with(|| granted_by.map(Principal::shown))
            .time(created_on)
            .end();
    }
    let grants = s.grants();
    for row in s.grants_on(object) {
        let grantee = s.principals().at(grants.grantee(row));
        out.text(Some(account))
            .text(Some(s.privileges().at(u32::from(grants.privilege(row))).as_str()))
            .object(s, object)
            .text(Some(grantee.kind.as_str()))
            .text_with(|| Some(grantee.shown()))
            .bool(Some(grants.grant_option(row)))
            .text_with(|| s.grantor(grants.granted_by(row)).map(Principal::shown))
            .time(grants.created_on(row))
            .end();
    }
}

impl Relation for FutureGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "future_grants",
            "Templates for objects yet to come; never access by themselves",
            columns([
                &[
                    ACCOUNT,
                    text("privilege", "Privilege that a new object gets"),
                    text("object_type", "Type of object the template is for"),
                    text("object_database", "Database of the template"),
                    text("object_schema", "Schema of the template; NULL for one on the whole database"),
                ],
                &GRANTEE,
                &[
                    bool("grant_option", "Whether the new grant carries the grant option"),
                    time("created_on", "When the template was made"),
                    bool(
                        "shadowed",
                        "Whether some schema of the database has templates of its own for this type, which hide this one there",
                    ),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let all = of_kind(&view.snapshot, Reach::Future);
                for grant in &all {
                    out.text(Some(&view.name));
                    write_template(out, grant);
                    out.bool(Some(grant.grant_option))
                        .time(grant.created_on)
                        .bool(Some(all.iter().any(|other| shadows(other, grant))))
                        .end();
                }
            }
            Ok(())
        })
    }
}

/// A template on a schema hides every template of that type on its database there, whoever it is for.
fn shadows(schema_level: &ContainerGrant, other: &ContainerGrant) -> bool {
    matches!((&schema_level.container, &other.container), (Container::Schema(d, _), Container::Database(e)) if d == e)
        && schema_level.object_type == other.object_type
}

impl Relation for InheritedGrants {
    fn definition(&self) -> Definition {
        Definition::new(
            "inherited_grants",
            "Live grants on every present and future object of one type in a container (GRANT INHERITED)",
            columns([
                &[
                    ACCOUNT,
                    text("privilege", "Privilege"),
                    text("object_type", "Exactly this type is covered"),
                    text("object_database", "Database covered; NULL for the whole account"),
                    text("object_schema", "Schema covered; NULL for the whole database or account"),
                ],
                &GRANTEE,
                &[
                    text("granted_by", "Role that granted it; NULL when not known"),
                    time("created_on", "When it was granted"),
                    text("inherited_from", "ACCOUNT, DATABASE or SCHEMA"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                for grant in of_kind(&view.snapshot, Reach::Inherited) {
                    let from = match grant.container {
                        Container::Account => "ACCOUNT",
                        Container::Database(_) => "DATABASE",
                        Container::Schema(..) => "SCHEMA",
                    };
                    out.text(Some(&view.name));
                    write_template(out, &grant);
                    out.text_with(|| grant.granted_by.as_ref().map(Principal::shown))
                        .time(grant.created_on)
                        .text(Some(from))
                        .end();
                }
            }
            Ok(())
        })
    }
}

fn of_kind(s: &Snapshot, reach: Reach) -> Vec<ContainerGrant> {
    s.container_grants().iter().filter(|row| row.reach == reach).map(|row| s.container_grant(row)).collect()
}

fn write_template(out: &mut Writer, grant: &ContainerGrant) {
    out.text(Some(grant.privilege.as_str()))
        .text(Some(grant.object_type.as_str()))
        .text(grant.container.database().map(crate::model::Ident::as_str))
        .text(grant.container.schema().map(crate::model::Ident::as_str))
        .text(Some(grant.grantee.kind.as_str()))
        .text_with(|| Some(grant.grantee.shown()));
}
