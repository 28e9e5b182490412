//! Hand-made accounts: one test for each rule, with the answer that the rule gives.

use super::privileges::{EffectivePrivilege, Source};
use super::roles::How;
use super::{Lens, Oracle};
use Verdict::{No, Unusable, Usable};
use grantd_catalog::account::{
    Account, ContainerGrant, Grant, Membership, ObjectInfo, Ownership, PrincipalInfo, Reach,
};
use grantd_catalog::model::{
    Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind, Privilege, Property, qualified,
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
        self.0.put_ownership(Ownership { object: what(object), owner: who(owner), granted_by: None, created_on: None });
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

fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}

// Section 1.1: the graph.

#[test]
fn a_role_inherits_what_is_granted_to_it_and_not_the_other_way_round() {
    let world = World::new().member("ROLE CHILD", "ROLE PARENT").reach("ROLE CHILD").grant(
        "SELECT",
        "TABLE DB.S.T",
        "ROLE CHILD",
    );
    assert_eq!(world.alice_reads(), No);
    let world = world.member("ROLE PARENT", "USER ALICE");
    assert_eq!(world.alice_reads(), Usable);
    let upside_down = World::new().member("ROLE CHILD", "ROLE PARENT").reach("ROLE PARENT").grant(
        "SELECT",
        "TABLE DB.S.T",
        "ROLE PARENT",
    );
    assert_eq!(upside_down.member("ROLE CHILD", "USER ALICE").alice_reads(), No);
}

#[test]
fn roles_come_directly_by_inheritance_or_with_public() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .member("ROLE B", "ROLE A")
        .member("DATABASE_ROLE DB.D", "ROLE PUBLIC")
        .member("ROLE B", "ROLE PUBLIC");
    let want = [("A", How::Direct), ("B", How::Inherited), ("PUBLIC", How::Public), ("DB.D", How::Public)];
    assert_eq!(world.roles_of(Lens::All, "ALICE"), want.map(|(r, h)| (r.to_owned(), h)));
    let want = [("B", How::Public), ("PUBLIC", How::Public), ("DB.D", How::Public)];
    assert_eq!(world.roles_of(Lens::All, "BOB"), want.map(|(r, h)| (r.to_owned(), h)));
}

#[test]
fn database_roles_of_the_same_name_in_two_databases_are_two() {
    let world = World::new()
        .member("DATABASE_ROLE OTHER.READER", "ROLE ANALYST")
        .member("ROLE ANALYST", "USER ALICE")
        .grant("USAGE", "SCHEMA DB.S", "DATABASE_ROLE DB.READER")
        .grant("SELECT", "TABLE DB.S.T", "DATABASE_ROLE DB.READER");
    assert_eq!(world.alice_reads(), No);
    assert_eq!(world.member("DATABASE_ROLE DB.READER", "ROLE ANALYST").alice_reads(), Usable);
}

#[test]
fn database_and_application_roles_nest_and_reach_users() {
    let world = World::new()
        .member("DATABASE_ROLE DB.INNER", "DATABASE_ROLE DB.OUTER")
        .grant("USAGE", "SCHEMA DB.S", "DATABASE_ROLE DB.INNER")
        .grant("SELECT", "TABLE DB.S.T", "DATABASE_ROLE DB.INNER")
        .member("DATABASE_ROLE DB.OUTER", "APPLICATION_ROLE APP.VIEWER")
        .member("APPLICATION_ROLE APP.VIEWER", "USER ALICE");
    assert_eq!(world.alice_reads(), Usable);
}

#[test]
fn usage_on_a_role_is_membership_and_no_object_privilege() {
    let world = World::new().member("ROLE A", "USER ALICE");
    for (privilege, object, want) in [
        ("USAGE", "ROLE B", No),
        ("USAGE", "DATABASE_ROLE DB.B", No),
        ("USAGE", "APPLICATION_ROLE APP.B", No),
        ("USAGE", "WAREHOUSE W", Usable),
        ("MONITOR", "USER BOB", Usable),
    ] {
        let world = World(world.0.clone()).grant(privilege, object, "ROLE A");
        assert_eq!(world.verdict(Lens::All, "ALICE", privilege, object), want, "{privilege} on {object}");
    }
}

