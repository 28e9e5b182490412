//! Snowflake SQL: text to statements, statements to changes, changes to text.
//!
//! Tokens are sqlparser's, the grammar is this module's: sqlparser's syntax tree lacks `FUTURE ... IN DATABASE`,
//! `INHERITED` and much else that access control needs. Nothing is skipped: a statement that is not known is an error
//! with its position.
//!
//! - [`parse_script`]: text to [`Statement`]s, names as written
//! - [`Statement::expand`]: one statement for one account: names completed, bulk forms spread
//! - [`parse_changes`]: both, statement after statement
//! - [`render`], [`inverse`], [`render_script`]: changes to SQL, every name quoted

pub mod ast;
mod cursor;
mod ddl;
mod error;
mod expand;
pub mod fuzzing;
mod grants;
mod inverse;
#[cfg(test)]
mod laws;
mod lexer;
mod render;
mod resolve;
mod script;
pub mod show;
#[cfg(test)]
mod tests;
mod words;

pub use ast::{Kind, Statement, Use, Verb};
pub use error::{ExpandError, ParseError, Position, Problem, SqlError};
pub use expand::{canonical, parse_changes};
pub use inverse::inverse;
pub use lexer::{MAX_SCRIPT, MAX_STATEMENT};
pub use render::{RenderError, render, text_literal};
pub use resolve::{Names, Scope};
pub use script::{Script, ScriptError, ScriptStatement, render_script};
pub use words::all_privileges;

use cursor::Cursor;

/// What a statement can start with.
const VERBS: &[&str] = &[
    "ALTER", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DESC", "DESCRIBE", "DROP", "EXECUTE",
    "EXPLAIN", "GET", "GRANT", "INSERT", "LIST", "LS", "MERGE", "PUT", "REMOVE", "REVOKE", "RM", "ROLLBACK", "SELECT",
    "SET", "SHOW", "START", "TRUNCATE", "UNDROP", "UNSET", "UPDATE", "USE", "VALUES", "WITH",
];

/// The account that a script makes, for tests.
#[cfg(test)]
pub(crate) fn account_made_by(script: &str) -> crate::account::Account {
    let mut account = crate::account::Account::new("A");
    for change in parse_changes(script, &account).unwrap() {
        account.apply(&change, None).unwrap();
    }
    account
}

/// Parses a script: statements separated by `;`, comments and empty statements left out.
pub fn parse_script(sql: &str) -> Result<Vec<Statement>, ParseError> {
    lexer::split(sql)?
        .into_iter()
        .map(|piece| {
            let text = sql.get(piece.bytes.clone()).unwrap_or_default();
            Ok(Statement { at: piece.at, kind: statement(text, piece.at)?, bytes: piece.bytes })
        })
        .collect()
}

fn statement(text: &str, at: Position) -> Result<Kind, ParseError> {
    let tokens = lexer::lex(text, at)?;
    let mut end = at;
    text.chars().for_each(|ch| end.advance(ch));
    let mut c = Cursor::new(tokens, end);
    let Some(verb) = c.word_at(0).filter(|w| VERBS.contains(&w.as_str())) else {
        // A query may stand in parentheses.
        if c.peek() == Some(&sqlparser::tokenizer::Token::LParen) && c.word_at(1).is_some_and(|w| w == "SELECT") {
            c.body()?;
            return Ok(Kind::Other(Verb::Query));
        }
        let near = c.word_at(0).and_then(|w| words::nearest(&w, VERBS.iter().copied()).map(str::to_owned));
        return Err(c
            .expected("a statement (GRANT, REVOKE, CREATE, ALTER, DROP, USE, SHOW, SELECT, ...)")
            .suggest(near));
    };
    c.skip();
    let other = match verb.as_str() {
        "GRANT" => return grants::grant(&mut c),
        "REVOKE" => return grants::revoke(&mut c),
        "CREATE" => return ddl::create(&mut c),
        "ALTER" => return ddl::alter(&mut c),
        "DROP" => return ddl::drop(&mut c),
        "UNDROP" => return ddl::undrop(&mut c),
        "COMMENT" => return ddl::comment(&mut c),
        "USE" => return ddl::use_(&mut c),
        "SHOW" => Verb::Show,
        "DESC" | "DESCRIBE" => Verb::Describe,
        "EXPLAIN" => Verb::Explain,
        "CALL" => Verb::Call,
        "SET" | "UNSET" => Verb::Session,
        "BEGIN" | "COMMIT" | "ROLLBACK" | "START" => Verb::Transaction,
        "INSERT" => Verb::Insert,
        "UPDATE" => Verb::Update,
        "DELETE" => Verb::Delete,
        "MERGE" => Verb::Merge,
        "TRUNCATE" => Verb::Truncate,
        "EXECUTE" => Verb::Execute,
        "SELECT" | "WITH" | "VALUES" => Verb::Query,
        _ => Verb::Files,
    };
    if other != Verb::Transaction || !c.is_end() {
        c.body()?;
    }
    Ok(Kind::Other(other))
}
