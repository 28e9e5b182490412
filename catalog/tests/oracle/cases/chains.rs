//! Chains of memberships, and what is odd in an account.

use super::*;

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
    assert_eq!(why.by_membership, Chains { shortest: Some(41), count: Some(1_048_576) });
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
    // ALICE-A, ALICE-A-B, ALICE-B; ALICE-PUBLIC.
    assert_eq!(why(&world).by_membership, Chains { shortest: Some(1), count: Some(3) });
    assert_eq!(why(&world).through_public, Chains { shortest: Some(1), count: Some(1) });
    let world = world.grant("SELECT", "TABLE DB.S.T", "USER ALICE");
    assert_eq!(why(&world).by_membership, Chains { shortest: Some(0), count: Some(4) });
    let nothing = world.oracle().why(&who("USER ALICE"), &Privilege::new("INSERT"), &what("TABLE DB.S.T"), Lens::All);
    assert_eq!((nothing.carriers.len(), nothing.by_membership), (0, Chains { shortest: None, count: Some(0) }));
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
    assert_eq!(why.by_membership, Chains { shortest: Some(301), count: Some(1) });
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
    assert!(world.oracle().role_closure().contains(&(who("ROLE ACCOUNTADMIN"), who("DATABASE_ROLE DB.R"))));
}
