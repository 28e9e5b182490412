//! From text to statements to tokens: statements are found first, so that only one is held in tokens at a time.

use super::error::{ParseError, Position};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};
use std::ops::Range;

/// Longest script, in bytes.
pub const MAX_SCRIPT: usize = 16 << 20;
/// Longest statement, in bytes: Snowflake's own limit.
pub const MAX_STATEMENT: usize = 1 << 20;

/// One statement's place in a script, without its `;`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Range<usize>,
    pub(super) at: Position,
}

/// A token that is not white space, and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) at: Position,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Plain,
    Text,
    Quoted,
    Dollar,
    LineComment,
    BlockComment,
}

/// Finds the statements of a script. Pieces hold more than white space and comments; their start is the first other
/// character. Where this and the tokenizer disagree about a quote, the tokenizer reports an unterminated one.
pub(super) fn split(sql: &str) -> Result<Vec<Piece>, ParseError> {
    if sql.len() > MAX_SCRIPT {
        return Err(ParseError::too_long("script", sql.len(), MAX_SCRIPT, Position::START));
    }
    let mut pieces = Vec::new();
    let mut state = State::Plain;
    let mut start: Option<(usize, Position)> = None;
    let mut end = 0;
    let mut at = Position::START;
    let mut chars = sql.char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let here = at;
        at.advance(c);
        let after = offset + c.len_utf8();
        let next = chars.peek().map(|(_, c)| *c);
        let mut both = |at: &mut Position| {
            if let Some((_, c)) = chars.next() {
                at.advance(c);
            }
        };
        let mut solid = true;
        match (state, c, next) {
            (State::Plain, ';', _) => {
                if let Some((from, at)) = start.take() {
                    pieces.push(piece(from..end, at)?);
                }
                continue;
            }
            (State::Plain, '\'', _) => state = State::Text,
            (State::Plain, '"', _) => state = State::Quoted,
            (State::Plain, '$', Some('$')) => {
                both(&mut at);
                state = State::Dollar;
            }
            (State::Plain, '-', Some('-')) | (State::Plain, '/', Some('/')) => {
                state = State::LineComment;
                solid = false;
            }
            (State::Plain, '/', Some('*')) => {
                both(&mut at);
                state = State::BlockComment;
                solid = false;
            }
            (State::Plain, c, _) => solid = !c.is_whitespace(),
            (State::Text, '\\', Some(_)) => both(&mut at),
            (State::Text, '\'', _) | (State::Quoted, '"', _) => state = State::Plain,
            (State::Dollar, '$', Some('$')) => {
                both(&mut at);
                state = State::Plain;
                start.get_or_insert((offset, here));
                end = after + 1;
                continue;
            }
            (State::LineComment, '\n', _) => {
                state = State::Plain;
                solid = false;
            }
            (State::BlockComment, '*', Some('/')) => {
                both(&mut at);
                state = State::Plain;
                solid = false;
            }
            (State::LineComment | State::BlockComment, ..) => solid = false,
            _ => {}
        }
        if solid {
            start.get_or_insert((offset, here));
            end = after;
        }
    }
    if state == State::BlockComment {
        return Err(ParseError::new(at, "the end of the text", "`*/`, the end of a comment"));
    }
    if let Some((from, at)) = start {
        pieces.push(piece(from..sql.len(), at)?);
    }
    Ok(pieces)
}

fn piece(bytes: Range<usize>, at: Position) -> Result<Piece, ParseError> {
    if bytes.len() > MAX_STATEMENT {
        return Err(ParseError::too_long("statement", bytes.len(), MAX_STATEMENT, at));
    }
    Ok(Piece { bytes, at })
}

/// The tokens of one statement that starts at `at`, white space and comments left out.
pub(super) fn lex(statement: &str, at: Position) -> Result<Vec<Lexeme>, ParseError> {
    let dialect = SnowflakeDialect {};
    let place = |line: u64, column: u64| at.plus(line, column);
    let tokens = Tokenizer::new(&dialect, statement)
        .tokenize_with_location()
        .map_err(|e| ParseError::new(place(e.location.line, e.location.column), "text that is not SQL", &e.message))?;
    let mut lexemes = Vec::with_capacity(tokens.len() / 2);
    for TokenWithSpan { token, span } in tokens {
        let at = place(span.start.line, span.start.column);
        match token {
            // The tokenizer takes `#` for a comment, Snowflake does not: what follows must not vanish.
            Token::Whitespace(Whitespace::SingleLineComment { prefix, .. }) if prefix == "#" => {
                return Err(ParseError::new(at, "#", "SQL; comments start with `--`, `//` or `/*`"));
            }
            Token::Whitespace(_) => {}
            token => lexemes.push(Lexeme { token, at }),
        }
    }
    Ok(lexemes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).unwrap().into_iter().map(|p| sql.get(p.bytes).unwrap()).collect()
    }

    #[test]
    fn statements_end_at_semicolons_outside_quotes_and_comments() {
        assert_eq!(
            texts("A; B ;;\n-- x;y\nC 'a;''b\\';' \"d;\"\"\" $$;$$; // z; \n D /* ; */ E"),
            ["A", "B", "C 'a;''b\\';' \"d;\"\"\" $$;$$", "D /* ; */ E"]
        );
        assert_eq!(texts(" ; -- only a comment"), Vec::<&str>::new());
        assert!(split("A /* b").unwrap_err().to_string().contains("line 1"));
    }

    #[test]
    fn positions_are_of_the_script_not_of_the_statement() {
        let sql = "A;\n  B\n   É C";
        let piece = split(sql).unwrap().pop().unwrap();
        assert_eq!((piece.at.line, piece.at.column), (2, 3));
        let lexemes = lex("B\n   E C", piece.at).unwrap();
        let places: Vec<_> = lexemes.iter().map(|l| (l.at.line, l.at.column)).collect();
        assert_eq!(places, [(2, 3), (3, 4), (3, 6)]);
    }

    #[test]
    fn a_hash_is_no_comment() {
        assert!(lex("GRANT ROLE A TO ROLE B # x", Position::START).is_err());
    }

    #[test]
    fn too_long_a_script_or_statement_is_refused() {
        let long = format!("SELECT '{}'", "x".repeat(MAX_STATEMENT));
        assert!(split(&long).unwrap_err().to_string().contains("at most"));
        assert!(split(&" ".repeat(MAX_SCRIPT + 1)).unwrap_err().to_string().contains("at most"));
    }
}
