//! The engine against the oracle, row by row, on random accounts.
//!
//! `GRANTD_ORACLE_ACCOUNTS` says how many accounts, `GRANTD_ORACLE_SEED` the first seed. `docs/testing.md` has the
//! command of the long run.

use super::privileges::{Carried, EffectiveGrant, EffectivePrivilege, Source, Way};
use super::random::{build, facts, smallest};
use super::roles::How;
use super::{Lens, Oracle};
use grantd_catalog::account::{Account, Grant};
use grantd_catalog::graph;
use grantd_catalog::graph::effective::{GrantRow, Row, Scan, Wanted};
use grantd_catalog::graph::explain::{Need, explain};
use grantd_catalog::graph::impact::{Effect, access_diff};
use grantd_catalog::model::{ObjectRef, ObjectType, Principal, Privilege, Property};
use grantd_catalog::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

pub(crate) fn engine_lens(lens: Lens) -> graph::Lens {
    match lens {
        Lens::All => graph::Lens::All,
        Lens::Default => graph::Lens::Default,
        Lens::Primary => graph::Lens::Primary,
    }
}

/// Runs `check` on many accounts, on all cores; a failing account is made small before it is shown.
pub(crate) fn on_random_accounts(check: fn(&Account) -> Result<(), String>) {
    let (count, first) = (number("GRANTD_ORACLE_ACCOUNTS", 500), number("GRANTD_ORACLE_SEED", 0));
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (first + thread..first + count).step_by(usize::try_from(threads).unwrap()) {
                    let all = facts(seed);
                    if check(&build(&all)).is_err() {
                        let few = smallest(all, |account| check(account).is_err());
                        let why = check(&build(&few)).unwrap_err();
                        panic!(
                            "seed {seed}:\n{}\n{why}",
                            few.iter().map(|f| format!("{f:?}")).collect::<Vec<_>>().join("\n")
                        );
                    }
                }
            });
        }
    });
}

/// Two sets of rows that should be one.
fn same<T: Ord + Debug>(what: &str, oracle: &BTreeSet<T>, engine: &BTreeSet<T>) -> Result<(), String> {
    let list = |a: &BTreeSet<T>, b: &BTreeSet<T>| {
        a.difference(b).take(10).map(|row| format!("  {row:#?}")).collect::<Vec<_>>().join("\n")
    };
    if oracle == engine {
        return Ok(());
    }
    Err(format!("{what}\nonly the oracle has\n{}\nonly the engine has\n{}", list(oracle, engine), list(engine, oracle)))
}

/// A scan's rows, taken a few at a time.
fn rows(snapshot: &Arc<Snapshot>, wanted: Wanted) -> Vec<Row> {
    let (mut scan, mut rows) = (Scan::new(snapshot.clone(), wanted), Vec::new());
    while scan.rows(rows.len() + 7, &mut rows) {}
    rows
}

fn grant_rows(snapshot: &Arc<Snapshot>, wanted: Wanted) -> Vec<GrantRow> {
    let (mut scan, mut rows) = (Scan::new(snapshot.clone(), wanted), Vec::new());
    while scan.grant_rows(rows.len() + 7, &mut rows) {}
    rows
}

fn everything(lens: Lens) -> Wanted {
    Wanted { users: None, objects: None, privileges: None, lens: engine_lens(lens) }
}

fn source(source: graph::Source) -> Source {
    match source {
        graph::Source::Grant => Source::Grant,
        graph::Source::User => Source::User,
        graph::Source::Inherited => Source::Inherited,
        graph::Source::Ownership => Source::Ownership,
        graph::Source::Public => Source::Public,
    }
}

fn named(snapshot: &Snapshot, row: Row) -> EffectivePrivilege {
    let user = principal(snapshot, row.user);
    let disabled = snapshot.principal_info(row.user).properties.is_true(Property::Disabled);
    EffectivePrivilege {
        user,
        privilege: privilege(snapshot, row.privilege),
        object: snapshot.object(row.object),
        user_disabled: disabled,
        grant_option: row.grant_option,
        usable: row.usable,
        usage_missing: row.usage_missing,
        source: source(row.source),
        role_count: row.role_count as usize,
    }
}

fn principal(snapshot: &Snapshot, id: u32) -> Principal {
    snapshot.principals().at(id).clone()
}

fn privilege(snapshot: &Snapshot, id: u16) -> Privilege {
    snapshot.privileges().at(u32::from(id)).clone()
}

