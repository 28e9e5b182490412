//! The relation of effective privileges as a stream: (user, privilege, object), once each.
//!
//! It is never stored. A scan goes user by user when few users are asked for, else object by object; each step costs
//! what it yields, so LIMIT and narrow filters stop early.

use super::{Graph, Lens, Source, UserRoles, Way};
use crate::snapshot::{NONE, Snapshot};
use std::collections::HashMap;
use std::sync::Arc;

/// One row of `effective_privileges`, by ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Row {
    /// Principal id of the user.
    pub user: u32,
    /// Object id.
    pub object: u32,
    /// Index of the privilege.
    pub privilege: u16,
    /// Whether some way lets the user grant it on.
    pub grant_option: bool,
    /// Whether the user also reaches the object's containers.
    pub usable: bool,
    /// Whether USAGE itself is missing on a container.
    pub usage_missing: bool,
    /// The plainest reason.
    pub source: Source,
    /// Number of distinct roles of the user, PUBLIC's among them, that carry it.
    pub role_count: u32,
}

/// One row of `effective_grants`, by ids: a user and one way it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GrantRow {
    /// Principal id of the user.
    pub user: u32,
    /// Object id.
    pub object: u32,
    /// The way.
    pub way: Way,
    /// As in [`Row`].
    pub usable: bool,
    /// As in [`Row`].
    pub usage_missing: bool,
    /// The reason of this row.
    pub source: Source,
}

/// What a scan is asked for. `None` means no restriction.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Principal ids of users, in order.
    pub users: Option<Vec<u32>>,
    /// Object ids, in order.
    pub objects: Option<Vec<u32>>,
    /// Indexes of privileges.
    pub privileges: Option<Vec<u16>>,
    /// Which roles count.
    pub lens: Lens,
}

/// A scan in progress.
pub struct Scan {
    snapshot: Arc<Snapshot>,
    lens: Lens,
    privileges: Option<Vec<bool>>,
    plan: Plan,
    ways: Vec<Way>,
    access: Access,
}

enum Plan {
    /// Object by object; the users asked for, if any.
    Objects { list: Option<Vec<u32>>, at: u32, users: Option<Vec<u32>>, reach: HashMap<u32, Vec<u8>> },
    /// User by user; the objects asked for, if any.
    Users { users: Vec<u32>, at: usize, objects: Option<Vec<u32>>, current: Option<Current> },
}

struct Current {
    user: u32,
    objects: Vec<u32>,
    at: usize,
    reach: HashMap<u32, u8>,
}

/// Per user of the current object: what has been found.
#[derive(Default)]
struct Access {
    found: Vec<Found>,
    touched: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Found {
    source: Source,
    grant_option: bool,
    roles: u32,
    last: u32,
}

const NOTHING: Found = Found { source: Source::Public, grant_option: false, roles: 0, last: NONE };
const REACHED: u8 = 1;
const USAGE: u8 = 2;

/// Takes an object whose ways are at hand, the users asked for, and who reaches its containers.
type Take<'t> = &'t mut dyn FnMut(&mut Scan, u32, Option<&[u32]>, &dyn Fn(u32) -> u8);

impl Scan {
    /// Starts a scan of a snapshot.
    pub fn new(snapshot: Arc<Snapshot>, wanted: Wanted) -> Self {
        let graph = snapshot.graph();
        let lens = wanted.lens;
        let privileges = wanted.privileges.map(|list| {
            let mut mask = vec![false; snapshot.privileges().len()];
            for p in list {
                if let Some(slot) = mask.get_mut(usize::from(p)) {
                    *slot = true;
                }
            }
            mask
        });
        let by_user = match (&wanted.users, &wanted.objects) {
            (Some(users), None) => users.len() * 20 <= graph.users().len().max(40),
            (Some(users), Some(objects)) => users.len() <= 2 && objects.len() > 1_000,
            (None, _) => false,
        };
        let plan = if by_user {
            let users = wanted.users.unwrap_or_default();
            Plan::Users { users, at: 0, objects: wanted.objects, current: None }
        } else {
            Plan::Objects { list: wanted.objects, at: 0, users: wanted.users, reach: HashMap::new() }
        };
        let access = Access { found: vec![NOTHING; graph.users().len()], touched: Vec::new() };
        Self { snapshot, lens, privileges, plan, ways: Vec::new(), access }
    }

    fn graph(&self) -> &Graph {
        self.snapshot.graph()
    }

    fn roles(&self) -> &UserRoles {
        self.graph().user_roles(&self.snapshot, self.lens)
    }

    /// Appends further rows until there are at least `enough` or the scan is done; `false` when it is done.
    pub fn rows(&mut self, enough: usize, out: &mut Vec<Row>) -> bool {
        while out.len() < enough {
            if !self.step(&mut |scan, object, users, reach| scan.object_rows(object, users, reach, out)) {
                return false;
            }
        }
        true
    }

    /// Appends further grant rows until there are at least `enough` or the scan is done; `false` when it is done.
    pub fn grant_rows(&mut self, enough: usize, out: &mut Vec<GrantRow>) -> bool {
        while out.len() < enough {
            if !self.step(&mut |scan, object, users, reach| scan.object_grant_rows(object, users, reach, out)) {
                return false;
            }
        }
        true
    }

