//! Function and procedure signatures: `F(A NUMBER, B VARCHAR):VARIANT` and `(A NUMBER, B VARCHAR)` become types only.

use grantd_catalog::model::Signature;

/// Splits a header into the name and its arguments' text; `None` when there are no parentheses that end it.
pub(super) fn split(header: &str) -> Option<(&str, &str)> {
    for (open, _) in header.match_indices('(').filter(|(at, _)| *at > 0) {
        let Some(close) = closing(header, open) else { continue };
        let rest = header.get(close + 1..)?.trim_start();
        if rest.is_empty() || rest.starts_with(':') {
            return Some((header.get(..open)?, header.get(open + 1..close)?));
        }
    }
    None
}

/// The position of the parenthesis that closes the one at `open`; quoted text does not count.
fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut quoted) = (0_u32, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Reads an argument list, with or without argument names, with or without parentheses around it.
pub(super) fn types(arguments: &str) -> Signature {
    let trimmed = arguments.trim();
    let inner = trimmed.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(trimmed);
    let list: Vec<String> =
        pieces(inner).into_iter().filter(|p| !p.trim().is_empty()).map(|p| one_type(p.trim())).collect();
    Signature::new(&list.join(", "))
}

/// The pieces between commas outside parentheses and quotes.
fn pieces(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start) = (0_i32, false, 0);
    let mut out = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth <= 0 => {
                out.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    out.extend(text.get(start..));
    out
}

/// The type of one argument: `NUMBER`, `A NUMBER`, `"my arg" VARCHAR`, `A NUMBER DEFAULT 1`.
fn one_type(piece: &str) -> String {
    if let Some(known) = canonical(piece) {
        return known;
    }
    let rest = match piece.strip_prefix('"').and_then(|p| p.split_once('"')) {
        Some((_, rest)) => rest,
        None => piece.split_once(char::is_whitespace).map_or("", |(_, rest)| rest),
    };
    let rest = rest.trim();
    let upper = rest.to_ascii_uppercase();
    let rest = match upper.find(" DEFAULT ") {
        Some(at) => rest.get(..at).unwrap_or(rest),
        None => rest,
    };
    match canonical(rest) {
        Some(known) => known,
        None if rest.is_empty() => piece.to_ascii_uppercase(),
        None => rest.to_ascii_uppercase(),
    }
}

/// The platform's own name of a type and its aliases (Snowflake's documentation, "Summary of data types");
/// precision and length are not part of a signature.
fn canonical(text: &str) -> Option<String> {
    let (base, parameters) = match text.split_once('(') {
        Some((base, rest)) => (base, Some(rest)),
        None => (text, None),
    };
    let base = base.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    let name = match base.as_str() {
        "NUMBER" | "DECIMAL" | "DEC" | "NUMERIC" | "INT" | "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT"
        | "BYTEINT" => "NUMBER",
        "FLOAT" | "FLOAT4" | "FLOAT8" | "DOUBLE" | "DOUBLE PRECISION" | "REAL" => "FLOAT",
        "DECFLOAT" => "DECFLOAT",
        "VARCHAR" | "CHAR" | "CHARACTER" | "NCHAR" | "STRING" | "TEXT" | "NVARCHAR" | "NVARCHAR2" | "CHAR VARYING"
        | "NCHAR VARYING" => "VARCHAR",
        "BINARY" | "VARBINARY" => "BINARY",
        "BOOLEAN" | "BOOL" => "BOOLEAN",
        "DATE" => "DATE",
        "TIME" => "TIME",
        "TIMESTAMP_NTZ" | "TIMESTAMPNTZ" | "TIMESTAMP WITHOUT TIME ZONE" | "DATETIME" | "TIMESTAMP" => "TIMESTAMP_NTZ",
        "TIMESTAMP_LTZ" | "TIMESTAMPLTZ" | "TIMESTAMP WITH LOCAL TIME ZONE" => "TIMESTAMP_LTZ",
        "TIMESTAMP_TZ" | "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => "TIMESTAMP_TZ",
        "VARIANT" => "VARIANT",
        "OBJECT" => "OBJECT",
        "GEOGRAPHY" => "GEOGRAPHY",
        "GEOMETRY" => "GEOMETRY",
        "FILE" => "FILE",
        "UUID" => "UUID",
        // Their parameters tell overloads apart.
        "ARRAY" | "MAP" | "VECTOR" | "TABLE" => {
            return Some(match parameters.map(|p| p.trim_end().strip_suffix(')').unwrap_or(p)) {
                Some(inner) if !inner.trim().is_empty() => {
                    let inner: Vec<String> = pieces(inner).into_iter().map(|p| one_type(p.trim())).collect();
                    format!("{base}({})", inner.join(", "))
                }
                _ => base,
            });
        }
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_names_return_types_and_lengths_are_not_part_of_a_signature() {
        for (text, want) in [
            ("(A NUMBER, B VARCHAR)", "NUMBER, VARCHAR"),
            ("NUMBER, VARCHAR", "NUMBER, VARCHAR"),
            ("(A NUMBER(38,0), B VARCHAR(16777216))", "NUMBER, VARCHAR"),
            ("(DATE DATE, \"my, arg\" int)", "DATE, NUMBER"),
            ("(X DOUBLE PRECISION, Y TIMESTAMP WITH TIME ZONE)", "FLOAT, TIMESTAMP_TZ"),
            ("(A string DEFAULT 'x')", "VARCHAR"),
            ("(V VECTOR(FLOAT, 256), T TABLE(DATE))", "VECTOR(FLOAT, 256), TABLE(DATE)"),
            ("()", ""),
            ("", ""),
        ] {
            assert_eq!(types(text).as_str(), want, "{text}");
        }
    }

    #[test]
    fn headers_split_at_the_arguments() {
        assert_eq!(split("F(A NUMBER, B VARCHAR):VARIANT"), Some(("F", "A NUMBER, B VARCHAR")));
        assert_eq!(split("F():TABLE (X DATE)"), Some(("F", "")));
        assert_eq!(split("odd (name)(NUMBER)"), Some(("odd (name)", "NUMBER")));
        assert_eq!(split("F"), None);
        assert_eq!(split("F(NUMBER"), None);
        assert_eq!(split(")("), None);
    }
}
