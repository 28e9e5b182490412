//! Refusals in Snowflake's words and numbers.

use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::model::ObjectRef;
use grantd_catalog::sql::{ExpandError, ParseError, Problem};

/// What a user is told of something that is not there, or not for it to know.
pub(super) fn missing(kind: &str, name: &str) -> Failure {
    Failure::new(
        "002003",
        "02000",
        format!("SQL compilation error:\n{kind} '{name}' does not exist or not authorized."),
    )
}

/// The same of an object.
pub(super) fn missing_object(object: &ObjectRef) -> Failure {
    let lower = object.object_type.sql().to_ascii_lowercase();
    let mut chars = lower.chars();
    let kind: String = chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect();
    missing(&kind, &object.shown())
}

/// The session knows the object and lacks a privilege on it.
pub(super) fn denied(object: &ObjectRef) -> Failure {
    let text = format!(
        "Insufficient privileges to operate on {} '{}'.",
        object.object_type.sql().to_ascii_lowercase(),
        object.shown()
    );
    forbidden(text)
}

/// A rule of access control forbids the statement, whoever runs it.
pub(super) fn forbidden(text: impl AsRef<str>) -> Failure {
    Failure::new("003001", "42501", format!("SQL access control error:\n{}", text.as_ref()))
}

/// Others depend on what would go or move, and the statement does not say what becomes of them.
pub(super) fn dependent(text: impl AsRef<str>) -> Failure {
    Failure::new("003036", "42501", format!("SQL execution error: {}", text.as_ref()))
}

/// Something of that name exists.
pub(super) fn exists(name: &str) -> Failure {
    Failure::new("002002", "42710", format!("SQL compilation error:\nObject '{name}' already exists."))
}

/// The statement is understood and wrong.
pub(super) fn invalid(text: impl AsRef<str>) -> Failure {
    Failure::new("001008", "42601", format!("SQL compilation error:\n{}", text.as_ref()))
}

/// What a user is told of a statement that is not understood.
pub(super) fn syntax_error(error: &ParseError) -> Failure {
    let column = error.at.column.saturating_sub(1);
    Failure::new(
        "001003",
        "42000",
        format!(
            "SQL compilation error:\nsyntax error line {} at position {column} unexpected '{}'. ({error})",
            error.at.line, error.found
        ),
    )
}

/// What a user is told of a statement that this account cannot follow.
pub(super) fn expand_error(error: &ExpandError) -> Failure {
    let text = format!("SQL compilation error:\n{error}");
    match &error.problem {
        Problem::Unknown { what, suggestion } => {
            let hint = suggestion.as_ref().map(|s| format!(" (did you mean {s}?)")).unwrap_or_default();
            Failure::new(
                "002003",
                "02000",
                format!("SQL compilation error:\n{what} does not exist or not authorized.{hint}"),
            )
        }
        Problem::Exists(what) => exists(what),
        Problem::NotQualified { .. } => Failure::new("090105", "22000", text),
        Problem::WrongType { .. } | Problem::Name(_) | Problem::NotAllowed(_) => Failure::new("001003", "42601", text),
        Problem::NotAChange(_) => Failure::new("000002", "0A000", text),
    }
}
