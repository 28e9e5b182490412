//! SHOW commands.

use super::ast::{Grantee, Name, Named, RoleName, Target, Within};
use super::cursor::Cursor;
use super::error::{ParseError, Position};
use super::grants::{grantee, named, plural, role_name};
use super::lexer;
use crate::model::ObjectType;
use sqlparser::tokenizer::Token;

/// A SHOW command.
#[derive(Debug, Clone, PartialEq)]
pub struct Show {
    /// What is shown.
    pub what: ShowWhat,
    /// `TERSE`.
    pub terse: bool,
    /// `LIKE '...'`: case-insensitive, `%` and `_`.
    pub like: Option<String>,
    /// `IN ACCOUNT | DATABASE d | SCHEMA d.s`.
    pub within: Option<Within>,
    /// `STARTS WITH '...'`: case-sensitive.
    pub starts_with: Option<String>,
    /// `LIMIT n`.
    pub limit: Option<u64>,
    /// `FROM '...'` after LIMIT.
    pub from: Option<String>,
}

/// What a SHOW command shows.
#[derive(Debug, Clone, PartialEq)]
pub enum ShowWhat {
    /// `SHOW GRANTS`: the current user's.
    MyGrants,
    /// `SHOW GRANTS ON ACCOUNT | <type> <name>`
    GrantsOn(Target),
    /// `SHOW GRANTS TO <grantee>`
    GrantsTo(Grantee),
    /// `SHOW GRANTS OF [DATABASE | APPLICATION] ROLE r`
    GrantsOf(RoleName),
    /// `SHOW GRANTS OF SHARE s`
    GrantsOfShare(Name),
    /// `SHOW FUTURE GRANTS IN DATABASE d | SCHEMA d.s`
    FutureGrantsIn(Within),
    /// `SHOW FUTURE GRANTS TO <grantee>`
    FutureGrantsTo(Grantee),
    /// `SHOW INHERITED GRANTS IN ACCOUNT | DATABASE d | SCHEMA d.s`
    InheritedGrantsIn(Within),
    /// `SHOW PARAMETERS`
    Parameters,
    /// `SHOW OBJECTS`: tables and views of every kind.
    Objects,
    /// `SHOW <plural>`
    Type(ObjectType),
}

/// Parses one SHOW command.
pub fn parse_show(sql: &str) -> Result<Show, ParseError> {
    let tokens = lexer::lex(sql, Position::START)?;
    let mut end = Position::START;
    sql.chars().for_each(|ch| end.advance(ch));
    let mut c = Cursor::new(tokens, end);
    c.need("SHOW")?;
    let terse = c.take(&["TERSE"]);
    let what = what(&mut c)?;
    let mut show = Show { what, terse, like: None, within: None, starts_with: None, limit: None, from: None };
    c.take(&["HISTORY"]);
    if c.take(&["LIKE"]) {
        show.like = Some(c.text()?);
    }
    if c.sees(&["IN"]) {
        c.skip();
        show.within = Some(scope(&mut c)?);
    }
    if c.take(&["LIKE"]) {
        show.like = Some(c.text()?);
    }
    if c.take(&["STARTS", "WITH"]) {
        show.starts_with = Some(c.text()?);
    }
    if c.take(&["LIMIT"]) {
        show.limit = Some(number(&mut c)?);
        if c.take(&["FROM"]) {
            show.from = Some(c.text()?);
        }
    }
    c.need_end()?;
    Ok(show)
}

fn number(c: &mut Cursor) -> Result<u64, ParseError> {
    let number = match c.peek() {
        Some(Token::Number(text, _)) => text.parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| c.expected("a number of rows"))?;
    c.skip();
    Ok(number)
}

fn what(c: &mut Cursor) -> Result<ShowWhat, ParseError> {
    if c.take(&["FUTURE", "GRANTS"]) {
        return match c.take_one(&["IN", "TO"]) {
            Some("IN") => Ok(ShowWhat::FutureGrantsIn(scope(c)?)),
            Some(_) => Ok(ShowWhat::FutureGrantsTo(grantee(c)?)),
            None => Err(c.expected_words(&["IN", "TO"])),
        };
    }
    if c.take(&["INHERITED", "GRANTS"]) {
        c.need("IN")?;
        return Ok(ShowWhat::InheritedGrantsIn(scope(c)?));
    }
    if c.take(&["GRANTS"]) {
        return grants(c);
    }
    if c.take(&["PARAMETERS"]) {
        return Ok(ShowWhat::Parameters);
    }
    if c.take(&["OBJECTS"]) {
        return Ok(ShowWhat::Objects);
    }
    c.take(&["USER"]);
    Ok(ShowWhat::Type(plural(c)?))
}

