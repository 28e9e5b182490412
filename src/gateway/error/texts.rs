//! Texts of the planner and of execution in PostgreSQL's words. What has no words here keeps its own, without anything of
//! the planner's insides.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::values::{from_text, type_word};
use super::{SqlError, position_of};

const NO_FUNCTION: &str =
    "No function matches the given name and argument types. You might need to add explicit type casts.";
const NO_OPERATOR: &str =
    "No operator matches the given name and argument types. You might need to add explicit type casts.";

/// Words of the planner's insides. A text that has one is not shown.
const INSIDES: &[&str] = &[
    "{",
    "}",
    "::",
    "(inner",
    "DataType",
    "Signature",
    "Exact(",
    "OneOf(",
    "Coercible(",
    "Literal(",
    "ScalarValue",
    "sqltorel",
    "ast node",
    "LogicalPlan",
    "logical plan",
    "physical plan",
    "Physical plan",
    "Internal error",
    "internal error",
    "Arrow",
    "DataFusion",
    "RecordBatch",
    "Error during planning",
    "Execution error",
    "\u{1}",
];

/// Names of Arrow's types, and SQL's for them.
const TYPES: &[(&str, &str)] = &[
    ("Utf8View", "text"),
    ("LargeUtf8", "text"),
    ("Utf8", "text"),
    ("UInt64", "bigint"),
    ("Int64", "bigint"),
    ("UInt32", "bigint"),
    ("Int32", "integer"),
    ("Int16", "smallint"),
    ("Float64", "double precision"),
    ("Float32", "real"),
    ("Boolean", "boolean"),
    ("Date32", "date"),
    ("Null", "unknown"),
];

/// The first line, without the hints and back traces that the planner appends, first letter lowered; `otherwise` when it
/// tells of the planner's insides.
pub(super) fn plain(text: &str, otherwise: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.split("backtrace:").next().unwrap_or(line).trim().trim_end_matches('.');
    if line.is_empty() || INSIDES.iter().any(|word| line.contains(word)) {
        return otherwise.to_owned();
    }
    let line = TYPES.iter().fold(line.to_owned(), |line, (arrow, sql)| line.replace(arrow, sql));
    let mut chars = line.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        _ => line,
    }
}

/// The `index`-th text in single quotes, from 0.
fn quoted(text: &str, index: usize) -> &str {
    text.split('\'').nth(index.saturating_mul(2).saturating_add(1)).unwrap_or_default()
}

/// The number after `start`.
fn number_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let rest = text.split_once(start)?.1;
    rest.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())
}

/// Texts of the planner that begin so or have it in them, with the code and the words that PostgreSQL has for them.
const PLANNED: &[(&str, &str, &str)] = &[
    ("Aggregate functions are not allowed in the WHERE", "42803", "aggregate functions are not allowed in WHERE"),
    ("ggregate function calls cannot be nested", "42803", "aggregate function calls cannot be nested"),
    ("have different number of columns", "42601", "each UNION query must have the same number of columns"),
    ("subquery should only return one column", "42601", "subquery must return only one column"),
    ("LIMIT must be >= 0", "2201W", "LIMIT must not be negative"),
    ("OFFSET must be >=0", "2201X", "OFFSET must not be negative"),
    ("Expected LIMIT to be an integer", "42804", "argument of LIMIT must be type bigint"),
    ("Expected OFFSET to be an integer", "42804", "argument of OFFSET must be type bigint"),
    ("SELECT * with no tables specified", "42601", "SELECT * with no tables specified is not valid"),
    ("Inconsistent data length across values list", "42601", "VALUES lists must all be the same length"),
    ("Invalid window frame", "42P20", "invalid window frame"),
    (
        "to grouping function is not in grouping columns",
        "42803",
        "arguments to GROUPING must be grouping expressions of the associated query level",
    ),
    ("Unary operator '-'", "42883", "operator does not exist: - with an operand that is no number"),
    ("Failed to unify argument types of make_array", "42804", "ARRAY types cannot be matched"),
    ("unnest() can only be applied", "42883", "function unnest does not exist with these argument types"),
    ("Cannot access field", "42P01", "missing FROM-clause entry for the table of a qualified name"),
    ("invalid digit found in string", "42601", "non-integer constant in ORDER BY"),
];

