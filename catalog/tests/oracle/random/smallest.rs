//! A failing account made small.

use super::{Fact, build};
use grantd_catalog::account::Account;

/// Leaves facts out as long as the account of the rest still fails.
pub(crate) fn smallest(facts: Vec<Fact>, fails: impl Fn(&Account) -> bool) -> Vec<Fact> {
    let mut facts = facts;
    let mut step = facts.len().max(1);
    loop {
        let mut start = 0;
        let mut shrunk = false;
        while start < facts.len() {
            let end = (start + step).min(facts.len());
            let rest: Vec<Fact> = facts[..start].iter().chain(&facts[end..]).cloned().collect();
            if fails(&build(&rest)) {
                facts = rest;
                shrunk = true;
            } else {
                start = end;
            }
        }
        if step > 1 {
            step = step.div_ceil(2);
        } else if !shrunk {
            return facts;
        }
    }
}
