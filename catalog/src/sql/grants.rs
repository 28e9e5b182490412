//! GRANT and REVOKE.

use super::ast::{Form, Grantee, Kind, Named, Privileges, RoleName, Target, Within};
use super::cursor::Cursor;
use super::error::ParseError;
use super::words::{longest_plural, longest_type, near_plural, near_privilege, near_type};
use crate::model::{ObjectType, OutboundGrants, PrincipalKind, Privilege};
use sqlparser::tokenizer::Token;

type Parsed<T> = Result<T, ParseError>;

pub(super) fn grant(c: &mut Cursor) -> Parsed<Kind> {
    if let Some(role) = role_name(c)? {
        c.need("TO")?;
        let to = grantee(c)?;
        let grant_option = c.take(&["WITH", "GRANT", "OPTION"]);
        c.need_end()?;
        return Ok(Kind::GrantRole { role, to, grant_option });
    }
    let (privileges, form) = privileges(c)?;
    let target = target(c, form)?;
    c.need("TO")?;
    let to = grantee(c)?;
    if privileges == Privileges::List(vec![Privilege::OWNERSHIP]) && form == Form::default() {
        let outbound = match c.take_one(&["COPY", "REVOKE"]) {
            Some("COPY") => Some(OutboundGrants::Copy),
            Some(_) => Some(OutboundGrants::Revoke),
            None => None,
        };
        if outbound.is_some() && !c.take(&["CURRENT", "GRANTS"]) {
            return Err(c.expected_words(&["CURRENT GRANTS"]));
        }
        c.need_end()?;
        return Ok(Kind::GrantOwnership { target, to, outbound });
    }
    let grant_option = c.take(&["WITH", "GRANT", "OPTION"]);
    if form.inherited && grant_option {
        return Err(ParseError::new(c.at(), "WITH GRANT OPTION", "no grant option on an inherited grant"));
    }
    if !c.is_end() {
        return Err(c.expected_words(&["WITH GRANT OPTION"]));
    }
    Ok(Kind::GrantPrivileges { privileges, target, to, grant_option, form })
}

pub(super) fn revoke(c: &mut Cursor) -> Parsed<Kind> {
    if let Some(role) = role_name(c)? {
        c.need("FROM")?;
        let from = grantee(c)?;
        c.take_one(&["RESTRICT", "CASCADE"]);
        c.need_end()?;
        return Ok(Kind::RevokeRole { role, from });
    }
    let grant_option_for = c.take(&["GRANT", "OPTION", "FOR"]);
    let (privileges, form) = privileges(c)?;
    let target = target(c, form)?;
    c.need("FROM")?;
    let from = grantee(c)?;
    let at = c.at();
    let mode = c.take_one(&["RESTRICT", "CASCADE"]);
    if form.inherited && (mode.is_some() || grant_option_for) {
        return Err(ParseError::new(at, mode.unwrap_or("GRANT OPTION FOR"), "neither on an inherited grant"));
    }
    if !c.is_end() {
        return Err(c.expected_words(&["RESTRICT", "CASCADE"]));
    }
    Ok(Kind::RevokePrivileges { privileges, target, from, grant_option_for, cascade: mode == Some("CASCADE"), form })
}

/// `[DATABASE | APPLICATION | SERVICE | class] ROLE name`, if that is what comes next.
pub(super) fn role_name(c: &mut Cursor) -> Parsed<Option<RoleName>> {
    for (words, kind) in [
        (&["ROLE"][..], PrincipalKind::Role),
        (&["DATABASE", "ROLE"], PrincipalKind::DatabaseRole),
        (&["APPLICATION", "ROLE"], PrincipalKind::ApplicationRole),
    ] {
        if c.take(words) {
            return Ok(Some(RoleName::Role(kind, c.name()?)));
        }
    }
    let service = c.take(&["SERVICE", "ROLE"]);
    if !service && !class_role(c) {
        return Ok(None);
    }
    let instance = c.name()?;
    c.need_token(&Token::ExclamationMark)?;
    let role = c.ident()?;
    Ok(Some(if service { RoleName::Service(instance, role) } else { RoleName::Instance(instance, role) }))
}

/// Takes `A.B.CLASS ROLE` if it comes next.
fn class_role(c: &mut Cursor) -> bool {
    let mut ahead = 0;
    while c.word_at(ahead).is_some() && c.peek_at(ahead + 1) == Some(&Token::Period) {
        ahead += 2;
    }
    let found = ahead > 0 && c.word_at(ahead).is_some() && c.word_at(ahead + 1).as_deref() == Some("ROLE");
    if found {
        (0..ahead + 2).for_each(|_| c.skip());
    }
    found
}

fn privileges(c: &mut Cursor) -> Parsed<(Privileges, Form)> {
    let mut form = Form::default();
    let all = c.take(&["ALL"]);
    loop {
        if c.take(&["INHERITED"]) {
            form.inherited = true;
        } else if c.take(&["CALLER"]) {
            form.caller = true;
        } else {
            break;
        }
    }
    if all || c.take(&["ALL"]) {
        c.take(&["PRIVILEGES"]);
        if !c.sees(&["ON"]) {
            return Err(c.expected_words(&["PRIVILEGES", "ON"]));
        }
        return Ok((Privileges::All, form));
    }
    let mut list = Vec::new();
    loop {
        list.push(privilege(c)?);
        if !c.take_token(&Token::Comma) {
            break;
        }
    }
    if list.len() > 1 && list.contains(&Privilege::OWNERSHIP) {
        return Err(c.expected("OWNERSHIP alone, without other privileges"));
    }
    Ok((Privileges::List(list), form))
}

