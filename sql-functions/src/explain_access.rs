//! `explain_access(user, privilege, object)`: every way a user has a privilege, hop by hop, and what is missing.

use crate::question::Question;
use crate::{Argument, SqlFunction};
use grantd_catalog::account::Micros;
use grantd_catalog::graph::Source;
use grantd_catalog::graph::explain::{Explanation, Need, Proof, explain};
use grantd_catalog::model::{Change, Principal, Privilege};
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, Writer, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct ExplainAccess;

impl SqlFunction for ExplainAccess {
    fn arguments(&self) -> Vec<Argument> {
        Question::arguments()
    }

    fn definition(&self) -> Definition {
        let column = |name, ty, comment| ColumnDef { name, ty, comment };
        Definition::new(
            "explain_access",
            "Why a user has a privilege on an object: for every carrier the shortest chain, hop by hop; or what is missing",
            vec![
                column("account", ColumnType::Text, "Account"),
                column("path", ColumnType::Int, "Number of the chain, from 1; the plainest first"),
                column("hop", ColumnType::Int, "Position in the chain, from 1: the user comes first"),
                column("need", ColumnType::Text, "What the chain proves: privilege, schema or database (reach)"),
                column(
                    "kind",
                    ColumnType::Text,
                    "membership, default role, grant, inherited grant, ownership, public or missing",
                ),
                column("holder", ColumnType::Text, "Who has it at this hop: the user, then role after role"),
                column("holder_type", ColumnType::Text, "USER, ROLE, DATABASE_ROLE, ..."),
                column("has", ColumnType::Text, "What the holder has: a role, or a privilege on an object"),
                column("granted_by", ColumnType::Text, "Role that granted it; NULL for the system"),
                column("created_on", ColumnType::Time, "When it was granted"),
                column(
                    "chains",
                    ColumnType::Int,
                    "Number of distinct chains from the user to the carrier of this path",
                ),
                column(
                    "cut_sql",
                    ColumnType::Text,
                    "Statement that ends this hop; for a missing one, the statement that makes it",
                ),
            ],
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        Arc::new(Bound(Question::bound(arguments)))
    }
}

#[derive(Debug)]
struct Bound(Question);

impl Relation for Bound {
    fn definition(&self) -> Definition {
        ExplainAccess.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let question = self.0.clone();
        once(move |out| {
            question.each(&request.world.accounts, |view, user, object| {
                let s = &view.snapshot;
                let privilege = s.privilege_id(question.privilege.as_str());
                let explanation = explain(s, request.lens, user, privilege, object);
                Writing { out, account: &view.name, snapshot: s }.all(&explanation, user, &question.privilege);
                Ok(())
            })
        })
    }
}

struct Writing<'a> {
    out: &'a mut Writer,
    account: &'a str,
    snapshot: &'a Snapshot,
}

/// One row.
struct Hop<'a> {
    path: i64,
    hop: i64,
    need: Need,
    kind: &'a str,
    holder: u32,
    has: String,
    granted_by: Option<&'a Principal>,
    created_on: Option<Micros>,
    chains: Option<u64>,
    change: Option<Change>,
}

