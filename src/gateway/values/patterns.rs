//! Patterns as PostgreSQL reads them: SIMILAR TO, LIKE and regular expressions against every pattern of an array, and the signs of
//! its regular expressions that the planner's do not have.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, AsArray, BooleanArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, FunctionArguments, Value};
use regex::Regex;

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::rewrite::{call, folded, take};
use super::array_literal;
use super::literals::string;
use super::rewrite::arguments_mut;

pub(super) fn functions() -> Vec<ScalarUDF> {
    let user_defined = || Signature::user_defined(Volatility::Immutable);
    let lists = OPERATORS.iter().flat_map(|(_, any, all)| [*any, *all]);
    let lists = lists.map(|name| ScalarUDF::new_from_impl(OfList { name, signature: user_defined() }));
    lists.chain([ScalarUDF::new_from_impl(Similar { signature: user_defined() })]).collect()
}

/// The operators of patterns, and the functions of them and an array: of any, of all.
const OPERATORS: &[(BinaryOperator, &str, &str)] = &[
    (BinaryOperator::PGLikeMatch, "like_any", "like_all"),
    (BinaryOperator::PGILikeMatch, "ilike_any", "ilike_all"),
    (BinaryOperator::PGNotLikeMatch, "not_like_any", "not_like_all"),
    (BinaryOperator::PGNotILikeMatch, "not_ilike_any", "not_ilike_all"),
    (BinaryOperator::PGRegexMatch, "regex_any", "regex_all"),
    (BinaryOperator::PGRegexIMatch, "iregex_any", "iregex_all"),
    (BinaryOperator::PGRegexNotMatch, "not_regex_any", "not_regex_all"),
    (BinaryOperator::PGRegexNotIMatch, "not_iregex_any", "not_iregex_all"),
];

/// `text op ANY (array)` or `ALL`, of an operator of patterns; `None` for others and for subqueries.
fn of_list(text: &mut Expr, op: &BinaryOperator, list: &mut Expr, all: bool) -> Option<Expr> {
    if matches!(list, Expr::Subquery(_)) {
        return None;
    }
    let (_, any_name, all_name) = OPERATORS.iter().find(|(known, ..)| known == op)?;
    Some(call(if all { all_name } else { any_name }, vec![take(text), take(list)]))
}

