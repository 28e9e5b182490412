//! What a client is told when something fails: a SQLSTATE, a text as PostgreSQL writes it, and the place.

mod candidates;
mod parser;
mod planner;
mod texts;
mod values;

pub use parser::{from_parser, from_tokenizer, syntax_error_at};
pub use planner::from_datafusion;
pub(crate) use planner::{TOO_MUCH_MEMORY, out_of_memory};
pub(crate) use texts::undefined_function;

/// An error as it goes over the wire. Table providers and functions may return one inside
/// `DataFusionError::External`; it then reaches the client unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (SQLSTATE {sqlstate})")]
pub struct SqlError {
    /// The five characters of PostgreSQL's error code, e.g. `42P01`.
    pub sqlstate: &'static str,
    /// One sentence, lower case first, no full stop: PostgreSQL's style.
    pub message: String,
    /// What exactly was wrong.
    pub detail: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// The character in the query text, counted from 1.
    pub position: Option<usize>,
    /// A fatal error ends the connection.
    pub fatal: bool,
}

impl SqlError {
    /// An error with a code and a message.
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { sqlstate, message: message.into(), detail: None, hint: None, position: None, fatal: false }
    }

    /// The same error, ending the connection.
    pub fn fatal(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self { fatal: true, ..Self::new(sqlstate, message) }
    }

    /// 08P01: the client broke the protocol; the connection ends.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::fatal("08P01", message)
    }

    /// 0A000: a known feature that grantd does not have.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new("0A000", message)
    }

    /// 42601 at a character position.
    pub fn syntax(message: impl Into<String>, position: Option<usize>) -> Self {
        Self { position, ..Self::new("42601", message) }
    }

    /// XX000: a fault of grantd's own. The text says nothing about its insides; the log does.
    pub fn internal() -> Self {
        Self::new("XX000", "internal error").with_hint("The server log has the details.")
    }

    /// Adds a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a position where none is known yet.
    #[must_use]
    pub fn or_position(mut self, position: impl FnOnce() -> Option<usize>) -> Self {
        if self.position.is_none() {
            self.position = position();
        }
        self
    }

    /// The name that the message quotes first (`relation "x" does not exist` gives `x`), to look for its place.
    pub fn subject(&self) -> Option<&str> {
        match self.sqlstate {
            "42883" => self.message.strip_prefix("function ")?.split(['(', ' ']).next(),
            "42P01" | "42703" | "42702" | "42704" | "42803" => {
                let quoted = self.message.split('"').nth(1);
                quoted.or_else(|| self.message.strip_prefix("column ")?.split(' ').next())
            }
            _ => None,
        }
        .map(|name| name.rsplit('.').next().unwrap_or(name))
    }
}

/// The character position (from 1) of a line and column (both from 1, columns in characters).
pub fn position_of(sql: &str, line: u64, column: u64) -> Option<usize> {
    if line == 0 || column == 0 {
        return None;
    }
    let mut position = 0usize;
    let mut lines = sql.split_inclusive('\n');
    for _ in 1..line {
        position = position.checked_add(lines.next()?.chars().count())?;
    }
    position.checked_add(usize::try_from(column).ok()?)
}

/// 54001 with the reason.
pub fn too_complex(detail: impl Into<String>) -> SqlError {
    SqlError::new("54001", "statement is too complex").with_detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_characters_over_lines() {
        assert_eq!(position_of("ab\ncdé x", 2, 5), Some(8));
        assert_eq!(position_of("ab", 5, 1), None);
    }
}
