//! The graph: roles, memberships, PUBLIC.

use super::*;

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
fn roles_of_an_instance_give_to_account_roles() {
    let [spend, other] = ["SPEND", "OTHER"].map(|instance| {
        let scope = qualified(&format!("DB.S.{instance}")).unwrap();
        Principal { kind: PrincipalKind::InstanceRole, scope, name: who("ROLE ADMIN").name }
    });
    let mut world = World::new().member("ROLE A", "USER ALICE").reach("ROLE A");
    for role in [&spend, &other] {
        world.0.put_grant(Grant {
            privilege: Privilege::new(if *role == spend { "SELECT" } else { "INSERT" }),
            object: what("TABLE DB.S.T"),
            grantee: role.clone(),
            granted_by: None,
            grant_option: false,
            created_on: None,
        });
    }
    assert_eq!(world.alice_reads(), No);
    world.0.put_membership(&Membership {
        role: spend,
        member: who("ROLE A"),
        granted_by: None,
        grant_option: false,
        builtin: false,
        created_on: None,
    });
    assert_eq!(world.alice_reads(), Usable);
    assert_eq!(world.verdict(Lens::All, "ALICE", "INSERT", "TABLE DB.S.T"), No, "of the other instance");
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
    assert_eq!(why.by_membership, Chains { shortest: Some(2), count: None });
}
