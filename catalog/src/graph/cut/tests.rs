//! Cuts on small accounts, and against every smaller set of revokes.

use super::*;
use crate::account::Account;
use crate::model::Privilege;
use crate::sql::account_made_by as account;
use std::fmt::Write;

fn frozen(account: &Account) -> Arc<Snapshot> {
    Arc::new(Snapshot::freeze(account, 0))
}

fn cut(s: &Arc<Snapshot>, lens: Lens) -> Result<Cut, CutError> {
    let user = s.resolve_user("ALICE").unwrap();
    let object = s.resolve_objects("DB.S.T")[0];
    let Some(privilege) = s.privilege_id("SELECT") else { return Err(CutError::NoAccess) };
    minimal_cut(s, lens, user, privilege, object)
}

fn sql(cut: &Cut) -> Vec<String> {
    cut.changes.iter().map(|c| crate::sql::render(c).unwrap()).collect()
}

const BASE: &str =
    "CREATE USER ALICE; CREATE USER BOB; CREATE DATABASE DB; CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (A INT);
    CREATE ROLE R0; CREATE ROLE R1; CREATE ROLE R2; CREATE ROLE R3;";

#[test]
fn two_readers_below_one_reach_are_cut_at_the_container() {
    let a = account(&format!(
        "{BASE} GRANT ROLE R0 TO USER ALICE; GRANT ROLE R1 TO USER ALICE; GRANT ROLE R2 TO USER ALICE;
         GRANT SELECT ON TABLE DB.S.T TO ROLE R0; GRANT SELECT ON TABLE DB.S.T TO ROLE R1;
         GRANT USAGE ON SCHEMA DB.S TO ROLE R0; GRANT USAGE ON SCHEMA DB.S TO ROLE R1; GRANT USAGE ON DATABASE DB TO ROLE R2"
    ));
    let cut = cut(&frozen(&a), Lens::All).unwrap();
    assert_eq!(cut.need, Need::Database);
    assert_eq!(sql(&cut), ["REVOKE ROLE \"R2\" FROM USER \"ALICE\""]);
}

#[test]
fn of_cuts_of_one_size_the_one_that_takes_from_the_fewest_others_is_chosen() {
    let a = account(&format!(
        "{BASE} GRANT SELECT ON TABLE DB.S.T TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB.S TO ROLE R1;
         GRANT USAGE ON DATABASE DB TO ROLE R2; GRANT ROLE R1 TO ROLE PUBLIC; GRANT ROLE R2 TO USER ALICE"
    ));
    let cut = cut(&frozen(&a), Lens::All).unwrap();
    assert_eq!(cut.need, Need::Database);
    assert_eq!(sql(&cut), ["REVOKE ROLE \"R2\" FROM USER \"ALICE\""]);
}

#[test]
fn ownership_is_no_revoke_and_no_access_is_no_cut() {
    let owner = "GRANT ROLE R0 TO USER ALICE; GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE R0 REVOKE CURRENT GRANTS;
        GRANT USAGE ON DATABASE DB TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB.S TO ROLE R0";
    let a = account(&format!("{BASE} {owner}"));
    assert_eq!(sql(&cut(&frozen(&a), Lens::All).unwrap()), ["REVOKE ROLE \"R0\" FROM USER \"ALICE\""]);
    let of_public = "GRANT OWNERSHIP ON TABLE DB.S.T TO ROLE PUBLIC REVOKE CURRENT GRANTS;
        GRANT OWNERSHIP ON SCHEMA DB.S TO ROLE PUBLIC; GRANT OWNERSHIP ON DATABASE DB TO ROLE PUBLIC;
        GRANT SELECT ON TABLE DB.S.T TO ROLE R1";
    let everyones = frozen(&account(&format!("{BASE} {of_public}")));
    assert_eq!(cut(&everyones, Lens::All).unwrap_err(), CutError::NotRevocable);
    let none = frozen(&account(&format!("{BASE} GRANT SELECT ON TABLE DB.S.T TO ROLE R1")));
    assert_eq!(cut(&none, Lens::All).unwrap_err(), CutError::NoAccess);
}

