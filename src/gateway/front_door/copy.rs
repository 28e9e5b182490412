//! COPY (query) TO STDOUT and its options, in both spellings, checked in PostgreSQL's order and words.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::error::SqlError;
use super::guard::read_only;
use super::tokens::Cursor;
use super::{Command, CopyFormat, CopyOptions, Forced, query};

/// COPY: only to the client.
pub(super) fn copy(sql: &str, cursor: &mut Cursor<'_>) -> Result<Command, SqlError> {
    let binary = cursor.word("BINARY");
    let start = cursor.rest();
    // The source: a parenthesised query, or a table with an optional column list.
    let mut depth = 0usize;
    let mut length = 0usize;
    while let Some(token) = cursor.peek() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(word)
                if depth == 0
                    && word.quote_style.is_none()
                    && (word.value.eq_ignore_ascii_case("TO") || word.value.eq_ignore_ascii_case("FROM")) =>
            {
                break;
            }
            _ => {}
        }
        length += 1;
        cursor.next();
    }
    let source = start.get(..length).unwrap_or_default();
    if source.first().is_some_and(|token| token.token != Token::LParen) && cursor.word("FROM") {
        return Err(read_only("COPY FROM"));
    }
    cursor.expect_word("TO")?;
    if cursor.string().is_some() || cursor.at_word("PROGRAM") {
        return Err(SqlError::new("42501", "permission denied to COPY to or from a file or an external program")
            .with_hint("Anyone can COPY to stdout. psql's \\copy command also works for anyone."));
    }
    // PostgreSQL takes either word.
    if cursor.one_of(&["STDOUT", "STDIN"]).is_none() {
        return Err(cursor.error());
    }
    let options = checked(read(cursor, binary)?)?;
    cursor.end()?;
    let query = match source.split_first() {
        Some((open, rest)) if open.token == Token::LParen => match rest.split_last() {
            Some((close, inner)) if close.token == Token::RParen => query(sql, inner)?,
            _ => return Err(cursor.error()),
        },
        Some(_) => {
            let (table, columns) = match source.iter().position(|token| token.token == Token::LParen) {
                Some(at) => source.split_at_checked(at).unwrap_or((source, &[])),
                None => (source, &[][..]),
            };
            let word = |text: &str| TokenWithSpan::wrap(Token::make_keyword(text));
            let mut tokens = vec![word("SELECT")];
            match columns {
                [_, inner @ .., _] => tokens.extend(inner.iter().cloned()),
                _ => tokens.push(TokenWithSpan::wrap(Token::Mul)),
            }
            tokens.push(word("FROM"));
            tokens.extend(table.iter().cloned());
            query(sql, &tokens)?
        }
        None => return Err(cursor.error()),
    };
    Ok(Command::CopyTo(options, query))
}

/// The value of an option.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    None,
    Text(String),
    Star,
    List(Vec<String>),
}

/// An option, and where it stands.
struct Given {
    name: String,
    value: Value,
    position: Option<usize>,
}

fn read(cursor: &mut Cursor<'_>, binary: bool) -> Result<Vec<Given>, SqlError> {
    let mut all = Vec::new();
    if binary {
        all.push(Given { name: "format".to_owned(), value: Value::Text("binary".to_owned()), position: None });
    }
    cursor.word("WITH");
    if !cursor.token(&Token::LParen) {
        old_spelling(cursor, &mut all)?;
        return Ok(all);
    }
    loop {
        let position = cursor.position();
        let name = cursor.identifier()?;
        let value = match cursor.peek() {
            Some(Token::Comma | Token::RParen) => Value::None,
            Some(Token::Mul) => {
                cursor.next();
                Value::Star
            }
            Some(Token::LParen) => {
                cursor.next();
                Value::List(names(cursor, Some(&Token::RParen))?)
            }
            Some(Token::Number(text, _)) => {
                cursor.next();
                Value::Text(text.clone())
            }
            _ => Value::Text(match cursor.string() {
                Some(text) => text,
                None => cursor.identifier()?,
            }),
        };
        all.push(Given { name, value, position });
        if cursor.token(&Token::RParen) {
            return Ok(all);
        }
        if !cursor.token(&Token::Comma) {
            return Err(cursor.error());
        }
    }
}

