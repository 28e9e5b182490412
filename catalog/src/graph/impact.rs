//! Who gains and who loses what between two snapshots, without comparing the whole relation.
//!
//! Only rows of users whose roles differ and of objects whose ways or reach differ can differ; those are computed on
//! both sides and compared.

use super::Lens;
use super::effective::{Row, Scan, Wanted};
use crate::model::{Ident, ObjectRef, Principal, Privilege};
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What happens to one row of `effective_privileges`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// The row appears.
    Gains,
    /// The row goes.
    Loses,
    /// The row stays and becomes usable, or stops being so, or its grant option changes.
    Changes,
}

impl Effect {
    /// The word of the `effect` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gains => "gains",
            Self::Loses => "loses",
            Self::Changes => "changes",
        }
    }
}

/// One difference of effective access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The user.
    pub user: Principal,
    /// The privilege.
    pub privilege: Privilege,
    /// The object.
    pub object: ObjectRef,
    /// What happens.
    pub effect: Effect,
    /// Usable before; `None` when there was no row.
    pub usable_before: Option<bool>,
    /// Usable after; `None` when there is no row.
    pub usable_after: Option<bool>,
    /// Why the user has it (after, or before when it goes).
    pub source: super::Source,
}

type Key = (Principal, ObjectRef, Privilege);

/// The number of users besides one that lose some privilege, or the use of one, from `a` to `b`.
pub fn others_losing(a: &Arc<Snapshot>, b: &Arc<Snapshot>, lens: Lens, besides: &Principal) -> usize {
    let stops = |i: &Impact| i.usable_before == Some(true) && i.usable_after == Some(false);
    let loses = |i: &&Impact| i.user != *besides && (i.effect == Effect::Loses || stops(i));
    access_diff(a, b, lens).iter().filter(loses).map(|i| &i.user).collect::<BTreeSet<_>>().len()
}

/// The differences of effective access from `a` to `b`, in order of user, object and privilege.
pub fn access_diff(a: &Arc<Snapshot>, b: &Arc<Snapshot>, lens: Lens) -> Vec<Impact> {
    let users = differing_users(a, b, lens);
    let objects = differing_objects(a, b);
    let (before, after) = (rows(a, lens, &users, &objects), rows(b, lens, &users, &objects));
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (x, y) = (before.get(key), after.get(key));
            let effect = match (x, y) {
                (None, Some(_)) => Effect::Gains,
                (Some(_), None) => Effect::Loses,
                (Some(x), Some(y)) if (x.usable, x.grant_option) != (y.usable, y.grant_option) => Effect::Changes,
                _ => return None,
            };
            Some(Impact {
                user: key.0.clone(),
                object: key.1.clone(),
                privilege: key.2.clone(),
                effect,
                usable_before: x.map(|r| r.usable),
                usable_after: y.map(|r| r.usable),
                source: y.or(x)?.source,
            })
        })
        .collect()
}

fn rows(
    s: &Arc<Snapshot>,
    lens: Lens,
    users: &BTreeSet<Principal>,
    objects: &BTreeSet<ObjectRef>,
) -> BTreeMap<Key, Row> {
    let mut user_ids: Vec<u32> = users.iter().filter_map(|u| s.principal_id(u)).collect();
    let mut object_ids: Vec<u32> = objects.iter().filter_map(|o| s.object_id(o)).collect();
    user_ids.sort_unstable();
    object_ids.sort_unstable();
    let mut found = Vec::new();
    let by_user = Wanted { users: Some(user_ids), lens, ..Wanted::default() };
    let by_object = Wanted { objects: Some(object_ids), lens, ..Wanted::default() };
    for wanted in [by_user, by_object] {
        let mut scan = Scan::new(Arc::clone(s), wanted);
        while scan.rows(usize::MAX, &mut found) {}
    }
    let key = |r: &Row| {
        let privilege = s.privileges().at(u32::from(r.privilege)).clone();
        (s.principals().at(r.user).clone(), s.object(r.object), privilege)
    };
    found.iter().map(|r| (key(r), *r)).collect()
}

/// Users on one side only, or with other roles.
fn differing_users(a: &Snapshot, b: &Snapshot, lens: Lens) -> BTreeSet<Principal> {
    let held = |s: &Snapshot, user: u32| {
        let roles = s.graph().user_roles(s, lens);
        let index = user - s.graph().users().start;
        let names: BTreeSet<Principal> = roles.roles_of(index).iter().map(|r| s.principals().at(*r).clone()).collect();
        (names, roles.counts_own_grants(index))
    };
    let public = |s: &Snapshot| -> BTreeSet<Principal> {
        s.graph().public_roles().iter().map(|r| s.principals().at(*r).clone()).collect()
    };
    let public_differs = public(a) != public(b);
    let mut users = BTreeSet::new();
    for (x, y) in [(a, b), (b, a)] {
        for user in x.graph().users() {
            let principal = x.principals().at(user);
            let same = y.principal_id(principal).is_some_and(|other| held(x, user) == held(y, other));
            if public_differs || !same {
                users.insert(principal.clone());
            }
        }
    }
    users
}

/// Objects on one side only, or with other ways, or in a container with another reach.
fn differing_objects(a: &Snapshot, b: &Snapshot) -> BTreeSet<ObjectRef> {
    type Ways = BTreeSet<(Privilege, Principal, super::Source, bool)>;
    let ways = |s: &Snapshot, id: u32| -> Ways {
        let mut list = Vec::new();
        s.ways_on(id, &mut list);
        let named = |w: &super::Way| {
            let privilege = s.privileges().at(u32::from(w.privilege)).clone();
            (privilege, s.principals().at(w.carrier).clone(), w.kind, w.grant_option)
        };
        list.iter().map(named).collect()
    };
    let reach = |s: &Snapshot, id: u32| -> BTreeSet<(Principal, bool)> {
        s.graph().reach().carriers(id).iter().map(|(p, usage)| (s.principals().at(*p).clone(), *usage)).collect()
    };
    let is_container = |s: &Snapshot, id: u32| matches!(s.object_type(id).as_str(), "DATABASE" | "SCHEMA");
    let mut objects = BTreeSet::new();
    let mut containers: BTreeSet<(Option<Ident>, Ident)> = BTreeSet::new();
    for (x, y) in [(a, b), (b, a)] {
        for id in 0..x.object_count() {
            let object = x.object(id);
            let other = y.object_id(&object);
            if is_container(x, id) && other.is_none_or(|other| reach(x, id) != reach(y, other)) {
                containers.insert((object.database.clone(), object.name.clone()));
            }
            let same =
                other.is_some_and(|other| y.object_type(other) == x.object_type(id) && ways(x, id) == ways(y, other));
            if !same {
                objects.insert(object);
            }
        }
    }
    if !containers.is_empty() {
        for s in [a, b] {
            for id in 0..s.object_count() {
                let object = s.object(id);
                let inside = object.database.as_ref().is_some_and(|d| {
                    containers.contains(&(None, d.clone()))
                        || object
                            .schema
                            .as_ref()
                            .is_some_and(|sch| containers.contains(&(Some(d.clone()), sch.clone())))
                });
                if inside {
                    objects.insert(object);
                }
            }
        }
    }
    objects
}
