//! Reading one statement's tokens: words, names, literals, balanced groups. No recursion, so no depth to limit.

use super::ast::{Name, Value};
use super::error::{ParseError, Position};
use super::lexer::Lexeme;
use super::words::nearest;
use crate::model::{Ident, Signature};
use sqlparser::tokenizer::{Token, Word};

pub(super) struct Cursor {
    tokens: Vec<Lexeme>,
    next: usize,
    end: Position,
}

type Parsed<T> = Result<T, ParseError>;

impl Cursor {
    pub(super) fn new(tokens: Vec<Lexeme>, end: Position) -> Self {
        Self { tokens, next: 0, end }
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.next + ahead).map(|l| &l.token)
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.peek_at(0)
    }

    pub(super) fn at(&self) -> Position {
        self.tokens.get(self.next).map_or(self.end, |l| l.at)
    }

    pub(super) fn skip(&mut self) {
        self.next += 1;
    }

    pub(super) fn is_end(&self) -> bool {
        self.next >= self.tokens.len()
    }

    /// The unquoted word `ahead` tokens from here, upper case.
    pub(super) fn word_at(&self, ahead: usize) -> Option<String> {
        match self.peek_at(ahead) {
            Some(Token::Word(Word { value, quote_style: None, .. })) => Some(value.to_ascii_uppercase()),
            _ => None,
        }
    }

    /// The unquoted words from here, upper case, at most `limit`.
    pub(super) fn words(&self, limit: usize) -> Vec<String> {
        (0..limit).map_while(|n| self.word_at(n)).collect()
    }

    /// Whether these words come next.
    pub(super) fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.word_at(n).as_deref() == Some(word))
    }

    /// Takes these words if they come next.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let seen = self.sees(words);
        if seen {
            self.next += words.len();
        }
        seen
    }

    /// Takes one word of a list.
    pub(super) fn take_one(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let found = words.iter().copied().find(|w| self.sees(&[w]));
        if found.is_some() {
            self.skip();
        }
        found
    }

    /// Takes this symbol if it comes next.
    pub(super) fn take_token(&mut self, token: &Token) -> bool {
        let seen = self.peek() == Some(token);
        if seen {
            self.skip();
        }
        seen
    }

    /// The error that something else was expected here.
    pub(super) fn expected(&self, what: &str) -> ParseError {
        let found = self.peek().map_or_else(|| "the end of the statement".to_owned(), ToString::to_string);
        ParseError::new(self.at(), found, what)
    }

    /// The error that one of these words was expected here.
    pub(super) fn expected_words(&self, words: &[&str]) -> ParseError {
        let near = self.word_at(0).and_then(|w| nearest(&w, words.iter().copied()).map(str::to_owned));
        self.expected(&words.join(" or ")).suggest(near)
    }

    pub(super) fn need(&mut self, word: &str) -> Parsed<()> {
        if self.take(&[word]) { Ok(()) } else { Err(self.expected_words(&[word])) }
    }

    pub(super) fn need_token(&mut self, token: &Token) -> Parsed<()> {
        if self.take_token(token) { Ok(()) } else { Err(self.expected(&format!("`{token}`"))) }
    }

    pub(super) fn need_end(&self) -> Parsed<()> {
        if self.is_end() { Ok(()) } else { Err(self.expected("the end of the statement (`;`)")) }
    }

    /// One identifier.
    pub(super) fn ident(&mut self) -> Parsed<Ident> {
        let ident = match self.peek() {
            Some(Token::Word(Word { value, quote_style: None, .. })) => Ident::unquoted(value),
            Some(Token::Word(Word { value, quote_style: Some('"'), .. })) => Ident::new(value),
            _ => return Err(self.expected("a name")),
        };
        let ident = ident.map_err(|e| ParseError::new(self.at(), "a name", format!("another name: {e}")))?;
        self.skip();
        Ok(ident)
    }

    /// A name of one to three parts; `D..T` stands for `D.PUBLIC.T`.
    pub(super) fn name(&mut self) -> Parsed<Name> {
        let at = self.at();
        let mut parts = vec![self.ident()?];
        while self.take_token(&Token::Period) {
            if parts.len() == 1 && self.take_token(&Token::Period) {
                parts.push(Ident::unquoted("PUBLIC").map_err(|e| ParseError::new(at, "a name", e.to_string()))?);
            }
            parts.push(self.ident()?);
        }
        if parts.len() > 3 {
            return Err(ParseError::new(at, format!("a name of {} parts", parts.len()), "at most three parts"));
        }
        Ok(Name { parts, at })
    }

    /// A string literal, `'...'` or `$$...$$`.
    pub(super) fn text(&mut self) -> Parsed<String> {
        let text = match self.peek() {
            Some(Token::SingleQuotedString(text)) => text.clone(),
            Some(Token::DollarQuotedString(text)) if text.tag.is_none() => text.value.clone(),
            _ => return Err(self.expected("a string literal ('...')")),
        };
        self.skip();
        Ok(text)
    }

    /// The value of a setting.
    pub(super) fn value(&mut self) -> Parsed<Value> {
        match self.peek() {
            Some(Token::SingleQuotedString(_) | Token::DollarQuotedString(_)) => Ok(Value::Text(self.text()?)),
            Some(Token::Word(_)) => Ok(Value::Name(self.name()?)),
            Some(Token::Number(number, _)) => {
                let number = number.clone();
                self.skip();
                Ok(Value::Number(number))
            }
            Some(Token::Minus) => {
                self.skip();
                match self.peek() {
                    Some(Token::Number(number, _)) => {
                        let number = format!("-{number}");
                        self.skip();
                        Ok(Value::Number(number))
                    }
                    _ => Err(self.expected("a number")),
                }
            }
            Some(Token::LParen) => self.list(),
            Some(Token::AtSign) => {
                // A stage and a path in it: `@db.schema.stage/path/`, up to the next setting.
                self.skip();
                while !self.is_end() && self.peek_at(1) != Some(&Token::Eq) {
                    match self.peek() {
                        Some(
                            Token::Word(_)
                            | Token::Number(..)
                            | Token::Period
                            | Token::Div
                            | Token::Minus
                            | Token::Tilde
                            | Token::Mod,
                        ) => self.skip(),
                        _ => break,
                    }
                }
                Ok(Value::Group)
            }
            _ => Err(self.expected("a value")),
        }
    }

    fn list(&mut self) -> Parsed<Value> {
        let start = self.next;
        self.need_token(&Token::LParen)?;
        let mut items = Vec::new();
        while !self.take_token(&Token::RParen) {
            let simple = match self.peek() {
                Some(Token::SingleQuotedString(text)) => text.clone(),
                Some(Token::Word(Word { value, quote_style: None, .. })) => value.to_ascii_uppercase(),
                Some(Token::Word(Word { value, .. })) => value.clone(),
                Some(Token::Number(number, _)) => number.clone(),
                _ => String::new(),
            };
            self.skip();
            let last = self.peek() == Some(&Token::RParen);
            if simple.is_empty() || !(self.take_token(&Token::Comma) || last) {
                // Not a plain list: a group of settings, or of settings of settings.
                self.next = start;
                self.group()?;
                return Ok(Value::Group);
            }
            items.push(simple);
        }
        Ok(Value::List(items))
    }

    /// Takes a parenthesised group, whatever is in it.
    pub(super) fn group(&mut self) -> Parsed<()> {
        let open = self.at();
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(Token::LParen) => depth += 1,
                Some(Token::RParen) => depth = depth.saturating_sub(1),
                Some(_) => {}
                None => return Err(ParseError::new(open, "`(`", "a matching `)`")),
            }
            self.skip();
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Takes the rest of the statement, whose parentheses must match.
    pub(super) fn body(&mut self) -> Parsed<()> {
        if self.is_end() {
            return Err(self.expected("a body"));
        }
        while !self.is_end() {
            self.chunk()?;
        }
        Ok(())
    }

    /// Takes one token, or a whole parenthesised group.
    pub(super) fn chunk(&mut self) -> Parsed<()> {
        match self.peek() {
            Some(Token::LParen) => self.group()?,
            Some(Token::RParen) => return Err(self.expected("no `)` without its `(`")),
            _ => self.skip(),
        }
        Ok(())
    }

    /// `(type, name type DEFAULT x, ...)` as argument types, if a parenthesis comes next.
    pub(super) fn signature(&mut self) -> Parsed<Option<Signature>> {
        if self.peek() != Some(&Token::LParen) {
            return Ok(None);
        }
        let start = self.next;
        self.group()?;
        let inside = self.tokens.get(start + 1..self.next.saturating_sub(1)).unwrap_or_default();
        let mut arguments: Vec<Vec<&Token>> = vec![Vec::new()];
        let mut depth = 0_usize;
        for lexeme in inside {
            match lexeme.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                Token::Comma if depth == 0 => {
                    arguments.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if let Some(argument) = arguments.last_mut() {
                argument.push(&lexeme.token);
            }
        }
        if arguments.len() == 1 && arguments.iter().all(Vec::is_empty) {
            return Ok(Some(Signature::new("")));
        }
        let types: Option<Vec<String>> = arguments.iter().map(|tokens| argument_type(tokens)).collect();
        match types {
            Some(types) => Ok(Some(Signature::new(&types.join(", ")))),
            None => Err(ParseError::new(self.at(), "something else in the parentheses", "argument types")),
        }
    }
}

