//! The front door: text to statements of a kind that grantd answers, or an error. Nothing past this point sees a
//! statement that is not on the list.

mod commands;
mod copy;
mod cursors;
mod dialect;
mod guard;
pub(crate) mod masked;
mod size;
mod tokens;

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{self, Expr};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::error::{SqlError, from_parser, too_complex};
use super::recorder::{Recorder, StatementText};
use super::rewrite;
use dialect::SqlDialect;

pub(crate) use guard::read_only;
pub(crate) use tokens::Cursor;

/// Calls of the parser in each other. One level of what [`tokens`] counts takes up to four; prefix operators take one. The query
/// threads have stacks for far more.
const MAX_PARSER_DEPTH: usize = 4 * tokens::MAX_DEPTH;

/// A statement and the text it came from.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// The whole text of the message: error positions count in it.
    pub sql: Arc<str>,
    /// What it asks for.
    pub command: Command,
    /// How the log shows it.
    pub text: StatementText,
}

/// The value of a SET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetValue {
    /// DEFAULT.
    Default,
    /// A value in the form that the setting's check takes.
    Text(String),
}

/// How EXPLAIN writes its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ExplainOptions {
    /// Run it and show figures.
    pub analyze: bool,
    /// Show the logical plan too.
    pub verbose: bool,
    /// Show how many blocks were read and written.
    pub buffers: bool,
    /// The form of the answer.
    pub format: ExplainFormat,
}

/// The forms that EXPLAIN writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ExplainFormat {
    #[default]
    Text,
    Json,
    Xml,
    Yaml,
}

/// Which rows FETCH or MOVE wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// The next ones; `None` is ALL.
    Forward(Option<u64>),
    /// Those before, the nearest first; `None` is ALL.
    Backward(Option<u64>),
    /// The row of that number; one below zero counts from the end, zero is before the first.
    Absolute(i64),
    /// The row so many further; zero is the same row again.
    Relative(i64),
}

/// Whether a cursor goes backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scrolling {
    /// SCROLL.
    Yes,
    /// NO SCROLL.
    No,
    /// Neither: as long as that costs little.
    Unsaid,
}

/// The format of COPY TO STDOUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyOptions {
    /// text, csv or binary.
    pub format: CopyFormat,
    /// A first line of column names.
    pub header: bool,
    /// Between columns.
    pub delimiter: u8,
    /// How NULL is written.
    pub null: String,
    /// The CSV quote.
    pub quote: u8,
    /// What stands before a quote in quotes.
    pub escape: u8,
    /// The columns whose values are always quoted.
    pub forced: Forced,
}

/// `FORCE_QUOTE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Forced {
    /// Every column.
    All,
    /// These.
    Columns(Vec<String>),
}

/// COPY's formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyFormat {
    /// Tab separated with backslash escapes.
    Text,
    /// Comma separated with quotes.
    Csv,
    /// PostgreSQL's binary format.
    Binary,
}

