//! `diff(a, b)`: the changes that turn one snapshot into another, in an order that can be applied.
//!
//! Order: objects and principals appear, attributes and owners change, memberships and grants are revoked and then
//! granted, principals and objects go. What goes with its container or its grantee is not listed again.

use super::{Column, NONE, Snapshot};
use crate::model::{Change, Container, ObjectRef, Principal, PrincipalKind, Privilege, Properties};
use std::collections::BTreeMap;

/// Which differences count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiffBy {
    /// Every grant row: the grantor is part of it. `apply(a, diff(a, b)) == b`.
    Row,
    /// What is granted to whom, whoever granted it: parallel grantors count once.
    Access,
}

/// The changes from `a` to `b`, row by row.
pub fn diff(a: &Snapshot, b: &Snapshot) -> Vec<Change> {
    diff_by(a, b, DiffBy::Row)
}

/// The changes from `a` to `b`, as far as they count.
pub fn diff_by(a: &Snapshot, b: &Snapshot, by: DiffBy) -> Vec<Change> {
    let mut d = Differ { a, b, by, out: Vec::new() };
    let principals = Pairs::of(&a.principals, &b.principals);
    let a_objects: Column<ObjectRef> = (0..a.object_count()).map(|id| a.object(id)).collect();
    let b_objects: Column<ObjectRef> = (0..b.object_count()).map(|id| b.object(id)).collect();
    let objects = Pairs::of(&a_objects, &b_objects);

    d.replaced(&a_objects, &objects);
    d.created(&principals, &b_objects, &objects);
    d.altered(&principals, &a_objects, &objects);
    d.owners(&principals, &b_objects, &objects);
    d.disowned_principals(&principals, &a_objects, &objects);
    d.memberships(&principals);
    d.grants(&principals, &a_objects, &b_objects, &objects);
    d.container_grants(&principals);
    d.dropped(&principals, &a_objects, &objects);
    d.out
}

/// Which ids of two sorted columns name the same thing.
struct Pairs {
    /// For each id of `a`, the id in `b`, or NONE.
    to_b: Column<u32>,
    /// For each id of `b`, the id in `a`, or NONE.
    to_a: Column<u32>,
}

impl Pairs {
    fn of<T: Ord>(a: &Column<T>, b: &Column<T>) -> Self {
        let mut to_b = vec![NONE; a.len()];
        let mut to_a = vec![NONE; b.len()];
        let (mut i, mut j) = (0_u32, 0_u32);
        while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
            match x.cmp(y) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    if let (Some(x), Some(y)) = (to_b.get_mut(i as usize), to_a.get_mut(j as usize)) {
                        *x = j;
                        *y = i;
                    }
                    i += 1;
                    j += 1;
                }
            }
        }
        Self { to_b: to_b.into(), to_a: to_a.into() }
    }

    fn kept(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.to_b.iter().copied().zip(0..).filter(|(j, _)| *j != NONE).map(|(j, i)| (i, j))
    }
}

struct Differ<'a> {
    a: &'a Snapshot,
    b: &'a Snapshot,
    by: DiffBy,
    out: Vec<Change>,
}

/// Rows of one privilege on one object to one grantee: grantor and grant option.
type Rows = Vec<(Option<Principal>, bool)>;

