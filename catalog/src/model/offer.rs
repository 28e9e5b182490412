//! What an account says can be granted: the rows of `EXPLAIN_GRANTABLE_PRIVILEGES`.

use super::{ObjectType, Privilege};

/// One privilege that an account offers on a type of objects. Evidence, not state.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Offer {
    /// The type.
    pub object_type: ObjectType,
    /// The privilege.
    pub privilege: Privilege,
    /// How it can be granted: `INDIVIDUAL`, `ALL`, `FUTURE`, `INHERITED`, `CALLER`, ...; as the platform spells it.
    pub grant_types: Vec<String>,
}

impl Offer {
    /// Whether it can be granted on one object.
    pub fn is_individual(&self) -> bool {
        self.grant_types.is_empty() || self.grant_types.iter().any(|t| t == "INDIVIDUAL")
    }
}
