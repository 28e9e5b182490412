//! The flow network between a user and a need, and its minimum cut.

use super::Revoke;
use crate::graph::Lens;
use crate::graph::lens::default_role;
use crate::snapshot::Snapshot;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// A place on the way from the user to what it needs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    /// On the way from the user to its default role, when only that is active.
    Above(u32),
    /// Among what is active.
    Active(u32),
    /// The need itself.
    Sink,
}

/// A directed edge; its reverse stands next to it (index xor 1).
#[derive(Debug)]
struct Edge {
    to: usize,
    left: u32,
    revoke: Option<Revoke>,
}

/// Capacity of what cannot be revoked.
const UNLIMITED: u32 = u32::MAX / 2;

/// The flow network between a user and a need.
#[derive(Debug, Default)]
pub(super) struct Network {
    places: HashMap<Place, usize>,
    out: Vec<Vec<usize>>,
    edges: Vec<Edge>,
    source: usize,
    sink: usize,
}

impl Network {
    pub(super) fn new(s: &Snapshot, lens: Lens, user: u32, ends: &BTreeSet<(u32, Option<Revoke>)>) -> Self {
        let graph = s.graph();
        let builtin: BTreeSet<(u32, u32)> =
            s.memberships().iter().filter(|m| m.builtin).map(|m| (m.role, m.member)).collect();
        let mut network = Self::default();
        network.sink = network.place(Place::Sink);
        let secondary = graph.user_roles(s, lens).counts_own_grants(user - graph.users().start);
        let start = if secondary { Place::Active(user) } else { Place::Above(user) };
        network.source = network.place(start);
        let everyones = network.place(Place::Active(graph.public()));
        network.edge(network.source, everyones, None);
        let memberships = |network: &mut Self, from: u32, place: fn(u32) -> Place| {
            for member in graph.closure().includes(from) {
                let below = network.place(place(*member));
                for role in graph.granted_to(*member) {
                    let fixed = builtin.contains(&(*role, *member));
                    let revoke = (!fixed).then_some(Revoke::Membership { role: *role, member: *member });
                    let to = network.place(place(*role));
                    network.edge(below, to, revoke);
                }
            }
        };
        memberships(&mut network, graph.public(), Place::Active);
        if secondary {
            memberships(&mut network, user, Place::Active);
        } else if let Some(role) = default_role(s, graph, user) {
            memberships(&mut network, user, Place::Above);
            memberships(&mut network, role, Place::Active);
            let (above, active) = (network.place(Place::Above(role)), network.place(Place::Active(role)));
            network.edge(above, active, None);
        }
        for (carrier, revoke) in ends {
            // Another user's own grants are nobody else's.
            if !graph.is_user(*carrier) || (*carrier == user && secondary) {
                let carrier = network.place(Place::Active(*carrier));
                network.edge(carrier, network.sink, *revoke);
            }
        }
        network
    }

    fn place(&mut self, place: Place) -> usize {
        let next = self.out.len();
        let id = *self.places.entry(place).or_insert(next);
        if id == next {
            self.out.push(Vec::new());
        }
        id
    }

    fn edge(&mut self, from: usize, to: usize, revoke: Option<Revoke>) {
        let pair = [(from, to, if revoke.is_some() { 1 } else { UNLIMITED }, revoke), (to, from, 0, None)];
        for (from, to, left, revoke) in pair {
            if let Some(out) = self.out.get_mut(from) {
                out.push(self.edges.len());
            }
            self.edges.push(Edge { to, left, revoke });
        }
    }

    /// For each place that can still be reached from the source, the edge that leads to it.
    fn reached(&self) -> HashMap<usize, Option<usize>> {
        let mut reached = HashMap::from([(self.source, None)]);
        let mut queue = VecDeque::from([self.source]);
        while let Some(at) = queue.pop_front() {
            for index in self.out.get(at).into_iter().flatten() {
                let Some(edge) = self.edges.get(*index) else { continue };
                if edge.left > 0 && !reached.contains_key(&edge.to) {
                    reached.insert(edge.to, Some(*index));
                    queue.push_back(edge.to);
                }
            }
        }
        reached
    }

    /// The revokes of a minimum cut, those nearest the user, who then loses more and others less; `None` when some path
    /// cannot be cut.
    pub(super) fn minimum_cut(mut self) -> Option<Vec<Revoke>> {
        loop {
            let reached = self.reached();
            if !reached.contains_key(&self.sink) {
                let crosses = |(index, edge): (usize, &Edge)| {
                    let from = self.edges.get(index ^ 1)?.to;
                    let crossing = reached.contains_key(&from) && !reached.contains_key(&edge.to);
                    edge.revoke.filter(|_| crossing)
                };
                let cut: BTreeSet<Revoke> = self.edges.iter().enumerate().filter_map(crosses).collect();
                return Some(cut.into_iter().collect());
            }
            let mut path = Vec::new();
            let mut at = self.sink;
            while let Some(Some(index)) = reached.get(&at) {
                path.push(*index);
                at = self.edges.get(index ^ 1)?.to;
            }
            let width = path.iter().filter_map(|index| self.edges.get(*index)).map(|edge| edge.left).min()?;
            // All flow together is at most the number of revocable edges: what is wider has nothing to revoke on it.
            if width as usize > self.edges.len() {
                return None;
            }
            for index in path {
                self.edges.get_mut(index)?.left -= width;
                self.edges.get_mut(index ^ 1)?.left += width;
            }
        }
    }
}
