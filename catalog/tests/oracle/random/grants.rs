//! Owners and grant rows.

use super::Fact;
use super::maker::Maker;
use super::names::{RELATIONS, id};
use grantd_catalog::account::{Grant, Ownership};
use grantd_catalog::model::{ObjectRef, ObjectType, Principal, Privilege, privileges_of};

impl Maker {
    /// A role that may own the object: an account role, or a database role of the same database.
    fn owner_of(&mut self, object: &ObjectRef) -> Option<Principal> {
        let own = self.database_roles.iter().filter(|r| r.scope.first() == object.database.as_ref());
        let own: Vec<_> = own.cloned().collect();
        let owners = if self.rng.percent(25) && !own.is_empty() { own } else { self.roles.clone() };
        self.rng.pick(&owners)
    }

    pub(super) fn ownerships(&mut self) {
        for object in self.objects.clone() {
            if object == ObjectRef::account() || !self.rng.percent(50) {
                continue;
            }
            if let Some(owner) = self.owner_of(&object) {
                let (granted_by, created_on) = (self.grantor(), self.time());
                self.facts.push(Fact::Ownership(Ownership { object, owner, granted_by, created_on }));
            }
        }
    }

    /// Anybody who can be granted a privilege.
    pub(super) fn grantee(&mut self) -> Principal {
        let groups = [
            &self.roles,
            &self.roles,
            &self.roles,
            &self.database_roles,
            &self.database_roles,
            &self.users,
            &self.application_roles,
            &self.outsiders,
        ];
        let group = groups[self.rng.below(groups.len())].clone();
        self.rng.pick(&group).unwrap_or_else(Principal::public)
    }

    /// A privilege of the type, the one that reads or reaches more often than others, or one that no table knows.
    pub(super) fn privilege(&mut self, object_type: &ObjectType) -> Privilege {
        let of_type = privileges_of(object_type);
        let common: Vec<_> = of_type.iter().filter(|p| ["SELECT", "USAGE", "READ"].contains(p)).collect();
        if !common.is_empty() && self.rng.percent(60) {
            return Privilege::new(common[self.rng.below(common.len())]);
        }
        match self.rng.pick(of_type) {
            Some(name) if self.rng.percent(90) => Privilege::new(name),
            _ => Privilege::new(["UNHEARD OF", "MANAGE GRANTS"][self.rng.below(2)]),
        }
    }

    pub(super) fn grants(&mut self) {
        for _ in 0..self.rng.below(60) {
            let grantee = self.grantee();
            let mut object = self.rng.pick(&self.objects).unwrap();
            // An object is often mentioned with another type of table than it has.
            if object.object_type.is_relation() && self.rng.percent(10) {
                object.object_type = ObjectType::new(RELATIONS[self.rng.below(RELATIONS.len())]);
            }
            self.grant(&object, &grantee);
        }
        self.grants_on_what_nobody_lists();
        // Membership written as a privilege, as exports have it.
        if self.rng.percent(20) {
            let (role, grantee) = (self.rng.pick(&self.roles).unwrap(), self.grantee());
            let row = Grant {
                privilege: Privilege::USAGE,
                object: role.as_object(),
                grantee,
                granted_by: None,
                grant_option: false,
                created_on: None,
            };
            self.facts.push(Fact::Grant(row));
        }
    }

    fn grants_on_what_nobody_lists(&mut self) {
        for _ in 0..self.rng.below(3) {
            let db = self.rng.pick(&self.databases).unwrap_or_else(|| id("GONE"));
            let (schema, name) = (self.name("S"), self.name("T"));
            let object = ObjectRef::in_schema(ObjectType::TABLE, db, schema, name);
            let grantee = self.grantee();
            self.grant(&object, &grantee);
        }
    }

    /// One grant, sometimes once more by another grantor, with or without grant option.
    fn grant(&mut self, object: &ObjectRef, grantee: &Principal) {
        let privilege = self.privilege(&object.object_type);
        for _ in 0..=usize::from(self.rng.percent(20)) {
            let row = Grant {
                privilege: privilege.clone(),
                object: object.clone(),
                grantee: grantee.clone(),
                granted_by: self.grantor(),
                grant_option: self.rng.percent(20),
                created_on: self.time(),
            };
            self.facts.push(Fact::Grant(row));
        }
    }
}
