//! Text to tokens, within a budget, and tokens to statements.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::super::error::{SqlError, from_tokenizer, position_of, syntax_error_at, too_complex};
use super::super::frame::MAX_QUERY_TEXT;

/// Tokens (without white space) in one message. A list of 50,000 values has twice as many tokens as values.
const MAX_TOKENS: usize = 120_000;
/// Operators of one kind in a row at one depth: each becomes one level of the parsed tree.
const MAX_CHAIN: usize = 1_000;
/// Parentheses, brackets and CASE in each other.
pub(super) const MAX_DEPTH: usize = 128;
/// UNION, INTERSECT and EXCEPT in one statement.
const MAX_SET_OPERATIONS: usize = 250;

/// Longest name of a cursor, statement or savepoint, in bytes. PostgreSQL cuts them, and two become one.
const MAX_IDENTIFIER: usize = 63;

/// The tokens of each statement of `sql`, without white space and comments; statements are separated by semicolons.
/// An empty statement gives no entry.
pub(crate) fn split(sql: &str) -> Result<Vec<Vec<TokenWithSpan>>, SqlError> {
    if sql.len() > MAX_QUERY_TEXT {
        return Err(too_complex(format!("The text is longer than {MAX_QUERY_TEXT} bytes.")));
    }
    let dialect = PostgreSqlDialect {};
    let mut tokens = Vec::new();
    Tokenizer::new(&dialect, sql)
        .tokenize_with_location_into_buf(&mut tokens)
        .map_err(|error| from_tokenizer(&error, sql))?;
    if let Some([number, _]) = tokens.array_windows().find(|[number, word]| {
        matches!((&number.token, &word.token), (Token::Number(..), Token::Word(word)) if word.quote_style.is_none())
    }) {
        let start = number.span.start;
        let position = position_of(sql, start.line, start.column);
        let near = syntax_error_at(sql, position);
        return Err(SqlError { message: near.message.replace("syntax error", "trailing junk after numeric literal"), ..near });
    }
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_) | Token::EOF));
    if tokens.len() > MAX_TOKENS {
        return Err(too_complex(format!("The text has more than {MAX_TOKENS} tokens.")));
    }
    let mut statements = vec![Vec::new()];
    for token in tokens {
        if token.token == Token::SemiColon {
            statements.push(Vec::new());
        } else if let Some(last) = statements.last_mut() {
            last.push(token);
        }
    }
    statements.retain(|statement| !statement.is_empty());
    statements.iter_mut().for_each(is_null);
    for statement in &statements {
        check_chains(statement)?;
    }
    Ok(statements)
}

/// `x ISNULL` is `x IS NULL`, which the parser would take for `x AS isnull`.
fn is_null(tokens: &mut Vec<TokenWithSpan>) {
    let is_word = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case("isnull"),
        _ => false,
    };
    // Only behind AS is it a name: no column can be called so without quotes.
    let ends_operand = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) => word.quote_style.is_some() || word.keyword != Keyword::AS,
        Token::RParen | Token::RBracket | Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) => {
            true
        }
        _ => false,
    };
    if !tokens.iter().any(is_word) {
        return;
    }
    let mut written: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = std::mem::take(tokens).into_iter().peekable();
    while let Some(token) = rest.next() {
        let names = rest.peek().is_some_and(|next| matches!(next.token, Token::Period | Token::LParen));
        if is_word(&token) && !names && written.last().is_some_and(ends_operand) {
            for keyword in ["IS", "NULL"] {
                written.push(TokenWithSpan { token: Token::make_keyword(keyword), span: token.span });
            }
        } else {
            written.push(token);
        }
    }
    *tokens = written;
}

/// How many operators of each kind stand in a row at one depth of parentheses.
#[derive(Default, Clone)]
struct Chains {
    or: usize,
    and: usize,
    not: usize,
    sum: usize,
    product: usize,
    cast: usize,
    other: usize,
}

impl Chains {
    fn longest(&self) -> usize {
        [self.or, self.and, self.not, self.sum, self.product, self.cast, self.other].into_iter().max().unwrap_or(0)
    }
}

