//! Why: the shortest chain of memberships, the number of distinct chains, and what is missing when there is none.

use super::lens::default_role;
use super::{Graph, Lens, Source, Way};
use crate::snapshot::Snapshot;
use std::collections::{HashMap, VecDeque};

/// What access to an object takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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
        ways.iter().flat_map(|w| walk.proofs(Need::Privilege, object, w.carrier, Some(*w))).collect();
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

/// Shortest chains from a user to its roles.
struct Walk<'a> {
    graph: &'a Graph,
    user: u32,
    own_grants: bool,
    /// From the user to where its active roles start: the user alone, or the user and its default role.
    prefix: Vec<u32>,
    /// For each role reached by membership, the one before it.
    members: HashMap<u32, u32>,
    /// For each role reached from PUBLIC, the one before it.
    public: HashMap<u32, u32>,
}

/// For each role included in `root`, the one before it on a shortest chain; `root` itself is not among them.
fn descend(graph: &Graph, root: u32) -> HashMap<u32, u32> {
    let mut before = HashMap::new();
    let mut queue = VecDeque::from([root]);
    while let Some(role) = queue.pop_front() {
        for next in graph.granted_to(role) {
            if *next != root && !before.contains_key(next) {
                before.insert(*next, role);
                queue.push_back(*next);
            }
        }
    }
    before
}

/// The chain from `root` to `role`, both included; `None` when it is not included.
fn trace(before: &HashMap<u32, u32>, root: u32, role: u32) -> Option<Vec<u32>> {
    let mut chain = vec![role];
    let mut at = role;
    while at != root {
        at = *before.get(&at)?;
        chain.push(at);
    }
    chain.reverse();
    Some(chain)
}

impl<'a> Walk<'a> {
    fn from(snapshot: &'a Snapshot, graph: &'a Graph, lens: Lens, user: u32) -> Self {
        let own_grants = graph.user_roles(snapshot, lens).counts_own_grants(user - graph.users().start);
        let public = descend(graph, graph.public());
        let (prefix, members) = if own_grants {
            (Some(vec![user]), descend(graph, user))
        } else {
            // Only the default role is active: every chain starts with it.
            let role = default_role(snapshot, graph, user);
            (role.map(|role| vec![user, role]), role.map(|role| descend(graph, role)).unwrap_or_default())
        };
        Self { graph, user, own_grants, prefix: prefix.unwrap_or_default(), members, public }
    }

    /// The shortest chain to a carrier by membership, the user first; `None` when the user does not have it so.
    fn chain(&self, carrier: u32) -> Option<Vec<u32>> {
        if carrier == self.user {
            return self.own_grants.then(|| vec![self.user]);
        }
        let root = *self.prefix.last()?;
        let tail = trace(&self.members, root, carrier)?;
        Some(self.prefix.iter().copied().chain(tail.into_iter().skip(1)).collect())
    }

    /// The shortest chain to a carrier through PUBLIC, the user first.
    fn public_chain(&self, carrier: u32) -> Option<Vec<u32>> {
        let tail = trace(&self.public, self.graph.public(), carrier)?;
        Some(std::iter::once(self.user).chain(tail).collect())
    }

    /// The proofs by a carrier: by membership, and through PUBLIC where that leads to it too.
    fn proofs(&self, need: Need, object: u32, carrier: u32, way: Option<Way>) -> Vec<Proof> {
        let by_membership = self.chain(carrier).map(|chain| {
            let chains = match self.prefix.last() {
                Some(root) if carrier != self.user => self.count(*root, carrier),
                _ => 1,
            };
            Proof { need, chain, public: false, object, way, chains }
        });
        let through_public = self.public_chain(carrier).map(|chain| {
            let chains = self.count(self.graph.public(), carrier);
            Proof { need, chain, public: true, object, way, chains }
        });
        by_membership.into_iter().chain(through_public).collect()
    }

    /// The number of distinct chains from one role (or user) to another, counted on the graph, never listed. Roles in
    /// a circle of bad input count as one. Saturates.
    fn count(&self, root: u32, carrier: u32) -> u64 {
        let mut memo: HashMap<u32, u64> = HashMap::from([(carrier, 1)]);
        let mut work = vec![(root, false)];
        while let Some((role, children_done)) = work.pop() {
            if memo.contains_key(&role) {
                continue;
            }
            if !self.graph.closure().contains(role, carrier) {
                memo.insert(role, 0);
                continue;
            }
            let children = self.graph.granted_to(role);
            if children_done {
                let sum = children.iter().fold(0_u64, |n, c| n.saturating_add(memo.get(c).copied().unwrap_or(0)));
                memo.insert(role, sum.max(1));
                continue;
            }
            work.push((role, true));
            // A child that includes its parent waits for itself: it is counted by the one that came first.
            let circular = |c: &u32| self.graph.closure().contains(*c, role);
            work.extend(children.iter().filter(|c| !memo.contains_key(c) && !circular(c)).map(|c| (*c, false)));
        }
        memo.get(&root).copied().unwrap_or(0).max(1)
    }

    /// The nearest proof that the user reaches a container, USAGE before other privileges.
    fn nearest_reach(&self, snapshot: &Snapshot, need: Need, container: u32) -> Option<Proof> {
        let mut ways = Vec::new();
        snapshot.ways_on(container, &mut ways);
        let carriers = self.graph.reach().carriers(container);
        let usage = snapshot.privilege_id("USAGE");
        let candidates = carriers.iter().filter_map(|(carrier, by_usage)| {
            let (public, chain) = match self.chain(*carrier) {
                Some(chain) => (false, chain),
                None => (true, self.public_chain(*carrier)?),
            };
            Some((public, !by_usage, chain.len(), *carrier))
        });
        let (.., carrier) = candidates.min()?;
        let mut own = ways.iter().filter(|w| w.carrier == carrier);
        let way = own
            .clone()
            .find(|w| Some(w.privilege) == usage && w.kind == Source::Grant)
            .or_else(|| own.next())
            .copied()
            .or_else(|| self.inherited_reach(snapshot, container, carrier));
        self.proofs(need, container, carrier, way).into_iter().next()
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