/// What a statement asks for. Everything that grantd answers is here; all else ended in an error.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    /// SELECT, VALUES, TABLE, WITH.
    Query(Box<ast::Query>),
    /// EXPLAIN of a query.
    Explain(ExplainOptions, Box<ast::Query>),
    /// EXPLAIN of EXECUTE.
    ExplainExecute(ExplainOptions, String, Vec<Expr>),
    /// SHOW name.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// SET.
    Set {
        /// The setting.
        name: String,
        /// Its new value.
        value: SetValue,
        /// SET LOCAL.
        local: bool,
    },
    /// SET TRANSACTION or SET SESSION CHARACTERISTICS: the settings it stands for.
    SetTransaction(Vec<(&'static str, String)>, bool),
    /// RESET name.
    Reset(String),
    /// RESET ALL.
    ResetAll,
    /// BEGIN or START TRANSACTION, with the tag of its answer and its modes.
    Begin(&'static str, Vec<(&'static str, String)>),
    /// COMMIT or END; `true` is AND CHAIN.
    Commit(bool),
    /// ROLLBACK or ABORT; `true` is AND CHAIN.
    Rollback(bool),
    /// SAVEPOINT.
    Savepoint(String),
    /// RELEASE.
    Release(String),
    /// ROLLBACK TO.
    RollbackTo(String),
    /// DECLARE name CURSOR FOR.
    Declare {
        /// The cursor.
        name: String,
        /// WITH HOLD.
        hold: bool,
        /// BINARY.
        binary: bool,
        /// SCROLL or NO SCROLL.
        scrolling: Scrolling,
        /// What it reads.
        query: Box<ast::Query>,
    },
    /// FETCH or MOVE.
    Fetch {
        /// The cursor.
        name: String,
        /// Which rows.
        what: Fetch,
        /// MOVE: count, do not send.
        only_move: bool,
    },
    /// CLOSE name, or CLOSE ALL.
    CloseCursor(Option<String>),
    /// PREPARE.
    Prepare {
        /// The statement's name.
        name: String,
        /// The declared parameter types.
        types: Vec<ast::DataType>,
        /// The statement.
        statement: Box<Statement>,
    },
    /// EXECUTE.
    Execute(String, Vec<Expr>),
    /// DEALLOCATE name, or DEALLOCATE ALL.
    Deallocate(Option<String>),
    /// DISCARD ALL.
    DiscardAll,
    /// DISCARD PLANS, SEQUENCES, TEMP: there are none.
    DiscardOther(&'static str),
    /// CALL.
    Call(String, Vec<Expr>),
    /// UNLISTEN: nobody listens.
    Unlisten,
    /// COPY (query) TO STDOUT.
    CopyTo(CopyOptions, Box<ast::Query>),
    /// SET ROLE NONE and the like, which change nothing here.
    Nothing(&'static str),
    /// What is never done: it can be prepared, as in PostgreSQL, and ends in this error when it is to run.
    Refused {
        /// Why.
        error: Box<SqlError>,
        /// How many parameters its text has.
        params: usize,
    },
}

impl Command {
    /// Whether the command is allowed in a failed transaction.
    pub(crate) fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit(_) | Self::Rollback(_) | Self::RollbackTo(_))
    }

    /// Whether it ran when it failed with `sqlstate`. Before PostgreSQL makes a portal, it analyses queries, and computes
    /// those that read nothing.
    pub(crate) fn failed_running(&self, sqlstate: &str) -> bool {
        let analysed = sqlstate.starts_with("42") || sqlstate.starts_with("0A");
        match self {
            Self::Query(query) => {
                let constant = matches!(query.body.as_ref(), ast::SetExpr::Select(select) if select.from.is_empty());
                !analysed && !constant
            }
            Self::Declare { .. } | Self::Explain(..) => !analysed,
            _ => true,
        }
    }

    /// A short name for the log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Explain(..) | Self::ExplainExecute(..) => "explain",
            Self::Show(_) | Self::ShowAll => "show",
            Self::Set { .. } | Self::SetTransaction(..) | Self::Reset(_) | Self::ResetAll => "set",
            Self::Begin(..)
            | Self::Commit(_)
            | Self::Rollback(_)
            | Self::Savepoint(_)
            | Self::Release(_)
            | Self::RollbackTo(_) => "transaction",
            Self::Declare { .. } | Self::Fetch { .. } | Self::CloseCursor(_) => "cursor",
            Self::Prepare { .. } | Self::Execute(..) | Self::Deallocate(_) => "prepared",
            Self::DiscardAll | Self::DiscardOther(_) | Self::Unlisten | Self::Nothing(_) => "session",
            Self::Call(..) => "call",
            Self::CopyTo(..) => "copy",
            Self::Refused { .. } => "refused",
        }
    }
}

/// All statements of a text. Like PostgreSQL, a syntax error anywhere means that none runs.
/// Needs a big stack: call it on the query threads.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, SqlError> {
    read(sql, None)
}

/// The same, with the texts that the log wants.
pub(crate) fn read(sql: &str, recorder: Option<&dyn Recorder>) -> Result<Vec<Statement>, SqlError> {
    let whole: Arc<str> = Arc::from(sql);
    let all = tokens::split(sql)?;
    let mut statements = all.iter().map(|tokens| one(&whole, tokens)).collect::<Result<Vec<_>, _>>()?;
    if let Some(recorder) = recorder {
        for (statement, text) in statements.iter_mut().zip(masked::each(sql, &all, recorder)) {
            statement.text = text;
        }
    }
    Ok(statements)
}

fn one(sql: &Arc<str>, tokens: &[TokenWithSpan]) -> Result<Statement, SqlError> {
    let command = match commands::classify(sql, tokens) {
        // Not a syntax error: like PostgreSQL, the statements before it in the same text run first.
        Err(error) if !matches!(error.sqlstate, "42601" | "54001") => refused(error, tokens),
        classified => classified?,
    };
    Ok(Statement { sql: Arc::clone(sql), command, text: StatementText::default() })
}

fn refused(error: SqlError, tokens: &[TokenWithSpan]) -> Command {
    let number = |token: &TokenWithSpan| match &token.token {
        Token::Placeholder(text) => text.strip_prefix('$').and_then(|digits| digits.parse::<u16>().ok()),
        _ => None,
    };
    let params = tokens.iter().filter_map(number).max().map_or(0, usize::from);
    Command::Refused { error: Box::new(error), params }
}