#[test]
fn owning_a_role_is_not_having_it() {
    let world = World::new().reach("ROLE B").grant("SELECT", "TABLE DB.S.T", "ROLE B");
    let world = world.owned("ROLE B", "ROLE A").member("ROLE A", "USER ALICE");
    assert_eq!(world.alice_reads(), No);
    assert_eq!(world.verdict(Lens::All, "ALICE", "OWNERSHIP", "ROLE B"), Usable);
    assert_eq!(world.roles_of(Lens::All, "ALICE").len(), 2, "A and PUBLIC");
}

#[test]
fn shares_and_applications_give_nothing_to_users() {
    let world = World::new().member("ROLE A", "USER ALICE");
    let world = world.reach("SHARE SH").grant("SELECT", "TABLE DB.S.T", "SHARE SH").grant(
        "SELECT",
        "TABLE DB.S.T",
        "APPLICATION A",
    );
    assert_eq!(world.alice_reads(), No);
}

#[test]
fn public_is_everybodys_without_being_granted() {
    let world = World::new().reach("ROLE PUBLIC").grant("SELECT", "TABLE DB.S.T", "ROLE PUBLIC");
    assert_eq!(world.by_lens(), [Usable; 3]);
    assert_eq!(world.alice_row().source, Source::Public);
    assert_eq!(world.alice_row().role_count, 1);
}

#[test]
fn granting_public_is_a_no_op() {
    let world =
        World::new().member("ROLE PUBLIC", "USER ALICE").member("ROLE PUBLIC", "ROLE A").member("ROLE A", "USER ALICE");
    assert_eq!(world.roles_of(Lens::All, "ALICE"), [("A".to_owned(), How::Direct), ("PUBLIC".to_owned(), How::Public)]);
    assert!(world.oracle().role_closure().is_empty());
}

#[test]
fn cycles_in_bad_input_end_and_everybody_in_them_has_everything() {
    let world = World::new()
        .member("ROLE A", "ROLE B")
        .member("ROLE B", "ROLE C")
        .member("ROLE C", "ROLE A")
        .member("ROLE A", "ROLE A")
        .reach("ROLE B")
        .grant("SELECT", "TABLE DB.S.T", "ROLE C")
        .member("ROLE A", "USER ALICE");
    assert_eq!(world.alice_reads(), Usable);
    assert_eq!(world.oracle().role_closure().len(), 6);
    let why = world.oracle().why(&who("USER ALICE"), &Privilege::SELECT, &what("TABLE DB.S.T"), Lens::All);
    assert_eq!((why.shortest, why.chains), (Some(2), None));
}

// Section 1.3: what is active.

/// ALICE has A, whose default role it is, and B, which reads.
fn two_roles() -> World {
    World::new()
        .member("ROLE A", "USER ALICE")
        .member("ROLE B", "USER ALICE")
        .reach("ROLE B")
        .grant("SELECT", "TABLE DB.S.T", "ROLE B")
        .set("USER ALICE", Property::DefaultRole, "A")
}

#[test]
fn secondary_roles_are_all_unless_known_to_be_none() {
    assert_eq!(two_roles().by_lens(), [Usable, Usable, No]);
    assert_eq!(two_roles().set("USER ALICE", Property::DefaultSecondaryRoles, "ALL").by_lens(), [Usable, Usable, No]);
    assert_eq!(two_roles().set("USER ALICE", Property::DefaultSecondaryRoles, "").by_lens(), [Usable, No, No]);
}

#[test]
fn the_primary_lens_is_the_default_role_alone() {
    assert_eq!(two_roles().set("USER ALICE", Property::DefaultRole, "B").by_lens(), [Usable; 3]);
}

#[test]
fn a_default_role_that_is_not_granted_counts_for_nothing() {
    let world = World::new().reach("ROLE B").grant("SELECT", "TABLE DB.S.T", "ROLE B").set(
        "USER ALICE",
        Property::DefaultRole,
        "B",
    );
    assert_eq!(world.by_lens(), [No; 3]);
    let other_case = two_roles().set("USER ALICE", Property::DefaultRole, "b");
    assert_eq!(other_case.by_lens(), [Usable, Usable, No]);
}

