//! A statement is done whole or not at all.

use super::super::{Planner, Step};
use super::{SMALL, World};
use crate::sandbox::engine::roles::{Active, ActiveRoles};
use crate::sandbox::engine::state::State;
use grantd_catalog::model::{Ident, ObjectRef, ObjectType};
use grantd_catalog::sql::parse_script;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// Everything that statements change, in words.
fn everything(state: &State) -> Vec<String> {
    let account = &state.account;
    let mut rows: Vec<String> = account.grants().map(|g| format!("{g:?}")).collect();
    rows.extend(account.memberships().map(|m| format!("{m:?}")));
    rows.extend(account.ownerships().map(|o| format!("{o:?}")));
    rows.extend(account.container_grants().map(|g| format!("{g:?}")));
    rows.extend(account.principals().map(|p| format!("{p:?}")));
    rows.extend(account.objects().map(|o| format!("{o:?}")));
    rows.extend(account.principals().flat_map(|(p, _)| account.roles_of(p)).map(|m| format!("of {m:?}")));
    rows.extend(state.keys.iter().map(|k| format!("{k:?}")));
    rows.extend(state.external.iter().map(|o| format!("external {o:?}")));
    rows.sort();
    rows.push(format!("{:?} {} {}", state.removed, state.inherited_grants, state.memberships));
    rows
}

const ROLES: &[&str] = &["A", "B", "C", "ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN", "NONE", "N1", "N2"];
const GRANTEES: &[&str] =
    &["ROLE A", "ROLE B", "ROLE C", "USER U", "DATABASE ROLE D.R", "ROLE N1", "ROLE NONE", "USER V"];
const OBJECTS: &[&str] =
    &["TABLE D.S.T", "TABLE D.S.N", "SCHEMA D.S", "SCHEMA D.N", "DATABASE D", "DATABASE N", "WAREHOUSE W"];
const PRIVILEGES: &[&str] =
    &["SELECT", "USAGE", "INSERT, SELECT", "ALL", "CREATE TABLE", "MANAGE GRANTS", "OWNERSHIP", "MODIFY"];
const PLACES: &[&str] = &["SCHEMA D.S", "SCHEMA D.N", "DATABASE D", "DATABASE N", "DATABASE SNOWFLAKE", "ACCOUNT"];
const PLURALS: &[&str] = &["TABLES", "SCHEMAS", "VIEWS", "TAGS"];

fn statement(random: &mut StdRng) -> String {
    let mut one = |of: &[&str]| of.choose(random).map(|s| (*s).to_owned()).unwrap_or_default();
    let role = one(ROLES);
    let (grantee, object, privilege) = (one(GRANTEES), one(OBJECTS), one(PRIVILEGES));
    let (place, plural) = (one(PLACES), one(PLURALS));
    let scope = one(&["ALL", "FUTURE"]);
    let option = one(&["", "", " WITH GRANT OPTION"]);
    let cascade = one(&["", " CASCADE", " RESTRICT"]);
    let outbound = one(&["", " COPY CURRENT GRANTS", " REVOKE CURRENT GRANTS"]);
    let target = one(&["ROLE A", "ROLE B", "ROLE C", "USER U", "DATABASE ROLE D.R", "ROLE NONE"]);
    let option = if privilege == "OWNERSHIP" { outbound.clone() } else { option };
    match random.random_range(0..16) {
        0..3 => format!("GRANT {privilege} ON {object} TO {grantee}{option}"),
        3..5 => format!("REVOKE {privilege} ON {object} FROM {grantee}{cascade}"),
        5 => format!("GRANT OWNERSHIP ON {object} TO {grantee}{outbound}"),
        6 => format!("GRANT {privilege} ON {scope} {plural} IN {place} TO {grantee}"),
        7 => format!("REVOKE {privilege} ON {scope} {plural} IN {place} FROM {grantee}"),
        8 => format!("GRANT ROLE {role} TO {target}"),
        9 => format!("REVOKE ROLE {role} FROM {target}"),
        10 => {
            let body = if object.starts_with("TABLE") { " (X INT) COPY GRANTS" } else { "" };
            format!("CREATE OR REPLACE {object}{body}")
        }
        11 => format!("CREATE {object}{}", if object.starts_with("TABLE") { " (X INT)" } else { "" }),
        12 => format!("DROP {object}"),
        13 => format!("CREATE ROLE {role}"),
        14 => format!("DROP ROLE {role}"),
        _ => {
            let (kind, name) = object.split_once(' ').unwrap_or_default();
            let to = name.rsplit_once('.').map_or("RENAMED".to_owned(), |(scope, _)| format!("{scope}.RENAMED"));
            format!("ALTER {kind} {name} RENAME TO {to}")
        }
    }
}