    /// Takes the next object (of the next user) and hands it on; `false` when there is none.
    fn step(&mut self, take: Take<'_>) -> bool {
        let mut plan =
            std::mem::replace(&mut self.plan, Plan::Users { users: Vec::new(), at: 0, objects: None, current: None });
        let more = match &mut plan {
            Plan::Objects { list, at, users, reach } => {
                let next = match list {
                    Some(list) => list.get(*at as usize).copied(),
                    None => (*at < self.snapshot.object_count()).then_some(*at),
                };
                *at += 1;
                next.is_some_and(|object| {
                    self.snapshot.ways_on(object, &mut self.ways);
                    self.retain_wanted();
                    if !self.ways.is_empty() {
                        let [database, schema] = self.containers(object);
                        for container in [database, schema].into_iter().flatten() {
                            reach.entry(container).or_insert_with(|| self.reach_of_all(container));
                        }
                        let first = self.graph().users().start;
                        let flags = |container: Option<u32>, user: u32| match container {
                            None => REACHED | USAGE,
                            Some(c) => {
                                reach.get(&c).and_then(|users| users.get((user - first) as usize)).copied().unwrap_or(0)
                            }
                        };
                        let both = |user: u32| flags(database, user) & flags(schema, user);
                        take(self, object, users.as_deref(), &both);
                    }
                    true
                })
            }
            Plan::Users { users, at, objects, current } => self.step_user(users, at, objects.as_deref(), current, take),
        };
        self.plan = plan;
        more
    }

    fn step_user(
        &mut self,
        users: &[u32],
        at: &mut usize,
        objects: Option<&[u32]>,
        current: &mut Option<Current>,
        take: Take<'_>,
    ) -> bool {
        let Some(now) = current else {
            let Some(user) = users.get(*at).copied() else { return false };
            *at += 1;
            let candidates = self.candidates(user, objects);
            *current = Some(Current { user, objects: candidates, at: 0, reach: HashMap::new() });
            return true;
        };
        let Some(object) = now.objects.get(now.at).copied() else {
            *current = None;
            return true;
        };
        now.at += 1;
        self.snapshot.ways_on(object, &mut self.ways);
        self.retain_wanted();
        if !self.ways.is_empty() {
            let user = now.user;
            let mut flags = REACHED | USAGE;
            for container in self.containers(object).into_iter().flatten() {
                flags &= *now.reach.entry(container).or_insert_with(|| self.reach_of(container, user));
            }
            take(self, object, Some(&[user]), &|_| flags);
        }
        true
    }

    fn retain_wanted(&mut self) {
        if let Some(mask) = &self.privileges {
            self.ways.retain(|w| mask.get(usize::from(w.privilege)).copied().unwrap_or(false));
        }
    }

    /// The containers whose reach decides about an object.
    fn containers(&self, object: u32) -> [Option<u32>; 2] {
        [self.snapshot.database_of(object), self.snapshot.schema_of(object)]
    }

    /// For every user, whether it reaches a container.
    fn reach_of_all(&self, container: u32) -> Vec<u8> {
        let first = self.graph().users().start;
        let mut flags = vec![0_u8; self.graph().users().len()];
        for (carrier, usage) in self.graph().reach().carriers(container) {
            let bits = if *usage { REACHED | USAGE } else { REACHED };
            if self.is_public(*carrier) {
                for f in &mut flags {
                    *f |= bits;
                }
            } else if self.graph().is_user(*carrier) {
                let user = *carrier - first;
                if self.roles().counts_own_grants(user)
                    && let Some(f) = flags.get_mut(user as usize)
                {
                    *f |= bits;
                }
            } else {
                for user in self.roles().users_of(*carrier) {
                    if let Some(f) = flags.get_mut(*user as usize) {
                        *f |= bits;
                    }
                }
            }
        }
        flags
    }

    fn reach_of(&self, container: u32, user: u32) -> u8 {
        let carriers = self.graph().reach().carriers(container);
        let active = carriers.iter().filter(|(carrier, _)| self.active(*carrier, user));
        active.fold(0, |flags, (_, usage)| flags | if *usage { REACHED | USAGE } else { REACHED })
    }

    fn is_public(&self, carrier: u32) -> bool {
        self.graph().public_roles().binary_search(&carrier).is_ok()
    }

    /// Whether a carrier counts for a user, by whatever way.
    fn active(&self, carrier: u32, user: u32) -> bool {
        let index = user - self.graph().users().start;
        if self.graph().is_user(carrier) {
            return carrier == user && self.roles().counts_own_grants(index);
        }
        self.is_public(carrier) || self.roles().roles_of(index).binary_search(&carrier).is_ok()
    }

    /// The reason a way gives to a user, or `None` when its carrier does not count.
    fn reason(&self, way: &Way, user: u32) -> Option<Source> {
        let index = user - self.graph().users().start;
        if self.graph().is_user(way.carrier) {
            return (way.carrier == user && self.roles().counts_own_grants(index)).then_some(Source::User);
        }
        if self.roles().roles_of(index).binary_search(&way.carrier).is_ok() {
            return Some(way.kind);
        }
        self.is_public(way.carrier).then_some(Source::Public)
    }