#[test]
fn a_default_role_may_be_below_a_granted_one() {
    let world = World::new()
        .member("ROLE TOP", "USER ALICE")
        .member("ROLE B", "ROLE TOP")
        .reach("ROLE B")
        .grant("SELECT", "TABLE DB.S.T", "ROLE B")
        .set("USER ALICE", Property::DefaultRole, "B");
    assert_eq!(world.by_lens(), [Usable; 3]);
    assert_eq!(
        world.roles_of(Lens::Primary, "ALICE"),
        [("B".to_owned(), How::Inherited), ("PUBLIC".to_owned(), How::Public)]
    );
}

#[test]
fn without_a_default_role_the_primary_role_is_public() {
    let mut world = two_roles();
    world.0.principal_info_mut(&who("USER ALICE")).unwrap().properties.set(Property::DefaultRole, None);
    assert_eq!(world.by_lens(), [Usable, Usable, No]);
}

#[test]
fn database_and_application_roles_of_a_user_need_secondary_roles() {
    for role in ["DATABASE_ROLE DB.R", "APPLICATION_ROLE APP.R"] {
        let world = World::new().member(role, "USER ALICE").reach(role).grant("SELECT", "TABLE DB.S.T", role);
        assert_eq!(world.by_lens(), [Usable, Usable, No]);
        assert_eq!(world.set("USER ALICE", Property::DefaultSecondaryRoles, "").by_lens(), [Usable, No, No]);
    }
}

#[test]
fn privileges_of_a_user_need_secondary_roles() {
    let world = World::new().reach("USER ALICE").grant("SELECT", "TABLE DB.S.T", "USER ALICE");
    assert_eq!(world.by_lens(), [Usable, Usable, No]);
    assert_eq!((world.alice_row().source, world.alice_row().role_count), (Source::User, 0));
    assert_eq!(world.set("USER ALICE", Property::DefaultSecondaryRoles, "").by_lens(), [Usable, No, No]);
}

#[test]
fn each_privilege_may_come_from_a_different_active_role() {
    let world = World::new()
        .grant("MONITOR", "DATABASE DB", "ROLE A")
        .member("ROLE A", "USER ALICE")
        .grant("CREATE TABLE", "SCHEMA DB.S", "USER ALICE")
        .grant("SELECT", "TABLE DB.S.T", "ROLE B")
        .member("ROLE B", "USER ALICE");
    assert_eq!(world.alice_reads(), Usable);
    assert!(world.alice_row().usage_missing);
    assert_eq!(world.oracle().only_by_combining_roles().iter().filter(|(_, p, _)| *p == Privilege::SELECT).count(), 1);
    assert!(two_roles().oracle().only_by_combining_roles().is_empty());
}

#[test]
fn a_privilege_without_reach_into_both_containers_is_unusable() {
    let world = World::new().member("ROLE A", "USER ALICE").grant("SELECT", "TABLE DB.S.T", "ROLE A");
    assert_eq!(world.alice_reads(), Unusable);
    let with_database = World(world.0.clone()).grant("USAGE", "DATABASE DB", "ROLE A");
    assert_eq!(with_database.alice_reads(), Unusable);
    let with_schema = World(world.0.clone()).grant("USAGE", "SCHEMA DB.S", "ROLE A");
    assert_eq!(with_schema.alice_reads(), Unusable);
    assert_eq!(with_schema.verdict(Lens::All, "ALICE", "USAGE", "SCHEMA DB.S"), Unusable);
    let both = with_schema.grant("USAGE", "DATABASE DB", "ROLE A");
    assert_eq!(both.alice_reads(), Usable);
    assert!(!both.alice_row().usage_missing);
}

#[test]
fn any_privilege_on_a_container_reaches_it_and_missing_usage_is_marked() {
    for (on_database, on_schema, usage_missing) in [
        ("USAGE", "USAGE", false),
        ("MONITOR", "USAGE", true),
        ("USAGE", "MODIFY", true),
        ("CREATE SCHEMA", "CREATE TABLE", true),
        ("OWNERSHIP", "OWNERSHIP", false),
    ] {
        let world = World::new()
            .member("ROLE A", "USER ALICE")
            .grant(on_database, "DATABASE DB", "ROLE A")
            .grant(on_schema, "SCHEMA DB.S", "ROLE A")
            .grant("SELECT", "TABLE DB.S.T", "ROLE A");
        assert_eq!(world.alice_reads(), Usable);
        assert_eq!(world.alice_row().usage_missing, usage_missing, "{on_database}, {on_schema}");
    }
}

