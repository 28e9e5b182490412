//! CREATE, ALTER, DROP, UNDROP, COMMENT ON and USE.

use super::ast::{AlterAction, Create, Kind, Named, Setting, Use, Value, Verb};
use super::cursor::Cursor;
use super::error::ParseError;
use super::grants::named;
use super::words::{MODIFIERS, nearest};
use crate::model::{ObjectType, Property};
use sqlparser::tokenizer::Token;

type Parsed<T> = Result<T, ParseError>;

/// Properties of a user that Snowflake has besides [`Property`] (`CREATE USER`, `ALTER USER`). Session parameters
/// may be set on a user too; a name is refused only when it looks like a slip of a known one.
const USER_SETTINGS: &[&str] = &[
    "ALLOWED_INTERFACES",
    "CUSTOM_LANDING_PAGE_URL",
    "DAYS_TO_EXPIRY",
    "DISABLE_MFA",
    "FIRST_NAME",
    "LAST_NAME",
    "MIDDLE_NAME",
    "MINS_TO_BYPASS_MFA",
    "MINS_TO_UNLOCK",
    "MUST_CHANGE_PASSWORD",
    "NETWORK_POLICY",
    "PASSWORD",
    "RSA_PUBLIC_KEY",
    "RSA_PUBLIC_KEY_2",
    "WORKLOAD_IDENTITY",
];

pub(super) fn create(c: &mut Cursor) -> Parsed<Kind> {
    let or_replace = c.take(&["OR", "REPLACE"]);
    let mut modifiers = Vec::new();
    while let Some(word) = c.take_one(MODIFIERS) {
        modifiers.push(word.to_owned());
    }
    let words = c.words(4);
    let head = type_and_flag(c, &["IF", "NOT", "EXISTS"])?;
    let (object_type, if_not_exists) = head;
    if or_replace && if_not_exists {
        return Err(ParseError::new(c.at(), "IF NOT EXISTS", "not both OR REPLACE and IF NOT EXISTS"));
    }
    let name = c.name()?;
    let signature = if object_type.has_signature() { c.signature()? } else { None };
    if object_type.has_signature() && signature.is_none() {
        return Err(c.expected("arguments in parentheses"));
    }
    if words.first().is_some_and(|w| w == "EXTERNAL") && object_type.as_str() == "INTEGRATION" {
        modifiers.push("EXTERNAL ACCESS".to_owned());
    }
    let mut create = Create {
        object: Named { object_type, name, signature },
        or_replace,
        if_not_exists,
        copy_grants: false,
        managed_access: false,
        from_share: false,
        copy_of: None,
        settings: Vec::new(),
        modifiers,
    };
    tail(c, &mut create)?;
    Ok(Kind::Create(create))
}

/// `<type> [IF [NOT] EXISTS]`: the type of the catalogue and whether the flag stands there.
fn type_and_flag(c: &mut Cursor, flag: &[&str]) -> Parsed<(ObjectType, bool)> {
    let words = c.words(5);
    if let Some((count, object_type)) = super::words::longest_type(&words) {
        (0..count).for_each(|_| c.skip());
        return Ok((object_type, c.take(flag)));
    }
    let near = (1..=words.len().min(3)).rev().find_map(|n| super::words::near_type(&words.get(..n)?.join(" ")));
    Err(c.expected("an object type").suggest(near))
}

/// What follows the name: settings at the top level, groups and words that access control does not depend on, a body.
fn tail(c: &mut Cursor, create: &mut Create) -> Parsed<()> {
    let strict = matches!(
        create.object.object_type.as_str(),
        "ROLE" | "DATABASE_ROLE" | "APPLICATION_ROLE" | "USER" | "SCHEMA" | "DATABASE" | "WAREHOUSE" | "SHARE"
    );
    while !c.is_end() {
        if c.take(&["COPY", "GRANTS"]) {
            create.copy_grants = true;
        } else if c.take(&["WITH", "MANAGED", "ACCESS"]) {
            if create.object.object_type != ObjectType::SCHEMA {
                return Err(ParseError::new(c.at(), "WITH MANAGED ACCESS", "it on a schema only"));
            }
            create.managed_access = true;
        } else if c.word_at(0).is_some() && c.peek_at(1) == Some(&Token::Eq) {
            create.settings.push(setting(c, &create.object.object_type)?);
        } else if c.sees(&["COMMENT"]) && matches!(c.peek_at(1), Some(Token::SingleQuotedString(_))) {
            let at = c.at();
            c.skip();
            create.settings.push(Setting { name: "COMMENT".to_owned(), value: Value::Text(c.text()?), at });
        } else if c.take(&["FROM", "SHARE"]) {
            create.from_share = true;
            c.name()?;
        } else if (c.sees(&["CLONE"]) || c.sees(&["LIKE"])) && matches!(c.peek_at(1), Some(Token::Word(_))) {
            let word = c.word_at(0).unwrap_or_default();
            c.skip();
            create.copy_of = Some((word, c.name()?));
        } else if c.take(&["AS"]) {
            body(c, &create.object.object_type)?;
        } else if c.take(&["EXECUTE", "AS"]) {
            c.ident()?;
        } else if c.take(&["WITH", "TAG"]) || c.take(&["TAG"]) || (c.peek() == Some(&Token::LParen) && !strict) {
            c.group()?;
        } else if c.peek() == Some(&Token::RParen) {
            return Err(c.expected("no `)` without its `(`"));
        } else if strict && !c.take(&["WITH"]) && !c.take_token(&Token::Comma) {
            if c.word_at(0).is_some() && c.peek_at(1).is_none_or(|t| *t != Token::Eq) && c.word_at(1).is_none() {
                let what = format!("`=` and a value after {}", c.word_at(0).unwrap_or_default());
                c.skip();
                return Err(c.expected(&what));
            }
            return Err(c.expected_words(&["COMMENT = '...'", "another property", "the end of the statement"]));
        } else if !strict {
            no_new_statement(c)?;
            c.skip();
        }
    }
    Ok(())
}