/// The engine's rows with names, each once.
fn named_once(snapshot: &Arc<Snapshot>, wanted: Wanted) -> Result<BTreeSet<EffectivePrivilege>, String> {
    let rows = rows(snapshot, wanted);
    let set: BTreeSet<EffectivePrivilege> = rows.iter().map(|row| named(snapshot, *row)).collect();
    if set.len() == rows.len() { Ok(set) } else { Err(format!("{} rows, {} distinct", rows.len(), set.len())) }
}

/// What the engine says of an account.
pub(crate) fn effective_privileges(account: &Account, lens: Lens) -> Result<BTreeSet<EffectivePrivilege>, String> {
    named_once(&Arc::new(Snapshot::freeze(account, 0)), everything(lens))
}

fn privileges_agree(account: &Account) -> Result<(), String> {
    let (oracle, snapshot) = (Oracle::new(account), Arc::new(Snapshot::freeze(account, 0)));
    for lens in Lens::ALL {
        let want = oracle.effective_privileges(lens);
        same(&format!("privileges, lens {lens:?}"), &want, &named_once(&snapshot, everything(lens))?)?;
        // The other ways to scan: by user, by object, by privilege.
        for user in oracle.users.keys().step_by(3) {
            let users = Some(snapshot.principal_id(user).into_iter().collect());
            let got = named_once(&snapshot, Wanted { users, ..everything(lens) })?;
            let want = want.iter().filter(|row| row.user == *user).cloned().collect();
            same(&format!("privileges of {user:?}, lens {lens:?}"), &want, &got)?;
        }
        for object in want.iter().map(|row| &row.object).collect::<BTreeSet<_>>().into_iter().step_by(5) {
            let objects = Some(snapshot.object_id(object).into_iter().collect());
            let privileges = Some(snapshot.privilege_id("SELECT").into_iter().collect());
            let got = named_once(&snapshot, Wanted { objects, privileges, ..everything(lens) })?;
            let want = want.iter().filter(|row| row.object == *object && row.privilege == Privilege::SELECT);
            same(&format!("SELECT on {object:?}, lens {lens:?}"), &want.cloned().collect(), &got)?;
        }
    }
    Ok(())
}

fn grants_agree(account: &Account) -> Result<(), String> {
    let (oracle, snapshot) = (Oracle::new(account), Arc::new(Snapshot::freeze(account, 0)));
    for lens in Lens::ALL {
        let rows = grant_rows(&snapshot, everything(lens));
        let got: BTreeSet<EffectiveGrant> = rows.iter().map(|row| named_grant(&snapshot, *row)).collect();
        same(&format!("grants, lens {lens:?}"), &oracle.effective_grants(lens), &got)?;
        let by_row: BTreeMap<_, _> = oracle
            .effective_privileges(lens)
            .into_iter()
            .map(|row| ((row.user, row.privilege, row.object), (row.usable, row.usage_missing)))
            .collect();
        for row in rows {
            let key =
                (principal(&snapshot, row.user), privilege(&snapshot, row.way.privilege), snapshot.object(row.object));
            if by_row.get(&key) != Some(&(row.usable, row.usage_missing)) {
                return Err(format!("grants, lens {lens:?}: reach of {key:?} is {row:?}"));
            }
        }
    }
    Ok(())
}

fn named_grant(snapshot: &Snapshot, row: GrantRow) -> EffectiveGrant {
    let object = snapshot.object(row.object);
    let by_grantor = |index| snapshot.grantor(index).cloned();
    let (way, granted_by, created_on) = match row.way.kind {
        graph::Source::Inherited => {
            let grant = snapshot.container_grant(&snapshot.container_grants()[row.way.evidence as usize]);
            (Way::Inherited(grant.container), grant.granted_by, grant.created_on)
        }
        graph::Source::Ownership => {
            let (by, on) = snapshot.owner_evidence(row.object).unwrap();
            (Way::Ownership, by.cloned(), on)
        }
        _ => {
            let (grants, at) = (snapshot.grants(), row.way.evidence);
            (Way::Grant, by_grantor(grants.granted_by(at)), grants.created_on(at))
        }
    };
    let carried = Carried {
        carrier: principal(snapshot, row.way.carrier),
        privilege: privilege(snapshot, row.way.privilege),
        object,
        way,
        grant_option: row.way.grant_option,
        granted_by,
        created_on,
    };
    EffectiveGrant { user: principal(snapshot, row.user), carried }
}

