//! What is active, and what reach takes.

use super::*;

#[test]
fn secondary_roles_are_all_unless_known_to_be_none() {
    assert_eq!(two_roles().by_lens(), [Usable, Usable, No]);
    assert_eq!(two_roles().set("USER ALICE", Property::DefaultSecondaryRoles, "ALL").by_lens(), [Usable, Usable, No]);
    assert_eq!(two_roles().set("USER ALICE", Property::DefaultSecondaryRoles, "").by_lens(), [Usable, No, No]);
}

#[test]
fn active_is_the_closure_of_primary_and_secondary_roles_and_public() {
    let world = two_roles()
        .member("ROLE BELOW_A", "ROLE A")
        .member("ROLE BELOW_B", "ROLE B")
        .member("ROLE BELOW_PUBLIC", "ROLE PUBLIC")
        .member("ROLE A", "ROLE ABOVE");
    let active = |world: &World, lens| {
        let roles = world.roles_of(lens, "ALICE").into_iter();
        roles.map(|(role, _)| role).collect::<Vec<_>>().join(" ")
    };
    let everything = "A B BELOW_A BELOW_B BELOW_PUBLIC PUBLIC";
    let primary = "A BELOW_A BELOW_PUBLIC PUBLIC";
    assert_eq!(Lens::ALL.map(|lens| active(&world, lens)), [everything, everything, primary]);
    let none = world.set("USER ALICE", Property::DefaultSecondaryRoles, "");
    assert_eq!(Lens::ALL.map(|lens| active(&none, lens)), [everything, primary, primary]);
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
