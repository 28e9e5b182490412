//! What somebody may have meant by a column that does not exist: PostgreSQL's rules for its hints.

use datafusion::common::{Column, TableReference};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::SqlError;

/// PostgreSQL proposes nothing that is further away (`MAX_FUZZY_DISTANCE`).
const MAX_DISTANCE: usize = 3;

/// The error for a column that is not among the `valid` ones.
pub(super) fn missing_column(field: &Column, valid: &[Column], sql: &str) -> SqlError {
    let Some(table) = field.relation.as_ref().map(TableReference::table) else {
        let error = SqlError::new("42703", format!("column \"{}\" does not exist", field.name));
        return proposing(error, "", &field.name, valid);
    };
    let tables: Vec<&str> =
        valid.iter().filter_map(|column| column.relation.as_ref()).map(TableReference::table).collect();
    if !tables.is_empty() && !tables.contains(&table) {
        return missing_table(table, &tables, sql);
    }
    let error = SqlError::new("42703", format!("column {table}.{} does not exist", field.name));
    proposing(error, table, &field.name, valid)
}

/// The error for a table that a column is qualified with and that FROM does not have.
fn missing_table(table: &str, tables: &[&str], sql: &str) -> SqlError {
    match alias_of(table, sql).filter(|alias| tables.contains(&alias.as_str())) {
        Some(alias) => SqlError::new("42P01", format!("invalid reference to FROM-clause entry for table \"{table}\""))
            .with_hint(format!("Perhaps you meant to reference the table alias \"{alias}\".")),
        None => SqlError::new("42P01", format!("missing FROM-clause entry for table \"{table}\"")),
    }
}

/// The alias that the text gives a table: `users u` or `users AS u`.
fn alias_of(table: &str, sql: &str) -> Option<String> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().ok()?;
    let words: Vec<&Token> = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let is = |token: Option<&&Token>, name: &str| matches!(token, Some(Token::Word(word)) if word.value.eq_ignore_ascii_case(name));
    words.iter().enumerate().find_map(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| words.get(at));
        let named = ["from", "join"].iter().any(|word| is(before, word)) || matches!(before, Some(Token::Comma));
        if !named || !is(words.get(at), table) {
            return None;
        }
        let next = at.saturating_add(if is(words.get(at.saturating_add(1)), "as") { 2 } else { 1 });
        match words.get(next) {
            Some(Token::Word(word)) => Some(word.value.clone()),
            _ => None,
        }
    })
}

/// Adds the hint with the one or two nearest columns, if they are near enough.
fn proposing(error: SqlError, table: &str, name: &str, valid: &[Column]) -> SqlError {
    let mut nearest = MAX_DISTANCE + 1;
    let mut found: Vec<String> = Vec::new();
    for column in valid {
        let relation = column.relation.as_ref().map_or("", TableReference::table);
        let penalty = if table.is_empty() { 0 } else { distance(relation, table) };
        let far = distance(&column.name, name);
        if far > name.chars().count() / 2 {
            continue;
        }
        let far = far.saturating_add(penalty);
        let shown = if relation.is_empty() { column.name.clone() } else { format!("{relation}.{}", column.name) };
        if far < nearest {
            nearest = far;
            found = vec![shown];
        } else if far == nearest && far <= MAX_DISTANCE {
            // More than two that are as near help nobody.
            if found.len() >= 2 { found.clear() } else { found.push(shown) }
        }
    }
    match found.as_slice() {
        [one] => error.with_hint(format!("Perhaps you meant to reference the column \"{one}\".")),
        [one, other] => {
            error.with_hint(format!("Perhaps you meant to reference the column \"{one}\" or the column \"{other}\"."))
        }
        _ => error,
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i.saturating_add(1);
        let mut diagonal = i;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal.saturating_add(usize::from(x != *y));
            left = replaced.min(left.saturating_add(1)).min(above.saturating_add(1));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column::new(Some("u"), *name)).collect()
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")), (3, 3, 0));
    }

    #[test]
    fn near_columns_are_proposed_and_crowds_are_not() {
        let hint =
            |name: &str, valid: &[&str]| missing_column(&Column::new_unqualified(name), &columns(valid), "").hint;
        assert_eq!(hint("nope", &["type"]).unwrap(), "Perhaps you meant to reference the column \"u.type\".");
        assert_eq!(
            hint("nama", &["name", "nami"]).unwrap(),
            "Perhaps you meant to reference the column \"u.name\" or the column \"u.nami\"."
        );
        assert_eq!(hint("nama", &["name", "nami", "namo"]), None);
        assert_eq!(hint("x", &["name"]), None);
    }

    #[test]
    fn a_table_that_is_not_in_from_is_told() {
        let valid = columns(&["id"]);
        let wrong = |table: &str, sql: &str| missing_column(&Column::new(Some(table), "id"), &valid, sql);
        assert_eq!(wrong("x", "select x.id from users u").message, "missing FROM-clause entry for table \"x\"");
        let error = wrong("users", "select users.id from users as u");
        assert_eq!(
            (error.sqlstate, error.hint.as_deref()),
            ("42P01", Some("Perhaps you meant to reference the table alias \"u\"."))
        );
    }
}