/// The patterns in an expression, in the planner's form.
pub(super) fn planned(expr: &mut Expr) {
    let replaced = match expr {
        Expr::AnyOp { left, compare_op, right, .. } => of_list(left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => of_list(left, compare_op, right, true),
        Expr::Like { negated, any, expr, pattern, escape_char: None } => {
            let op = if *negated { BinaryOperator::PGNotLikeMatch } else { BinaryOperator::PGLikeMatch };
            like_list(expr, &op, *any, pattern)
        }
        Expr::ILike { negated, any, expr, pattern, escape_char: None } => {
            let op = if *negated { BinaryOperator::PGNotILikeMatch } else { BinaryOperator::PGILikeMatch };
            like_list(expr, &op, *any, pattern)
        }
        Expr::SimilarTo { negated, expr, pattern, escape_char } => {
            let mut arguments = vec![take(pattern)];
            arguments.extend(escape_char.take().map(Expr::Value));
            let op = if *negated { BinaryOperator::PGRegexNotMatch } else { BinaryOperator::PGRegexMatch };
            let right = Box::new(call("similar_to_escape", arguments));
            Some(Expr::BinaryOp { left: Box::new(take(expr)), op, right })
        }
        Expr::BinaryOp {
            op:
                BinaryOperator::PGRegexMatch
                | BinaryOperator::PGRegexIMatch
                | BinaryOperator::PGRegexNotMatch
                | BinaryOperator::PGRegexNotIMatch,
            right,
            ..
        } => {
            of_regex(right);
            None
        }
        Expr::Function(function) => {
            let name = function.name.0.last().and_then(|name| name.as_ident()).map(folded).unwrap_or_default();
            if name.starts_with("regexp_")
                && name != "regexp_matches"
                && let Some(pattern) = arguments_mut(&mut function.args).nth(1)
            {
                of_regex(pattern);
            }
            None
        }
        _ => None,
    };
    if let Some(replaced) = replaced {
        *expr = replaced;
    }
}

/// `LIKE ANY (array)`, `LIKE ALL (array)`; the parser takes ALL for the name of a function.
fn like_list(text: &mut Expr, op: &BinaryOperator, any: bool, pattern: &mut Expr) -> Option<Expr> {
    if any {
        let list = match pattern {
            Expr::Nested(inner) => inner.as_mut(),
            other => other,
        };
        return of_list(text, op, list, false);
    }
    let Expr::Function(function) = pattern else { return None };
    let [name] = function.name.0.as_slice() else { return None };
    let all = match name.as_ident().filter(|name| name.quote_style.is_none()).map(folded)?.as_str() {
        "all" => true,
        "some" => false,
        _ => return None,
    };
    if !matches!(function.args, FunctionArguments::List(_)) {
        return None;
    }
    let list = arguments_mut(&mut function.args).next()?;
    of_list(text, op, list, all)
}

/// Writes a regular expression that is a literal in the planner's form.
fn of_regex(pattern: &mut Expr) {
    if let Some(text) = string(pattern) {
        let translated = regex(text);
        if translated != text {
            *pattern = Expr::value(Value::SingleQuotedString(translated));
        }
    }
}

/// A regular expression of PostgreSQL's: a point is any character, also a newline, and words have ends of their own.
fn regex(pattern: &str) -> String {
    let mut out = String::new();
    let (mut escaped, mut class, mut point) = (false, false, false);
    for character in pattern.chars() {
        match (escaped, character) {
            (true, 'y') => out.push_str("\\b"),
            (true, 'Y') => out.push_str("\\B"),
            (true, 'm') => out.push_str("\\b{start}"),
            (true, 'M') => out.push_str("\\b{end}"),
            (true, other) => out.extend(['\\', other]),
            (false, '\\') => {}
            (false, other) => {
                class = if class { other != ']' } else { other == '[' };
                point |= other == '.' && !class;
                out.push(other);
            }
        }
        escaped = !escaped && character == '\\';
    }
    if escaped {
        out.push('\\');
    }
    // What begins with options says itself how a newline is read.
    if point && !out.starts_with("(?") { format!("(?s){out}") } else { out }
}

/// A pattern of SIMILAR TO as a regular expression.
fn similar(pattern: &str, escape: Option<char>) -> String {
    let mut out = String::from("(?s)^(?:");
    let (mut escaped, mut class) = (false, false);
    for character in pattern.chars() {
        if escaped {
            // What is escaped stands for itself.
            out.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
            escaped = false;
        } else if Some(character) == escape {
            escaped = true;
        } else if class {
            class = character != ']';
            out.push(character);
        } else {
            match character {
                '%' => out.push_str(".*"),
                '_' => out.push('.'),
                '(' => out.push_str("(?:"),
                '[' => {
                    class = true;
                    out.push('[');
                }
                '\\' | '.' | '^' | '$' => out.extend(['\\', character]),
                other => out.push(other),
            }
        }
    }
    out.push_str(")$");
    out
}

/// `similar_to_escape`, of a pattern and the character that escapes in it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Similar {
    signature: Signature,
}

impl ScalarUDFImpl for Similar {
    fn name(&self) -> &'static str {
        "similar_to_escape"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8; arguments.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|value| Ok(cast(&value.to_array(args.number_rows)?, &DataType::Utf8)?));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let Some(patterns) = columns.first() else { return Err(DataFusionError::Internal("no pattern".to_owned())) };
        let escapes = columns.get(1).map(AsArray::as_string::<i32>);
        let found = patterns.as_string::<i32>().iter().enumerate().map(|(row, pattern)| {
            let Some(pattern) = pattern else { return Ok(None) };
            let escape = match escapes {
                None => Some('\\'),
                Some(escapes) if escapes.is_null(row) => return Ok(None),
                Some(escapes) => {
                    let mut characters = escapes.value(row).chars();
                    let escape = characters.next();
                    if characters.next().is_some() {
                        return Err(sql_error("22025", "invalid escape string"));
                    }
                    escape
                }
            };
            Ok(Some(similar(pattern, escape)))
        });
        Ok(ColumnarValue::Array(Arc::new(found.collect::<Result<StringArray>>()?)))
    }
}

/// Compiled patterns that are kept for the next rows.
const KEPT: usize = 64;

/// A text against the patterns of an array.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfList {
    name: &'static str,
    signature: Signature,
}

