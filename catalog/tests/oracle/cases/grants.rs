//! Ownership, grants and names.

use super::*;

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

#[test]
fn manage_grants_gives_no_data() {
    let world = World::new().member("ROLE A", "USER ALICE").grant("MANAGE GRANTS", "ACCOUNT ACCOUNT", "ROLE A");
    assert_eq!(world.alice_reads(), No);
    assert_eq!(world.verdict(Lens::All, "ALICE", "MANAGE GRANTS", "ACCOUNT ACCOUNT"), Usable);
}

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