fn roles_agree(account: &Account) -> Result<(), String> {
    let (oracle, snapshot) = (Oracle::new(account), Snapshot::freeze(account, 0));
    let engine = snapshot.graph();
    let names = |ids: &[u32]| ids.iter().map(|id| principal(&snapshot, *id)).collect::<BTreeSet<_>>();
    same("roles of PUBLIC", &oracle.public_is_everyones(), &names(engine.public_roles()))?;
    let mut pairs = BTreeSet::new();
    for role in &oracle.roles {
        let id = snapshot.principal_id(role).unwrap();
        let others = names(engine.closure().includes(id)).into_iter().filter(|other| other != role);
        pairs.extend(others.map(|other| (role.clone(), other)));
    }
    same("role closure", &oracle.role_closure(), &pairs)?;
    for lens in Lens::ALL {
        let user_roles = engine.user_roles(&snapshot, engine_lens(lens));
        let want = oracle.effective_roles(lens);
        for (nth, user) in engine.users().enumerate() {
            let (nth, user) = (u32::try_from(nth).unwrap(), principal(&snapshot, user));
            let own = want.iter().filter(|(u, _, how)| *u == user && *how != How::Public);
            let own: BTreeSet<Principal> = own.map(|(_, role, _)| role.clone()).collect();
            same(&format!("roles of {user:?}, lens {lens:?}"), &own, &names(user_roles.roles_of(nth)))?;
            for role in &own {
                if !user_roles.users_of(snapshot.principal_id(role).unwrap()).contains(&nth) {
                    return Err(format!("{role:?} does not have its user {user:?}, lens {lens:?}"));
                }
            }
            if user_roles.counts_own_grants(nth) != oracle.secondary_roles_count(&user, lens) {
                return Err(format!("grants to {user:?} itself, lens {lens:?}"));
            }
        }
    }
    Ok(())
}

/// Carriers, the length of the shortest chain and the number of chains, for some rows of every user. In accounts with a
/// cycle only the carriers: what a chain is there, nobody has defined.
fn explanations_agree(account: &Account) -> Result<(), String> {
    let (oracle, snapshot) = (Oracle::new(account), Snapshot::freeze(account, 0));
    let closure = oracle.role_closure();
    let cycle = closure.iter().any(|(a, b)| closure.contains(&(b.clone(), a.clone())));
    for lens in Lens::ALL {
        for row in oracle.effective_privileges(lens).iter().step_by(11) {
            let want_carriers = oracle.carriers(&row.user, &row.privilege, &row.object, lens);
            let user = snapshot.principal_id(&row.user).unwrap();
            let object = snapshot.object_id(&row.object).unwrap();
            let privilege = snapshot.privilege_id(row.privilege.as_str());
            let explanation = explain(&snapshot, engine_lens(lens), user, privilege, object);
            let what = format!("why {:?} has {} on {:?}, lens {lens:?}", row.user, row.privilege, row.object);
            let proofs: Vec<_> = explanation.proofs.iter().filter(|p| p.need == Need::Privilege).collect();
            let carriers: BTreeSet<Principal> =
                proofs.iter().filter_map(|p| p.chain.last()).map(|id| principal(&snapshot, *id)).collect();
            same(&what, &want_carriers, &carriers)?;
            let unmet = !explanation.missing.is_empty();
            if unmet == row.usable {
                return Err(format!("{what}: usable is {}, missing are {:?}", row.usable, explanation.missing));
            }
            if cycle {
                continue;
            }
            for proof in &proofs {
                a_chain_is_of_memberships(&oracle, &snapshot, &proof.chain).map_err(|e| format!("{what}: {e}"))?;
            }
            // A carrier that the user has by membership and through PUBLIC is explained by both.
            let by_membership = oracle.closure(&oracle.activated(&row.user, lens));
            let through_public = oracle.closure(&[Principal::public()].into());
            for public in [false, true] {
                let of_kind: BTreeSet<Principal> = want_carriers
                    .iter()
                    .filter(|c| {
                        if public { through_public.contains(*c) } else { **c == row.user || by_membership.contains(*c) }
                    })
                    .cloned()
                    .collect();
                let want = if public {
                    oracle.chains_through_public(&of_kind)
                } else {
                    oracle.chains_by_membership(&row.user, lens, &of_kind)
                };
                // The user is the first of every chain.
                let told: Vec<_> = proofs.iter().filter(|p| p.public == public).collect();
                let shortest = told.iter().map(|p| p.chain.len() - 1).min();
                let by_carrier: BTreeMap<_, _> = told.iter().map(|p| (p.chain.last(), p.chains)).collect();
                let chains: u128 = by_carrier.values().map(|n| u128::from(*n)).sum();
                if shortest != want.shortest || want.count.is_some_and(|n| n != chains) {
                    let engine = format!("{shortest:?} hops, {chains} chains");
                    return Err(format!("{what}: {want:?}, the engine says {engine}: {told:?}"));
                }
            }
        }
    }
    Ok(())
}

