//! Snowflake identifiers: one part of a name, exactly as the platform stores it.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// Longest identifier Snowflake accepts, in characters.
pub const MAX_IDENT_CHARS: usize = 255;

/// Words that cannot stand as an identifier without quotes
/// (Snowflake documentation, "Reserved & limited keywords").
const RESERVED: &[&str] = &[
    "ACCOUNT",
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CHECK",
    "COLUMN",
    "CONNECT",
    "CONNECTION",
    "CONSTRAINT",
    "CREATE",
    "CROSS",
    "CURRENT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DATABASE",
    "DELETE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "EXISTS",
    "FALSE",
    "FOLLOWING",
    "FOR",
    "FROM",
    "FULL",
    "GRANT",
    "GROUP",
    "GSCLUSTER",
    "HAVING",
    "ILIKE",
    "IN",
    "INCREMENT",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "ISSUE",
    "JOIN",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LOCALTIME",
    "LOCALTIMESTAMP",
    "MINUS",
    "NATURAL",
    "NOT",
    "NULL",
    "OF",
    "ON",
    "OR",
    "ORDER",
    "ORGANIZATION",
    "QUALIFY",
    "REGEXP",
    "REVOKE",
    "RIGHT",
    "RLIKE",
    "ROW",
    "ROWS",
    "SAMPLE",
    "SCHEMA",
    "SELECT",
    "SET",
    "SOME",
    "START",
    "TABLE",
    "TABLESAMPLE",
    "THEN",
    "TO",
    "TRIGGER",
    "TRUE",
    "TRY_CAST",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHENEVER",
    "WHERE",
    "WITH",
];

/// One identifier with its stored spelling: case-sensitive, any Unicode, never folded.
///
/// SQL text is built from [`Ident::quoted`] only; [`Ident::shown`] is for people.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(Arc<str>);

/// Why a text cannot be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// The text is empty.
    #[error("an identifier cannot be empty")]
    Empty,
    /// The text is longer than [`MAX_IDENT_CHARS`].
    #[error("an identifier has at most {MAX_IDENT_CHARS} characters, this one has {0}")]
    TooLong(usize),
    /// The text contains a NUL character.
    #[error("an identifier cannot contain a NUL character")]
    Nul,
}

impl Ident {
    /// Takes `text` as the stored spelling.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdentError> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(IdentError::Empty);
        }
        if text.contains('\0') {
            return Err(IdentError::Nul);
        }
        let chars = text.chars().count();
        if chars > MAX_IDENT_CHARS {
            return Err(IdentError::TooLong(chars));
        }
        Ok(Self(text.into()))
    }

    /// Takes an unquoted identifier as SQL reads it: ASCII letters become upper case.
    pub fn unquoted(text: &str) -> Result<Self, IdentError> {
        Self::new(text.to_ascii_uppercase())
    }

    /// A name this crate itself spells, such as `PUBLIC`.
    pub(crate) fn known(text: &'static str) -> Self {
        Self(text.into())
    }

    /// The stored spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as SQL text, always in double quotes.
    pub fn quoted(&self) -> impl fmt::Display + '_ {
        Quoted(&self.0)
    }

    /// The identifier for people: quoted only where SQL needs it.
    pub fn shown(&self) -> impl fmt::Display + '_ {
        Shown(&self.0)
    }

    /// Whether `text` reads back as itself without quotes.
    pub fn is_plain(text: &str) -> bool {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c.is_ascii_uppercase() || c == '_')
            && chars.all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '$')
            && RESERVED.binary_search(&text).is_err()
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (i, piece) in self.0.split('"').enumerate() {
            if i > 0 {
                f.write_str("\"\"")?;
            }
            f.write_str(piece)?;
        }
        f.write_str("\"")
    }
}

struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if Ident::is_plain(self.0) { f.write_str(self.0) } else { Quoted(self.0).fmt(f) }
    }
}

impl fmt::Debug for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.quoted())
    }
}

impl AsRef<str> for Ident {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Ident {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_doubles_quotes_and_keeps_the_rest() {
        let odd = Ident::new("my \"odd\" Role.$").unwrap();
        assert_eq!(odd.quoted().to_string(), "\"my \"\"odd\"\" Role.$\"");
        assert_eq!(Ident::new("A\"").unwrap().quoted().to_string(), "\"A\"\"\"");
    }

    #[test]
    fn shown_quotes_only_where_needed() {
        for (text, shown) in [
            ("ANALYST", "ANALYST"),
            ("_A$1", "_A$1"),
            ("orders", "\"orders\""),
            ("ORDER", "\"ORDER\""),
            ("1A", "\"1A\""),
            ("A.B", "\"A.B\""),
            ("É", "\"É\""),
        ] {
            assert_eq!(Ident::new(text).unwrap().shown().to_string(), shown);
        }
    }

    #[test]
    fn reserved_words_are_sorted_for_the_search() {
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn refused_texts_say_why() {
        assert_eq!(Ident::new(""), Err(IdentError::Empty));
        assert_eq!(Ident::new("a\0b"), Err(IdentError::Nul));
        assert_eq!(Ident::new("x".repeat(256)), Err(IdentError::TooLong(256)));
        assert!(Ident::new("é".repeat(255)).is_ok());
    }
}