fn check_chains(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let mut levels = vec![Chains::default()];
    let (mut set_operations, mut cases) = (0usize, 0usize);
    for token in tokens {
        let Some(chains) = levels.last_mut() else { break };
        match &token.token {
            Token::LParen | Token::LBracket => levels.push(Chains::default()),
            Token::RParen | Token::RBracket => {
                if levels.len() > 1 {
                    levels.pop();
                }
            }
            Token::Comma => *chains = Chains::default(),
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::OR => {
                    chains.or += 1;
                    *chains = Chains { or: chains.or, ..Chains::default() };
                }
                Keyword::AND => {
                    chains.and += 1;
                    *chains = Chains { or: chains.or, and: chains.and, ..Chains::default() };
                }
                Keyword::NOT => chains.not += 1,
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::ORDER
                | Keyword::LIMIT => *chains = Chains::default(),
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT => {
                    *chains = Chains::default();
                    set_operations += 1;
                }
                // The parser forgets its own limit inside of CASE and NOT, and calls it a syntax error.
                Keyword::CASE => {
                    chains.other += 1;
                    cases += 1;
                }
                Keyword::END => cases = cases.saturating_sub(1),
                Keyword::WHEN | Keyword::THEN | Keyword::ELSE => chains.not = 0,
                Keyword::JOIN | Keyword::COLLATE | Keyword::IS | Keyword::LIKE => chains.other += 1,
                _ => {}
            },
            Token::Plus | Token::Minus => chains.sum += 1,
            Token::Mul | Token::Div | Token::Mod | Token::Caret => chains.product += 1,
            Token::DoubleColon => chains.cast += 1,
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Period
            | Token::Placeholder(_)
            | Token::Word(_) => {}
            _ => chains.other += 1,
        }
        if levels.last().is_some_and(|chains| chains.not > MAX_DEPTH) {
            return Err(too_complex(format!("More than {MAX_DEPTH} NOT in one condition.")));
        }
        if levels.len() - 1 + cases > MAX_DEPTH {
            return Err(too_complex(format!("More than {MAX_DEPTH} levels of parentheses, brackets and CASE.")));
        }
        if levels.last().is_some_and(|chains| chains.longest() > MAX_CHAIN) {
            return Err(too_complex(format!("More than {MAX_CHAIN} operators are chained.")));
        }
    }
    if set_operations > MAX_SET_OPERATIONS {
        return Err(too_complex(format!("More than {MAX_SET_OPERATIONS} UNION, INTERSECT or EXCEPT.")));
    }
    Ok(())
}