/// The words of one privilege, up to a comma or ON. Dots are part of it: `CREATE SNOWFLAKE.ML.FORECAST`.
fn privilege(c: &mut Cursor) -> Parsed<Privilege> {
    let at = c.at();
    let mut text = String::new();
    loop {
        match c.word_at(0) {
            Some(word) if word == "ON" && !text.is_empty() => break,
            Some(word) if !matches!(word.as_str(), "ON" | "TO" | "FROM" | "GRANT" | "REVOKE") => {
                if !text.is_empty() && !text.ends_with('.') {
                    text.push(' ');
                }
                text.push_str(&word);
                c.skip();
            }
            _ if !text.is_empty() && !text.ends_with('.') && c.take_token(&Token::Period) => text.push('.'),
            _ => break,
        }
    }
    if text.is_empty() || text.ends_with('.') {
        return Err(c.expected("a privilege"));
    }
    if let Some(near) = near_privilege(&text) {
        return Err(ParseError::new(at, &text, "a privilege").suggest(Some(near)));
    }
    Ok(Privilege::new(&text))
}

fn target(c: &mut Cursor, form: Form) -> Parsed<Target> {
    c.need("ON")?;
    if c.sees(&["ACCOUNT"]) && c.word_at(1).is_some_and(|w| w == "TO" || w == "FROM") {
        c.skip();
        return Ok(Target::Account);
    }
    for (word, all) in [("ALL", true), ("FUTURE", false)] {
        if c.take(&[word]) {
            let object_type = plural(c)?;
            let within = within(c, form.inherited)?;
            return Ok(if all { Target::All(object_type, within) } else { Target::Future(object_type, within) });
        }
    }
    if form.inherited {
        return Err(c.expected_words(&["ALL"]));
    }
    Ok(Target::Object(named(c, true)?))
}

pub(super) fn plural(c: &mut Cursor) -> Parsed<ObjectType> {
    let ends = ["IN", "LIKE", "STARTS", "LIMIT", "HISTORY"];
    let words: Vec<String> = c.words(6).into_iter().take_while(|w| !ends.contains(&w.as_str())).collect();
    if let Some((n, object_type)) = longest_plural(&words).filter(|(n, _)| *n == words.len()) {
        (0..n).for_each(|_| c.skip());
        return Ok(object_type);
    }
    let text = words.join(" ");
    let near = near_plural(&text);
    match ObjectType::from_plural(&text) {
        // A type that this table does not know: live accounts have some.
        Some(object_type) if near.is_none() && !words.is_empty() && object_type.plural_sql() == text => {
            (0..words.len()).for_each(|_| c.skip());
            Ok(object_type)
        }
        _ => Err(c.expected("the plural of an object type, such as TABLES").suggest(near)),
    }
}

fn within(c: &mut Cursor, account_too: bool) -> Parsed<Within> {
    c.need("IN")?;
    if account_too && c.take(&["ACCOUNT"]) {
        return Ok(Within::Account);
    }
    match c.take_one(&["DATABASE", "SCHEMA"]) {
        Some("DATABASE") => Ok(Within::Database(c.name()?)),
        Some(_) => Ok(Within::Schema(c.name()?)),
        None if account_too => Err(c.expected_words(&["ACCOUNT", "DATABASE", "SCHEMA"])),
        None => Err(c.expected_words(&["DATABASE", "SCHEMA"])),
    }
}

/// `<type> <name> [(types)]`. With `unknown_too`, a type that the table does not know is what stands before the name.
pub(super) fn named(c: &mut Cursor, unknown_too: bool) -> Parsed<Named> {
    let words = c.words(6);
    // A word that a dot follows starts the name.
    let before_name = (0..words.len()).take_while(|n| c.peek_at(n + 1) != Some(&Token::Period)).count();
    let head = words.get(..before_name).unwrap_or_default();
    let (count, object_type) = if let Some(found) = longest_type(head) {
        found
    } else {
        let ends = head.iter().position(|w| w == "TO" || w == "FROM").unwrap_or(head.len());
        let name_follows = ends == head.len() && c.peek_at(ends).is_some();
        let count = if name_follows { ends } else { ends.saturating_sub(1) };
        let text = head.get(..count).unwrap_or_default().join(" ");
        let near = near_type(&text).or_else(|| head.first().and_then(|w| near_type(w)));
        if !unknown_too || count == 0 || near.is_some() {
            return Err(c.expected("an object type").suggest(near));
        }
        (count, ObjectType::new(&text))
    };
    (0..count).for_each(|_| c.skip());
    let name = c.name()?;
    let signature = if object_type.has_signature() { c.signature()? } else { None };
    Ok(Named { object_type, name, signature })
}

pub(super) fn grantee(c: &mut Cursor) -> Parsed<Grantee> {
    for (words, kind) in [
        (&["DATABASE", "ROLE"][..], PrincipalKind::DatabaseRole),
        (&["APPLICATION", "ROLE"], PrincipalKind::ApplicationRole),
        (&["APPLICATION"], PrincipalKind::Application),
        (&["ROLE"], PrincipalKind::Role),
        (&["USER"], PrincipalKind::User),
        (&["SHARE"], PrincipalKind::Share),
    ] {
        // `TO role` alone names a role called ROLE; a word after it makes it the keyword.
        if c.sees(words) && matches!(c.peek_at(words.len()), Some(Token::Word(_))) {
            c.take(words);
            return Ok(Grantee { kind: Some(kind), name: c.name()? });
        }
    }
    Ok(Grantee { kind: None, name: c.name()? })
}
