//! What the comparison is for is in what it compares: random accounts have everything odd.

use crate::random::{Fact, account, build, facts, smallest};
use crate::{Lens, Oracle};
use grantd_catalog::account::Account;
use grantd_catalog::model::Principal;
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
