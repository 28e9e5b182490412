//! Why: the shortest chain of memberships, the number of distinct chains, and what is missing when there is none.

use super::{Graph, Lens, Source, Way};
use crate::snapshot::{NONE, Snapshot};
use std::collections::{HashMap, VecDeque};

/// What access to an object takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// The privilege on the object itself.
    Privilege,
    /// Any privilege on its schema.
    Schema,
    /// Any privilege on its database.
    Database,
}

impl Need {
    /// The word of the `need` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Privilege => "privilege",
            Self::Schema => "schema",
            Self::Database => "database",
        }
    }
}

/// One proof of one need: a chain of memberships and the way at its end.
#[derive(Clone, Debug)]
pub struct Proof {
    /// What is proven.
    pub need: Need,
    /// From the user to the carrier, both included; the user alone when it carries the way itself.
    pub chain: Vec<u32>,
    /// Whether the chain starts with PUBLIC, which everyone has.
    pub public: bool,
    /// The object that the way is on: the object, its schema or its database.
    pub object: u32,
    /// What the carrier has; `None` for a database role in its own database.
    pub way: Option<Way>,
    /// Number of distinct chains to the carrier.
    pub chains: u64,
}

/// Why a user has, or has not, a privilege on an object.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The proofs: every carrier for the privilege, the nearest one for each container.
    pub proofs: Vec<Proof>,
    /// The needs without a proof.
    pub missing: Vec<(Need, u32)>,
}

/// Explains a privilege (by index) on an object, for a user under a lens.
pub fn explain(snapshot: &Snapshot, lens: Lens, user: u32, privilege: Option<u16>, object: u32) -> Explanation {
    let graph = snapshot.graph();
    let walk = Walk::from(snapshot, graph, lens, user);
    let mut ways = Vec::new();
    snapshot.ways_on(object, &mut ways);
    ways.retain(|w| Some(w.privilege) == privilege);
    let mut proofs: Vec<Proof> =
        ways.iter().filter_map(|w| walk.proof(Need::Privilege, object, w.carrier, Some(*w))).collect();
    proofs.sort_by_key(|p| (p.way.map(|w| w.kind), p.public, p.chain.len(), p.chain.clone()));
    let mut missing = Vec::new();
    if proofs.is_empty() {
        missing.push((Need::Privilege, object));
    }
    for (need, container) in
        [(Need::Schema, snapshot.schema_of(object)), (Need::Database, snapshot.database_of(object))]
    {
        let Some(container) = container else { continue };
        match walk.nearest_reach(snapshot, need, container) {
            Some(proof) => proofs.push(proof),
            None => missing.push((need, container)),
        }
    }
    Explanation { proofs, missing }
}

/// A breadth-first walk from a user down its roles.
struct Walk<'a> {
    graph: &'a Graph,
    user: u32,
    own_grants: bool,
    start: Vec<u32>,
    /// For each role reached, the one before it on a shortest chain, and its distance.
    before: HashMap<u32, (u32, u32)>,
}

impl<'a> Walk<'a> {
    fn from(snapshot: &'a Snapshot, graph: &'a Graph, lens: Lens, user: u32) -> Self {
        let roles = graph.user_roles(snapshot, lens);
        let index = user - graph.users().start;
        let active = roles.roles_of(index);
        let own_grants = roles.counts_own_grants(index);
        // Without secondary roles only the default role starts a chain: the active role that includes all others.
        let mut start: Vec<u32> = graph.granted_to(user).to_vec();
        if !own_grants {
            let includes_all = |r: &u32| graph.closure().includes(*r).len() == active.len();
            start = active.iter().copied().find(includes_all).into_iter().collect();
        }
        let mut walk = Self { graph, user, own_grants, start, before: HashMap::new() };
        walk.run();
        walk
    }

    fn run(&mut self) {
        let mut queue: VecDeque<u32> = VecDeque::new();
        let public = self.graph.public();
        for role in self.start.iter().copied() {
            if self.before.insert(role, (self.user, 1)).is_none() {
                queue.push_back(role);
            }
        }
        loop {
            while let Some(role) = queue.pop_front() {
                let distance = self.before.get(&role).map_or(0, |(_, d)| *d);
                for next in self.graph.granted_to(role) {
                    if !self.before.contains_key(next) {
                        self.before.insert(*next, (role, distance + 1));
                        queue.push_back(*next);
                    }
                }
            }
            // What PUBLIC gives comes last: it is the reason only where nothing else is.
            if public == NONE || self.before.contains_key(&public) {
                return;
            }
            self.before.insert(public, (self.user, 1));
            queue.push_back(public);
        }
    }