/// Types of several words (Snowflake's synonyms); every other `a b` is a name and its type.
const TYPES_OF_WORDS: &[&str] = &[
    "CHAR VARYING",
    "DOUBLE PRECISION",
    "NCHAR VARYING",
    "TIMESTAMP WITH LOCAL TIME ZONE",
    "TIMESTAMP WITH TIME ZONE",
    "TIMESTAMP WITHOUT TIME ZONE",
];

/// Between the name and the type of a procedure's argument.
const MODES: &[&str] = &["IN", "INPUT", "OUT", "OUTPUT"];

/// The type of one argument, without its name, its mode and its default. `None` for what is no type: more words, or something
/// behind the parentheses.
fn argument_type(tokens: &[&Token]) -> Option<String> {
    let text = |t: &Token| match t {
        Token::Word(Word { value, quote_style: None, .. }) => value.to_ascii_uppercase(),
        other => other.to_string(),
    };
    let ends = |t: &&&Token| matches!(text(t).as_str(), "DEFAULT" | "NOT") && matches!(t, Token::Word(_));
    let leading = tokens.iter().take_while(|t| matches!(t, Token::Word(_)) && !ends(t)).count();
    let words: Vec<String> = tokens.iter().take(leading).map(|t| text(t)).collect();
    let is_type = |words: &[String]| words.len() == 1 || TYPES_OF_WORDS.contains(&words.join(" ").as_str());
    let skip = match words.as_slice() {
        all if is_type(all) => 0,
        [_, mode, rest @ ..] if MODES.contains(&mode.as_str()) && is_type(rest) => 2,
        [_, rest @ ..] if is_type(rest) => 1,
        _ => return None,
    };
    let mut out = String::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(skip) {
        let piece = text(token);
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Word(_) if depth == 0 && ends(&token) => break,
            Token::Word(_) if depth == 0 && at >= leading && !out.ends_with('.') => return None,
            _ => {}
        }
        let glued = matches!(token, Token::LParen | Token::RParen | Token::Comma | Token::Period) || out.is_empty();
        if !glued && !out.ends_with(['(', '.']) {
            out.push(' ');
        }
        out.push_str(&piece);
    }
    (!out.is_empty()).then_some(out)
}