pub(super) fn from_plan(text: &str, sql: &str) -> SqlError {
    if text.contains("able function '") && text.contains("not found") {
        return undefined_function(quoted(text, 0));
    }
    if (text.starts_with("table '") || text.starts_with("Table '")) && text.contains("' not found") {
        return missing_relation(quoted(text, 0), sql);
    }
    if text.starts_with("Invalid function '") {
        return undefined_function(quoted(text, 0));
    }
    if text.starts_with("column '") && text.contains("' not found") {
        return SqlError::new("42703", format!("column \"{}\" does not exist", quoted(text, 0)));
    }
    if let Some(error) = typed(text, sql) {
        return error;
    }
    if let Some((_, code, words)) = PLANNED.iter().find(|(part, ..)| text.contains(part)) {
        let error = SqlError::new(code, *words);
        return if *code == "42883" { error.with_hint(NO_OPERATOR) } else { error };
    }
    if let Some(position) = text.contains("column out of bounds").then(|| number_after(text, "specified: ")).flatten() {
        return SqlError::new("42P10", format!("ORDER BY position {position} is not in select list"));
    }
    if let Some(position) = number_after(text, "Cannot find column with position ") {
        return SqlError::new("42P10", format!("GROUP BY position {position} is not in select list"));
    }
    if text.starts_with("For SELECT DISTINCT") {
        return SqlError::new("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
    }
    if let Some(name) = text.strip_prefix("Invalid qualifier ") {
        return SqlError::new("42P01", format!("missing FROM-clause entry for table \"{name}\""));
    }
    if text.starts_with("WITH query name") {
        return SqlError::new("42712", plain(text, "WITH query name specified more than once"));
    }
    if let (Some(have), Some(names)) = (number_after(text, "Source table contains "), number_after(text, "but only ")) {
        return SqlError::new("42P10", format!("table has {have} columns available but {names} columns specified"));
    }
    if let Some(name) = text.strip_prefix("The window ").and_then(|rest| rest.split(' ').next()) {
        return SqlError::new("42704", format!("window \"{name}\" does not exist"));
    }
    if let Some(name) = text.strip_prefix("There is no built-in encoding named ") {
        return SqlError::new("22023", format!("unrecognized encoding: \"{}\"", quoted(name, 0)));
    }
    by_words(text)
}

/// Errors about the types of operands and arguments.
fn typed(text: &str, sql: &str) -> Option<SqlError> {
    for (start, end) in [
        ("annot coerce arithmetic expression ", " to valid types"),
        ("annot infer common argument type for comparison operation ", ""),
        ("annot infer common argument type for bitwise operation ", ""),
        ("annot infer common argument type for AtAt operation ", ""),
    ] {
        if let Some((_, rest)) = text.split_once(start) {
            let operands = if end.is_empty() { rest.lines().next()? } else { rest.split_once(end)?.0 };
            let operands = operands.replace(" IS DISTINCT FROM ", " = ").replace(" IS NOT DISTINCT FROM ", " = ");
            return operator(&operands, sql);
        }
    }
    if let Some((_, rest)) = text.split_once("for logical boolean operation ") {
        let mut words = rest.split_whitespace();
        let (left, word, right) = (words.next()?, words.next()?, words.next()?);
        let odd = type_word(if left == "Boolean" { right } else { left });
        return Some(SqlError::new("42804", format!("argument of {word} must be type boolean, not type {odd}")));
    }
    if text.starts_with("Unary operator 'NOT'") {
        let ty = type_word(text.rsplit(' ').next()?.trim_end_matches('.'));
        return Some(SqlError::new("42804", format!("argument of NOT must be type boolean, not type {ty}")));
    }
    if let Some((_, rest)) = text.split_once("common type to coerce ") {
        let (left, rest) = rest.split_once(" and ")?;
        let right = rest.split(' ').next()?;
        return operator(&format!("{left} ~~ {right}"), sql);
    }
    if let Some((_, rest)) = text.split_once("Failed to coerce then (") {
        let (then, rest) = rest.split_once(')')?;
        let other = rest.split_once('(')?.1.split(')').next()?;
        let words = format!("CASE types {} and {} cannot be matched", type_word(other), type_word(then));
        return Some(SqlError::new("42804", words));
    }
    if let Some((_, rest)) = text.split_once("Previous inputs were of type ") {
        let (left, rest) = rest.split_once(", but got incompatible type ")?;
        let words =
            format!("UNION types {} and {} cannot be matched", type_word(left), type_word(rest.split(' ').next()?));
        return Some(SqlError::new("42804", words));
    }
    if let Some((_, rest)) = text.split_once("across values list at row ").and_then(|(_, rest)| rest.split_once("Was "))
    {
        let (one, other) = rest.split_once(" but found ")?;
        let other = other.lines().next()?;
        let words = format!("VALUES types {} and {} cannot be matched", type_word(one), type_word(other.trim()));
        return Some(SqlError::new("42804", words));
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("non-boolean") {
        return Some(SqlError::new("42804", "argument of WHERE must be type boolean"));
    }
    if text.contains("'coalesce'") && text.contains("coerce") {
        return Some(SqlError::new("42804", "COALESCE types cannot be matched"));
    }
    if text.contains("unify argument types of make_array") {
        return Some(SqlError::new("42804", "ARRAY types cannot be matched"));
    }
    if ["failed to coerce arguments", "function signature", "no function matches", "candidate functions"]
        .iter()
        .any(|part| lower.contains(part))
    {
        return Some(wrong_arguments(text));
    }
    None
}

/// 42883 for a known function with arguments that it does not take. The planner quotes the call: `'upper(Int64, Int64)'`.
fn wrong_arguments(text: &str) -> SqlError {
    let call = text.split('\'').find_map(|part| {
        let (name, rest) = part.split_once('(')?;
        let inner = rest.strip_suffix(')')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        plain.then_some((name, inner))
    });
    let Some((name, inner)) = call else {
        let error = undefined_function(quoted(text, 0));
        return SqlError { message: format!("{} with these argument types", error.message), ..error };
    };
    let types: Vec<&str> = if inner.is_empty() { Vec::new() } else { inner.split(", ").map(type_word).collect() };
    undefined_function(&format!("{name}({})", types.join(", ")))
}

/// 42883 for `left operator right`. Whole numbers in the text are `integer`, as in PostgreSQL.
fn operator(operands: &str, sql: &str) -> Option<SqlError> {
    let words: Vec<&str> = operands.split_whitespace().collect();
    let at = words.iter().position(|word| !word.is_empty() && word.chars().all(|c| "+-*/%=<>!~|&#@^".contains(c)))?;
    let (left, right) = (words.get(..at)?.join(" "), words.get(at.checked_add(1)?..)?.join(" "));
    let name = words.get(at)?;
    let shown = if *name == "~~" { "like" } else { name };
    let (position, numbers) = operator_place(shown, sql);
    let word = |ty: &str, number: bool| match type_word(ty) {
        "bigint" if number => "integer",
        word => word,
    };
    let message = format!("operator does not exist: {} {name} {}", word(&left, numbers.0), word(&right, numbers.1));
    Some(SqlError { position, ..SqlError::new("42883", message).with_hint(NO_OPERATOR) })
}

/// Where an operator stands, if it stands there once, and whether numbers are beside it.
fn operator_place(name: &str, sql: &str) -> (Option<usize>, (bool, bool)) {
    let mut tokens = Vec::new();
    let _ = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location_into_buf(&mut tokens);
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    let is_it = |token: &Token| token.to_string().eq_ignore_ascii_case(name);
    let mut found = tokens.iter().enumerate().filter(|(_, token)| is_it(&token.token));
    let (Some((at, token)), None) = (found.next(), found.next()) else { return (None, (false, false)) };
    let number = |at: Option<usize>| {
        let token = at.and_then(|at| tokens.get(at));
        token.is_some_and(|token| matches!(&token.token, Token::Number(text, _) if text.parse::<i32>().is_ok()))
    };
    let beside = (number(at.checked_sub(1)), number(at.checked_add(1)));
    (position_of(sql, token.span.start.line, token.span.start.column), beside)
}

/// What is left: the class by the words of the text.
fn by_words(text: &str) -> SqlError {
    let lower = text.to_ascii_lowercase();
    if lower.contains("must appear in the group by clause")
        || lower.contains("must be part of group by")
        || lower.contains("could not be resolved from available columns")
    {
        let column = text.split('"').nth(1).unwrap_or_default();
        return SqlError::new(
            "42803",
            format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function"),
        );
    }
    let (code, otherwise) = if lower.contains("ambiguous") {
        ("42702", "column reference is ambiguous")
    } else if lower.contains("coerce") || lower.contains("incompatible") || lower.contains("type mismatch") {
        ("42804", "types cannot be matched")
    } else if lower.contains("expressions to be unique") || lower.contains("unique expression names") {
        ("42701", "column name is used more than once")
    } else if ["unsupported", "not supported", "not implemented"].iter().any(|word| lower.contains(word)) {
        return unsupported(text);
    } else if lower.contains("order by") && lower.contains("position") {
        ("42P10", "ORDER BY position is not in select list")
    } else if lower.contains("offset") {
        ("2201X", "OFFSET is not valid")
    } else if lower.contains("limit") {
        ("2201W", "LIMIT is not valid")
    } else {
        ("42601", "the statement is not valid")
    };
    SqlError::new(code, plain(text, otherwise))
}

/// Types that PostgreSQL has and grantd does not.
const OTHER_TYPES: &[&str] = &[
    "uuid", "json", "jsonb", "tsvector", "tsquery", "xml", "inet", "cidr", "macaddr", "money", "bit", "varbit",
    "point", "box", "circle", "line", "lseg", "path", "polygon", "timetz", "regproc", "regoper", "regrole",
];

/// 0A000; 42704 for a type that PostgreSQL does not have either.
pub(super) fn unsupported(text: &str) -> SqlError {
    if let Some(name) = text.split_once("nsupported SQL type ").map(|(_, name)| name.trim().to_lowercase()) {
        let bare = name.split('(').next().unwrap_or_default().trim_end_matches("[]");
        if bare.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return if OTHER_TYPES.contains(&bare) {
                SqlError::unsupported(format!("type {bare} is not supported"))
            } else {
                SqlError::new("42704", format!("type \"{bare}\" does not exist"))
            };
        }
    }
    if text.contains("WindowFunction") {
        return SqlError::new("42P20", "window functions are not allowed here");
    }
    if let Some((_, name)) = text.split_once("nsupported compound identifier '") {
        let name = name.split('\'').next().unwrap_or_default();
        return SqlError::syntax(format!("improper qualified name (too many dotted names): {name}"), None);
    }
    SqlError::unsupported(plain(text, "this form of expression is not supported here"))
}

/// 42883 for a call: the name, with the types of its arguments where they are known.
pub(crate) fn undefined_function(name: &str) -> SqlError {
    SqlError::new("42883", format!("function {name} does not exist")).with_hint(NO_FUNCTION)
}

/// 42P01 with the name as the text writes it: the planner completes it.
fn missing_relation(full: &str, sql: &str) -> SqlError {
    let lower = sql.to_lowercase();
    let parts: Vec<&str> = full.split('.').collect();
    match parts.as_slice() {
        [database, schema, name] if *database != "grantd" => SqlError::unsupported(format!(
            "cross-database references are not implemented: \"{database}.{schema}.{name}\""
        )),
        [_, schema, name] if *schema != "public" || lower.contains(&format!("{schema}.{name}").to_lowercase()) => {
            SqlError::new("42P01", format!("relation \"{schema}.{name}\" does not exist"))
        }
        [.., name] => SqlError::new("42P01", format!("relation \"{name}\" does not exist")),
        [] => SqlError::new("42P01", "relation does not exist"),
    }
}

/// Texts of execution, with PostgreSQL's code and words.
const EXECUTED: &[(&str, &str, &str)] = &[
    ("divide by zero", "22012", "division by zero"),
    ("division by zero", "22012", "division by zero"),
    ("square root of a negative", "2201F", "cannot take square root of a negative number"),
    ("zero raised to a negative power", "2201F", "zero raised to a negative power is undefined"),
    ("ntile requires a positive integer", "22014", "argument of ntile must be greater than zero"),
    ("month value", "22008", "date field value out of range"),
    ("day value", "22008", "date field value out of range"),
    ("failed to decode value using hex", "22023", "invalid hexadecimal data"),
];

pub(super) fn from_execution(text: &str, sql: &str) -> SqlError {
    let lower = text.to_ascii_lowercase();
    if let Some((_, code, words)) = EXECUTED.iter().find(|(part, ..)| lower.contains(part)) {
        return SqlError::new(code, *words);
    }
    if lower.contains("date_trunc granularity") || lower.starts_with("date part '") {
        let unit = quoted(text, 0);
        return SqlError::new("22023", format!("unit \"{unit}\" not recognized for type timestamp with time zone"));
    }
    if lower.contains("time zone") || lower.contains("timezone") {
        return from_text(text, sql);
    }
    if lower.contains("overflow") || lower.contains("out of range") {
        return SqlError::new("22003", plain(text, "value out of range"));
    }
    if text.starts_with("Cannot cast ") || lower.contains("error parsing") || lower.contains("parser error") {
        return from_text(text.trim_start_matches("Parser error: "), sql);
    }
    if lower.contains("scalar subquery") && lower.contains("more than one") || lower.contains("more than one row") {
        return SqlError::new("21000", "more than one row returned by a subquery used as an expression");
    }
    if lower.contains("regular expression") || lower.contains("regex") {
        return SqlError::new("2201B", "invalid regular expression");
    }
    SqlError::new("22023", plain(text, "invalid argument"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_named_as_written() {
        let told = |name: &str, sql: &str| missing_relation(name, sql).message;
        assert_eq!(told("grantd.public.x", "table x"), "relation \"x\" does not exist");
        assert_eq!(told("grantd.public.x", "table Public.X"), "relation \"public.x\" does not exist");
        assert_eq!(told("grantd.other.x", ""), "relation \"other.x\" does not exist");
        assert_eq!(missing_relation("else.public.x", "").sqlstate, "0A000");
    }

    #[test]
    fn nothing_of_the_planners_insides_is_told() {
        assert_eq!(plain("Unsupported ast node in sqltorel: Collate { expr: 1 }", "no"), "no");
        assert_eq!(plain("Cannot use Int64 here.\nmore", "no"), "cannot use bigint here");
    }

    #[test]
    fn operators_name_their_types_and_place() {
        let error = from_plan("Cannot coerce arithmetic expression Utf8 + Int64 to valid types", "select a + 1");
        assert_eq!(error.message, "operator does not exist: text + integer");
        assert_eq!(error.position, Some(10));
        let error = from_plan("No function matches the given name and argument types 'upper(Int64, Utf8)'.", "");
        assert_eq!(error.message, "function upper(bigint, text) does not exist");
    }
}
