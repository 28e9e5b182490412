//! `GRANTD__SERVER__KEY` and `GRANTD__ACCOUNT__NAME__KEY`: what the environment says wins over the file.

use std::ffi::OsString;

use toml::{Table, Value};

use super::error::nearest;
use super::{ConfigError, raw};

const PREFIX: &str = "GRANTD__";

/// Sets every variable with grantd's prefix in the table, in alphabetical order. Others are not looked at.
pub(super) fn apply(
    mut table: Table,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Table, ConfigError> {
    let mut variables: Vec<(String, OsString)> = environment
        .into_iter()
        .filter_map(|(name, value)| name.into_string().ok().map(|name| (name, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    for (variable, value) in variables {
        table = set(&table, &variable, value).map_err(|(what, hint)| ConfigError::Environment {
            what,
            variable: variable.clone(),
            hint,
        })?;
    }
    Ok(table)
}

type Problem = (String, Option<String>);

fn set(table: &Table, variable: &str, value: OsString) -> Result<Table, Problem> {
    let value = value.into_string().map_err(|_| ("its value is not UTF-8".to_owned(), None))?;
    let path: Vec<&str> = variable.strip_prefix(PREFIX).unwrap_or(variable).split("__").collect();
    // A number where the key wants one, else text: as in the file, where only text has quotes.
    let mut problem = None;
    for value in [Some(Value::String(value.clone())), value.trim().parse().ok().map(Value::Integer)] {
        let Some(value) = value else { continue };
        let mut changed = table.clone();
        let (section, key) = section(&mut changed, &path)?;
        section.insert(key.to_lowercase(), value);
        match raw::check(&changed) {
            Ok(()) => return Ok(changed),
            Err(found) => problem = Some(found),
        }
    }
    Err(problem.unwrap_or_else(|| ("it cannot be used".to_owned(), None)))
}

/// The table that a variable's path leads to, and the key in it.
fn section<'t, 'p>(table: &'t mut Table, path: &[&'p str]) -> Result<(&'t mut Table, &'p str), Problem> {
    match *path {
        ["SERVER", key] => {
            let server = table.entry("server").or_insert_with(|| Value::Table(Table::new()));
            server
                .as_table_mut()
                .map(|server| (server, key))
                .ok_or_else(|| ("[server] is not a table".to_owned(), None))
        }
        ["ACCOUNT", name, key] => {
            let mut known = Vec::new();
            let accounts = table.get_mut("account").and_then(Value::as_array_mut).into_iter().flatten();
            for account in accounts.filter_map(Value::as_table_mut) {
                let Some(found) = account.get("name").and_then(Value::as_str).map(variable_form) else { continue };
                if found == name {
                    return Ok((account, key));
                }
                known.push(found);
            }
            let hint = nearest(name, known.iter().map(String::as_str)).map_or_else(
                || format!("the file has to name the account; it names {}", list(&known)),
                |word| format!("did you mean GRANTD__ACCOUNT__{word}__{key}?"),
            );
            Err((format!("no account is named {name}"), Some(hint)))
        }
        _ => Err((
            "it does not name a key".to_owned(),
            Some("GRANTD__SERVER__KEY or GRANTD__ACCOUNT__NAME__KEY, in capitals".to_owned()),
        )),
    }
}

/// An account's name as a variable can hold it: capitals, and `_` for everything but letters and digits.
fn variable_form(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn list(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
