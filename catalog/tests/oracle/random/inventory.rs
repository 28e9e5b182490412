//! What is in the account.

use super::Fact;
use super::maker::Maker;
use super::names::{DATABASE_ROLES, DATABASES, OTHERS, RELATIONS, SCHEMAS, SIGNATURES, id};
use grantd_catalog::model::{ObjectRef, ObjectType, Principal, PrincipalKind, Properties, Property};

impl Maker {
    /// What is in the account. A few of everything are left out and only mentioned by grants.
    pub(super) fn inventory(&mut self) {
        self.containers();
        self.objects_in_schemas();
        self.objects_of_the_account();
        self.all_roles();
        for _ in 0..self.rng.below(13) {
            let user = Principal::user(self.name("USER"));
            let properties = self.user_properties();
            self.users.push(user.clone());
            self.facts.push(Fact::Principal(user, properties));
        }
        self.users.sort();
        self.users.dedup();
        // Roles, users and their owners: securables too.
        let securables = [&self.roles[1..], &self.database_roles, &self.users].concat();
        self.objects.extend(securables.iter().map(Principal::as_object));
    }

    fn containers(&mut self) {
        for name in DATABASES.iter().take(self.rng.below(5)) {
            let db = id(name);
            self.databases.push(db.clone());
            self.list_mostly(ObjectRef::database(db.clone()), Properties::default());
            for name in SCHEMAS.iter().take(self.rng.below(4)) {
                let managed = self.rng.percent(25);
                let properties = if managed {
                    Properties::default().with(Property::ManagedAccess, "true")
                } else {
                    Properties::default()
                };
                self.schemas.push((db.clone(), id(name)));
                self.list_mostly(ObjectRef::in_database(ObjectType::SCHEMA, db.clone(), id(name)), properties);
            }
        }
    }

    fn objects_in_schemas(&mut self) {
        for (db, schema) in self.schemas.clone() {
            for _ in 0..self.rng.below(5) {
                let types: &[&str] = if self.rng.percent(70) { &RELATIONS } else { &OTHERS };
                let object_type = ObjectType::new(types[self.rng.below(types.len())]);
                let name = self.name("T");
                let mut object = ObjectRef::in_schema(object_type, db.clone(), schema.clone(), name);
                if object.object_type.has_signature() {
                    object = object.with_signature(SIGNATURES[self.rng.below(SIGNATURES.len())]);
                }
                self.list_mostly(object, Properties::default());
            }
        }
    }

    fn objects_of_the_account(&mut self) {
        for _ in 0..self.rng.below(4) {
            let object_type = self.rng.pick(&["WAREHOUSE", "INTEGRATION", "COMPUTE_POOL", "RESOURCE_MONITOR"]).unwrap();
            let name = self.name("W");
            self.list_mostly(ObjectRef::top(ObjectType::new(object_type), name), Properties::default());
        }
    }

    /// Nine of ten are listed.
    fn list_mostly(&mut self, object: ObjectRef, properties: Properties) {
        self.objects.push(object.clone());
        if self.rng.percent(90) {
            self.facts.push(Fact::Object(object, properties));
        }
    }

    fn all_roles(&mut self) {
        for name in ["USERADMIN", "SECURITYADMIN", "SYSADMIN", "ACCOUNTADMIN"] {
            if self.rng.percent(40) {
                self.roles.push(Principal::role(id(name)));
            }
        }
        for _ in 0..self.rng.below(11) {
            let role = Principal::role(self.name("ROLE"));
            if !self.roles.contains(&role) {
                self.roles.push(role);
            }
        }
        for db in self.databases.clone() {
            for name in DATABASE_ROLES.iter().take(self.rng.below(4)) {
                self.database_roles.push(Principal::database_role(db.clone(), id(name)));
            }
        }
        if self.rng.percent(40) {
            self.outsiders.push(Principal::other(PrincipalKind::Application, id("APP")));
            self.application_roles.push(Principal::application_role(id("APP"), id("VIEWER")));
            self.application_roles.push(Principal::application_role(id("APP"), id("READER")));
        }
        if self.rng.percent(40) {
            self.outsiders.push(Principal::other(PrincipalKind::Share, id("SHARE1")));
        }
        let listed = [&self.roles[1..], &self.database_roles, &self.application_roles, &self.outsiders].concat();
        for principal in listed {
            if self.rng.percent(95) {
                self.facts.push(Fact::Principal(principal, Properties::default()));
            }
        }
    }

    fn user_properties(&mut self) -> Properties {
        let mut properties = Properties::default();
        if self.rng.percent(25) {
            properties.set(Property::Disabled, Some(self.rng.pick(&["true", "true", "false"]).unwrap().to_owned()));
        }
        // Granted or not, of the account or nowhere: nobody checks it.
        if self.rng.percent(70) {
            let role = self.rng.pick(&self.roles).unwrap();
            let stray = if self.rng.percent(10) { "GONE" } else { role.name.as_str() };
            properties.set(Property::DefaultRole, Some(stray.to_owned()));
        }
        match self.rng.below(3) {
            0 => properties.set(Property::DefaultSecondaryRoles, Some("ALL".to_owned())),
            1 => properties.set(Property::DefaultSecondaryRoles, Some(String::new())),
            _ => {}
        }
        properties
    }
}
