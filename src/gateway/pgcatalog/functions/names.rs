//! Names and texts: visibility, quoting, encodings, `format`.

use datafusion::error::Result;

use super::scalar::{Changes, Definition, Nulls, Value, stable};
use crate::gateway::pgcatalog::catalog::{quote_ident, split_identifier};
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::facts;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("pg_table_is_visible", (1, 1), "bool", |catalog, arguments| {
        let schema =
            arguments.first().and_then(Value::oid).and_then(|oid| catalog.class_name(oid)).map(|(schema, _)| schema);
        Ok(schema.map_or(Value::Null, |schema| Value::Bool(schema != "information_schema")))
    }),
    stable("pg_type_is_visible", (1, 1), "bool", |_, arguments| {
        let known = arguments.first().and_then(Value::oid).and_then(facts::type_by_oid);
        Ok(known.map_or(Value::Null, |known| Value::Bool(known.namespace == facts::PG_CATALOG)))
    }),
    stable("pg_function_is_visible", (1, 1), "bool", |catalog, arguments| {
        let oid = arguments.first().and_then(Value::oid).unwrap_or(0);
        let visible = facts::function_by_oid(oid).map(|one| !one.name.starts_with("_pg_"));
        let ours = catalog.function_by_oid(oid).map(|_| true);
        Ok(visible.or(ours).map_or(Value::Null, Value::Bool))
    }),
    stable("pg_operator_is_visible", (1, 1), "bool", |_, arguments| listed("pg_operator", arguments)),
    stable("pg_opclass_is_visible", (1, 1), "bool", |_, arguments| listed("pg_opclass", arguments)),
    stable("pg_opfamily_is_visible", (1, 1), "bool", |_, arguments| listed("pg_opfamily", arguments)),
    stable("pg_collation_is_visible", (1, 1), "bool", |_, arguments| listed("pg_collation", arguments)),
    stable("pg_conversion_is_visible", (1, 1), "bool", |_, arguments| listed("pg_conversion", arguments)),
    stable("pg_ts_config_is_visible", (1, 1), "bool", |_, arguments| listed("pg_ts_config", arguments)),
    stable("pg_ts_dict_is_visible", (1, 1), "bool", |_, arguments| listed("pg_ts_dict", arguments)),
    stable("pg_ts_parser_is_visible", (1, 1), "bool", |_, arguments| listed("pg_ts_parser", arguments)),
    stable("pg_ts_template_is_visible", (1, 1), "bool", |_, arguments| listed("pg_ts_template", arguments)),
    stable("pg_statistics_obj_is_visible", (1, 1), "bool", |_, _| Ok(Value::Null)),
    stable("pg_my_temp_schema", (0, 0), "oid", |_, _| Ok(Value::Int(0))),
    stable("pg_is_other_temp_schema", (1, 1), "bool", |_, _| Ok(Value::Bool(false))),
    stable("quote_ident", (1, 1), "text", |_, arguments| {
        Ok(arguments.first().and_then(Value::print).map_or(Value::Null, |text| Value::text(quote_ident(&text))))
    }),
    stable("quote_literal", (1, 1), "text", |_, arguments| {
        Ok(arguments.first().and_then(Value::print).map_or(Value::Null, |text| Value::text(quote_literal(&text))))
    }),
    Definition {
        name: "quote_nullable",
        arity: (1, 1),
        returns: "text",
        nulls: Nulls::Seen,
        changes: Changes::Stable,
        answer: |_, arguments| {
            let text = arguments.first().and_then(Value::print);
            Ok(Value::text(text.map_or_else(|| "NULL".to_owned(), |text| quote_literal(&text))))
        },
    },
    Definition {
        name: "format",
        arity: (1, 100),
        returns: "text",
        nulls: Nulls::Seen,
        changes: Changes::Stable,
        answer: |_, arguments| format(arguments),
    },
    stable("pg_encoding_to_char", (1, 1), "name", |_, arguments| {
        let number = arguments.first().and_then(Value::oid).and_then(|oid| usize::try_from(oid).ok());
        Ok(Value::text(number.and_then(|number| ENCODINGS.get(number)).copied().unwrap_or_default()))
    }),
    stable("pg_char_to_encoding", (1, 1), "int4", |_, arguments| {
        let name =
            arguments.first().map(|name| name.as_text().to_ascii_uppercase().replace('-', "")).unwrap_or_default();
        let name = if name == "UNICODE" { "UTF8".to_owned() } else { name };
        let index = ENCODINGS.iter().position(|known| known.replace('-', "") == name);
        Ok(Value::Int(index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)))
    }),
    stable("parse_ident", (1, 2), "_text", |_, arguments| {
        let text = arguments.first().map(Value::as_text).unwrap_or_default();
        let parts = split_identifier(text);
        let parts = parts.ok_or_else(|| sql_error("22023", format!("string is not a valid identifier: \"{text}\"")))?;
        Ok(Value::List(parts.into_iter().map(Value::Text).collect()))
    }),
    stable("like_escape", (2, 2), "text", |_, arguments| match arguments {
        [Value::Text(pattern), Value::Text(escape)] => like_escape(pattern, escape).map(Value::Text),
        _ => Ok(Value::Null),
    }),
];

