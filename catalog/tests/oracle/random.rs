//! Accounts from a seed: small, reproducible, and with everything odd that an account can hold.
//!
//! An account is first a list of [`Fact`]s, so that a failing one can be made smaller ([`smallest`]) before a person
//! looks at it.

use grantd_catalog::account::{
    Account, ContainerGrant, Grant, Membership, ObjectInfo, Ownership, PrincipalInfo, Reach,
};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Properties, Property, privileges_of,
};

/// One thing that is put into an account.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// A user, role, share or application of the inventory.
    Principal(Principal, Properties),
    /// An object of the inventory.
    Object(ObjectRef, Properties),
    /// A grant row.
    Grant(Grant),
    /// An owner.
    Ownership(Ownership),
    /// A membership.
    Membership(Membership),
    /// A future or inherited grant.
    ContainerGrant(ContainerGrant),
}

/// The account of a seed.
pub(crate) fn account(seed: u64) -> Account {
    build(&facts(seed))
}

/// Puts facts into a new account.
pub(crate) fn build(facts: &[Fact]) -> Account {
    let mut account = Account::new("RANDOM");
    for fact in facts.iter().cloned() {
        match fact {
            Fact::Principal(principal, properties) => {
                let info = PrincipalInfo { properties, listed: true, ..PrincipalInfo::default() };
                account.put_principal(principal, info);
            }
            Fact::Object(object, properties) => {
                account.put_object(object, ObjectInfo { properties, listed: true, ..ObjectInfo::default() });
            }
            Fact::Grant(grant) => account.put_grant(grant),
            Fact::Ownership(ownership) => account.put_ownership(&ownership),
            Fact::Membership(membership) => account.put_membership(&membership),
            Fact::ContainerGrant(grant) => account.put_container_grant(grant),
        }
    }
    account
}

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

/// The facts of a seed.
pub(crate) fn facts(seed: u64) -> Vec<Fact> {
    let mut maker = Maker::new(seed);
    maker.inventory();
    maker.memberships();
    maker.ownerships();
    maker.grants();
    maker.container_grants();
    maker.facts
}

/// `SplitMix64`: small, good enough, the same on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to `n` - 1; 0 when `n` is 0.
    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { usize::try_from(self.next() % n as u64).unwrap() }
    }

    fn percent(&mut self, n: u64) -> bool {
        self.next() % 100 < n
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        from.get(self.below(from.len())).cloned()
    }
}

/// Look-alikes and everything that wants quotes.
const NAMES: [&str; 20] = [
    "ORDERS",
    "orders",
    "Orders",
    "A.B",
    "A",
    "B",
    "say \"hi\"",
    "\"",
    "a b",
    "$COST",
    "COST$",
    "É",
    "TABLE",
    "SELECT",
    "T",
    "t",
    "1ST",
    "_X",
    "x'; --",
    "o@example.com",
];
const DATABASES: [&str; 5] = ["DB1", "db1", "DB1.S", "DB 2", "DB3"];
const SCHEMAS: [&str; 5] = ["S", "s", "S.T", "PUBLIC", "my \"schema\""];
const DATABASE_ROLES: [&str; 4] = ["READER", "WRITER", "reader", "A.B"];
const SIGNATURES: [&str; 3] = ["", "NUMBER", "NUMBER, TABLE(DATE, VARCHAR)"];
const RELATIONS: [&str; 6] = ["TABLE", "VIEW", "EXTERNAL_TABLE", "DYNAMIC_TABLE", "ICEBERG_TABLE", "MATERIALIZED_VIEW"];
const OTHERS: [&str; 6] = ["FUNCTION", "PROCEDURE", "STAGE", "STREAMLIT", "SEQUENCE", "TASK"];

fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}

struct Maker {
    rng: Rng,
    facts: Vec<Fact>,
    users: Vec<Principal>,
    /// Account roles, PUBLIC among them; memberships go from later to earlier ones unless the input is bad.
    roles: Vec<Principal>,
    database_roles: Vec<Principal>,
    application_roles: Vec<Principal>,
    /// Shares and applications: grantees that are no users.
    outsiders: Vec<Principal>,
    databases: Vec<Ident>,
    schemas: Vec<(Ident, Ident)>,
    objects: Vec<ObjectRef>,
}

