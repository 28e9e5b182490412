//! Role closure: what each principal includes, through any number of memberships.

use crate::snapshot::{Column, NONE, Postings};

/// For each principal the principals it includes, itself among them, in order of id.
///
/// Cycles cannot be made on the platform but are tolerated in input: their roles include each other.
#[derive(Debug)]
pub struct Closure {
    component: Column<u32>,
    includes: Postings,
    cyclic: Vec<Vec<u32>>,
}

impl Closure {
    /// The closure of direct memberships: for each principal, the roles granted to it.
    pub fn build(granted: &Postings) -> Self {
        let (component, members) = components(granted);
        // Components come out in the order that what they include is finished first.
        let mut runs: Vec<Vec<u32>> = Vec::with_capacity(members.len());
        let mut seen = vec![NONE; granted.keys()];
        let mut cyclic = Vec::new();
        for (id, nodes) in members.iter().enumerate() {
            let id = id as u32;
            let mut run: Vec<u32> = Vec::new();
            let mut add = |node: u32, run: &mut Vec<u32>| {
                if let Some(mark) = seen.get_mut(node as usize)
                    && *mark != id
                {
                    *mark = id;
                    run.push(node);
                }
            };
            for node in nodes {
                add(*node, &mut run);
                for child in granted.of(*node) {
                    let child_component = *component.at(*child);
                    if child_component == id {
                        add(*child, &mut run);
                    } else if let Some(known) = runs.get(child_component as usize) {
                        // A child already covered brings nothing new: its whole closure was added with it.
                        for n in known {
                            add(*n, &mut run);
                        }
                    }
                }
            }
            if nodes.len() > 1 || nodes.iter().any(|n| granted.of(*n).contains(n)) {
                cyclic.push(nodes.clone());
            }
            run.sort_unstable();
            runs.push(run);
        }
        Self { component, includes: Postings::from_runs(runs), cyclic }
    }

    /// What a principal includes, itself among it; empty for an id of no principal.
    pub fn includes(&self, principal: u32) -> &[u32] {
        self.component.get(principal).map_or(&[], |c| self.includes.of(*c))
    }

    /// Whether one principal includes another.
    pub fn contains(&self, principal: u32, role: u32) -> bool {
        self.includes(principal).binary_search(&role).is_ok()
    }

    /// Memberships that run in a circle: the principals of each.
    pub fn cycles(&self) -> &[Vec<u32>] {
        &self.cyclic
    }
}

/// Strongly connected components without recursion (Tarjan's algorithm with its own stack): the component of each
/// node, and the nodes of each component, components in the order in which they are finished.
fn components(granted: &Postings) -> (Column<u32>, Vec<Vec<u32>>) {
    let count = granted.keys();
    let mut order = vec![NONE; count];
    let mut low = vec![0_u32; count];
    let mut component = vec![NONE; count];
    let mut members: Vec<Vec<u32>> = Vec::new();
    let mut open: Vec<u32> = Vec::new();
    let mut next = 0_u32;
    let mut work: Vec<(u32, usize)> = Vec::new();
    for root in 0..count as u32 {
        if at(&order, root) != NONE {
            continue;
        }
        work.push((root, 0));
        while let Some((node, child_index)) = work.pop() {
            if child_index == 0 {
                set(&mut order, node, next);
                set(&mut low, node, next);
                next += 1;
                open.push(node);
            } else if let Some(child) = granted.of(node).get(child_index - 1) {
                let lowest = at(&low, node).min(at(&low, *child));
                set(&mut low, node, lowest);
            }
            let children = granted.of(node);
            let mut descend = None;
            for (i, child) in children.iter().enumerate().skip(child_index) {
                if at(&order, *child) == NONE {
                    descend = Some((i, *child));
                    break;
                }
                if at(&component, *child) == NONE {
                    let lowest = at(&low, node).min(at(&order, *child));
                    set(&mut low, node, lowest);
                }
            }
            if let Some((i, child)) = descend {
                work.push((node, i + 1));
                work.push((child, 0));
            } else if at(&low, node) == at(&order, node) {
                let id = members.len() as u32;
                let mut nodes = Vec::new();
                while let Some(last) = open.pop() {
                    set(&mut component, last, id);
                    nodes.push(last);
                    if last == node {
                        break;
                    }
                }
                members.push(nodes);
            }
        }
    }
    (component.into(), members)
}

fn at(values: &[u32], id: u32) -> u32 {
    values.get(id as usize).copied().unwrap_or(NONE)
}

fn set(values: &mut [u32], id: u32, value: u32) {
    if let Some(slot) = values.get_mut(id as usize) {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closure(edges: &[(u32, u32)], count: usize) -> Closure {
        Closure::build(&Postings::group(count, edges.iter().copied()))
    }

    #[test]
    fn a_diamond_is_included_once() {
        let c = closure(&[(0, 1), (0, 2), (1, 3), (2, 3)], 4);
        assert_eq!(c.includes(0), [0, 1, 2, 3]);
        assert_eq!(c.includes(3), [3]);
        assert!(c.contains(1, 3) && !c.contains(1, 2));
        assert!(c.cycles().is_empty());
    }

    #[test]
    fn a_cycle_in_bad_input_is_reported_and_closed() {
        let c = closure(&[(0, 1), (1, 2), (2, 0), (2, 3)], 4);
        assert_eq!(c.includes(1), [0, 1, 2, 3]);
        assert_eq!(c.cycles().len(), 1);
    }

    #[test]
    fn a_chain_of_many_thousand_roles_needs_no_stack() {
        let edges: Vec<_> = (0..20_000_u32).map(|i| (i, i + 1)).collect();
        assert_eq!(closure(&edges, 20_001).includes(15_000).len(), 5_001);
    }
}
