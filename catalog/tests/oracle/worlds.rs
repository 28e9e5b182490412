//! The worlds of `tests/worlds`: accounts as Snowflake SQL, and what must be true in them. `README.md` there has the
//! format.

use super::privileges::{EffectivePrivilege, Source};
use super::{Lens, Oracle};
use grantd_catalog::account::Account;
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Principal, Privilege, qualified};
use grantd_catalog::sql::parse_changes;
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

/// Every world, by name.
pub(crate) fn worlds() -> Vec<World> {
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

fn world(name: String, text: &str) -> World {
    let (sql, assertions) = text.split_once("\n---\n").unwrap_or_else(|| panic!("{name}: no line ---"));
    let mut account = Account::new("WORLD");
    let changes = parse_changes(sql, &account).unwrap_or_else(|e| panic!("{name}: {e}"));
    for change in changes {
        account.apply(&change).unwrap_or_else(|e| panic!("{name}: {change:?}: {e}"));
    }
    let mut lens = Lens::All;
    let mut read = Vec::new();
    for line in assertions.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        match line {
            "lens all" => lens = Lens::All,
            "lens default" => lens = Lens::Default,
            "lens primary" => lens = Lens::Primary,
            _ => read.push(assertion(line, lens).unwrap_or_else(|| panic!("{name}: not an assertion: {line}"))),
        }
    }
    World { name, account, assertions: read }
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

#[test]
fn the_oracle_agrees_with_every_world() {
    let worlds = worlds();
    assert!(worlds.len() >= 50, "only {} worlds were found", worlds.len());
    let mut wrong = Vec::new();
    for world in &worlds {
        assert!(!world.assertions.is_empty(), "{} asserts nothing", world.name);
        let oracle = Oracle::new(&world.account);
        for assertion in &world.assertions {
            let rows = oracle.effective_privileges(assertion.lens);
            let row = rows.iter().find(|row| {
                row.user == assertion.user && row.privilege == assertion.privilege && row.object == assertion.object
            });
            let exists = world.account.principal(&assertion.user).is_some()
                && world.account.object(&assertion.object).is_none_or(|(known, _)| *known == assertion.object);
            if !exists {
                wrong.push(format!("{}: {}: no such user, or an object of another type", world.name, assertion.line));
            }
            if let Err(why) = check(assertion, row) {
                wrong.push(format!("{}: {why}", world.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