/// What follows AS: a literal for functions and procedures, any one statement for a task, else a query.
fn body(c: &mut Cursor, object_type: &ObjectType) -> Parsed<()> {
    match object_type.as_str() {
        "FUNCTION" | "PROCEDURE" => c.text().map(|_| ()),
        "TASK" => c.body(),
        _ => {
            while !c.is_end() {
                no_new_statement(c)?;
                c.chunk()?;
            }
            Ok(())
        }
    }
}

/// A forgotten `;` must not make the next statement part of this one.
fn no_new_statement(c: &Cursor) -> Parsed<()> {
    match c.word_at(0).as_deref() {
        Some("GRANT" | "REVOKE" | "CREATE" | "ALTER" | "DROP") => Err(c.expected("`;` before the next statement")),
        _ => Ok(()),
    }
}

fn setting(c: &mut Cursor, object_type: &ObjectType) -> Parsed<Setting> {
    let at = c.at();
    let name = c.word_at(0).ok_or_else(|| c.expected("a property"))?;
    check_setting(&name, object_type).map_err(|near| {
        ParseError::new(at, &name, format!("a property of a {}", object_type.sql())).suggest(Some(near))
    })?;
    c.skip();
    c.need_token(&Token::Eq)?;
    let value = c.value()?;
    let value = if name == "PASSWORD" { Value::Secret } else { value };
    Ok(Setting { name, value, at })
}

/// A name that looks like a slip of a property of users is refused with the right one.
fn check_setting(name: &str, object_type: &ObjectType) -> Result<(), String> {
    if *object_type != ObjectType::USER {
        return Ok(());
    }
    let known = || Property::ALL.iter().map(|p| p.as_str()).chain(USER_SETTINGS.iter().copied());
    if known().any(|k| k == name) {
        return Ok(());
    }
    nearest(name, known()).map_or(Ok(()), |near| Err(near.to_owned()))
}

/// What may follow in `ALTER <type> <name> ...` without changing access control.
const OTHER_ACTIONS: &[&str] = &[
    "ABORT",
    "ADD",
    "ALTER",
    "CLUSTER",
    "CONVERT",
    "DROP",
    "EXECUTE",
    "MODIFY",
    "MOVE",
    "PRIMARY",
    "RECLUSTER",
    "REFRESH",
    "REMOVE",
    "RESET",
    "RESUME",
    "ROTATE",
    "SEARCH",
    "SUSPEND",
    "WITH",
];

pub(super) fn alter(c: &mut Cursor) -> Parsed<Kind> {
    if c.take(&["SESSION"]) {
        c.body()?;
        return Ok(Kind::Other(Verb::Session));
    }
    if c.take(&["ACCOUNT"]) {
        c.body()?;
        return Ok(Kind::Other(Verb::Account));
    }
    while c.take_one(MODIFIERS).is_some() {}
    let (object, if_exists) = existing(c)?;
    let object_type = object.object_type.clone();
    let action = if c.take(&["RENAME", "TO"]) {
        AlterAction::Rename(c.name()?)
    } else if c.take(&["SWAP", "WITH"]) {
        AlterAction::Swap(c.name()?)
    } else if c.take(&["ENABLE", "MANAGED", "ACCESS"]) {
        AlterAction::ManagedAccess(true)
    } else if c.take(&["DISABLE", "MANAGED", "ACCESS"]) {
        AlterAction::ManagedAccess(false)
    } else if c.take(&["SET"]) {
        set(c, &object_type)?
    } else if c.take(&["UNSET"]) {
        unset(c, &object_type)?
    } else if c.sees(&["RENAME", "COLUMN"]) {
        c.body()?;
        AlterAction::Other("RENAME COLUMN".to_owned())
    } else if let Some(word) = c.word_at(0).filter(|w| OTHER_ACTIONS.contains(&w.as_str())) {
        c.body()?;
        AlterAction::Other(word)
    } else {
        let mut words = vec!["SET", "UNSET", "RENAME TO"];
        if object_type == ObjectType::SCHEMA {
            words.extend(["ENABLE", "DISABLE"]);
        }
        return Err(c.expected_words(&words));
    };
    c.need_end()?;
    Ok(Kind::Alter { object, if_exists, action })
}

