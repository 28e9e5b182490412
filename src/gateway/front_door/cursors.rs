//! DECLARE, FETCH and MOVE.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::error::SqlError;
use super::commands::starts_query;
use super::tokens::Cursor;
use super::{Command, Fetch, Scrolling, query};

/// DECLARE name CURSOR FOR query.
pub(super) fn declare(sql: &str, cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    let name = cursor.identifier()?;
    let (mut hold, mut binary, mut scrolling) = (false, false, Scrolling::Unsaid);
    loop {
        let said = if cursor.word("BINARY") {
            binary = true;
            continue;
        } else if cursor.word("NO") {
            cursor.expect_word("SCROLL")?;
            Scrolling::No
        } else if cursor.word("SCROLL") {
            Scrolling::Yes
        } else if cursor.one_of(&["INSENSITIVE", "ASENSITIVE"]).is_some() {
            continue;
        } else {
            break;
        };
        if ![Scrolling::Unsaid, said].contains(&scrolling) {
            return Err(SqlError::new("42P11", "cannot specify both SCROLL and NO SCROLL"));
        }
        scrolling = said;
    }
    cursor.expect_word("CURSOR")?;
    if cursor.word("WITH") {
        cursor.expect_word("HOLD")?;
        hold = true;
    } else if cursor.word("WITHOUT") {
        cursor.expect_word("HOLD")?;
    }
    cursor.expect_word("FOR")?;
    if !starts_query(cursor.rest().first()) {
        return Err(cursor.error());
    }
    Ok(Command::Declare { name, hold, binary, scrolling, query: query(sql, cursor.rest())? })
}

/// FETCH or MOVE, direction and cursor.
pub(super) fn fetch(cursor: &mut Cursor<'_>, only_move: bool) -> Result<Command, SqlError> {
    let before = cursor.rest();
    let rows = |count: Option<i64>| match count.unwrap_or(1) {
        0 => Fetch::Relative(0),
        count if count < 0 => Fetch::Backward(Some(count.unsigned_abs())),
        count => Fetch::Forward(Some(count.unsigned_abs())),
    };
    let what = if cursor.word("NEXT") {
        Fetch::Forward(Some(1))
    } else if cursor.word("PRIOR") {
        Fetch::Backward(Some(1))
    } else if cursor.word("FIRST") {
        Fetch::Absolute(1)
    } else if cursor.word("LAST") {
        Fetch::Absolute(-1)
    } else if cursor.word("ALL") {
        Fetch::Forward(None)
    } else if cursor.word("FORWARD") {
        if cursor.word("ALL") { Fetch::Forward(None) } else { rows(cursor.integer()?) }
    } else if cursor.word("BACKWARD") {
        if cursor.word("ALL") {
            Fetch::Backward(None)
        } else {
            match cursor.integer()?.unwrap_or(1) {
                // Not the same as none forward: a cursor may refuse to go back.
                0 => Fetch::Backward(Some(0)),
                count => rows(Some(-count)),
            }
        }
    } else if cursor.word("ABSOLUTE") {
        Fetch::Absolute(cursor.integer()?.ok_or_else(|| cursor.error())?)
    } else if cursor.word("RELATIVE") {
        Fetch::Relative(cursor.integer()?.ok_or_else(|| cursor.error())?)
    } else {
        rows(cursor.integer()?)
    };
    cursor.one_of(&["FROM", "IN"]);
    // `FETCH next` may also mean the cursor called next.
    let name = if cursor.done() && before.len() == 1 {
        match before.first().map(|token| &token.token) {
            Some(Token::Word(word)) => word.value.to_lowercase(),
            _ => return Err(cursor.error()),
        }
    } else {
        cursor.identifier()?
    };
    Ok(Command::Fetch { name, what, only_move })
}
