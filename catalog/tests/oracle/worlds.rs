//! The worlds of `tests/worlds`: accounts as Snowflake SQL, and what must be true in them. `README.md` there has the
//! format.

mod text;

use super::compare::effective_privileges;
use super::privileges::{EffectivePrivilege, Source};
use super::{Lens, Oracle};
use grantd_catalog::account::Account;
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal, Privilege, qualified};
use grantd_catalog::sql::parse_changes;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What an assertion says about a user, a privilege and an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    Can,
    GrantedButUnusable,
    Cannot,
}

/// One line after the `---`.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    pub(crate) line: String,
    pub(crate) lens: Lens,
    pub(crate) expected: Expected,
    pub(crate) user: Principal,
    pub(crate) privilege: Privilege,
    pub(crate) object: ObjectRef,
    pub(crate) with: Vec<(String, String)>,
}

/// One file.
pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) account: Account,
    pub(crate) assertions: Vec<Assertion>,
}

/// Every world, by name; for one that cannot be made, why.
pub(crate) fn worlds() -> Vec<Result<World, String>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    text::worlds_in(&folder).into_iter().map(|read| made(read?)).collect()
}

fn made(world: text::World) -> Result<World, String> {
    let name = world.name;
    let mut account = Account::new("WORLD");
    for change in parse_changes(&world.sql, &account).map_err(|e| format!("{name}: {e}"))? {
        account.apply(&change, None).map_err(|e| format!("{name}: {change:?}: {e}"))?;
    }
    let read = |a: text::Assertion| {
        let line = a.line.clone();
        assertion(a).ok_or_else(|| format!("{name}: not an assertion: {line}"))
    };
    let assertions = world.assertions.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(World { name, account, assertions })
}

fn assertion(a: text::Assertion) -> Option<Assertion> {
    let lens = match a.lens {
        "all" => Lens::All,
        "default" => Lens::Default,
        "primary" => Lens::Primary,
        _ => return None,
    };
    let expected = match a.expected {
        "can" => Expected::Can,
        "granted-but-unusable" => Expected::GrantedButUnusable,
        "cannot" => Expected::Cannot,
        _ => return None,
    };
    let user = Principal::user(Ident::new(a.user).ok()?);
    let object = object(&a.object_type, &a.object)?;
    Some(Assertion {
        line: a.line,
        lens,
        expected,
        user,
        privilege: Privilege::new(&a.privilege),
        object,
        with: a.with,
    })
}

fn object(object_type: &str, name: &str) -> Option<ObjectRef> {
    let object_type = ObjectType::new(object_type);
    let (name, types) = match name.strip_suffix(')').filter(|_| object_type.has_signature()) {
        Some(name) => name.rsplit_once('(').map(|(name, types)| (name, Some(types)))?,
        None => (name, None),
    };
    let mut parts: Vec<Ident> = qualified(name).ok()?;
    let name = parts.pop()?;
    let mut scope = parts.into_iter();
    let object = ObjectRef { database: scope.next(), schema: scope.next(), object_type, name, signature: None };
    Some(match types {
        Some(types) => object.with_signature(types),
        None => object,
    })
}

/// Whether a row of effective privileges is what an assertion says; what is wrong otherwise.
fn check(assertion: &Assertion, row: Option<&EffectivePrivilege>) -> Result<(), String> {
    let found = match row {
        None => Expected::Cannot,
        Some(row) if row.usable => Expected::Can,
        Some(_) => Expected::GrantedButUnusable,
    };
    if found != assertion.expected {
        return Err(format!("{}: it is {found:?}", assertion.line));
    }
    for (name, value) in &assertion.with {
        let row = row.ok_or_else(|| format!("{}: there is no row", assertion.line))?;
        let is = match name.as_str() {
            "source" => match row.source {
                Source::Grant => "grant",
                Source::User => "user",
                Source::Inherited => "inherited",
                Source::Ownership => "ownership",
                Source::Public => "public",
            }
            .to_owned(),
            "grant_option" => row.grant_option.to_string(),
            "usage_missing" => row.usage_missing.to_string(),
            "user_disabled" => row.user_disabled.to_string(),
            "role_count" => row.role_count.to_string(),
            _ => return Err(format!("{}: no column {name}", assertion.line)),
        };
        if is != *value {
            return Err(format!("{}: {name} is {is}", assertion.line));
        }
    }
    Ok(())
}

/// Every assertion of every world against what `effective` says of an account under a lens.
fn check_all(effective: impl Fn(&Account, Lens) -> BTreeSet<EffectivePrivilege>) {
    let worlds = worlds();
    assert!(worlds.len() >= 54, "only {} worlds were found", worlds.len());
    let mut wrong = Vec::new();
    for world in worlds {
        match world {
            Ok(world) => wrong.extend(wrong_in(&world, &effective)),
            Err(why) => wrong.push(why),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong_in(world: &World, effective: impl Fn(&Account, Lens) -> BTreeSet<EffectivePrivilege>) -> Vec<String> {
    let mut wrong = Vec::new();
    for assertion in &world.assertions {
        let rows = effective(&world.account, assertion.lens);
        let row = rows.iter().find(|row| {
            row.user == assertion.user && row.privilege == assertion.privilege && row.object == assertion.object
        });
        // A name that is misspelled would be a "cannot" that cannot fail.
        let object = world.account.object(&assertion.object).map(|(known, _)| known);
        let of_principal =
            Principal::from_object(&assertion.object).and_then(|p| world.account.principal(&p)).is_some();
        if world.account.principal(&assertion.user).is_none() || !(object == Some(&assertion.object) || of_principal) {
            wrong.push(format!("{}: {}: no such user or object", world.name, assertion.line));
        }
        if let Err(why) = check(assertion, row) {
            wrong.push(format!("{}: {why}", world.name));
        }
    }
    wrong
}

#[test]
fn the_oracle_agrees_with_every_world() {
    check_all(|account, lens| Oracle::new(account).effective_privileges(lens));
}

#[test]
fn the_engine_agrees_with_every_world() {
    check_all(|account, lens| effective_privileges(account, lens).unwrap());
}