fn set(c: &mut Cursor, object_type: &ObjectType) -> Parsed<AlterAction> {
    if c.sees(&["TAG"]) || (c.word_at(0).is_some() && c.peek_at(1) != Some(&Token::Eq)) {
        // SET TAG a = 'b', SET MASKING POLICY p, SET PASSWORD POLICY p: attachments, not access control.
        let word = c.words(2).join(" ");
        let known = ["TAG", "POLICY", "DATA", "LOGGING", "SESSION", "PASSWORD", "AUTHENTICATION", "CONTACT"];
        if !c.words(3).iter().any(|w| known.contains(&w.as_str())) {
            c.skip();
            return Err(c.expected("`=` and a value"));
        }
        c.body()?;
        return Ok(AlterAction::Other(format!("SET {word}")));
    }
    let mut settings = Vec::new();
    loop {
        settings.push(setting(c, object_type)?);
        c.take_token(&Token::Comma);
        if c.is_end() {
            return Ok(AlterAction::Set(settings));
        }
    }
}

fn unset(c: &mut Cursor, object_type: &ObjectType) -> Parsed<AlterAction> {
    if c.sees(&["TAG"]) || c.words(3).iter().any(|w| w == "POLICY") {
        let words = c.words(2).join(" ");
        c.body()?;
        return Ok(AlterAction::Other(format!("UNSET {words}")));
    }
    let mut names = Vec::new();
    loop {
        let at = c.at();
        let name = c.word_at(0).ok_or_else(|| c.expected("a property"))?;
        check_setting(&name, object_type)
            .map_err(|near| ParseError::new(at, &name, "a property").suggest(Some(near)))?;
        c.skip();
        names.push((name, at));
        c.take_token(&Token::Comma);
        if c.is_end() {
            return Ok(AlterAction::Unset(names));
        }
    }
}

/// `<type> [IF EXISTS] <name> [(types)]`
fn existing(c: &mut Cursor) -> Parsed<(Named, bool)> {
    let (object_type, if_exists) = type_and_flag(c, &["IF", "EXISTS"])?;
    let name = c.name()?;
    let signature = if object_type.has_signature() { c.signature()? } else { None };
    Ok((Named { object_type, name, signature }, if_exists))
}

pub(super) fn drop(c: &mut Cursor) -> Parsed<Kind> {
    while c.take_one(MODIFIERS).is_some() {}
    let (object, if_exists) = existing(c)?;
    c.take_one(&["CASCADE", "RESTRICT"]);
    c.need_end()?;
    Ok(Kind::Drop { object, if_exists })
}

pub(super) fn undrop(c: &mut Cursor) -> Parsed<Kind> {
    let (object, _) = existing(c)?;
    c.need_end()?;
    Ok(Kind::Undrop(object))
}

/// `COMMENT [IF EXISTS] ON <type> <name> IS '...'`
pub(super) fn comment(c: &mut Cursor) -> Parsed<Kind> {
    let if_exists = c.take(&["IF", "EXISTS"]);
    c.need("ON")?;
    let object = named(c, false)?;
    let at = c.at();
    c.need("IS")?;
    let value = Value::Text(c.text()?);
    c.need_end()?;
    let settings = vec![Setting { name: "COMMENT".to_owned(), value, at }];
    Ok(Kind::Alter { object, if_exists, action: AlterAction::Set(settings) })
}

pub(super) fn use_(c: &mut Cursor) -> Parsed<Kind> {
    let named = |c: &Cursor| matches!(c.peek_at(1), Some(Token::Word(_)));
    let what = if c.take(&["SECONDARY", "ROLES"]) || c.take(&["SECONDARY", "ROLE"]) {
        match c.take_one(&["ALL", "NONE"]) {
            Some(word) => Use::SecondaryRoles { all: word == "ALL" },
            None => return Err(c.expected_words(&["ALL", "NONE"])),
        }
    } else if c.sees(&["ROLE"]) && named(c) {
        c.skip();
        Use::Role(c.name()?)
    } else if c.sees(&["WAREHOUSE"]) && named(c) {
        c.skip();
        Use::Warehouse(c.name()?)
    } else if c.sees(&["SCHEMA"]) && named(c) {
        c.skip();
        Use::Schema(c.name()?)
    } else {
        if c.sees(&["DATABASE"]) && named(c) {
            c.skip();
        }
        let name = c.name()?;
        // `USE a.b` is a schema, `USE a` a database.
        if name.parts.len() > 1 { Use::Schema(name) } else { Use::Database(name) }
    };
    c.need_end()?;
    Ok(Kind::Use(what))
}
