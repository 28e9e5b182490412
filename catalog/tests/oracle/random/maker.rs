//! An account as it is made.

use super::Fact;
use super::names::{NAMES, id};
use super::rng::Rng;
use grantd_catalog::model::{Ident, ObjectRef, Principal};

/// The facts so far, and what later ones can refer to.
pub(super) struct Maker {
    pub(super) rng: Rng,
    pub(super) facts: Vec<Fact>,
    pub(super) users: Vec<Principal>,
    /// Account roles, PUBLIC among them; memberships go from later to earlier ones unless the input is bad.
    pub(super) roles: Vec<Principal>,
    pub(super) database_roles: Vec<Principal>,
    pub(super) application_roles: Vec<Principal>,
    /// Shares and applications: grantees that are no users.
    pub(super) outsiders: Vec<Principal>,
    pub(super) databases: Vec<Ident>,
    pub(super) schemas: Vec<(Ident, Ident)>,
    pub(super) objects: Vec<ObjectRef>,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rng: Rng(seed),
            facts: Vec::new(),
            users: Vec::new(),
            roles: vec![Principal::public()],
            database_roles: Vec::new(),
            application_roles: Vec::new(),
            outsiders: Vec::new(),
            databases: Vec::new(),
            schemas: Vec::new(),
            objects: vec![ObjectRef::account()],
        }
    }

    /// A look-alike name, or a plain one with a number.
    pub(super) fn name(&mut self, stem: &str) -> Ident {
        if self.rng.percent(40) {
            let odd = self.rng.below(NAMES.len());
            id(NAMES[odd])
        } else {
            id(&format!("{stem}{}", self.rng.below(8)))
        }
    }

    pub(super) fn grantor(&mut self) -> Option<Principal> {
        let by_system = self.rng.percent(15);
        if by_system { None } else { self.rng.pick(&self.roles) }
    }

    pub(super) fn time(&mut self) -> Option<i64> {
        self.rng.percent(80).then(|| 1_700_000_000_000_000 + i64::try_from(self.rng.below(1000)).unwrap())
    }
}