#[test]
fn databases_and_objects_outside_databases_need_no_reach() {
    let world = World::new().member("ROLE A", "USER ALICE");
    let world = world
        .grant("OPERATE", "WAREHOUSE W", "ROLE A")
        .grant("CREATE ROLE", "ACCOUNT ACCOUNT", "ROLE A")
        .grant("MODIFY", "DATABASE DB", "ROLE A");
    for (privilege, object) in
        [("OPERATE", "WAREHOUSE W"), ("CREATE ROLE", "ACCOUNT ACCOUNT"), ("MODIFY", "DATABASE DB")]
    {
        let row = world.row(Lens::All, "ALICE", privilege, object).unwrap();
        assert!(row.usable && !row.usage_missing, "{object}");
    }
}

// Section 1.4: ownership.

#[test]
fn ownership_implies_the_privileges_of_the_type_and_nothing_in_it() {
    let world =
        World::new().member("ROLE A", "USER ALICE").owned("DATABASE DB", "ROLE A").owned("SCHEMA DB.S", "ROLE A");
    assert_eq!(world.alice_reads(), No);
    assert_eq!(world.verdict(Lens::All, "ALICE", "CREATE TABLE", "SCHEMA DB.S"), Usable);
    assert_eq!(world.verdict(Lens::All, "ALICE", "MANAGE GRANTS", "SCHEMA DB.S"), No);
    let world = world.owned("TABLE DB.S.T", "ROLE A");
    assert_eq!(world.alice_reads(), Usable);
    assert_eq!((world.alice_row().source, world.alice_row().grant_option), (Source::Ownership, true));
    let rows = world.oracle().effective_privileges(Lens::All);
    assert_eq!(rows.iter().filter(|row| row.object == what("TABLE DB.S.T")).count(), 10, "9 of a table, and OWNERSHIP");
}

#[test]
fn ownership_does_not_give_embed_on_a_streamlit() {
    let world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A").owned("STREAMLIT DB.S.APP", "ROLE A");
    assert_eq!(world.verdict(Lens::All, "ALICE", "USAGE", "STREAMLIT DB.S.APP"), Usable);
    assert_eq!(world.verdict(Lens::All, "ALICE", "EMBED", "STREAMLIT DB.S.APP"), No);
}

#[test]
fn a_database_role_can_own() {
    let world = World::new().member("DATABASE_ROLE DB.R", "ROLE A").member("ROLE A", "USER ALICE");
    let world = world.owned("TABLE DB.S.T", "DATABASE_ROLE DB.R").owned("SCHEMA DB.S", "DATABASE_ROLE DB.R");
    assert_eq!(world.alice_reads(), Usable);
}

// Section 1.5.

#[test]
fn manage_grants_gives_no_data() {
    let world = World::new().member("ROLE A", "USER ALICE").grant("MANAGE GRANTS", "ACCOUNT ACCOUNT", "ROLE A");
    assert_eq!(world.alice_reads(), No);
    assert_eq!(world.verdict(Lens::All, "ALICE", "MANAGE GRANTS", "ACCOUNT ACCOUNT"), Usable);
}

// Section 1.6.

#[test]
fn in_a_managed_access_schema_owners_cannot_grant_but_keep_access() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .reach("ROLE A")
        .owned("TABLE DB.S.T", "ROLE A")
        .managed("SCHEMA DB.S");
    assert_eq!(world.alice_reads(), Usable);
    assert!(!world.alice_row().grant_option);
    let world = world.owned("SCHEMA DB.S", "ROLE A");
    assert!(world.row(Lens::All, "ALICE", "CREATE TABLE", "SCHEMA DB.S").unwrap().grant_option);
}

// Section 1.9 and the order of sources.

