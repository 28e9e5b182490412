//! Values that do not fit their type: the texts of arrow's cast kernels in PostgreSQL's words, and where the value stands.

use super::SqlError;
use super::parser::characters;
use super::texts::plain;

/// PostgreSQL's name of an Arrow type as it appears in an error's text.
pub(super) fn type_word(arrow: &str) -> &'static str {
    match arrow {
        "Int8" | "Int16" | "UInt8" => "smallint",
        "Int32" | "UInt16" => "integer",
        "Int64" | "UInt32" | "UInt64" => "bigint",
        "Float16" | "Float32" => "real",
        "Float64" => "double precision",
        "Boolean" => "boolean",
        "Date32" | "Date64" => "date",
        "Utf8" | "Utf8View" | "LargeUtf8" | "String" => "text",
        "Binary" | "BinaryView" | "LargeBinary" => "bytea",
        // Nothing else is carried so.
        "FixedSizeBinary(12)" => "time with time zone",
        "Null" => "unknown",
        _ if arrow.starts_with("Decimal") => "numeric",
        _ if arrow.starts_with("Timestamp") && arrow.contains('"') => "timestamp with time zone",
        _ if arrow.starts_with("Timestamp") => "timestamp without time zone",
        _ if arrow.starts_with("Time") => "time without time zone",
        _ if arrow.starts_with("Interval") || arrow.starts_with("Duration") => "interval",
        _ if arrow.starts_with("List") || arrow.starts_with("LargeList") => "anyarray",
        _ if arrow.starts_with("Struct") => "record",
        _ => "unknown",
    }
}

/// The type that a literal is cast to, where the text says so: `'x'::timestamptz`, `timestamptz 'x'`.
fn said_type(sql: &str, value: &str) -> Option<&'static str> {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    let at = sql.find(&quoted)?;
    let after = sql.get(at.checked_add(quoted.len())?..)?.trim_start();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let name = match after.strip_prefix("::") {
        Some(rest) => rest.trim_start().split(|c| !word(c)).next()?,
        None => sql.get(..at)?.trim_end().rsplit(|c| !word(c)).next()?,
    };
    Some(match name.to_ascii_lowercase().as_str() {
        "int2" | "smallint" => "smallint",
        "int" | "int4" | "integer" => "integer",
        "int8" | "bigint" => "bigint",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp",
        "interval" => "interval",
        "date" => "date",
        "time" => "time",
        _ => return None,
    })
}

/// The place of a value, where the text has it as a literal.
fn place(sql: &str, value: &str) -> Option<usize> {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    sql.find(&quoted).and_then(|at| characters(sql, at))
}

fn is_temporal(word: &str) -> bool {
    word.starts_with("date") || word.starts_with("time") || word == "interval"
}

/// `invalid input syntax for type integer: "x"`, at the place of the literal.
fn invalid(word: &str, value: &str, sql: &str) -> SqlError {
    let word = said_type(sql, value).unwrap_or(match word {
        "timestamp without time zone" => "timestamp",
        "time without time zone" => "time",
        word => word,
    });
    let error = if is_temporal(word) && is_out_of_range(value) {
        let fields: Vec<u32> =
            value.split(['-', ' ', 'T']).skip(1).take(2).filter_map(|field| field.parse().ok()).collect();
        let error = SqlError::new("22008", format!("date/time field value out of range: \"{value}\""));
        match fields.as_slice() {
            [month, day] if *month > 12 || *day > 31 => {
                error.with_hint("Perhaps you need a different \"datestyle\" setting.")
            }
            _ => error,
        }
    } else {
        let code = if is_temporal(word) { "22007" } else { "22P02" };
        SqlError::new(code, format!("invalid input syntax for type {word}: \"{value}\""))
    };
    error.or_position(|| place(sql, value))
}

/// Whether a text has the form of a date or time, so that only its numbers are wrong.
fn is_out_of_range(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let first = value.split([' ', 'T']).next().unwrap_or_default();
    let (dashes, colons): (Vec<&str>, Vec<&str>) = (first.split('-').collect(), first.split(':').collect());
    (dashes.len() == 3 || colons.len() == 3)
        && (dashes.iter().all(|part| digits(part)) || colons.iter().all(|part| digits(part)))
}

/// Texts of arrow's cast kernels: `Cannot cast string 'x' to value of Int32 type` and the parsers of dates.
pub(super) fn from_text(text: &str, sql: &str) -> SqlError {
    let start = ["Cannot cast string '", "Cannot cast value '"].iter().find_map(|start| text.strip_prefix(start));
    if let Some((value, target)) = start.and_then(|rest| rest.rsplit_once("' to value of ")) {
        let word = type_word(target.trim_end_matches(" type").trim());
        let whole = value.trim().trim_start_matches(['-', '+']);
        if matches!(word, "smallint" | "integer" | "bigint")
            && !whole.is_empty()
            && whole.chars().all(|c| c.is_ascii_digit())
        {
            let word = said_type(sql, value).unwrap_or(word);
            return SqlError::new("22003", format!("value \"{value}\" is out of range for type {word}"))
                .or_position(|| place(sql, value));
        }
        return invalid(word, value, sql);
    }
    if let Some(rest) = text.strip_prefix("Can't cast value ") {
        let word = type_word(rest.rsplit(' ').next().unwrap_or_default());
        return SqlError::new("22003", format!("{word} out of range"));
    }
    if text.contains("out of range") || text.contains("overflow") {
        return SqlError::new("22003", "value out of range");
    }
    let lower = text.to_ascii_lowercase();
    if lower.contains("invalid timezone") || lower.contains("invalid time zone") {
        let name = text.split('"').nth(1).unwrap_or_default();
        return SqlError::new("22023", format!("time zone \"{name}\" not recognized"));
    }
    for word in ["interval", "timestamp", "date", "time"] {
        if lower.contains(word) {
            let value = text.split('\'').nth(1).or_else(|| text.split('"').nth(1)).unwrap_or_default();
            return invalid(word, value, sql);
        }
    }
    if text.starts_with("Casting from") {
        return SqlError::new("42846", "cannot cast between these types");
    }
    SqlError::new("22P02", plain(text, "invalid input syntax"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_errors_have_their_class_and_place() {
        let code = |text: &str| from_text(text, "").sqlstate;
        assert_eq!(code("Cannot cast string 'x' to value of Int32 type"), "22P02");
        assert_eq!(code("Cannot cast string '99999999999' to value of Int32 type"), "22003");
        assert_eq!(code("Cannot cast string 'x' to value of Date32 type"), "22007");
        assert_eq!(code("Cannot cast string '2026-02-30' to value of Date32 type"), "22008");
        let error = from_text("Cannot cast string 'x' to value of Int64 type", "select 'x'::int4");
        assert_eq!((error.message.as_str(), error.position), ("invalid input syntax for type integer: \"x\"", Some(8)));
    }
}
