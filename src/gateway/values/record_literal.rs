//! The text form of a row: `(1,"b c",)`.

use super::super::error::SqlError;

/// The columns of a row's text, of which there have to be `count`; NULL is `None`.
pub(crate) fn items(text: &str, count: usize) -> Result<Vec<Option<String>>, SqlError> {
    let wrong = |detail: &str| {
        SqlError::new("22P02", format!("malformed record literal: \"{text}\"")).with_detail(detail.to_owned())
    };
    let end = || wrong("Unexpected end of input.");
    let is_space = |c: &char| c.is_ascii_whitespace() || *c == '\u{b}';
    let mut chars = text.chars().peekable();
    while chars.next_if(is_space).is_some() {}
    chars.next_if_eq(&'(').ok_or_else(|| wrong("Missing left parenthesis."))?;
    let mut items = Vec::new();
    for index in 0..count {
        if index > 0 {
            chars.next_if_eq(&',').ok_or_else(|| wrong("Too few columns."))?;
        }
        if matches!(chars.peek(), Some(',' | ')')) {
            items.push(None);
            continue;
        }
        let mut item = String::new();
        let mut quoted = false;
        while quoted || !matches!(chars.peek(), Some(',' | ')')) {
            match chars.next().ok_or_else(end)? {
                '\\' => item.push(chars.next().ok_or_else(end)?),
                '"' if !quoted => quoted = true,
                '"' if chars.next_if_eq(&'"').is_some() => item.push('"'),
                '"' => quoted = false,
                other => item.push(other),
            }
        }
        items.push(Some(item));
    }
    if chars.next() != Some(')') {
        return Err(wrong("Too many columns."));
    }
    while chars.next_if(is_space).is_some() {}
    if chars.next().is_some() {
        return Err(wrong("Junk after right parenthesis."));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn rows_are_read_as_postgresql_reads_them() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(items(" (1,,\"\") ", 3).unwrap(), [text("1"), None, text("")]);
        assert_eq!(items("( a ,\"b\"\"c\\\\\",d\\,e)", 3).unwrap(), [text(" a "), text("b\"c\\"), text("d,e")]);
        for (wrong, detail) in [
            ("1,2", "Missing left parenthesis."),
            ("(1)", "Too few columns."),
            ("(1,2,3)", "Too many columns."),
            ("(1,2", "Unexpected end of input."),
            ("(1,\"2)", "Unexpected end of input."),
            ("(1,2) x", "Junk after right parenthesis."),
        ] {
            let error = items(wrong, 2).unwrap_err();
            assert_eq!((error.sqlstate, error.detail.as_deref()), ("22P02", Some(detail)), "{wrong}");
        }
    }
}