#[test]
fn a_grant_with_dependents_is_revoked_with_them() {
    let mut a = account(&format!(
        "{BASE} GRANT USAGE ON DATABASE DB TO ROLE PUBLIC; GRANT USAGE ON SCHEMA DB.S TO ROLE PUBLIC"
    ));
    for (to, by) in [("PUBLIC", None), ("R1", Some("PUBLIC"))] {
        let role = |name: &str| Principal::role(crate::model::Ident::new(name).unwrap());
        a.put_grant(crate::account::Grant {
            privilege: Privilege::SELECT,
            object: frozen(&a).object(frozen(&a).resolve_objects("DB.S.T")[0]),
            grantee: role(to),
            granted_by: by.map(role),
            grant_option: to == "PUBLIC",
            created_on: None,
        });
    }
    let cut = cut(&frozen(&a), Lens::All).unwrap();
    assert!(sql(&cut)[0].ends_with("CASCADE"), "{:?}", sql(&cut));
    assert!(cut.after.grants_on(cut.after.resolve_objects("DB.S.T")[0]).is_empty());
}

/// Every revoke that an account allows.
fn all_revokes(s: &Snapshot) -> Vec<Change> {
    let mut all: BTreeSet<Revoke> =
        s.memberships().iter().map(|m| Revoke::Membership { role: m.role, member: m.member }).collect();
    for object in 0..s.object_count() {
        let grants = s.grants();
        let grant = |row: u32| Revoke::Grant { privilege: grants.privilege(row), object, grantee: grants.grantee(row) };
        all.extend(s.grants_on(object).map(grant));
    }
    let inherited = s.container_grants().iter().zip(0..).filter(|(row, _)| row.reach == Reach::Inherited);
    all.extend(inherited.map(|(_, i)| Revoke::Inherited(i)));
    all.into_iter().filter_map(|r| change(s, r)).collect()
}

/// Whether some set of exactly `size` of the revokes ends the access.
fn some_set_ends(account: &Account, revokes: &[Change], size: usize, lens: Lens) -> bool {
    if size == 0 {
        return matches!(cut(&frozen(account), lens), Err(CutError::NoAccess));
    }
    (0..revokes.len()).any(|i| {
        let mut fewer = account.clone();
        fewer.apply(&revokes[i], None).unwrap();
        some_set_ends(&fewer, &revokes[i + 1..], size - 1, lens)
    })
}

#[test]
fn no_smaller_set_of_revokes_ends_an_access() {
    let mut sizes = [0; 5];
    for seed in 0..150_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let mut text = BASE.to_owned();
        for child in 0..4 {
            for parent in 0..child {
                if next(3) == 0 {
                    write!(text, "GRANT ROLE R{child} TO ROLE R{parent};").unwrap();
                }
            }
            if next(4) != 0 {
                write!(text, "GRANT ROLE R{child} TO USER ALICE;").unwrap();
            }
            for grant in
                ["SELECT ON TABLE DB.S.T", "USAGE ON SCHEMA DB.S", "USAGE ON DATABASE DB", "MONITOR ON SCHEMA DB.S"]
            {
                if next(2) == 0 {
                    write!(text, "GRANT {grant} TO ROLE R{child};").unwrap();
                }
            }
        }
        for (one_in, grant) in [
            (5, "SELECT ON TABLE DB.S.T TO USER ALICE"),
            (5, "INHERITED SELECT ON ALL TABLES IN DATABASE DB TO ROLE R1"),
            (5, "INHERITED USAGE ON ALL SCHEMAS IN DATABASE DB TO ROLE R2"),
            (5, "OWNERSHIP ON SCHEMA DB.S TO ROLE R3"),
            (6, "ROLE R2 TO ROLE PUBLIC"),
            (6, "USAGE ON DATABASE DB TO ROLE PUBLIC"),
        ] {
            if next(one_in) == 0 {
                write!(text, "GRANT {grant};").unwrap();
            }
        }
        let default = next(4);
        write!(text, "ALTER USER ALICE SET DEFAULT_ROLE = R{default}").unwrap();
        let account = account(&text);
        let s = frozen(&account);
        for lens in [Lens::All, Lens::Primary] {
            let revokes = all_revokes(&s);
            let size = match cut(&s, lens) {
                Err(CutError::NoAccess) => continue,
                Err(error) => {
                    assert_eq!(error, CutError::NotRevocable, "seed {seed}: {text}");
                    4
                }
                Ok(cut) => cut.changes.len(),
            };
            sizes[size.min(4)] += 1;
            for smaller in 0..size.min(4) {
                let ends = some_set_ends(&account, &revokes, smaller, lens);
                assert!(!ends, "seed {seed}, {lens}: {smaller} revokes do what {size} were called for\n{text}");
            }
        }
    }
    assert!(sizes[1] > 20 && sizes[2] > 10 && sizes[3] > 2, "{sizes:?}");
}