/// Names separated by commas, up to `end` if there is one.
fn names(cursor: &mut Cursor<'_>, end: Option<&Token>) -> Result<Vec<String>, SqlError> {
    let mut names = vec![cursor.identifier()?];
    while cursor.token(&Token::Comma) {
        names.push(cursor.identifier()?);
    }
    match end {
        Some(end) if !cursor.token(end) => Err(cursor.error()),
        _ => Ok(names),
    }
}

/// `BINARY`, `CSV HEADER`, `DELIMITER AS ','`, `FORCE QUOTE a, b`: without parentheses.
fn old_spelling(cursor: &mut Cursor<'_>, all: &mut Vec<Given>) -> Result<(), SqlError> {
    const WORDS: &[&str] =
        &["BINARY", "CSV", "FREEZE", "HEADER", "DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING", "FORCE"];
    while !cursor.done() {
        let position = cursor.position();
        let Some(word) = cursor.one_of(WORDS) else { return Err(cursor.error()) };
        let (name, value) = match word {
            "BINARY" | "CSV" => ("format".to_owned(), Value::Text(word.to_ascii_lowercase())),
            "FREEZE" | "HEADER" => (word.to_ascii_lowercase(), Value::None),
            "FORCE" => {
                let name = match cursor.one_of(&["QUOTE", "NOT", "NULL"]) {
                    Some("QUOTE") => "force_quote",
                    Some("NOT") => {
                        cursor.expect_word("NULL")?;
                        "force_not_null"
                    }
                    Some(_) => "force_null",
                    None => return Err(cursor.error()),
                };
                let star = cursor.token(&Token::Mul);
                (name.to_owned(), if star { Value::Star } else { Value::List(names(cursor, None)?) })
            }
            _ => {
                cursor.word("AS");
                let Some(text) = cursor.string() else { return Err(cursor.error()) };
                (word.to_ascii_lowercase(), Value::Text(text))
            }
        };
        all.push(Given { name, value, position });
    }
    Ok(())
}

fn wrong(sqlstate: &'static str, message: impl Into<String>, position: Option<usize>) -> SqlError {
    SqlError { position, ..SqlError::new(sqlstate, message) }
}

fn not_supported(message: &str) -> SqlError {
    SqlError::unsupported(message)
}

/// What was given, before its parts are held against each other.
#[derive(Default)]
struct Read {
    format: Option<CopyFormat>,
    header: Option<bool>,
    delimiter: Option<String>,
    null: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    forced: Option<Forced>,
    not_null: bool,
    as_null: bool,
}

fn checked(all: Vec<Given>) -> Result<CopyOptions, SqlError> {
    let mut seen: Vec<String> = Vec::new();
    let mut read = Read::default();
    for Given { name, value, position } in all {
        if seen.contains(&name) {
            return Err(wrong("42601", "conflicting or redundant options", position));
        }
        one(&mut read, &name, value, position)?;
        seen.push(name);
    }
    together(read)
}