/// Reads the commands that sqlparser does not know.
pub(crate) struct Cursor<'a> {
    sql: &'a str,
    tokens: &'a [TokenWithSpan],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first token.
    pub(crate) fn new(sql: &'a str, tokens: &'a [TokenWithSpan]) -> Self {
        Self { sql, tokens, at: 0 }
    }

    /// The token here, not consumed.
    pub(crate) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at).map(|token| &token.token)
    }

    /// The token here, consumed.
    pub(crate) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at = self.at.saturating_add(1);
        token
    }

    /// The tokens from here on.
    pub(crate) fn rest(&self) -> &'a [TokenWithSpan] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    /// Whether all is read.
    pub(crate) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// An error unless all is read.
    pub(crate) fn end(&self) -> Result<(), SqlError> {
        if self.done() { Ok(()) } else { Err(self.error()) }
    }

    /// The place of the token here.
    pub(crate) fn position(&self) -> Option<usize> {
        let start = self.tokens.get(self.at)?.span.start;
        position_of(self.sql, start.line, start.column)
    }

    /// A syntax error at the token here.
    pub(crate) fn error(&self) -> SqlError {
        syntax_error_at(self.sql, self.position())
    }

    /// A syntax error at the first token of the statement.
    pub(crate) fn error_at_start(&self) -> SqlError {
        Cursor::new(self.sql, self.tokens).error()
    }

    /// Whether the unquoted word `word` (upper case) is here.
    pub(crate) fn at_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(w)) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
    }

    /// Consumes `word` if it is here.
    pub(crate) fn word(&mut self, word: &str) -> bool {
        let here = self.at_word(word);
        if here {
            self.at += 1;
        }
        here
    }

    /// Consumes one of `words` if it is here and says which.
    pub(crate) fn one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.word(word))
    }

    /// Consumes `word` or fails.
    pub(crate) fn expect_word(&mut self, word: &str) -> Result<(), SqlError> {
        if self.word(word) { Ok(()) } else { Err(self.error()) }
    }

    /// Consumes `token` if it is here.
    pub(crate) fn token(&mut self, token: &Token) -> bool {
        let here = self.peek() == Some(token);
        if here {
            self.at += 1;
        }
        here
    }

    /// An identifier: unquoted ones are folded to lower case.
    pub(crate) fn identifier(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Some(Token::Word(word)) if word.value.len() > MAX_IDENTIFIER => {
                let start: String = word.value.chars().take(32).collect();
                let text = format!("identifier \"{start}...\" is longer than {MAX_IDENTIFIER} bytes");
                Err(SqlError::new("42622", text))
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() })
            }
            _ => Err(self.error()),
        }
    }

    /// A whole number with an optional sign.
    pub(crate) fn integer(&mut self) -> Result<Option<i64>, SqlError> {
        let start = self.at;
        let negative = if self.token(&Token::Minus) {
            true
        } else {
            self.token(&Token::Plus);
            false
        };
        if let Some(Token::Number(text, _)) = self.peek() {
            let Ok(value) = text.parse::<i64>() else { return Err(self.error()) };
            self.at += 1;
            return Ok(Some(if negative { -value } else { value }));
        }
        if self.at == start { Ok(None) } else { Err(self.error()) }
    }

    /// A string constant.
    pub(crate) fn string(&mut self) -> Option<String> {
        let text = match self.peek()? {
            Token::SingleQuotedString(text)
            | Token::EscapedStringLiteral(text)
            | Token::UnicodeStringLiteral(text)
            | Token::NationalStringLiteral(text) => text.clone(),
            Token::DollarQuotedString(text) => text.value.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_split_outside_of_strings() {
        assert_eq!(split("select ';'; ; -- ;\n select $$;$$").unwrap().len(), 2);
    }

    #[test]
    fn long_chains_are_refused_and_normal_ones_pass() {
        let chain = |n: usize| format!("select 1 where {}", vec!["a = 1"; n].join(" or "));
        assert!(split(&chain(1_000)).is_ok());
        assert_eq!(split(&chain(2_000)).unwrap_err().sqlstate, "54001");
        assert_eq!(split(&format!("select 1{}", " + 1".repeat(1_500))).unwrap_err().sqlstate, "54001");
        assert_eq!(split(&format!("select 1{}", " union all select 1".repeat(300))).unwrap_err().sqlstate, "54001");
        let list = vec!["1"; 50_000].join(",");
        assert!(split(&format!("select 1 where 1 in ({list})")).is_ok());
    }

    #[test]
    fn deep_nests_are_refused_before_they_are_parsed() {
        let nested = |open: &str, close: &str, n: usize| format!("select {}1{}", open.repeat(n), close.repeat(n));
        for (open, close) in [("(", ")"), ("array[", "]"), ("case when true then ", " end"), ("abs(", ")")] {
            assert!(split(&nested(open, close, 128)).is_ok(), "{open}");
            assert_eq!(split(&nested(open, close, 129)).unwrap_err().sqlstate, "54001", "{open}");
        }
        assert_eq!(split(&nested("(case when true then ", " end)", 70)).unwrap_err().sqlstate, "54001");
        assert!(split(&format!("select {}", vec!["case when true then 1 end"; 500].join(", "))).is_ok());
    }

    #[test]
    fn an_open_quote_is_a_syntax_error() {
        assert_eq!(split("select 'a").unwrap_err().message, "unterminated quoted string at or near \"'a\"");
    }
}
