//! Inherited grants.

use super::*;

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