    /// The objects on which a user may have something, in order.
    fn candidates(&self, user: u32, objects: Option<&[u32]>) -> Vec<u32> {
        if let Some(objects) = objects {
            return objects.to_vec();
        }
        let index = user - self.graph().users().start;
        let own = self.roles().counts_own_grants(index).then_some(user);
        let roles = self.roles().roles_of(index).iter().chain(self.graph().public_roles());
        let carriers: Vec<u32> = roles.copied().chain(own).collect();
        self.snapshot.objects_touched_by(&carriers)
    }

    fn object_rows(&mut self, object: u32, users: Option<&[u32]>, reach: &dyn Fn(u32) -> u8, out: &mut Vec<Row>) {
        let ways = std::mem::take(&mut self.ways);
        for same in ways.chunk_by(|a, b| a.privilege == b.privilege) {
            let Some(privilege) = same.first().map(|w| w.privilege) else { continue };
            self.each_user(same, users, Scan::note);
            let mut touched = std::mem::take(&mut self.access.touched);
            touched.sort_unstable();
            let first = self.graph().users().start;
            for index in touched.drain(..) {
                let Some(slot) = self.access.found.get_mut(index as usize) else { continue };
                let found = std::mem::replace(slot, NOTHING);
                let flags = reach(first + index);
                out.push(Row {
                    user: first + index,
                    object,
                    privilege,
                    grant_option: found.grant_option,
                    usable: flags & REACHED != 0,
                    usage_missing: flags & USAGE == 0,
                    source: found.source,
                    role_count: found.roles,
                });
            }
            self.access.touched = touched;
        }
        self.ways = ways;
    }

    fn object_grant_rows(
        &mut self,
        object: u32,
        users: Option<&[u32]>,
        reach: &dyn Fn(u32) -> u8,
        out: &mut Vec<GrantRow>,
    ) {
        let ways = std::mem::take(&mut self.ways);
        self.each_user(&ways, users, |_, way, user, source| {
            let flags = reach(user);
            out.push(GrantRow {
                user,
                object,
                way: *way,
                usable: flags & REACHED != 0,
                usage_missing: flags & USAGE == 0,
                source,
            });
        });
        self.ways = ways;
    }

    /// Calls `take` for every way and every user it counts for.
    fn each_user(&mut self, ways: &[Way], users: Option<&[u32]>, mut take: impl FnMut(&mut Self, &Way, u32, Source)) {
        let snapshot = Arc::clone(&self.snapshot);
        let graph = snapshot.graph();
        let roles = graph.user_roles(&snapshot, self.lens);
        for way in ways {
            match users {
                Some(users) => {
                    for user in users {
                        if let Some(source) = self.reason(way, *user) {
                            take(self, way, *user, source);
                        }
                    }
                }
                None if self.is_public(way.carrier) || graph.is_user(way.carrier) => {
                    for user in graph.users() {
                        if let Some(source) = self.reason(way, user) {
                            take(self, way, user, source);
                        }
                    }
                }
                None => {
                    let first = graph.users().start;
                    for index in roles.users_of(way.carrier) {
                        take(self, way, first + index, way.kind);
                    }
                }
            }
        }
    }

    fn note(&mut self, way: &Way, user: u32, source: Source) {
        let index = user - self.graph().users().start;
        let is_role = !self.graph().is_user(way.carrier);
        let Some(found) = self.access.found.get_mut(index as usize) else { return };
        if found.last == NONE {
            self.access.touched.push(index);
            found.source = source;
        }
        found.source = found.source.min(source);
        found.grant_option |= way.grant_option;
        // Ways come in order of carrier, so a carrier with several ways is counted once.
        if is_role && found.last != way.carrier {
            found.roles += 1;
        }
        found.last = way.carrier;
    }
}

impl Snapshot {
    /// The objects on which some of the given principals carry something, in order.
    pub fn objects_touched_by(&self, carriers: &[u32]) -> Vec<u32> {
        let graph = self.graph();
        let mut found: Vec<u32> = Vec::new();
        for carrier in carriers {
            found.extend(graph.grants_to(*carrier).iter().map(|row| self.grants().object(*row)));
            found.extend_from_slice(graph.owned_by(*carrier));
        }
        for i in graph.inherited().all() {
            let Some(row) = self.container_grants().get(i as usize) else { continue };
            if carriers.contains(&row.grantee) {
                found.extend(self.objects_in(row.container, row.kind));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The listed objects of a type (by index) in a container ([`NONE`] for the account).
    pub(crate) fn objects_in(&self, container: u32, kind: u16) -> impl Iterator<Item = u32> + '_ {
        let inside = move |id: &u32| {
            container == NONE
                || *self.objects.schema.at(*id) == container
                || *self.objects.database.at(*id) == container
        };
        (0..self.object_count())
            .filter(move |id| *self.objects.kind.at(*id) == kind && *self.objects.listed.at(*id) && inside(id))
    }
}
