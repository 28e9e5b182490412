//! Faults that can be switched on, request by request: what a real server or its network does on a bad day.

mod rule;
mod shape;

pub(super) use rule::Place;
pub use rule::{FaultError, FaultKind, FaultRule};
pub(super) use shape::{page, replaced, shaped};

use serde_json::Value;
use std::sync::Mutex;

use super::sessions::lock;

/// How many rules may wait at once.
const MOST_RULES: usize = 1_000;

/// A rule and how often it met a request.
#[derive(Debug, Clone)]
struct Armed {
    rule: FaultRule,
    met: u64,
}

/// The faults that wait for their requests.
#[derive(Default)]
pub(super) struct Faults {
    armed: Mutex<Vec<Armed>>,
}

impl Faults {
    /// Adds rules to those that wait; either all of them or none.
    pub(super) fn add(&self, rules: Vec<FaultRule>) -> Result<(), FaultError> {
        let mut armed = lock(&self.armed);
        if armed.len() + rules.len() > MOST_RULES {
            return Err(FaultError::TooMany(MOST_RULES));
        }
        armed.extend(rules.into_iter().map(|rule| Armed { rule, met: 0 }));
        Ok(())
    }

    /// Forgets all rules.
    pub(super) fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// The rules that still wait, as JSON, each with `met`: how many requests it has matched so far.
    pub(super) fn list(&self) -> Value {
        let armed = lock(&self.armed);
        let rules = armed.iter().map(|armed| {
            let mut value = armed.rule.to_json();
            if let Value::Object(fields) = &mut value {
                fields.insert("met".to_owned(), armed.met.into());
            }
            value
        });
        Value::Array(rules.collect())
    }

    /// The faults that this request meets, in the order they were added. Each counts one down.
    pub(super) fn take(&self, place: Place, path: &str, sql: Option<&str>) -> Vec<FaultKind> {
        let mut armed = lock(&self.armed);
        let mut taken = Vec::new();
        armed.retain_mut(|armed| {
            let rule = &armed.rule;
            let fits = rule.kind.applies(place)
                && (path.contains(&rule.pattern) || sql.is_some_and(|s| s.contains(&rule.pattern)));
            if fits {
                armed.met += 1;
                if armed.met > rule.skip {
                    taken.push(rule.kind.clone());
                }
            }
            armed.met < rule.skip.saturating_add(rule.times)
        });
        taken
    }
}