#[test]
fn a_failed_statement_leaves_no_trace_wherever_it_fails() {
    let (mut done, mut refused, mut undone) = (0, 0, 0);
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let world = World::new(SMALL);
        let feature = if seed % 2 == 0 { "ENABLED" } else { "DISABLED" };
        world.ok("ACCOUNTADMIN", &format!("ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = '{feature}'"));
        for _ in 0..150 {
            let sql = statement(&mut random);
            let Ok(parsed) = parse_script(&sql) else { continue };
            let role = *["ACCOUNTADMIN", "ACCOUNTADMIN", "SYSADMIN", "A", "B", "C"].choose(&mut random).unwrap();
            let before = everything(&world.engine.state());
            // What the statement would do, and then one thing more that fails.
            let session = world.session(role);
            let steps = {
                let state = world.engine.state();
                let roles = ActiveRoles::new(&state.account, &session.user, &session.role, false);
                let active = Active::of(&state.account, &roles);
                let (user, role, names) = (&session.user, &session.role, &session.names);
                Planner { account: &state.account, state: &state, active, user, role, names }.plan(&parsed[0], &sql)
            };
            if let Ok(plan) = steps {
                let nothing = ObjectRef::top(ObjectType::WAREHOUSE, Ident::new("NOTHING").unwrap());
                let mut steps = plan.steps;
                undone += steps.len();
                steps.push(Step::Rename { from: nothing.clone(), to: nothing });
                assert!(world.engine.state().carry_out(&steps).is_err(), "{sql}");
                assert_eq!(everything(&world.engine.state()), before, "seed {seed}: {role}: {sql}");
            }
            match world.run(role, &sql) {
                Ok(_) => done += 1,
                Err(failure) => {
                    assert_ne!(failure.code, "000603", "seed {seed}: {role}: {sql}: {failure}");
                    assert_eq!(everything(&world.engine.state()), before, "seed {seed}: {role}: {sql}: {failure}");
                    refused += 1;
                }
            }
        }
    }
    assert!(done > 200 && refused > 300 && undone > 300, "{done} done, {refused} refused, {undone} steps undone");
}

#[test]
fn the_active_roles_follow_what_the_session_itself_changes() {
    let world = World::new(SMALL);
    let mut session = world.session("A");
    let mut run = |sql: &str| {
        let parsed = parse_script(sql).unwrap();
        session.run(&parsed[0], sql).map(|_| ()).map_err(|failure| failure.code)
    };
    assert_eq!(run("GRANT INSERT ON TABLE D.S.T TO ROLE C"), Err("002003".to_owned()));
    world.ok("SECURITYADMIN", "GRANT ROLE B TO ROLE A");
    assert_eq!(run("GRANT INSERT ON TABLE D.S.T TO ROLE C"), Ok(()), "another session granted the role");
    world.ok("SECURITYADMIN", "REVOKE ROLE B FROM ROLE A");
    assert_eq!(run("GRANT INSERT ON TABLE D.S.T TO ROLE C"), Err("002003".to_owned()));
    world.ok("SECURITYADMIN", "GRANT OWNERSHIP ON ROLE B TO ROLE A");
    assert_eq!(run("GRANT ROLE B TO ROLE A"), Ok(()));
    assert_eq!(run("GRANT INSERT ON TABLE D.S.T TO ROLE C"), Ok(()), "the session granted it to itself");
    assert_eq!(run("REVOKE ROLE B FROM ROLE A"), Ok(()));
    assert_eq!(run("GRANT DELETE ON TABLE D.S.T TO ROLE C"), Err("002003".to_owned()));
}