#[test]
fn the_plainest_source_is_given_and_carrying_roles_are_counted_once() {
    let world = World::new().member("ROLE OWNER", "USER ALICE").reach("ROLE OWNER").owned("TABLE DB.S.T", "ROLE OWNER");
    let seen = |world: &World| (world.alice_row().source, world.alice_row().role_count);
    assert_eq!(seen(&world), (Source::Ownership, 1));
    let world = world.inherited("SELECT", "TABLE", "DB", "ROLE WIDE").member("ROLE WIDE", "ROLE OWNER");
    assert_eq!(seen(&world), (Source::Inherited, 2));
    let world = world.grant("SELECT", "TABLE DB.S.T", "USER ALICE");
    assert_eq!(seen(&world), (Source::User, 2));
    let world = world.grant("SELECT", "TABLE DB.S.T", "ROLE PUBLIC");
    assert_eq!(seen(&world), (Source::User, 3));
    let world = world.grant("SELECT", "TABLE DB.S.T", "ROLE OWNER");
    assert_eq!(seen(&world), (Source::Grant, 3));
}

#[test]
fn a_role_that_public_and_the_user_both_have_is_not_public() {
    let world = World::new().member("ROLE R", "ROLE PUBLIC").reach("ROLE R").grant("SELECT", "TABLE DB.S.T", "ROLE R");
    assert_eq!(world.alice_row().source, Source::Public);
    assert_eq!(world.member("ROLE R", "USER ALICE").alice_row().source, Source::Grant);
}

// Section 1.10: future grants.

#[test]
fn future_grants_are_never_access() {
    let world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A").future("SELECT", "TABLE", "DB", "ROLE A");
    assert_eq!(world.future("OWNERSHIP", "TABLE", "DB.S", "ROLE A").alice_reads(), No);
}

#[test]
fn a_template_on_a_schema_hides_those_of_its_type_on_the_database() {
    let world = World::new()
        .future("SELECT", "TABLE", "DB", "ROLE A")
        .future("SELECT", "VIEW", "DB", "ROLE A")
        .future("SELECT", "TABLE", "OTHER", "ROLE A")
        .future("INSERT", "TABLE", "DB.S", "ROLE B");
    let shadowed = world.oracle().shadowed_future_grants();
    let shown: Vec<_> =
        shadowed.iter().map(|(wide, narrow)| (&wide.container, &wide.object_type, &narrow.container)).collect();
    assert_eq!(shown, [(&container("DB"), &ObjectType::TABLE, &container("DB.S"))]);
}

// Section 1.11: inherited grants.

#[test]
fn an_inherited_grant_covers_objects_of_exactly_its_type() {
    let types =
        ["TABLE", "VIEW", "DYNAMIC_TABLE", "EXTERNAL_TABLE", "ICEBERG_TABLE", "EVENT_TABLE", "MATERIALIZED_VIEW"];
    for granted in types {
        let mut world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A");
        for (i, object_type) in types.iter().enumerate() {
            world = world.listed(&format!("{object_type} DB.S.O{i}"));
        }
        let world = world.inherited("SELECT", granted, "DB.S", "ROLE A");
        for (i, object_type) in types.iter().enumerate() {
            let verdict = world.verdict(Lens::All, "ALICE", "SELECT", &format!("{object_type} DB.S.O{i}"));
            assert_eq!(verdict == Usable, granted == *object_type, "{granted} on {object_type}");
            assert_eq!(verdict == No, granted != *object_type);
        }
    }
}

#[test]
fn an_inherited_grant_covers_its_container_and_no_other() {
    let world = World::new()
        .listed("DATABASE D2")
        .listed("SCHEMA D2.S")
        .listed("TABLE D2.S.T")
        .listed("SCHEMA DB.S2")
        .listed("TABLE DB.S2.T");
    let world = world.member("ROLE A", "USER ALICE");
    for (within, covered) in [("DB.S", 1), ("DB", 2), ("ACCOUNT", 3)] {
        let world = World(world.0.clone()).inherited("SELECT", "TABLE", within, "ROLE A");
        let seen = ["TABLE DB.S.T", "TABLE DB.S2.T", "TABLE D2.S.T"]
            .map(|t| world.verdict(Lens::All, "ALICE", "SELECT", t) != No);
        assert_eq!(seen.iter().filter(|seen| **seen).count(), covered, "{within}");
        assert_eq!(world.alice_row().source, Source::Inherited);
    }
}