/// Every hop is a membership, PUBLIC after the user, or below the default role's granted parent.
fn a_chain_is_of_memberships(oracle: &Oracle, snapshot: &Snapshot, chain: &[u32]) -> Result<(), String> {
    for hop in chain.windows(2) {
        let (member, role) = (principal(snapshot, hop[0]), principal(snapshot, hop[1]));
        let everybodys = oracle.users.contains_key(&member) && role == Principal::public();
        let default = oracle.default_role(&member) == Some(role.clone());
        if !everybodys && !default && !oracle.granted_to(&member).contains(&role) {
            return Err(format!("{role:?} is not granted to {member:?}"));
        }
    }
    Ok(())
}

type Key = (Principal, ObjectRef, Privilege);

/// The difference of access to the same account with every third grant row of it gone.
fn differences_agree(account: &Account) -> Result<(), String> {
    let before = Arc::new(Snapshot::freeze(account, 0));
    let mut poorer = Account::new(account.name());
    account.principals().for_each(|(p, info)| poorer.put_principal(p.clone(), info.clone()));
    account.objects().for_each(|(o, info)| poorer.put_object(o.clone(), info.clone()));
    let keep = |i: &usize| !i.is_multiple_of(3);
    account.grants().enumerate().filter(|(i, _)| keep(i)).for_each(|(_, row)| poorer.put_grant(row));
    account.ownerships().enumerate().filter(|(i, _)| keep(i)).for_each(|(_, row)| poorer.put_ownership(&row));
    account.memberships().enumerate().filter(|(i, _)| keep(i)).for_each(|(_, row)| poorer.put_membership(&row));
    account.container_grants().enumerate().filter(|(i, _)| keep(i)).for_each(|(_, r)| poorer.put_container_grant(r));
    let after = Arc::new(Snapshot::freeze(&poorer, 0));
    let (rich, poor) = (Oracle::new(account), Oracle::new(&poorer));
    for lens in Lens::ALL {
        let by_key = |oracle: &Oracle| -> BTreeMap<Key, EffectivePrivilege> {
            let rows = oracle.effective_privileges(lens).into_iter();
            rows.map(|row| ((row.user.clone(), row.object.clone(), row.privilege.clone()), row)).collect()
        };
        let (with, without) = (by_key(&rich), by_key(&poor));
        let mut want = BTreeSet::new();
        for key in with.keys().chain(without.keys()) {
            let told = |row: Option<&EffectivePrivilege>| row.map(|row| (row.usable, row.grant_option));
            let (old, new) = (told(with.get(key)), told(without.get(key)));
            if old != new {
                let effect = match (old, new) {
                    (None, _) => Effect::Gains,
                    (_, None) => Effect::Loses,
                    _ => Effect::Changes,
                };
                want.insert((key.clone(), effect.as_str(), old.map(|o| o.0), new.map(|n| n.0)));
            }
        }
        for (from, to, back) in [(&before, &after, false), (&after, &before, true)] {
            let got = access_diff(from, to, engine_lens(lens)).into_iter().map(|row| {
                let key = (row.user, row.object, row.privilege);
                (key, row.effect.as_str(), row.usable_before, row.usable_after)
            });
            let want = want.iter().cloned().map(|(key, effect, old, new)| match (back, effect) {
                (false, _) => (key, effect, old, new),
                (true, "gains") => (key, "loses", new, old),
                (true, "loses") => (key, "gains", new, old),
                (true, _) => (key, effect, new, old),
            });
            same(&format!("difference, lens {lens:?}"), &want.collect(), &got.collect())?;
        }
    }
    Ok(())
}

/// Memberships and templates that are odd, and the roles that nobody has or SYSADMIN lacks.
fn findings_agree(account: &Account) -> Result<(), String> {
    let (oracle, snapshot) = (Oracle::new(account), Snapshot::freeze(account, 0));
    let redundant = snapshot.redundant_memberships();
    for row in &redundant {
        let (role, member, via) = (row.role, row.member, row.via);
        if via == role || !oracle.granted_to(&principal(&snapshot, member)).contains(&principal(&snapshot, via)) {
            return Err(format!(
                "{:?} is no other role of {:?}",
                principal(&snapshot, via),
                principal(&snapshot, member)
            ));
        }
    }
    let got = redundant.iter().map(|r| (principal(&snapshot, r.role), principal(&snapshot, r.member))).collect();
    same("redundant memberships", &oracle.redundant_memberships(), &got)?;
    let (graph, everyone) = (snapshot.graph(), snapshot.graph().users().len());
    let holders = graph.user_roles(&snapshot, graph::Lens::All);
    let orphan = |role: &u32| {
        let public = graph.public_roles().contains(role);
        *role != graph.public() && if public { everyone == 0 } else { holders.users_of(*role).is_empty() }
    };
    let orphans = snapshot.role_ids().filter(orphan).map(|role| principal(&snapshot, role)).collect();
    same("orphan roles", &oracle.reachable_by_nobody(), &orphans)
}