/// PostgreSQL's encodings by number.
const ENCODINGS: [&str; 42] = [
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

/// Whether an oid is in a catalog whose every row is visible; NULL when it is not there.
#[expect(clippy::unnecessary_wraps, reason = "the result of a function's answer")]
fn listed(table: &str, arguments: &[Value]) -> Result<Value> {
    let Some(oid) = arguments.first().and_then(Value::oid) else { return Ok(Value::Null) };
    Ok(if facts::has_row(table, oid) { Value::Bool(true) } else { Value::Null })
}

/// `quote_literal`: a string constant, in `E''` form when it holds backslashes.
pub(super) fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('\'', "''");
    if text.contains('\\') { format!("E'{quoted}'") } else { format!("'{quoted}'") }
}

/// A LIKE pattern with its own escape character, rewritten to escape with a backslash.
///
/// # Errors
/// When the escape is longer than one character, or the pattern ends with it.
pub(super) fn like_escape(pattern: &str, escape: &str) -> Result<String> {
    let mut escapes = escape.chars();
    let (escape, rest) = (escapes.next(), escapes.next());
    if rest.is_some() {
        return Err(sql_error("22025", "invalid escape string"));
    }
    let mut result = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if Some(character) == escape {
            let next = characters
                .next()
                .ok_or_else(|| sql_error("22025", "LIKE pattern must not end with escape character"))?;
            result.push('\\');
            result.push(next);
        } else {
            if character == '\\' {
                result.push('\\');
            }
            result.push(character);
        }
    }
    Ok(result)
}

/// `format(text, ...)`: `%s`, `%I`, `%L`, `%%`, with positions (`%2$s`) and widths (`%-10s`).
fn format(arguments: &[Value]) -> Result<Value> {
    let Some((Value::Text(template), rest)) = arguments.split_first() else { return Ok(Value::Null) };
    let mut result = String::new();
    let mut next = 0_usize;
    let mut characters = template.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '%' {
            result.push(character);
            continue;
        }
        let bad = || sql_error("22023", "unterminated format() type specifier");
        let mut left = false;
        let mut number = String::new();
        let kind = loop {
            match characters.next().ok_or_else(bad)? {
                '-' => left = true,
                digit if digit.is_ascii_digit() => number.push(digit),
                '$' => {
                    let position: usize = number.parse().map_err(|_| bad())?;
                    next = position.checked_sub(1).ok_or_else(|| {
                        sql_error("22023", "format specifies argument 0, but arguments are numbered from 1")
                    })?;
                    number.clear();
                }
                other => break other,
            }
        };
        if kind == '%' {
            result.push('%');
            continue;
        }
        let argument = rest.get(next).ok_or_else(|| sql_error("22023", "too few arguments for format()"))?;
        next = next.saturating_add(1);
        let printed = match (kind, argument.print()) {
            ('s', text) => text.unwrap_or_default().into_owned(),
            ('I', Some(text)) => quote_ident(&text),
            ('I', None) => return Err(sql_error("22004", "null values cannot be formatted as an SQL identifier")),
            ('L', Some(text)) => quote_literal(&text),
            ('L', None) => "NULL".to_owned(),
            (other, _) => return Err(sql_error("22023", format!("unrecognized format() type specifier \"{other}\""))),
        };
        // A width is the client's number: padding is bounded by what a result cell may hold.
        let width = number.parse::<usize>().unwrap_or(0).min(65_536);
        let padding = " ".repeat(width.saturating_sub(printed.chars().count()));
        let (before, after) = if left { ("", padding.as_str()) } else { (padding.as_str(), "") };
        result.push_str(before);
        result.push_str(&printed);
        result.push_str(after);
    }
    Ok(Value::Text(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_and_like_follow_postgresql() {
        let call = |items: &[&str]| {
            format(&items.iter().map(|item| Value::text(*item)).collect::<Vec<_>>()).map_err(|e| e.to_string())
        };
        assert_eq!(call(&["%I.%I = %L %%", "a", "B", "it's"]), Ok(Value::text("a.\"B\" = 'it''s' %")));
        assert!(call(&["%2$s|%-4s|", "x", "y"]).is_err());
        assert_eq!(call(&["%2$s %1$s", "x", "y"]), Ok(Value::text("y x")));
        assert_eq!(like_escape("a/_b\\", "/").ok().as_deref(), Some("a\\_b\\\\"));
        assert!(like_escape("a/", "/").is_err());
        assert_eq!(quote_literal("a\\b"), "E'a\\\\b'");
    }

    #[test]
    fn encodings_have_postgresql_numbers() {
        assert_eq!(ENCODINGS.get(6), Some(&"UTF8"));
        assert_eq!(ENCODINGS.get(8), Some(&"LATIN1"));
        assert_eq!(ENCODINGS.get(41), Some(&"SHIFT_JIS_2004"));
    }
}