#[test]
fn an_inherited_grant_covers_only_what_is_listed() {
    let world =
        World::new().member("ROLE A", "USER ALICE").reach("ROLE A").inherited("SELECT", "TABLE", "DB.S", "ROLE A");
    let world = world.grant("INSERT", "TABLE DB.S.MENTIONED", "ROLE OTHER");
    assert_eq!(world.verdict(Lens::All, "ALICE", "SELECT", "TABLE DB.S.MENTIONED"), No);
    assert_eq!(world.alice_reads(), Usable);
}

#[test]
fn an_inherited_grant_resolves_exactly_its_own_container() {
    for (within, with_database, with_schema) in
        [("DB.S", Usable, Unusable), ("DB", Unusable, Usable), ("ACCOUNT", Unusable, Unusable)]
    {
        let world = World::new().member("ROLE A", "USER ALICE").inherited("SELECT", "TABLE", within, "ROLE A");
        assert_eq!(world.alice_reads(), Unusable, "{within} alone");
        let plus = |object: &str| World(world.0.clone()).grant("USAGE", object, "ROLE A");
        assert_eq!(plus("DATABASE DB").alice_reads(), with_database, "{within}");
        assert_eq!(plus("SCHEMA DB.S").alice_reads(), with_schema, "{within}");
        let both = plus("DATABASE DB").grant("USAGE", "SCHEMA DB.S", "ROLE A");
        assert_eq!((both.alice_reads(), both.alice_row().usage_missing), (Usable, false));
    }
    // Reached, but not with USAGE.
    let world = World::new().member("ROLE A", "USER ALICE").inherited("SELECT", "TABLE", "DB.S", "ROLE A");
    assert!(world.grant("USAGE", "DATABASE DB", "ROLE A").alice_row().usage_missing);
}

#[test]
fn inherited_privileges_on_schemas_and_databases_reach_the_covered_ones() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .grant("SELECT", "TABLE DB.S.T", "ROLE A")
        .inherited("USAGE", "SCHEMA", "ACCOUNT", "ROLE A")
        .inherited("USAGE", "DATABASE", "ACCOUNT", "ROLE A");
    assert_eq!((world.alice_reads(), world.alice_row().usage_missing), (Usable, false));
    let in_database = World::new()
        .member("ROLE A", "USER ALICE")
        .grant("SELECT", "TABLE DB.S.T", "ROLE A")
        .inherited("MONITOR", "SCHEMA", "DB", "ROLE A");
    assert_eq!((in_database.alice_reads(), in_database.alice_row().usage_missing), (Usable, true));
}

#[test]
fn inherited_grants_reach_through_database_roles_and_users() {
    for grantee in ["DATABASE_ROLE DB.R", "USER ALICE"] {
        let world = World::new().member("DATABASE_ROLE DB.R", "USER ALICE").reach("DATABASE_ROLE DB.R");
        assert_eq!(world.inherited("SELECT", "TABLE", "ACCOUNT", grantee).alice_reads(), Usable);
    }
}

// Section 1.12.

#[test]
fn a_database_role_has_usage_on_its_own_database_only() {
    let world = World::new()
        .member("DATABASE_ROLE DB.R", "ROLE A")
        .member("ROLE A", "USER ALICE")
        .grant("USAGE", "SCHEMA DB.S", "ROLE A")
        .grant("SELECT", "TABLE DB.S.T", "ROLE A");
    assert_eq!((world.alice_reads(), world.alice_row().usage_missing), (Usable, false));
    assert_eq!(world.verdict(Lens::All, "ALICE", "USAGE", "DATABASE DB"), No, "reach, but no row");
    let other = World::new().member("DATABASE_ROLE D2.R", "USER ALICE").grant("USAGE", "SCHEMA DB.S", "USER ALICE");
    assert_eq!(other.grant("SELECT", "TABLE DB.S.T", "USER ALICE").alice_reads(), Unusable);
}

#[test]
fn imported_privileges_count_as_usage_on_the_database() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .grant("IMPORTED PRIVILEGES", "DATABASE DB", "ROLE A")
        .grant("USAGE", "SCHEMA DB.S", "ROLE A")
        .grant("SELECT", "TABLE DB.S.T", "ROLE A");
    assert_eq!((world.alice_reads(), world.alice_row().usage_missing), (Usable, false));
}