impl OfList {
    fn compiled(&self, pattern: &str) -> Result<Regex> {
        let fold = if self.name.contains("ilike") || self.name.contains("iregex") { "(?i)" } else { "" };
        let text = if self.name.contains("like") { like(pattern) } else { regex(pattern) };
        Regex::new(&format!("{fold}{text}")).map_err(|_| sql_error("2201B", "invalid regular expression"))
    }

    /// NULL where one pattern is NULL and no other decides.
    fn answer(&self, text: &str, patterns: &StringArray, known: &mut HashMap<String, Regex>) -> Result<Option<bool>> {
        let (negated, all) = (self.name.starts_with("not_"), self.name.ends_with("_all"));
        let mut unknown = false;
        for pattern in patterns {
            let Some(pattern) = pattern else {
                unknown = true;
                continue;
            };
            if !known.contains_key(pattern) {
                if known.len() >= KEPT {
                    known.clear();
                }
                known.insert(pattern.to_owned(), self.compiled(pattern)?);
            }
            let matches = known.get(pattern).is_some_and(|regex| regex.is_match(text)) != negated;
            if matches != all {
                return Ok(Some(matches));
            }
        }
        Ok(if unknown { None } else { Some(all) })
    }
}

/// A pattern of LIKE as a regular expression.
fn like(pattern: &str) -> String {
    let mut out = String::from("(?s)^");
    let mut escaped = false;
    for character in pattern.chars() {
        match (escaped, character) {
            (false, '\\') => {}
            (false, '%') => out.push_str(".*"),
            (false, '_') => out.push('.'),
            (_, other) => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
        escaped = !escaped && character == '\\';
    }
    out.push('$');
    out
}

impl ScalarUDFImpl for OfList {
    fn name(&self) -> &'static str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let texts = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
        match arguments {
            [text, list] if text.is_string() || *text == DataType::Null => {
                Ok(vec![DataType::Utf8, if list.is_nested() { texts } else { DataType::Utf8 }])
            }
            _ => Err(sql_error("42883", "operator does not exist: a pattern of what is no text")),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let [texts, lists] = columns.as_slice() else {
            return Err(DataFusionError::Internal("a text and its patterns".to_owned()));
        };
        let texts = texts.as_string::<i32>();
        let mut known = HashMap::new();
        let mut answers = Vec::new();
        for row in 0..args.number_rows {
            if lists.is_null(row) || texts.is_null(row) {
                answers.push(None);
                continue;
            }
            // An array is written as a text, too.
            let patterns = match lists.as_list_opt::<i32>() {
                Some(lists) => cast(&lists.value(row), &DataType::Utf8)?.as_string::<i32>().clone(),
                None => {
                    let items = array_literal::items(lists.as_string::<i32>().value(row));
                    items.map_err(|error| DataFusionError::External(Box::new(error)))?.into_iter().collect()
                }
            };
            answers.push(self.answer(texts.value(row), &patterns, &mut known)?);
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(answers))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_postgresql() {
        assert_eq!(similar("(a|b)%", Some('\\')), "(?s)^(?:(?:a|b).*)$");
        assert_eq!(similar("a!%_.", Some('!')), "(?s)^(?:a%.\\.)$");
        assert_eq!(similar("[%_]", None), "(?s)^(?:[%_])$");
        assert_eq!(like("a\\%%_"), "(?s)^a%.*.$");
        assert_eq!(regex("a.b"), "(?s)a.b");
        assert_eq!(regex("\\ma\\.[.]\\M"), "\\b{start}a\\.[.]\\b{end}");
        assert_eq!(regex("^a$"), "^a$");
    }

    #[test]
    fn a_null_among_patterns_is_unknown_unless_another_decides() {
        let of = |name| OfList { name, signature: Signature::user_defined(Volatility::Immutable) };
        let answer = |name, patterns: &[Option<&str>]| {
            of(name).answer("abc", &StringArray::from(patterns.to_vec()), &mut HashMap::new()).unwrap()
        };
        assert_eq!(answer("like_any", &[Some("a%"), None]), Some(true));
        assert_eq!(answer("like_any", &[Some("x"), None]), None);
        assert_eq!(answer("like_any", &[]), Some(false));
        assert_eq!(answer("not_like_all", &[Some("a%"), None]), Some(false));
        assert_eq!(answer("not_like_all", &[]), Some(true));
        assert_eq!(answer("iregex_all", &[Some("^A"), Some("C$")]), Some(true));
    }
}
