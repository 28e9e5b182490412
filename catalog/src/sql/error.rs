//! Positions, and what can be wrong with SQL: every error says where, what was found and what was expected.

use crate::account::ApplyError;
use std::fmt;

/// A place in a script, counted in characters from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl Position {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };

    pub(super) fn advance(&mut self, c: char) {
        if c == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
    }

    /// A place relative to a text that starts here.
    pub(super) fn plus(self, line: u64, column: u64) -> Self {
        let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        match line {
            0 => self,
            1 => Self { line: self.line, column: self.column.saturating_add(small(column.saturating_sub(1))) },
            _ => Self { line: self.line.saturating_add(small(line - 1)), column: small(column) },
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// SQL that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: found {found}, expected {expected}{}", hint(suggestion.as_deref()))]
pub struct ParseError {
    /// Where.
    pub at: Position,
    /// What stands there, shortened.
    pub found: String,
    /// What could have stood there.
    pub expected: String,
    /// The word that was probably meant.
    pub suggestion: Option<String>,
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|s| format!(" (did you mean {s}?)")).unwrap_or_default()
}

impl ParseError {
    pub(super) fn new(at: Position, found: impl AsRef<str>, expected: impl Into<String>) -> Self {
        let found: String = found.as_ref().chars().take(60).collect();
        Self { at, found, expected: expected.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    pub(super) fn too_long(what: &str, len: usize, max: usize, at: Position) -> Self {
        Self::new(at, format!("a {what} of {len} bytes"), format!("at most {max} bytes in a {what}"))
    }
}

/// SQL that is understood, but says something that this account cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub struct ExpandError {
    /// Where.
    pub at: Position,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a statement for an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A user, role or object does not exist.
    #[error("{what} does not exist{}", hint(suggestion.as_deref()))]
    Unknown {
        /// Type and name.
        what: String,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// Something of that name exists.
    #[error("{0} already exists")]
    Exists(String),
    /// The object is of another type.
    #[error("{name} is of type {found}, not {wanted}")]
    WrongType {
        /// Its full name.
        name: String,
        /// Its type.
        found: String,
        /// The type that the statement names.
        wanted: String,
    },
    /// A name has too many or too few parts.
    #[error("{0}")]
    Name(String),
    /// There is no current database or schema to complete a name.
    #[error("{name} is not a full name and there is no current {missing}")]
    NotQualified {
        /// The name as written.
        name: String,
        /// `database` or `schema`.
        missing: &'static str,
    },
    /// Snowflake has no such thing.
    #[error("{0}")]
    NotAllowed(String),
    /// The statement is no change of access control, or one that changes cannot say.
    #[error("{0}")]
    NotAChange(String),
}

/// Why a script gives no changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// It is not understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It says what the account cannot follow.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// One of its changes does not apply to the account.
    #[error("{at}: {error}")]
    Apply {
        /// The statement's start.
        at: Position,
        /// Why not.
        error: ApplyError,
    },
}

impl SqlError {
    /// Where the script is wrong.
    pub fn position(&self) -> Position {
        match self {
            Self::Parse(e) => e.at,
            Self::Expand(e) => e.at,
            Self::Apply { at, .. } => *at,
        }
    }
}
