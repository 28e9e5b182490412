//! The worlds of `tests/worlds`: accounts as Snowflake SQL, and what must be true in them. `README.md` there has the
//! format.

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
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "world"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        world(name, &std::fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

fn world(name: String, text: &str) -> Result<World, String> {
    let (sql, assertions) = text.split_once("\n---\n").ok_or_else(|| format!("{name}: no line ---"))?;
    let mut account = Account::new("WORLD");
    for change in parse_changes(sql, &account).map_err(|e| format!("{name}: {e}"))? {
        account.apply(&change, None).map_err(|e| format!("{name}: {change:?}: {e}"))?;
    }
    let mut lens = Lens::All;
    let mut read = Vec::new();
    for line in assertions.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        match line {
            "lens all" => lens = Lens::All,
            "lens default" => lens = Lens::Default,
            "lens primary" => lens = Lens::Primary,
            _ => read.push(assertion(line, lens).ok_or_else(|| format!("{name}: not an assertion: {line}"))?),
        }
    }
    if read.is_empty() { Err(format!("{name} asserts nothing")) } else { Ok(World { name, account, assertions: read }) }
}

/// `can ALICE SELECT ON TABLE DB1.S.T with source=grant`
fn assertion(line: &str, lens: Lens) -> Option<Assertion> {
    let words = words(line);
    let on = words.iter().position(|word| word == "ON")?;
    let with = words.iter().position(|word| word == "with").unwrap_or(words.len());
    let expected = match words.first()?.as_str() {
        "can" => Expected::Can,
        "granted-but-unusable" => Expected::GrantedButUnusable,
        "cannot" => Expected::Cannot,
        _ => return None,
    };
    let user = Principal::user(qualified(words.get(1)?).ok()?.pop()?);
    let privilege = Privilege::new(&words.get(2..on)?.join(" "));
    let (name, object_type) = words.get(on + 1..with)?.split_last()?;
    let object = object(&object_type.join(" "), name)?;
    let pair = |word: &String| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
    let with = words.get(with..)?.iter().skip(1).map(pair).collect::<Option<_>>()?;
    Some(Assertion { line: line.to_owned(), lens, expected, user, privilege, object, with })
}

/// Splits at spaces outside of quotes and parentheses.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut depth) = (Vec::new(), String::new(), false, 0);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
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
    assert!(worlds.len() >= 52, "only {} worlds were found", worlds.len());
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