fn one(read: &mut Read, name: &str, value: Value, position: Option<usize>) -> Result<(), SqlError> {
    let text = |value: Value| match value {
        Value::Text(text) => Ok(text),
        Value::None => Err(wrong("42601", format!("{name} requires a parameter"), None)),
        Value::Star => Ok("*".to_owned()),
        Value::List(names) => Ok(names.join(", ")),
    };
    let list = |value: Value| match value {
        Value::Star => Ok(Forced::All),
        Value::List(names) => Ok(Forced::Columns(names)),
        _ => Err(wrong("22023", format!("argument to option \"{name}\" must be a list of column names"), position)),
    };
    match name {
        "format" => {
            let value = text(value)?;
            read.format = Some(match value.as_str() {
                "text" => CopyFormat::Text,
                "csv" => CopyFormat::Csv,
                "binary" => CopyFormat::Binary,
                _ => return Err(wrong("22023", format!("COPY format \"{value}\" not recognized"), position)),
            });
        }
        "freeze" => {
            if let Value::Text(value) = value
                && !matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "on" | "off" | "1" | "0")
            {
                return Err(wrong("42601", "freeze requires a Boolean value", None));
            }
        }
        "header" => {
            read.header = Some(match value {
                Value::None => true,
                value => match text(value)?.to_ascii_lowercase().as_str() {
                    "true" | "on" | "1" => true,
                    "false" | "off" | "0" => false,
                    "match" => return Err(not_supported("cannot use \"match\" with HEADER in COPY TO")),
                    _ => return Err(wrong("42601", "header requires a Boolean value or \"match\"", None)),
                },
            });
        }
        "delimiter" => read.delimiter = Some(text(value)?),
        "null" => read.null = Some(text(value)?),
        "quote" => read.quote = Some(text(value)?),
        "escape" => read.escape = Some(text(value)?),
        "force_quote" => read.forced = Some(list(value)?),
        "force_not_null" => {
            list(value)?;
            read.not_null = true;
        }
        "force_null" => {
            list(value)?;
            read.as_null = true;
        }
        "encoding" => {
            let value = text(value)?;
            if !matches!(value.to_ascii_uppercase().replace(['-', '_'], "").as_str(), "UTF8" | "UNICODE") {
                let message = "argument to option \"encoding\" must be a valid encoding name";
                return Err(wrong("22023", message, position).with_detail("grantd writes UTF8 only."));
            }
        }
        _ => return Err(wrong("42601", format!("option \"{name}\" not recognized"), position)),
    }
    Ok(())
}

/// A character of one byte.
fn byte(text: &str, what: &str) -> Result<u8, SqlError> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(not_supported(&format!("COPY {what} must be a single one-byte character"))),
    }
}

fn together(read: Read) -> Result<CopyOptions, SqlError> {
    let format = read.format.unwrap_or(CopyFormat::Text);
    let (csv, binary) = (format == CopyFormat::Csv, format == CopyFormat::Binary);
    let header = read.header.unwrap_or(false);
    let invalid = |message: &str| SqlError::new("22023", message);
    if binary && read.delimiter.is_some() {
        return Err(wrong("42601", "cannot specify DELIMITER in BINARY mode", None));
    }
    if binary && read.null.is_some() {
        return Err(wrong("42601", "cannot specify NULL in BINARY mode", None));
    }
    let null = read.null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() });
    let delimiter = byte(read.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" }), "delimiter")?;
    if matches!(delimiter, b'\n' | b'\r') {
        return Err(invalid("COPY delimiter cannot be newline or carriage return"));
    }
    if null.contains(['\n', '\r']) {
        return Err(invalid("COPY null representation cannot use newline or carriage return"));
    }
    if !csv && (matches!(delimiter, b'\\' | b'.') || delimiter.is_ascii_lowercase() || delimiter.is_ascii_digit()) {
        return Err(invalid(&format!("COPY delimiter cannot be \"{}\"", char::from(delimiter))));
    }
    if binary && header {
        return Err(not_supported("cannot specify HEADER in BINARY mode"));
    }
    if !csv && read.quote.is_some() {
        return Err(not_supported("COPY quote available only in CSV mode"));
    }
    let quote = byte(read.quote.as_deref().unwrap_or("\""), "quote")?;
    if csv && delimiter == quote {
        return Err(invalid("COPY delimiter and quote must be different"));
    }
    if !csv && read.escape.is_some() {
        return Err(not_supported("COPY escape available only in CSV mode"));
    }
    let escape = read.escape.map_or(Ok(quote), |escape| byte(&escape, "escape"))?;
    for (given, words, here) in [
        (read.forced.is_some(), "force quote", true),
        (read.not_null, "force not null", false),
        (read.as_null, "force null", false),
    ] {
        if given && !csv {
            return Err(not_supported(&format!("COPY {words} available only in CSV mode")));
        }
        if given && !here {
            return Err(not_supported(&format!("COPY {words} only available using COPY FROM")));
        }
    }
    if !binary && null.as_bytes().contains(&delimiter) {
        return Err(not_supported("COPY delimiter must not appear in the NULL specification"));
    }
    if csv && null.as_bytes().contains(&quote) {
        return Err(not_supported("CSV quote character must not appear in the NULL specification"));
    }
    let forced = read.forced.unwrap_or(Forced::Columns(Vec::new()));
    Ok(CopyOptions { format, header, delimiter, null, quote, escape, forced })
}