/// What each role has on an object: itself, through other roles and through PUBLIC, but for one grant row. Who may grant
/// a privilege on has it, too.
fn held_on(
    oracle: &Oracle,
    has: &BTreeMap<&Principal, BTreeSet<Principal>>,
    object: &ObjectRef,
    but: Option<&Grant>,
) -> BTreeSet<(Principal, Privilege, bool)> {
    let gone = |c: &Carried| {
        but.is_some_and(|g| c.way == Way::Grant && (&c.carrier, &c.privilege) == (&g.grantee, &g.privilege))
    };
    let carried: Vec<&Carried> = oracle.carried().iter().filter(|c| c.object == *object && !gone(c)).collect();
    let of_role = |(role, has): (&&Principal, &BTreeSet<Principal>)| {
        let mine = carried.iter().filter(|c| has.contains(&c.carrier));
        mine.flat_map(|c| [c.grant_option, false].map(|option| ((*role).clone(), c.privilege.clone(), option)))
            .collect::<Vec<_>>()
    };
    has.iter().flat_map(of_role).collect()
}

/// A grant that is called redundant takes nothing from anyone when it goes, and every one that takes nothing is called so,
/// unless several rows carry the same.
fn redundant_grants_agree(account: &Account) -> Result<(), String> {
    let snapshot = Snapshot::freeze(account, 0);
    let (mut ways, mut found) = (Vec::new(), Vec::new());
    (0..snapshot.object_count()).for_each(|object| snapshot.redundant_grants_on(object, &mut ways, &mut found));
    let oracle = Oracle::new(account);
    let public = oracle.public_is_everyones();
    let closure = |role: &Principal| &oracle.closure(&BTreeSet::from([role.clone()])) | &public;
    let has: BTreeMap<_, _> = oracle.roles.iter().map(|role| (role, closure(role))).collect();
    let named: BTreeSet<u32> = found.iter().map(|r| r.row).collect();
    let circles = !snapshot.graph().closure().cycles().is_empty();
    for grant in &oracle.grants {
        let membership = grant.object.object_type.is_role() && grant.privilege == Privilege::USAGE;
        let parallel = oracle
            .grants
            .iter()
            .filter(|g| (&g.privilege, &g.object, &g.grantee) == (&grant.privilege, &grant.object, &grant.grantee));
        // PUBLIC and the roles granted to it have what each of them has; one of them keeps its grant.
        let everyones = public.contains(&grant.grantee);
        // What comes from a share cannot be revoked row by row.
        let database = if grant.object.object_type == ObjectType::DATABASE {
            Some(&grant.object.name)
        } else {
            grant.object.database.as_ref()
        };
        let shared = database.is_some_and(|d| oracle.imported.contains(d));
        if membership || shared || everyones || !grant.grantee.kind.is_role() || parallel.count() > 1 || circles {
            continue;
        }
        let object = snapshot.object_id(&grant.object).unwrap();
        let row = snapshot.grants_on(object).find(|row| {
            let g = snapshot.grants();
            principal(&snapshot, g.grantee(*row)) == grant.grantee
                && privilege(&snapshot, g.privilege(*row)) == grant.privilege
        });
        // A grant on an object gives nothing on any other.
        let held = |but| held_on(&oracle, &has, &grant.object, but);
        let (called, is) = (named.contains(&row.unwrap()), held(Some(grant)) == held(None));
        if called != is {
            return Err(format!("{grant:?} is called redundant: {called}, but is: {is}"));
        }
    }
    Ok(())
}

#[test]
fn findings_about_roles_agree() {
    on_random_accounts(findings_agree);
}

#[test]
fn redundant_grants_take_nothing_from_anyone() {
    on_random_accounts(redundant_grants_agree);
}

#[test]
fn effective_roles_and_the_closure_agree() {
    on_random_accounts(roles_agree);
}

#[test]
fn effective_privileges_agree() {
    on_random_accounts(privileges_agree);
}

#[test]
fn effective_grants_agree() {
    on_random_accounts(grants_agree);
}

#[test]
fn explanations_agree_with_the_rows() {
    on_random_accounts(explanations_agree);
}

#[test]
fn differences_of_access_agree() {
    on_random_accounts(differences_agree);
}
