//! `explain_access(user, privilege, object)`: every way a user has a privilege, hop by hop, and what is missing.

use crate::question::Question;
use crate::{Argument, SqlFunction};
use grantd_catalog::account::{Micros, imports};
use grantd_catalog::graph::Source;
use grantd_catalog::graph::explain::{Explanation, Missing, Need, NoGrant, Proof, explain, nearest_miss};
use grantd_catalog::model::{Change, ObjectRef, Principal, PrincipalKind, Privilege};
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
            "Why a user has a privilege on an object: for every carrier the shortest chain, hop by hop. When the access is not \
             usable, the nearest miss: the one grant that would make it so, or the fewest that can be found; all of them \
             together do. When coverage could change the answer, a row of kind caveat says so",
            vec![
                column("account", ColumnType::Text, "Account"),
                column("path", ColumnType::Int, "Number of the chain, from 1; the plainest first"),
                column("hop", ColumnType::Int, "Position in the chain, from 1: the user comes first"),
                column(
                    "need",
                    ColumnType::Text,
                    "What the chain proves: privilege, schema or database (reach); NULL for a missing grant that gives all that is missing",
                ),
                column(
                    "kind",
                    ColumnType::Text,
                    "membership, default role, grant, inherited grant, ownership, public; missing, impossible (no grant can give it) or caveat",
                ),
                column(
                    "holder",
                    ColumnType::Text,
                    "Who has it at this hop: the user, then role after role; for a missing one, who would be granted it",
                ),
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
                let miss = nearest_miss(s, request.lens, user, &question.privilege, object, &explanation.missing);
                let mut writing = Writing { out: &mut *out, account: &view.name, snapshot: s };
                writing.all(&explanation, &miss, user);
                if let Some(caveat) = request.world.caveat(&view.name, s.database_name(object)) {
                    writing.caveat(user, &caveat);
                }
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

/// What a missing statement gives, in words.
fn given(change: &Change) -> String {
    let on = |object: &ObjectRef| format!("{} {}", object.object_type.sql(), object.shown());
    match change {
        Change::GrantPrivilege { privilege, object, .. } => format!("{privilege} on {}", on(object)),
        Change::TransferOwnership { object, .. } => format!("OWNERSHIP on {}", on(object)),
        Change::GrantRole { role, .. } => format!("{} {}", role.kind.as_str(), role.shown()),
        Change::AlterPrincipal { value: Some(role), .. } => format!("default role {role}"),
        other => other.kind().to_owned(),
    }
}

/// One row.
struct Hop<'a> {
    path: i64,
    hop: i64,
    need: Option<Need>,
    kind: &'a str,
    holder: u32,
    has: String,
    granted_by: Option<&'a Principal>,
    created_on: Option<Micros>,
    chains: Option<u64>,
    change: Option<Change>,
}

impl Writing<'_> {
    fn all(&mut self, explanation: &Explanation, miss: &Result<Vec<Missing>, NoGrant>, user: u32) {
        let mut path = 0;
        for proof in &explanation.proofs {
            path += 1;
            self.proof(path, proof);
        }
        let Some((first, _)) = explanation.missing.first() else { return };
        match miss {
            Ok(rows) => {
                for row in rows {
                    path += 1;
                    self.missing(path, *first, Ok(row), user);
                }
            }
            Err(why) => self.missing(path + 1, *first, Err(why), user),
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
                need: Some(proof.need),
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
            need: Some(proof.need),
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
                let imported = s.import_of(proof.object).is_some();
                // What a share gives to a role of its own is the provider's.
                let fixed = imported && grantee.kind != PrincipalKind::Role;
                let change = Change::RevokePrivilege {
                    privilege: privilege.clone(),
                    object: object.clone(),
                    grantee,
                    grant_option_only: false,
                    cascade: false,
                    granted_by: None,
                };
                let change = (!fixed).then(|| imports::as_a_whole(change, |_| imported));
                Hop { has: named(&privilege), granted_by, created_on, change, ..base }
            }
        };
        self.row(row);
    }

    /// What would have to be granted, or why nothing can be.
    fn missing(&mut self, path: i64, first: Need, row: Result<&Missing, &NoGrant>, user: u32) {
        let base = Hop {
            path,
            hop: 1,
            need: Some(first),
            kind: "impossible",
            holder: user,
            has: String::new(),
            granted_by: None,
            created_on: None,
            chains: Some(0),
            change: None,
        };
        self.row(match row {
            Ok(missing) => Hop {
                need: missing.need,
                kind: "missing",
                holder: missing.holder,
                has: given(&missing.change),
                change: Some(missing.change.clone()),
                ..base
            },
            Err(why) => Hop { has: why.to_string(), ..base },
        });
    }

    /// What coverage says against the answer: a row of no path.
    fn caveat(&mut self, user: u32, caveat: &str) {
        let user = self.snapshot.principals().at(user);
        self.out
            .text(Some(self.account))
            .int(None)
            .int(None)
            .text(None)
            .text(Some("caveat"))
            .text_with(|| Some(user.shown()))
            .text(Some(user.kind.as_str()))
            .text(Some(caveat))
            .text(None)
            .time(None)
            .int(None)
            .text(None)
            .end();
    }

    fn row(&mut self, hop: Hop<'_>) {
        let holder = self.snapshot.principals().at(hop.holder);
        self.out
            .text(Some(self.account))
            .int(Some(hop.path))
            .int(Some(hop.hop))
            .text(hop.need.map(Need::as_str))
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