impl Differ<'_> {
    /// A relation that became another type under the same name goes first, so that the new one has room.
    fn replaced(&mut self, a_objects: &Column<ObjectRef>, objects: &Pairs) {
        for (object, id) in a_objects.iter().zip(0..) {
            if *objects.to_b.at(id) == NONE && self.is_replaced(object) {
                self.out.push(Change::DropObject { object: object.clone() });
            }
        }
    }

    fn is_replaced(&self, object: &ObjectRef) -> bool {
        object.object_type.is_relation() && self.b.object_id(object).is_some()
    }

    fn created(&mut self, principals: &Pairs, b_objects: &Column<ObjectRef>, objects: &Pairs) {
        let new: Vec<u32> = (0..self.b.object_count()).filter(|j| *objects.to_a.at(*j) == NONE).collect();
        let depth = |o: &ObjectRef| o.parts().count();
        let mut sorted: Vec<(usize, u32)> = new.into_iter().map(|j| (depth(b_objects.at(j)), j)).collect();
        sorted.sort_unstable();
        let (containers, rest): (Vec<_>, Vec<_>) = sorted
            .into_iter()
            .partition(|(_, j)| matches!(b_objects.at(*j).object_type.as_str(), "DATABASE" | "SCHEMA"));
        for (_, j) in containers {
            self.create_object(b_objects.at(j), j);
        }
        for (j, principal) in
            self.b.principals.iter().enumerate().filter(|(j, _)| *principals.to_a.at(*j as u32) == NONE)
        {
            let properties = self.b.principal_info.at(j as u32).properties.state();
            let principal = principal.clone();
            self.out.push(match principal.kind {
                PrincipalKind::User => Change::CreateUser { user: principal, properties },
                _ => Change::CreateRole { role: principal, properties },
            });
        }
        for (_, j) in rest {
            self.create_object(b_objects.at(j), j);
        }
    }

    fn create_object(&mut self, object: &ObjectRef, id: u32) {
        // The row of a user or role as a securable comes with the grants on it.
        if Principal::from_object(object).is_none() {
            let properties = self.b.object_properties(id).map(Properties::state).unwrap_or_default();
            self.out.push(Change::CreateObject { object: object.clone(), properties });
        }
    }

    fn altered(&mut self, principals: &Pairs, a_objects: &Column<ObjectRef>, objects: &Pairs) {
        for (i, j) in principals.kept() {
            let (x, y) = (&self.a.principal_info.at(i).properties, &self.b.principal_info.at(j).properties);
            let principal = self.a.principals.at(i);
            self.out.extend(altered(x, y).map(|(property, value)| Change::AlterPrincipal {
                principal: principal.clone(),
                property,
                value,
            }));
        }
        let none = Properties::default();
        for (i, j) in objects.kept() {
            let x = self.a.object_properties(i).unwrap_or(&none);
            let y = self.b.object_properties(j).unwrap_or(&none);
            let object = a_objects.at(i);
            self.out.extend(altered(x, y).map(|(property, value)| Change::AlterObject {
                object: object.clone(),
                property,
                value,
            }));
        }
    }

    fn owners(&mut self, principals: &Pairs, b_objects: &Column<ObjectRef>, objects: &Pairs) {
        for j in 0..self.b.object_count() {
            let i = *objects.to_a.at(j);
            let before = if i == NONE { None } else { self.a.owner_of(i) };
            let same = match (before, self.b.owner_of(j)) {
                (None, None) => true,
                (Some(x), Some(y)) => *principals.to_b.at(x) == y,
                _ => false,
            };
            if same {
                continue;
            }
            let object = b_objects.at(j).clone();
            match (self.b.owner(j), before) {
                (Some(to), _) => {
                    self.out.push(Change::TransferOwnership { object, to: to.clone(), outbound: None });
                }
                // An owner that goes takes its ownership along; only one that stays has to be told.
                (None, Some(owner)) if *principals.to_b.at(owner) != NONE => self.disown(object, owner),
                _ => {}
            }
        }
    }

    /// A user or role that stays loses its owner, and with it its row as a securable.
    fn disowned_principals(&mut self, principals: &Pairs, a_objects: &Column<ObjectRef>, objects: &Pairs) {
        for (object, i) in a_objects.iter().zip(0..).filter(|(_, i)| *objects.to_b.at(*i) == NONE) {
            let stays = Principal::from_object(object).is_some_and(|p| self.b.principal_id(&p).is_some());
            let owner = self.a.owner_of(i).filter(|owner| *principals.to_b.at(*owner) != NONE);
            if let (true, Some(owner)) = (stays, owner) {
                self.disown(object.clone(), owner);
            }
        }
    }

    fn disown(&mut self, object: ObjectRef, owner: u32) {
        self.out.push(Change::RevokePrivilege {
            privilege: Privilege::OWNERSHIP,
            object,
            grantee: self.a.principals.at(owner).clone(),
            grant_option_only: false,
            cascade: false,
            granted_by: None,
        });
    }

    fn memberships(&mut self, principals: &Pairs) {
        let (mut before, mut after) = (BTreeMap::<(u32, u32), Rows>::new(), BTreeMap::<(u32, u32), Rows>::new());
        for m in &self.a.memberships {
            let key = (*principals.to_b.at(m.role), *principals.to_b.at(m.member));
            if key.0 != NONE && key.1 != NONE {
                before.entry(key).or_default().push((self.a.grantor(m.granted_by).cloned(), m.grant_option));
            }
        }
        for m in &self.b.memberships {
            let row = (self.b.grantor(m.granted_by).cloned(), m.grant_option);
            after.entry((m.role, m.member)).or_default().push(row);
        }
        for (key, mut rows) in before {
            let (role, member) = (self.b.principals.at(key.0).clone(), self.b.principals.at(key.1).clone());
            let now = after.get(&key).map_or(&[][..], Vec::as_slice);
            let steps = self.steps(&mut rows, now);
            // A membership's grant option cannot be taken alone: it ends and is made anew.
            let anew: Rows = steps.revoke_option.iter().map(|by| (by.clone(), false)).collect();
            for granted_by in steps.revoke.into_iter().chain(steps.revoke_option) {
                self.out.push(Change::RevokeRole { role: role.clone(), from: member.clone(), granted_by });
            }
            self.grant_role(&role, &member, anew);
            self.grant_role(&role, &member, steps.grant);
            after.remove(&key);
        }
        for (key, now) in after {
            let steps = self.steps(&mut Rows::new(), &now);
            self.grant_role(&self.b.principals.at(key.0).clone(), &self.b.principals.at(key.1).clone(), steps.grant);
        }
    }

    fn grant_role(&mut self, role: &Principal, to: &Principal, rows: Rows) {
        self.out.extend(rows.into_iter().map(|(granted_by, grant_option)| Change::GrantRole {
            role: role.clone(),
            to: to.clone(),
            grant_option,
            granted_by,
        }));
    }

    fn grants(
        &mut self,
        principals: &Pairs,
        a_objects: &Column<ObjectRef>,
        b_objects: &Column<ObjectRef>,
        objects: &Pairs,
    ) {
        type Key = (Privilege, u32);
        let group = |s: &Snapshot, object: u32, to_b: Option<&Column<u32>>| {
            let mut rows = BTreeMap::<Key, Rows>::new();
            for row in s.grants_on(object) {
                let grantee = s.grants.grantee(row);
                let grantee = to_b.map_or(grantee, |ids| *ids.at(grantee));
                if grantee != NONE {
                    let privilege = s.privileges.at(u32::from(s.grants.privilege(row))).clone();
                    let item = (s.grantor(s.grants.granted_by(row)).cloned(), s.grants.grant_option(row));
                    rows.entry((privilege, grantee)).or_default().push(item);
                }
            }
            rows
        };
        for i in 0..self.a.object_count() {
            // Grants on what goes go with it. A user or role whose last grant ends loses its row, not itself.
            let j = *objects.to_b.at(i);
            let stays =
                j != NONE || Principal::from_object(a_objects.at(i)).is_some_and(|p| self.b.principal_id(&p).is_some());
            if !stays {
                continue;
            }
            let mut after = if j == NONE { BTreeMap::new() } else { group(self.b, j, None) };
            for (key, mut rows) in group(self.a, i, Some(&principals.to_b)) {
                let now = after.remove(&key).unwrap_or_default();
                let steps = self.steps(&mut rows, &now);
                let grantee = self.b.principals.at(key.1).clone();
                for granted_by in steps.revoke {
                    self.out.push(Change::RevokePrivilege {
                        privilege: key.0.clone(),
                        object: a_objects.at(i).clone(),
                        grantee: grantee.clone(),
                        grant_option_only: false,
                        cascade: false,
                        granted_by,
                    });
                }
                for granted_by in steps.revoke_option {
                    self.out.push(Change::RevokePrivilege {
                        privilege: key.0.clone(),
                        object: a_objects.at(i).clone(),
                        grantee: grantee.clone(),
                        grant_option_only: true,
                        cascade: false,
                        granted_by,
                    });
                }
                self.grant(&key.0, a_objects.at(i), &grantee, steps.grant);
            }
            self.grant_all(a_objects.at(i), after);
        }
        for j in (0..self.b.object_count()).filter(|j| *objects.to_a.at(*j) == NONE) {
            let after = group(self.b, j, None);
            self.grant_all(b_objects.at(j), after);
        }
    }

    fn grant_all(&mut self, object: &ObjectRef, after: BTreeMap<(Privilege, u32), Rows>) {
        for ((privilege, grantee), now) in after {
            let steps = self.steps(&mut Rows::new(), &now);
            self.grant(&privilege, object, &self.b.principals.at(grantee).clone(), steps.grant);
        }
    }

    fn grant(&mut self, privilege: &Privilege, object: &ObjectRef, grantee: &Principal, rows: Rows) {
        self.out.extend(rows.into_iter().map(|(granted_by, grant_option)| Change::GrantPrivilege {
            privilege: privilege.clone(),
            object: object.clone(),
            grantee: grantee.clone(),
            grant_option,
            granted_by,
        }));
    }

    /// What turns the rows of one key into others.
    fn steps(&self, before: &mut Rows, after: &[(Option<Principal>, bool)]) -> Steps {
        let mut after = after.to_vec();
        if self.by == DiffBy::Access {
            for rows in [&mut *before, &mut after] {
                let option = rows.iter().any(|(_, option)| *option);
                let any = !rows.is_empty();
                rows.clear();
                rows.extend(any.then_some((None, option)));
            }
        }
        let mut steps = Steps::default();
        for (by, option) in before.iter() {
            match after.iter().find(|(other, _)| other == by) {
                None => steps.revoke.push(by.clone()),
                Some((_, false)) if *option => steps.revoke_option.push(by.clone()),
                Some(_) => {}
            }
        }
        steps.grant = after.iter().filter(|row| !before.contains(row)).cloned().collect();
        steps.grant.retain(|(by, option)| *option || !before.contains(&(by.clone(), true)));
        // A revoke that names no grantor takes every row of the key: then all that is to stay is granted anew.
        let blunt = before.len() > 1 && steps.revoke.iter().chain(&steps.revoke_option).any(Option::is_none);
        if blunt {
            return Steps { revoke: vec![None], revoke_option: Vec::new(), grant: after };
        }
        steps
    }

    fn container_grants(&mut self, principals: &Pairs) {
        use crate::account::Reach;
        let key = |s: &Snapshot| {
            let rows = s.container_grants.iter().map(|row| s.container_grant(row));
            rows.map(|g| ((g.reach, g.container, g.object_type, g.privilege, g.grantee), g.grant_option))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (key(self.a), key(self.b));
        for ((reach, container, object_type, privilege, grantee), option) in &before {
            let now = after.get(&(*reach, container.clone(), object_type.clone(), privilege.clone(), grantee.clone()));
            let gone = self.a.principal_id(grantee).is_none_or(|id| *principals.to_b.at(id) == NONE)
                || self.container_gone(container);
            // A template's grant option cannot be taken alone: the template is made anew.
            if gone || now.is_some_and(|n| *n || !option) {
                continue;
            }
            let (container, object_type) = (container.clone(), object_type.clone());
            let (privilege, grantee) = (privilege.clone(), grantee.clone());
            self.out.push(match reach {
                Reach::Future => Change::RevokeFuture { privilege, object_type, container, grantee },
                Reach::Inherited => Change::RevokeInherited { privilege, object_type, container, grantee },
            });
        }
        for (key, option) in after {
            if before.get(&key) == Some(&option) {
                continue;
            }
            let (reach, container, object_type, privilege, grantee) = key;
            self.out.push(match reach {
                Reach::Future => {
                    Change::GrantFuture { privilege, object_type, container, grantee, grant_option: option }
                }
                Reach::Inherited => Change::GrantInherited { privilege, object_type, container, grantee },
            });
        }
    }

    fn container_gone(&self, container: &Container) -> bool {
        let object = match container {
            Container::Account => return false,
            Container::Database(d) => ObjectRef::database(d.clone()),
            Container::Schema(d, s) => ObjectRef::in_database(crate::model::ObjectType::SCHEMA, d.clone(), s.clone()),
        };
        self.b.object_id(&object).is_none()
    }

    fn dropped(&mut self, principals: &Pairs, a_objects: &Column<ObjectRef>, objects: &Pairs) {
        let gone = |id: Option<u32>| id.is_some_and(|id| *objects.to_b.at(id) == NONE);
        let database_gone = |name: &crate::model::Ident| gone(self.a.object_id(&ObjectRef::database(name.clone())));
        let mut drops = Vec::new();
        for (i, principal) in self.a.principals.iter().enumerate() {
            let with_database =
                principal.kind == PrincipalKind::DatabaseRole && principal.scope.first().is_some_and(database_gone);
            if *principals.to_b.at(i as u32) == NONE && !with_database {
                drops.push(Change::DropPrincipal { principal: principal.clone() });
            }
        }
        for i in (0..self.a.object_count()).filter(|i| *objects.to_b.at(*i) == NONE) {
            let object = a_objects.at(i);
            let with_container = gone(self.a.schema_of(i)) || gone(self.a.database_of(i));
            if !with_container && Principal::from_object(object).is_none() && !self.is_replaced(object) {
                drops.push(Change::DropObject { object: object.clone() });
            }
        }
        self.out.extend(drops);
    }
}

#[derive(Default)]
struct Steps {
    revoke: Vec<Option<Principal>>,
    revoke_option: Vec<Option<Principal>>,
    grant: Rows,
}

/// The properties whose state differs, with the new value.
fn altered<'a>(
    before: &'a Properties,
    after: &'a Properties,
) -> impl Iterator<Item = (crate::model::Property, Option<String>)> + 'a {
    crate::model::Property::ALL
        .iter()
        .filter(|p| p.is_state() && before.get(**p) != after.get(**p))
        .map(|p| (*p, after.get(*p).map(str::to_owned)))
}
