//! Statements as the log shows them. A secret may stand in a literal or a comment, so neither is shown.

use std::borrow::Cow;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::super::frame::MAX_QUERY_TEXT;
use super::super::recorder::{Recorder, StatementText};

/// Longer texts are cut; the fingerprint is of the whole.
const MAX_SHOWN: usize = 8 * 1024;
/// In the place of a literal.
const LITERAL: &str = "?";
/// In the place of the second and further literals of a list.
const MORE: &str = "…";

/// The texts of all statements of `sql`, in order, given their tokens.
pub(super) fn each(sql: &str, statements: &[Vec<TokenWithSpan>], recorder: &dyn Recorder) -> Vec<StatementText> {
    let ends = statements.iter().filter_map(|tokens| Some((tokens.first()?.span.start, tokens.last()?.span.end)));
    let mut places = Places::new(sql);
    let slices = ends.map(|(start, end)| {
        let (start, end) = (places.find(start), places.find(end));
        sql.get(start..end).unwrap_or(sql)
    });
    slices.zip(statements).map(|(slice, tokens)| text(mask(tokens), slice, recorder)).collect()
}

/// A text that is no statements, as far as it can be read.
pub(crate) fn whole(sql: &str, recorder: Option<&dyn Recorder>) -> StatementText {
    let Some(recorder) = recorder else { return StatementText::default() };
    if sql.len() > MAX_QUERY_TEXT {
        return unread(sql, Some(recorder));
    }
    let dialect = PostgreSqlDialect {};
    let mut tokens = Vec::new();
    let read = Tokenizer::new(&dialect, sql).tokenize_with_location_into_buf(&mut tokens);
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    let mut shown = mask(&tokens);
    if read.is_err() {
        // An open quote, mostly: what follows may be anything.
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(LITERAL);
    }
    text(shown, sql, recorder)
}

/// A text that nobody has read.
pub(crate) fn unread(sql: &str, recorder: Option<&dyn Recorder>) -> StatementText {
    recorder.map(|recorder| text(String::new(), sql, recorder)).unwrap_or_default()
}

fn text(mut shown: String, whole: &str, recorder: &dyn Recorder) -> StatementText {
    if shown.len() > MAX_SHOWN {
        shown.truncate(shown.floor_char_boundary(MAX_SHOWN));
        shown.push_str(MORE);
    }
    StatementText { masked: shown.into(), fingerprint: recorder.fingerprint(whole), bytes: whole.len() }
}

/// Tokens with a `?` for each literal, and one space where there was any white space. Of a list of literals, the first is
/// shown: `?, …`.
fn mask(tokens: &[TokenWithSpan]) -> String {
    let mut pieces: Vec<(bool, Cow<'_, str>)> = Vec::new();
    let mut end = None;
    for token in tokens {
        let apart = end.is_some_and(|end| end != token.span.start);
        end = Some(token.span.end);
        let piece = shown_as(&token.token);
        if piece == LITERAL
            && let [.., (_, first), (_, comma)] = pieces.as_slice()
            && comma == ","
        {
            if first == MORE {
                pieces.pop();
                continue;
            }
            if first == LITERAL {
                pieces.push((apart, MORE.into()));
                continue;
            }
        }
        pieces.push((apart, piece));
    }
    let mut shown = String::new();
    for (apart, piece) in &pieces {
        if *apart {
            shown.push(' ');
        }
        shown.push_str(piece);
        if shown.len() > MAX_SHOWN {
            break;
        }
    }
    shown
}

/// A name, keyword or operator as it is; whatever else holds text of the user's is a literal.
fn shown_as(token: &Token) -> Cow<'_, str> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Cow::Borrowed(&word.value),
        Token::Word(word) => Cow::Owned(word.to_string()),
        Token::Placeholder(name) => Cow::Borrowed(name),
        Token::CustomBinaryOperator(operator) => Cow::Borrowed(operator),
        Token::Number(..) => Cow::Borrowed(LITERAL),
        other => {
            let text = other.to_string();
            let is_operator = !text.chars().any(|c| c.is_alphanumeric() || c == '\'' || c == '"' || c.is_whitespace());
            if is_operator { Cow::Owned(text) } else { Cow::Borrowed(LITERAL) }
        }
    }
}