impl Writing<'_> {
    fn all(&mut self, explanation: &Explanation, user: u32, privilege: &Privilege) {
        let mut path = 0;
        for proof in &explanation.proofs {
            path += 1;
            self.proof(path, proof);
        }
        for (need, object) in &explanation.missing {
            path += 1;
            self.missing(path, *need, *object, user, privilege);
        }
    }

    fn proof(&mut self, path: i64, proof: &Proof) {
        let s = self.snapshot;
        let mut hop = 0;
        for pair in proof.chain.windows(2) {
            let [holder, role] = pair else { continue };
            hop += 1;
            let public = proof.public && hop == 1;
            let membership = s.memberships().iter().find(|m| (m.role, m.member) == (*role, *holder));
            let (role_name, holder_name) = (s.principals().at(*role).clone(), s.principals().at(*holder).clone());
            self.row(Hop {
                path,
                hop,
                need: proof.need,
                kind: match membership {
                    _ if public => "public",
                    Some(_) => "membership",
                    // The default role is active though it is only included in a granted one.
                    None => "default role",
                },
                holder: *holder,
                has: format!("{} {}", role_name.kind.as_str(), role_name.shown()),
                granted_by: membership.and_then(|m| s.grantor(m.granted_by)),
                created_on: membership.and_then(|m| m.created_on),
                chains: Some(proof.chains),
                change: membership.filter(|m| !m.builtin).map(|_| Change::RevokeRole {
                    role: role_name,
                    from: holder_name,
                    granted_by: None,
                }),
            });
        }
        let Some(carrier) = proof.chain.last().copied() else { return };
        self.last_hop(path, hop + 1, proof, carrier);
    }

    /// The grant at the end of a chain.
    fn last_hop(&mut self, path: i64, hop: i64, proof: &Proof, carrier: u32) {
        let s = self.snapshot;
        let object = s.object(proof.object);
        let named = |privilege: &Privilege| format!("{privilege} on {} {}", object.object_type.sql(), object.shown());
        let grantee = s.principals().at(carrier).clone();
        let base = Hop {
            path,
            hop,
            need: proof.need,
            kind: "grant",
            holder: carrier,
            has: named(&Privilege::USAGE),
            granted_by: None,
            created_on: None,
            chains: Some(proof.chains),
            change: None,
        };
        let Some(way) = proof.way else { return self.row(base) };
        let privilege = s.privileges().at(u32::from(way.privilege)).clone();
        let row = match way.kind {
            Source::Ownership => {
                let (granted_by, created_on) = s.owner_evidence(proof.object).unwrap_or_default();
                let has = format!("{} (implies {privilege})", named(&Privilege::OWNERSHIP));
                Hop { kind: "ownership", has, granted_by, created_on, ..base }
            }
            Source::Inherited => {
                let Some(row) = s.container_grants().get(way.evidence as usize) else { return };
                let grant = s.container_grant(row);
                let container = match (grant.container.database(), grant.container.schema()) {
                    (Some(d), Some(sch)) => format!("SCHEMA {}.{}", d.shown(), sch.shown()),
                    (Some(d), None) => format!("DATABASE {}", d.shown()),
                    _ => "ACCOUNT".to_owned(),
                };
                let has = format!("INHERITED {privilege} on all {} in {container}", grant.object_type.plural_sql());
                let change = Change::RevokeInherited {
                    privilege,
                    object_type: grant.object_type,
                    container: grant.container,
                    grantee,
                };
                let granted_by = s.grantor(row.granted_by);
                let change = Some(change);
                Hop { kind: "inherited grant", has, granted_by, created_on: row.created_on, change, ..base }
            }
            _ => {
                let grants = s.grants();
                let granted_by = s.grantor(grants.granted_by(way.evidence));
                let created_on = grants.created_on(way.evidence);
                let change = Change::RevokePrivilege {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee,
                    grant_option_only: false,
                    cascade: false,
                    granted_by: None,
                };
                Hop { has: named(&privilege), granted_by, created_on, change: Some(change), ..base }
            }
        };
        self.row(row);
    }

    /// What would have to be granted; to the user's first role, or to the user when it has none.
    fn missing(&mut self, path: i64, need: Need, object: u32, user: u32, privilege: &Privilege) {
        let s = self.snapshot;
        let privilege = if need == Need::Privilege { privilege.clone() } else { Privilege::USAGE };
        let target = s.object(object);
        let grantee = s.graph().granted_to(user).first().copied().unwrap_or(user);
        let has = format!("{privilege} on {} {}", target.object_type.sql(), target.shown());
        let change = Change::GrantPrivilege {
            privilege,
            object: target,
            grantee: s.principals().at(grantee).clone(),
            grant_option: false,
            granted_by: None,
        };
        self.row(Hop {
            path,
            hop: 1,
            need,
            kind: "missing",
            holder: user,
            has,
            granted_by: None,
            created_on: None,
            chains: Some(0),
            change: Some(change),
        });
    }

    fn row(&mut self, hop: Hop<'_>) {
        let holder = self.snapshot.principals().at(hop.holder);
        self.out
            .text(Some(self.account))
            .int(Some(hop.path))
            .int(Some(hop.hop))
            .text(Some(hop.need.as_str()))
            .text(Some(hop.kind))
            .text_with(|| Some(holder.shown()))
            .text(Some(holder.kind.as_str()))
            .text(Some(&hop.has))
            .text_with(|| hop.granted_by.map(Principal::shown))
            .time(hop.created_on)
            .int(hop.chains.map(|n| i64::try_from(n).unwrap_or(i64::MAX)))
            .text_with(|| hop.change.and_then(|c| grantd_catalog::sql::render(&c).ok()))
            .end();
    }
}