impl Maker {
    fn new(seed: u64) -> Self {
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
    fn name(&mut self, stem: &str) -> Ident {
        if self.rng.percent(40) {
            let odd = self.rng.below(NAMES.len());
            id(NAMES[odd])
        } else {
            id(&format!("{stem}{}", self.rng.below(8)))
        }
    }

    /// What is in the account. A few of everything are left out and only mentioned by grants.
    fn inventory(&mut self) {
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
            let imported = self.rng.percent(15);
            let kind = if imported { "IMPORTED DATABASE" } else { "STANDARD" };
            self.list_mostly(ObjectRef::database(db.clone()), Properties::default().with(Property::Kind, kind));
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

    fn memberships(&mut self) {
        let roles = self.roles.clone();
        // Dense enough for diamonds, and from later to earlier so that there is no cycle.
        for (i, member) in roles.iter().enumerate() {
            for _ in 0..self.rng.below(4) {
                if let Some(role) = self.rng.pick(&roles[..i]) {
                    self.membership(&role, member);
                }
            }
        }
        let database_roles = self.database_roles.clone();
        for (i, role) in database_roles.iter().enumerate() {
            let same: Vec<_> = database_roles[i + 1..].iter().filter(|r| r.scope == role.scope).cloned().collect();
            let takers = [&roles[..], &same, &same, &self.users, &self.outsiders].concat();
            for _ in 0..self.rng.below(3) {
                self.grant_role_to_one_of(role, &takers);
            }
        }
        if let [viewer, reader] = &self.application_roles.clone()[..] {
            let takers = [&roles[..], &self.users, &self.outsiders].concat();
            self.grant_role_to_one_of(viewer, &takers);
            self.grant_role_to_one_of(reader, &takers);
            self.grant_role_to_one_of(reader, std::slice::from_ref(viewer));
        }
        for user in self.users.clone() {
            for _ in 0..self.rng.below(4) {
                let role = self.rng.pick(&roles).unwrap();
                self.membership(&role, &user);
            }
        }
        self.roles_of_everybody();
        if self.rng.percent(15) {
            self.bad_memberships();
        }
    }

    fn grant_role_to_one_of(&mut self, role: &Principal, takers: &[Principal]) {
        if let Some(member) = self.rng.pick(takers) {
            self.membership(role, &member);
        }
    }

    /// PUBLIC has roles of its own, kept at the low end so that this makes no cycle.
    fn roles_of_everybody(&mut self) {
        if self.rng.percent(30) {
            let low = [&self.database_roles[..], &self.application_roles].concat();
            if let Some(role) = self.rng.pick(&low) {
                self.membership(&role, &Principal::public());
            }
        }
        if self.rng.percent(20) {
            let lone = Principal::role(id("EVERYBODYS"));
            self.facts.push(Fact::Principal(lone.clone(), Properties::default()));
            self.membership(&lone, &Principal::public());
            self.roles.push(lone);
        }
    }

    /// What the platform would refuse and an export may hold all the same: cycles, roles inside themselves, account
    /// roles in database roles.
    fn bad_memberships(&mut self) {
        let all = [&self.roles[..], &self.database_roles, &self.application_roles].concat();
        for _ in 0..=self.rng.below(4) {
            let (role, member) = (self.rng.pick(&all).unwrap(), self.rng.pick(&all).unwrap());
            self.membership(&role, &member);
        }
    }

    /// One membership, sometimes once more by another grantor. Of PUBLIC too: a grant that must change nothing
    /// (section 1.1).
    fn membership(&mut self, role: &Principal, member: &Principal) {
        let builtin = self.rng.percent(5);
        for _ in 0..=usize::from(self.rng.percent(20)) {
            let granted_by = if builtin { None } else { self.grantor() };
            let grant_option = role.kind == PrincipalKind::DatabaseRole && self.rng.percent(10);
            let created_on = self.time();
            let (role, member) = (role.clone(), member.clone());
            let row = Membership { role, member, granted_by, grant_option, builtin, created_on };
            self.facts.push(Fact::Membership(row));
        }
    }

    fn grantor(&mut self) -> Option<Principal> {
        let by_system = self.rng.percent(15);
        if by_system { None } else { self.rng.pick(&self.roles) }
    }

    fn time(&mut self) -> Option<i64> {
        self.rng.percent(80).then(|| 1_700_000_000_000_000 + i64::try_from(self.rng.below(1000)).unwrap())
    }

    /// A role that may own the object: an account role, or a database role of the same database.
    fn owner_of(&mut self, object: &ObjectRef) -> Option<Principal> {
        let own = self.database_roles.iter().filter(|r| r.scope.first() == object.database.as_ref());
        let own: Vec<_> = own.cloned().collect();
        let owners = if self.rng.percent(25) && !own.is_empty() { own } else { self.roles.clone() };
        self.rng.pick(&owners)
    }

    fn ownerships(&mut self) {
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
    fn grantee(&mut self) -> Principal {
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
    fn privilege(&mut self, object_type: &ObjectType) -> Privilege {
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

    fn grants(&mut self) {
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

    fn container_grants(&mut self) {
        for _ in 0..self.rng.below(10) {
            let reach = if self.rng.percent(30) { Reach::Future } else { Reach::Inherited };
            let Some(container) = self.container(reach) else { continue };
            let object_type = self.type_in(&container);
            let future_owner = reach == Reach::Future && self.rng.percent(20);
            let row = ContainerGrant {
                reach,
                privilege: if future_owner { Privilege::OWNERSHIP } else { self.privilege(&object_type) },
                container,
                object_type,
                grantee: self.grantee(),
                grant_option: reach == Reach::Future && self.rng.percent(20),
                granted_by: self.grantor(),
                created_on: self.time(),
            };
            self.facts.push(Fact::ContainerGrant(row));
        }
    }

    fn container(&mut self, reach: Reach) -> Option<Container> {
        match self.rng.below(3) {
            0 if reach == Reach::Inherited => Some(Container::Account),
            1 => self.rng.pick(&self.schemas).map(|(db, schema)| Container::Schema(db, schema)),
            _ => self.rng.pick(&self.databases).map(Container::Database),
        }
    }

    fn type_in(&mut self, container: &Container) -> ObjectType {
        let (of_databases, of_the_account) =
            (["SCHEMA", "SCHEMA"], ["DATABASE", "DATABASE", "WAREHOUSE", "COMPUTE_POOL"]);
        let mut types = [&RELATIONS[..], &RELATIONS[..3], &OTHERS].concat();
        if !matches!(container, Container::Schema(..)) {
            types.extend(of_databases);
        }
        if *container == Container::Account {
            types.extend(of_the_account);
        }
        ObjectType::new(types[self.rng.below(types.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lens, Oracle};
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_always_makes_the_same_account() {
        for seed in 0..20 {
            assert_eq!(format!("{:?}", facts(seed)), format!("{:?}", facts(seed)));
        }
        assert_ne!(format!("{:?}", facts(1)), format!("{:?}", facts(2)));
    }

    /// What the comparison is for must be in what it compares.
    #[test]
    fn random_accounts_have_everything_odd() {
        let mut seen = BTreeSet::new();
        for seed in 0..300 {
            let account = account(seed);
            let oracle = Oracle::new(&account);
            let closure = oracle.role_closure();
            let mut note = |what: &'static str, found: bool| {
                if found {
                    seen.insert(what);
                }
            };
            note("cycle", closure.iter().any(|(a, b)| closure.contains(&(b.clone(), a.clone()))));
            note("diamond", !oracle.redundant_memberships().is_empty());
            note("orphan", !oracle.reachable_by_nobody().is_empty());
            note("user without roles", oracle.users.keys().any(|u| oracle.granted_to(u).is_empty()));
            note("shadowed template", !oracle.shadowed_future_grants().is_empty());
            note("combination", !oracle.only_by_combining_roles().is_empty());
            note("managed access", !oracle.managed_schemas.is_empty());
            note("same name twice", {
                let mut names = BTreeSet::new();
                oracle.roles.iter().any(|r| !r.scope.is_empty() && !names.insert(r.name.clone()))
            });
            note("PUBLIC has a role", !oracle.granted_to(&Principal::public()).is_empty());
            let rows = oracle.effective_privileges(Lens::All);
            for row in &rows {
                note("usable", row.usable && row.object.schema.is_some());
                note("usable without USAGE", row.usable && row.usage_missing);
                note("unusable", !row.usable);
                note("grant option", row.grant_option);
                note("disabled", row.user_disabled);
                note("several roles", row.role_count > 1);
                note("signature", row.object.signature.is_some());
                note("unlisted", !oracle.listed.contains(&row.object));
                note(["grant", "user", "inherited", "ownership", "public"][row.source as usize], true);
            }
            note("default differs from all", rows != oracle.effective_privileges(Lens::Default));
            note(
                "primary differs from default",
                oracle.effective_privileges(Lens::Default) != oracle.effective_privileges(Lens::Primary),
            );
        }
        assert_eq!(seen.len(), 24, "{seen:?}");
    }

    #[test]
    fn the_smallest_failing_account_has_only_what_fails() {
        let fails = |account: &Account| account.memberships().count() >= 2;
        let many = (0..1000).map(facts).find(|f| fails(&build(f))).unwrap();
        let few = smallest(many, fails);
        assert_eq!(few.len(), 2);
        assert!(few.iter().all(|fact| matches!(fact, Fact::Membership(_))));
    }
}
