//! Hand-made accounts: one test for each rule, with the answer that the rule gives. Here is how such an account is made.

mod chains;
mod grants;
mod graph;
mod inherited;
mod session;

use crate::chains::Chains;
use crate::privileges::{EffectivePrivilege, Source};
use crate::roles::How;
use crate::{Lens, Oracle};
use Verdict::{No, Unusable, Usable};
use grantd_catalog::account::{
    Account, ContainerGrant, Grant, Membership, ObjectInfo, Ownership, PrincipalInfo, Reach,
};
use grantd_catalog::model::{
    Container, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property, qualified,
};

/// What a user can do with an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// No grant gives it.
    No,
    /// A grant gives it, but a container is out of reach.
    Unusable,
    /// It works.
    Usable,
}

/// `ROLE R`, `DATABASE_ROLE DB.R`, `USER "a user"`.
fn who(text: &str) -> Principal {
    let (kind, name) = text.split_once(' ').unwrap();
    let mut parts = qualified(name).unwrap();
    Principal { kind: PrincipalKind::parse(kind).unwrap(), name: parts.pop().unwrap(), scope: parts }
}

/// `TABLE DB.S.T`, `FUNCTION DB.S.F(NUMBER)`.
fn what(text: &str) -> ObjectRef {
    let (object_type, name) = text.split_once(' ').unwrap();
    let (name, signature) = match name.split_once('(') {
        Some((name, types)) => (name, Some(types.trim_end_matches(')'))),
        None => (name, None),
    };
    let mut parts = qualified(name).unwrap();
    let name = parts.pop().unwrap();
    let mut scope = parts.into_iter();
    let object_type = ObjectType::new(object_type);
    let object = ObjectRef { database: scope.next(), schema: scope.next(), object_type, name, signature: None };
    match signature {
        Some(types) => object.with_signature(types),
        None => object,
    }
}

/// `ACCOUNT`, `DB`, `DB.S`.
fn container(text: &str) -> Container {
    match &qualified(text).unwrap()[..] {
        [one] if one.as_str() == "ACCOUNT" => Container::Account,
        [db] => Container::Database(db.clone()),
        [db, schema] => Container::Schema(db.clone(), schema.clone()),
        more => panic!("{more:?} is no container"),
    }
}

struct World(Account);

impl World {
    /// ALICE and BOB, and DB.S.T with DB, S and T listed.
    fn new() -> Self {
        let mut world = Self(Account::new("CASE"));
        for user in ["USER ALICE", "USER BOB"] {
            world.0.put_principal(who(user), PrincipalInfo { listed: true, ..PrincipalInfo::default() });
        }
        world.listed("DATABASE DB").listed("SCHEMA DB.S").listed("TABLE DB.S.T")
    }

    fn listed(mut self, object: &str) -> Self {
        self.0.put_object(what(object), ObjectInfo { listed: true, ..ObjectInfo::default() });
        self
    }

    fn set(mut self, user: &str, property: Property, value: &str) -> Self {
        self.0.principal_info_mut(&who(user)).unwrap().properties.set(property, Some(value.to_owned()));
        self
    }

    fn managed(mut self, schema: &str) -> Self {
        let info = self.0.object_info_mut(&what(schema)).unwrap();
        info.properties.set(Property::ManagedAccess, Some("true".to_owned()));
        self
    }

    /// `role` is granted to `member`.
    fn member(mut self, role: &str, member: &str) -> Self {
        let (role, member) = (who(role), who(member));
        let row = Membership { role, member, granted_by: None, grant_option: false, builtin: false, created_on: None };
        self.0.put_membership(&row);
        self
    }

    fn grant(self, privilege: &str, object: &str, grantee: &str) -> Self {
        self.grant_by(privilege, object, grantee, "ROLE SYSADMIN", false)
    }

    fn grant_by(mut self, privilege: &str, object: &str, grantee: &str, by: &str, grant_option: bool) -> Self {
        self.0.put_grant(Grant {
            privilege: Privilege::new(privilege),
            object: what(object),
            grantee: who(grantee),
            granted_by: Some(who(by)),
            grant_option,
            created_on: None,
        });
        self
    }

    /// USAGE on DB and DB.S.
    fn reach(self, grantee: &str) -> Self {
        self.grant("USAGE", "DATABASE DB", grantee).grant("USAGE", "SCHEMA DB.S", grantee)
    }

    fn owned(mut self, object: &str, owner: &str) -> Self {
        self.0.put_ownership(&Ownership {
            object: what(object),
            owner: who(owner),
            granted_by: None,
            created_on: None,
        });
        self
    }

    fn inherited(self, privilege: &str, object_type: &str, within: &str, grantee: &str) -> Self {
        self.on_container(Reach::Inherited, privilege, object_type, within, grantee)
    }

    fn future(self, privilege: &str, object_type: &str, within: &str, grantee: &str) -> Self {
        self.on_container(Reach::Future, privilege, object_type, within, grantee)
    }

    fn on_container(mut self, reach: Reach, privilege: &str, of: &str, within: &str, grantee: &str) -> Self {
        self.0.put_container_grant(ContainerGrant {
            reach,
            container: container(within),
            object_type: ObjectType::new(of),
            privilege: Privilege::new(privilege),
            grantee: who(grantee),
            grant_option: false,
            granted_by: None,
            created_on: None,
        });
        self
    }

    fn oracle(&self) -> Oracle {
        Oracle::new(&self.0)
    }

    fn row(&self, lens: Lens, user: &str, privilege: &str, object: &str) -> Option<EffectivePrivilege> {
        let (user, privilege, object) = (who(&format!("USER {user}")), Privilege::new(privilege), what(object));
        let mut rows = self.oracle().effective_privileges(lens).into_iter();
        rows.find(|row| row.user == user && row.privilege == privilege && row.object == object)
    }

    fn verdict(&self, lens: Lens, user: &str, privilege: &str, object: &str) -> Verdict {
        match self.row(lens, user, privilege, object) {
            None => No,
            Some(row) if row.usable => Usable,
            Some(_) => Unusable,
        }
    }

    /// Whether ALICE can read DB.S.T, with all of her roles.
    fn alice_reads(&self) -> Verdict {
        self.verdict(Lens::All, "ALICE", "SELECT", "TABLE DB.S.T")
    }

    fn alice_row(&self) -> EffectivePrivilege {
        self.row(Lens::All, "ALICE", "SELECT", "TABLE DB.S.T").unwrap()
    }

    /// What ALICE reads under each lens: all, default, primary.
    fn by_lens(&self) -> [Verdict; 3] {
        Lens::ALL.map(|lens| self.verdict(lens, "ALICE", "SELECT", "TABLE DB.S.T"))
    }

    fn roles_of(&self, lens: Lens, user: &str) -> Vec<(String, How)> {
        let rows = self.oracle().effective_roles(lens).into_iter();
        rows.filter(|(u, ..)| u.name.as_str() == user).map(|(_, role, how)| (role.shown(), how)).collect()
    }
}

/// ALICE has A, whose default role it is, and B, which reads.
fn two_roles() -> World {
    World::new()
        .member("ROLE A", "USER ALICE")
        .member("ROLE B", "USER ALICE")
        .reach("ROLE B")
        .grant("SELECT", "TABLE DB.S.T", "ROLE B")
        .set("USER ALICE", Property::DefaultRole, "A")
}