    /// The shortest chain to a carrier, the user first; `None` when the user does not have it.
    fn chain(&self, carrier: u32) -> Option<Vec<u32>> {
        if carrier == self.user {
            return self.own_grants.then(|| vec![self.user]);
        }
        let mut chain = vec![carrier];
        let mut at = carrier;
        while at != self.user {
            let (before, _) = self.before.get(&at)?;
            chain.push(*before);
            at = *before;
        }
        chain.reverse();
        Some(chain)
    }

    fn proof(&self, need: Need, object: u32, carrier: u32, way: Option<Way>) -> Option<Proof> {
        let chain = self.chain(carrier)?;
        let public = chain.get(1) == Some(&self.graph.public()) && !self.start.contains(&self.graph.public());
        let chains = self.count(carrier, public);
        Some(Proof { need, chain, public, object, way, chains })
    }

    /// The number of distinct chains to a carrier, counted on the graph, never listed. Roles in a circle of bad input
    /// count as one. Saturates.
    fn count(&self, carrier: u32, public: bool) -> u64 {
        if carrier == self.user {
            return 1;
        }
        let start: &[u32] = if public { &[self.graph.public()] } else { &self.start };
        let mut memo: HashMap<u32, u64> = HashMap::new();
        let mut work: Vec<(u32, bool)> = start.iter().map(|r| (*r, false)).collect();
        while let Some((role, children_done)) = work.pop() {
            if memo.contains_key(&role) {
                continue;
            }
            if role == carrier {
                memo.insert(role, 1);
                continue;
            }
            if !self.graph.closure().contains(role, carrier) {
                memo.insert(role, 0);
                continue;
            }
            if children_done {
                let children = self.graph.granted_to(role).iter();
                let sum = children.fold(0_u64, |n, c| n.saturating_add(memo.get(c).copied().unwrap_or(0)));
                memo.insert(role, sum.max(1));
                continue;
            }
            work.push((role, true));
            // A child that is its own ancestor waits for itself and is counted by the one that came first.
            let open: Vec<u32> = self.graph.granted_to(role).to_vec();
            let circular = |c: &u32| self.graph.closure().contains(*c, role);
            work.extend(open.into_iter().filter(|c| !memo.contains_key(c) && !circular(c)).map(|c| (c, false)));
        }
        start.iter().fold(0_u64, |n, r| n.saturating_add(memo.get(r).copied().unwrap_or(0))).max(1)
    }

    /// The nearest proof that the user reaches a container, USAGE before other privileges.
    fn nearest_reach(&self, snapshot: &Snapshot, need: Need, container: u32) -> Option<Proof> {
        let mut ways = Vec::new();
        snapshot.ways_on(container, &mut ways);
        let carriers = self.graph.reach().carriers(container);
        let usage = snapshot.privilege_id("USAGE");
        let candidates = carriers.iter().filter_map(|(carrier, by_usage)| {
            let chain = self.chain(*carrier)?;
            Some((!by_usage, chain.len(), *carrier))
        });
        let (_, _, carrier) = candidates.min()?;
        let mut own = ways.iter().filter(|w| w.carrier == carrier);
        let way = own
            .clone()
            .find(|w| Some(w.privilege) == usage && w.kind == Source::Grant)
            .or_else(|| own.next())
            .copied()
            .or_else(|| self.inherited_reach(snapshot, container, carrier));
        self.proof(need, container, carrier, way)
    }

    /// The inherited grant on what is in a container that makes a carrier reach the container itself.
    fn inherited_reach(&self, snapshot: &Snapshot, container: u32, carrier: u32) -> Option<Way> {
        let row = self.graph.inherited().all().find(|i| {
            snapshot
                .container_grants()
                .get(*i as usize)
                .is_some_and(|row| row.container == container && row.grantee == carrier)
        })?;
        let grant = snapshot.container_grants().get(row as usize)?;
        Some(Way { privilege: grant.privilege, carrier, kind: Source::Inherited, grant_option: false, evidence: row })
    }
}