/// Finds the bytes of places in a text, from front to back.
struct Places<'a> {
    chars: std::str::CharIndices<'a>,
    here: Location,
    end: usize,
}

impl<'a> Places<'a> {
    fn new(sql: &'a str) -> Self {
        Self { chars: sql.char_indices(), here: Location::new(1, 1), end: sql.len() }
    }

    /// The byte at a place that is not before the last one asked for.
    fn find(&mut self, place: Location) -> usize {
        while self.here < place {
            // As the tokenizer counts.
            match self.chars.next() {
                Some((_, '\n')) => self.here = Location::new(self.here.line.saturating_add(1), 1),
                Some(_) => self.here.column = self.here.column.saturating_add(1),
                None => return self.end,
            }
        }
        self.chars.clone().next().map_or(self.end, |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens;
    use super::*;
    use crate::gateway::SqlError;
    use crate::gateway::recorder::Entry;
    use async_trait::async_trait;

    #[derive(Debug)]
    struct Lengths;

    #[async_trait]
    impl Recorder for Lengths {
        fn fingerprint(&self, text: &str) -> [u8; 32] {
            let mut print = [b' '; 32];
            let all = print.iter_mut().zip(text.bytes());
            all.for_each(|(to, from)| *to = from);
            print
        }
        async fn admit(&self) -> Result<(), SqlError> {
            Ok(())
        }
        fn record(&self, _: Entry) {}
        async fn record_durably(&self, _: Entry) -> Result<(), SqlError> {
            Ok(())
        }
    }

    fn masked(sql: &str) -> Vec<String> {
        let texts = each(sql, &tokens::split(sql).unwrap(), &Lengths);
        texts.iter().map(|text| text.masked.to_string()).collect()
    }

    #[test]
    fn every_kind_of_literal_and_comment_is_gone() {
        for literal in [
            "'hunter2'",
            "E'hunter2\\n'",
            "N'hunter2'",
            "U&'hunter2'",
            "B'1001'",
            "X'1FF'",
            "$$hunter2$$",
            "$a$hunter2$a$",
            "17",
            "1.5e3",
        ] {
            let shown =
                masked(&format!("SELECT a -- hunter2\nFROM /* hunter2 */ \"T\".b WHERE c = {literal} AND d = $1"));
            assert_eq!(shown, ["SELECT a FROM \"T\".b WHERE c = ? AND d = $1"], "{literal}");
        }
        assert_eq!(masked("SELECT a->>'x', b::text, -1"), ["SELECT a->>?, b::text, -?"]);
    }

    #[test]
    fn lists_of_literals_are_short() {
        assert_eq!(
            masked("SELECT 1 WHERE a IN (1,  'b', 3, 4) AND f(x, 1, 2)"),
            ["SELECT ? WHERE a IN (?, …) AND f(x, ?, …)"]
        );
        let long = format!("SELECT {}", "\"äöü\", ".repeat(5_000) + "1");
        assert!(masked(&long)[0].len() <= MAX_SHOWN + '…'.len_utf8() && masked(&long)[0].ends_with('…'));
    }

    #[test]
    fn each_statement_has_its_own_text() {
        let sql = " SELECT 'ä;1' ;\n;;SET x = 'b'\r\n ; -- end";
        let texts = each(sql, &tokens::split(sql).unwrap(), &Lengths);
        let prints: Vec<_> = texts.iter().map(|t| String::from_utf8_lossy(&t.fingerprint).trim().to_owned()).collect();
        assert_eq!(prints, ["SELECT 'ä;1'", "SET x = 'b'"]);
        assert_eq!(texts.iter().map(|t| t.bytes).collect::<Vec<_>>(), [13, 11]);
    }

    #[test]
    fn what_cannot_be_read_shows_nothing_of_its_end() {
        let shown = |sql: &str| whole(sql, Some(&Lengths)).masked.to_string();
        assert_eq!(shown("SELEC 1 FRM 'x'"), "SELEC ? FRM ?");
        assert_eq!(shown("SELECT a FROM 'hunter2"), "SELECT a FROM ?");
        assert_eq!(shown("'hunter2"), "?");
        assert_eq!(shown("SELECT $x$hunter2"), "SELECT ?");
        assert_eq!(shown("SELECT /* hunter2"), "SELECT ?");
    }
}