/// A query from tokens, checked and rewritten into what the planner understands.
fn query(sql: &str, tokens: &[TokenWithSpan]) -> Result<Box<ast::Query>, SqlError> {
    let dialect = SqlDialect::of(tokens.len());
    let rewritten = table_command(tokens).or_else(|| empty_lists(tokens));
    let tokens = rewritten.as_deref().unwrap_or(tokens);
    let mut parser = parser(&dialect, tokens);
    let query = parser.parse_query().map_err(|error| unread(&dialect, &error, sql))?;
    at_end(sql, tokens, &parser)?;
    guard::only_reads(&query, sql)?;
    let mut statement = ast::Statement::Query(query);
    rewrite::statement(&mut statement, sql)?;
    match statement {
        ast::Statement::Query(query) => Ok(query),
        _ => Err(SqlError::internal()),
    }
}

/// `TABLE t` is `SELECT * FROM t`, which the planner knows.
fn table_command(tokens: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    let (first, rest) = tokens.split_first()?;
    if !matches!(&first.token, Token::Word(word) if word.keyword == Keyword::TABLE) {
        return None;
    }
    let mut select = vec![
        TokenWithSpan::new(Token::make_keyword("SELECT"), first.span),
        TokenWithSpan::new(Token::Mul, first.span),
        TokenWithSpan::new(Token::make_keyword("FROM"), first.span),
    ];
    select.extend(rest.iter().cloned());
    Some(select)
}

/// `SELECT` alone is a row without columns, as `SELECT FROM` one row is, which the parser knows.
fn empty_lists(tokens: &[TokenWithSpan]) -> Option<Vec<TokenWithSpan>> {
    const AFTER: [Keyword; 11] = [
        Keyword::WHERE,
        Keyword::GROUP,
        Keyword::HAVING,
        Keyword::ORDER,
        Keyword::LIMIT,
        Keyword::OFFSET,
        Keyword::FETCH,
        Keyword::FOR,
        Keyword::UNION,
        Keyword::INTERSECT,
        Keyword::EXCEPT,
    ];
    let keyword = |token: Option<&TokenWithSpan>| match token.map(|token| &token.token) {
        Some(Token::Word(word)) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    let is_empty = |at: usize| {
        // After AS or a point it is a name.
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        let is_name = keyword(before) == Keyword::AS || before.is_some_and(|before| before.token == Token::Period);
        let after = tokens.get(at.saturating_add(1));
        let ends = after.is_none_or(|after| after.token == Token::RParen) || AFTER.contains(&keyword(after));
        keyword(tokens.get(at)) == Keyword::SELECT && !is_name && ends
    };
    let row = [
        Token::make_keyword("FROM"),
        Token::LParen,
        Token::make_keyword("VALUES"),
        Token::LParen,
        Token::Number("1".to_owned(), false),
        Token::RParen,
        Token::RParen,
    ];
    (0..tokens.len()).any(is_empty).then(|| {
        let with_row = |(at, token): (usize, &TokenWithSpan)| {
            let row = if is_empty(at) { row.as_slice() } else { &[] };
            let row: Vec<_> = row.iter().map(|added| TokenWithSpan::new(added.clone(), token.span)).collect();
            std::iter::once(token.clone()).chain(row)
        };
        tokens.iter().enumerate().flat_map(with_row).collect()
    })
}

/// Expressions separated by commas, as in the arguments of EXECUTE and CALL.
fn expressions(sql: &str, tokens: &[TokenWithSpan]) -> Result<Vec<Expr>, SqlError> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = SqlDialect::of(tokens.len());
    let mut parser = parser(&dialect, tokens);
    let list = parser.parse_comma_separated(Parser::parse_expr).map_err(|error| unread(&dialect, &error, sql))?;
    at_end(sql, tokens, &parser)?;
    for expression in &list {
        guard::only_reads(expression, sql)?;
    }
    Ok(list)
}

/// A data type, as in PREPARE.
fn data_types(sql: &str, tokens: &[TokenWithSpan]) -> Result<Vec<ast::DataType>, SqlError> {
    let dialect = SqlDialect::of(tokens.len());
    let mut parser = parser(&dialect, tokens);
    let list = parser.parse_comma_separated(Parser::parse_data_type).map_err(|error| unread(&dialect, &error, sql))?;
    at_end(sql, tokens, &parser)?;
    Ok(list)
}

fn parser<'a>(dialect: &'a SqlDialect, tokens: &[TokenWithSpan]) -> Parser<'a> {
    Parser::new(dialect).with_recursion_limit(MAX_PARSER_DEPTH).with_tokens_with_locations(tokens.to_vec())
}

/// Why the parser could not read a text.
fn unread(dialect: &SqlDialect, error: &ParserError, sql: &str) -> SqlError {
    if dialect.is_exhausted() {
        return too_complex("It is nested in a way that takes too long to read.");
    }
    from_parser(error, sql)
}

fn at_end(sql: &str, tokens: &[TokenWithSpan], parser: &Parser<'_>) -> Result<(), SqlError> {
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(());
    }
    let here = tokens.iter().position(|token| token.span == next.span).unwrap_or(tokens.len());
    Err(Cursor::new(sql, tokens.get(here..).unwrap_or_default()).error())
}