#[test]
fn parallel_grantors_are_one_row_of_privileges_and_two_of_grants() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .reach("ROLE A")
        .grant_by("SELECT", "TABLE DB.S.T", "ROLE A", "ROLE X", false)
        .grant_by("SELECT", "TABLE DB.S.T", "ROLE A", "ROLE Y", true);
    assert_eq!((world.alice_row().role_count, world.alice_row().grant_option), (1, true));
    let select = |lens| {
        let rows = world.oracle().effective_grants(lens).into_iter();
        rows.filter(|row| row.carried.privilege == Privilege::SELECT).count()
    };
    assert_eq!(Lens::ALL.map(select), [2, 2, 0]);
    assert_eq!(world.oracle().role_privileges().iter().filter(|(_, c)| c.privilege == Privilege::SELECT).count(), 2);
}

#[test]
fn disabled_users_keep_their_rows_and_are_marked() {
    let world = two_roles().set("USER ALICE", Property::Disabled, "true");
    assert_eq!(world.alice_reads(), Usable);
    assert!(world.alice_row().user_disabled);
    assert!(!two_roles().alice_row().user_disabled);
}

#[test]
fn look_alike_names_are_different_things() {
    let names =
        ["ORDERS", "\"orders\"", "\"Orders\"", "\"ORDERS \"", "\"S.ORDERS\"", "\"ORDERS\"\"\"", "COST$", "\"cost$\""];
    for granted in names {
        let world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A");
        let world = world.grant("SELECT", &format!("TABLE DB.S.{granted}"), "ROLE A");
        for asked in names {
            let verdict = world.verdict(Lens::All, "ALICE", "SELECT", &format!("TABLE DB.S.{asked}"));
            assert_eq!(verdict == Usable, granted == asked, "granted on {granted}, asked for {asked}");
        }
    }
    let world =
        World::new().grant("SELECT", "TABLE \"DB.S\".X.T", "USER ALICE").grant("USAGE", "DATABASE DB", "USER ALICE");
    assert_eq!(world.verdict(Lens::All, "ALICE", "SELECT", "TABLE \"DB.S\".X.T"), Unusable);
}

#[test]
fn functions_are_told_apart_by_their_argument_types() {
    let world =
        World::new().member("ROLE A", "USER ALICE").reach("ROLE A").grant("USAGE", "FUNCTION DB.S.F(NUMBER)", "ROLE A");
    for (asked, want) in [("F(NUMBER)", Usable), ("F()", No), ("F(VARCHAR)", No), ("F(NUMBER, NUMBER)", No)] {
        assert_eq!(world.verdict(Lens::All, "ALICE", "USAGE", &format!("FUNCTION DB.S.{asked}")), want, "{asked}");
    }
    assert_eq!(world.verdict(Lens::All, "ALICE", "USAGE", "PROCEDURE DB.S.F(NUMBER)"), No);
}

#[test]
fn a_type_spelled_otherwise_is_the_same_object() {
    let world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A").listed("DYNAMIC_TABLE DB.S.D");
    let world = world.grant("SELECT", "TABLE DB.S.D", "ROLE A").grant("USAGE", "VOLUME V", "ROLE A");
    assert_eq!(world.verdict(Lens::All, "ALICE", "SELECT", "DYNAMIC_TABLE DB.S.D"), Usable);
    assert_eq!(world.verdict(Lens::All, "ALICE", "USAGE", "EXTERNAL_VOLUME V"), Usable);
}

// Chains, and what is odd.

/// k diamonds in a row, 3k + 1 roles: `R0` on top, each next one below by two ways.
fn diamonds(k: usize) -> World {
    let mut world = World::new().member("ROLE R0", "USER ALICE").grant("SELECT", "TABLE DB.S.T", &format!("ROLE R{k}"));
    for i in 0..k {
        for side in ["A", "B"] {
            let (top, middle, bottom) = (format!("ROLE R{i}"), format!("ROLE R{i}{side}"), format!("ROLE R{}", i + 1));
            world = world.member(&middle, &top).member(&bottom, &middle);
        }
    }
    world
}

