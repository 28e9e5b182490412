//! Errors of the tokenizer and the parser.

use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::TokenizerError;

use super::{SqlError, position_of, too_complex};

/// The word at a character position, as a syntax error quotes it.
fn word_at(sql: &str, position: usize) -> Option<String> {
    let rest: String = sql.chars().skip(position.checked_sub(1)?).collect();
    let first = rest.chars().next()?;
    let word: String = match first {
        '\'' | '"' => {
            let mut end = false;
            rest.chars()
                .enumerate()
                .take_while(|(index, c)| {
                    let keep = !end;
                    end = *index > 0 && *c == first;
                    keep
                })
                .map(|(_, c)| c)
                .collect()
        }
        c if c.is_alphanumeric() || c == '_' => {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$').collect()
        }
        c => c.to_string(),
    };
    Some(word.chars().take(64).collect())
}

/// `syntax error at or near "x"` at a position, or at the end of the input.
pub fn syntax_error_at(sql: &str, position: Option<usize>) -> SqlError {
    let length = sql.trim_end().chars().count();
    match position.filter(|position| *position <= length) {
        Some(position) => {
            let near = word_at(sql, position).unwrap_or_default();
            SqlError::syntax(format!("syntax error at or near \"{near}\""), Some(position))
        }
        None => SqlError::syntax("syntax error at end of input", Some(sql.chars().count().saturating_add(1))),
    }
}

/// A parser's error. The parser says where in its message (`... at Line: 1, Column: 8`).
pub fn from_parser(error: &ParserError, sql: &str) -> SqlError {
    match error {
        ParserError::RecursionLimitExceeded => too_complex("expressions or subqueries are nested too deeply"),
        ParserError::ParserError(text) | ParserError::TokenizerError(text) => {
            let place = text.rsplit_once(" at Line: ").and_then(|(_, place)| {
                let (line, column) = place.split_once(", Column: ")?;
                position_of(sql, line.trim().parse().ok()?, column.trim().parse().ok()?)
            });
            let mut error = syntax_error_at(sql, place);
            let said = text.rsplit_once(" at Line: ").map_or(text.as_str(), |(said, _)| said);
            if !said.is_empty() {
                error.detail = Some(said.to_owned());
            }
            error
        }
    }
}

/// A tokenizer's error: an unterminated quote or comment, or a character that starts nothing. Like PostgreSQL, the
/// message quotes all from where the token begins.
pub fn from_tokenizer(error: &TokenizerError, sql: &str) -> SqlError {
    let told = position_of(sql, error.location.line, error.location.column);
    let lower = error.message.to_ascii_lowercase();
    if !lower.contains("unterminated") && !lower.contains("eof") {
        return syntax_error_at(sql, told);
    }
    let (what, start) = if lower.contains("comment") {
        ("unterminated /* comment", open_comment(sql))
    } else if lower.contains("dollar")
        || lower.contains("unterminated dollar")
        || rest_at(sql, told).is_none_or(str::is_empty)
    {
        ("unterminated dollar-quoted string", sql.find("$$").and_then(|at| characters(sql, at)))
    } else if lower.contains('"') {
        ("unterminated quoted identifier", told)
    } else {
        ("unterminated quoted string", told)
    };
    match rest_at(sql, start) {
        Some(rest) => SqlError::syntax(format!("{what} at or near \"{rest}\""), start),
        None => SqlError::syntax(what, told),
    }
}

/// The text from a character position on.
fn rest_at(sql: &str, position: Option<usize>) -> Option<&str> {
    let skipped = position?.checked_sub(1)?;
    let at = sql.char_indices().map(|(at, _)| at).chain([sql.len()]).nth(skipped)?;
    sql.get(at..)
}

/// The position of the byte `at`.
pub(super) fn characters(sql: &str, at: usize) -> Option<usize> {
    sql.get(..at).map(|head| head.chars().count().saturating_add(1))
}

/// Where the comment begins that does not end. Comments nest.
fn open_comment(sql: &str) -> Option<usize> {
    let (mut depth, mut start, mut at) = (0usize, None, 0usize);
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let step = if rest.starts_with("/*") {
            if depth == 0 {
                start = Some(at);
            }
            depth = depth.saturating_add(1);
            2
        } else if rest.starts_with("*/") && depth > 0 {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at = at.saturating_add(step);
    }
    start.filter(|_| depth > 0).and_then(|at| characters(sql, at))
}