fn grants(c: &mut Cursor) -> Result<ShowWhat, ParseError> {
    match c.take_one(&["ON", "TO", "OF"]) {
        Some("ON") => {
            if c.sees(&["ACCOUNT"])
                && !matches!(c.peek_at(1), Some(Token::Word(_)) if c.word_at(1).is_none_or(|w| w != "LIMIT"))
            {
                c.skip();
                return Ok(ShowWhat::GrantsOn(Target::Account));
            }
            Ok(ShowWhat::GrantsOn(Target::Object(named(c, true)?)))
        }
        Some("TO") => Ok(ShowWhat::GrantsTo(grantee(c)?)),
        Some(_) => {
            if c.take(&["SHARE"]) {
                return Ok(ShowWhat::GrantsOfShare(c.name()?));
            }
            match role_name(c)? {
                Some(role) => Ok(ShowWhat::GrantsOf(role)),
                None => Err(c.expected_words(&["ROLE", "DATABASE", "APPLICATION", "SHARE"])),
            }
        }
        None => Ok(ShowWhat::MyGrants),
    }
}

/// `ACCOUNT | [DATABASE] d | [SCHEMA] d.s`, after IN.
fn scope(c: &mut Cursor) -> Result<Within, ParseError> {
    let named = |c: &Cursor| matches!(c.peek_at(1), Some(Token::Word(_)));
    if c.sees(&["DATABASE"]) && named(c) {
        c.skip();
        return Ok(Within::Database(c.name()?));
    }
    if c.sees(&["SCHEMA"]) && named(c) {
        c.skip();
        return Ok(Within::Schema(c.name()?));
    }
    if c.take(&["ACCOUNT"]) {
        return Ok(Within::Account);
    }
    if c.take(&["APPLICATION"]) {
        return Ok(Within::Database(c.name()?));
    }
    let name = c.name()?;
    Ok(if name.parts.len() > 1 { Within::Schema(name) } else { Within::Database(name) })
}

/// `DESCRIBE <type> <name>`: the object.
pub fn parse_describe(sql: &str) -> Result<Named, ParseError> {
    let tokens = lexer::lex(sql, Position::START)?;
    let mut end = Position::START;
    sql.chars().for_each(|ch| end.advance(ch));
    let mut c = Cursor::new(tokens, end);
    if c.take_one(&["DESCRIBE", "DESC"]).is_none() {
        return Err(c.expected_words(&["DESCRIBE"]));
    }
    let object = named(&mut c, false)?;
    c.need_end()?;
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_show_are_read() {
        for sql in [
            "SHOW GRANTS",
            "SHOW GRANTS ON ACCOUNT",
            "SHOW GRANTS ON ACCOUNT LIMIT 5",
            "SHOW GRANTS ON FUNCTION D.S.F(NUMBER)",
            "show grants to role \"my role\"",
            "SHOW GRANTS TO R",
            "SHOW GRANTS TO DATABASE ROLE D.R LIMIT 10",
            "SHOW GRANTS OF DATABASE ROLE D.R",
            "SHOW GRANTS OF SHARE S",
            "SHOW FUTURE GRANTS IN SCHEMA D.S",
            "SHOW FUTURE GRANTS TO DATABASE ROLE D.R",
            "SHOW INHERITED GRANTS IN ACCOUNT",
            "SHOW TERSE SCHEMAS LIKE 'A%' IN DATABASE D STARTS WITH 'A' LIMIT 3 FROM 'B'",
            "SHOW PARAMETERS LIKE 'FEATURE%' IN ACCOUNT",
            "SHOW DATABASE ROLES IN DATABASE D",
            "SHOW OBJECTS IN ACCOUNT",
            "SHOW USER FUNCTIONS IN SCHEMA D.S",
            "SHOW CORTEX SEARCH SERVICES IN D.S",
        ] {
            parse_show(sql).unwrap_or_else(|e| panic!("{sql}\n{e}"));
        }
        assert!(parse_show("SHOW TABELS").unwrap_err().to_string().contains("did you mean TABLES?"));
        assert!(parse_show("SHOW ROLES WHERE 1").is_err());
        assert_eq!(parse_describe("DESC USER U").unwrap().object_type, ObjectType::USER);
    }
}