#[test]
fn twenty_diamonds_have_a_million_chains_and_a_shortest_one() {
    let world = diamonds(20);
    let oracle = world.oracle();
    let why = oracle.why(&who("USER ALICE"), &Privilege::SELECT, &what("TABLE DB.S.T"), Lens::All);
    assert_eq!((why.shortest, why.chains, why.carriers.len()), (Some(41), Some(1_048_576), 1));
    assert_eq!(oracle.roles.len(), 62, "61 and PUBLIC");
    assert!(oracle.redundant_memberships().is_empty(), "a diamond has two ways, none of them a short cut");
}

#[test]
fn chains_end_at_every_carrier_and_parallel_grantors_are_one() {
    let world = World::new()
        .member("ROLE A", "USER ALICE")
        .member("ROLE B", "ROLE A")
        .member("ROLE B", "USER ALICE")
        .grant("SELECT", "TABLE DB.S.T", "ROLE A")
        .grant("SELECT", "TABLE DB.S.T", "ROLE B")
        .grant_by("SELECT", "TABLE DB.S.T", "ROLE B", "ROLE OTHER", false)
        .grant("SELECT", "TABLE DB.S.T", "ROLE PUBLIC");
    let why =
        |world: &World| world.oracle().why(&who("USER ALICE"), &Privilege::SELECT, &what("TABLE DB.S.T"), Lens::All);
    // ALICE-A, ALICE-A-B, ALICE-B, ALICE-PUBLIC.
    assert_eq!((why(&world).shortest, why(&world).chains), (Some(1), Some(4)));
    let world = world.grant("SELECT", "TABLE DB.S.T", "USER ALICE");
    assert_eq!((why(&world).shortest, why(&world).chains), (Some(0), Some(5)));
    let nothing = world.oracle().why(&who("USER ALICE"), &Privilege::new("INSERT"), &what("TABLE DB.S.T"), Lens::All);
    assert_eq!((nothing.carriers.len(), nothing.shortest, nothing.chains), (0, None, Some(0)));
}

#[test]
fn a_long_chain_is_followed_to_its_end() {
    let mut world =
        World::new().member("ROLE R0", "USER ALICE").reach("ROLE R300").grant("SELECT", "TABLE DB.S.T", "ROLE R300");
    for i in 0..300 {
        world = world.member(&format!("ROLE R{}", i + 1), &format!("ROLE R{i}"));
    }
    assert_eq!(world.alice_reads(), Usable);
    let why = world.oracle().why(&who("USER ALICE"), &Privilege::SELECT, &what("TABLE DB.S.T"), Lens::All);
    assert_eq!((why.shortest, why.chains), (Some(301), Some(1)));
}

#[test]
fn a_membership_implied_by_another_path_is_redundant() {
    let world = World::new()
        .member("ROLE B", "ROLE A")
        .member("ROLE C", "ROLE B")
        .member("ROLE C", "ROLE A")
        .member("ROLE A", "USER ALICE")
        .member("ROLE C", "USER ALICE");
    let redundant: Vec<_> = world.oracle().redundant_memberships().into_iter().collect();
    assert_eq!(redundant, [(who("ROLE C"), who("ROLE A")), (who("ROLE C"), who("USER ALICE"))]);
}

#[test]
fn orphans_and_roles_outside_sysadmin() {
    let world = World::new()
        .member("ROLE IN", "ROLE SYSADMIN")
        .member("ROLE SYSADMIN", "ROLE ACCOUNTADMIN")
        .member("DATABASE_ROLE DB.R", "ROLE IN")
        .member("ROLE OUT", "USER ALICE")
        .member("ROLE EVERYBODYS", "ROLE PUBLIC");
    let names = |set: std::collections::BTreeSet<Principal>| set.iter().map(Principal::shown).collect::<Vec<_>>();
    assert_eq!(names(world.oracle().not_under_sysadmin()), ["EVERYBODYS", "OUT"]);
    assert_eq!(names(world.oracle().reachable_by_nobody()), ["ACCOUNTADMIN", "IN", "SYSADMIN", "DB.R"]);
    assert_eq!(world.oracle().activatable(&who("USER ALICE")).len(), 3, "OUT, EVERYBODYS, PUBLIC");
    assert!(world.oracle().role_closure().contains(&(Principal::role(id("ACCOUNTADMIN")), who("DATABASE_ROLE DB.R"))));
}
