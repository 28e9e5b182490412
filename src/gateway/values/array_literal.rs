//! The text form of an array: `{a,"b c",NULL}`.

use super::super::error::SqlError;

/// The elements of an array's text; NULL is `None`. One dimension, counted from 1.
pub(crate) fn items(text: &str) -> Result<Vec<Option<String>>, SqlError> {
    let wrong = |detail: &str| {
        SqlError::new("22P02", format!("malformed array literal: \"{text}\"")).with_detail(detail.to_owned())
    };
    let end = || wrong("Unexpected end of input.");
    let mut chars = text.trim_start().chars().peekable();
    match chars.next() {
        Some('{') => {}
        Some('[') => return Err(SqlError::unsupported("arrays with bounds of their own are not supported")),
        _ => return Err(wrong("Array value must start with \"{\" or dimension information.")),
    }
    let mut items = Vec::new();
    loop {
        while chars.next_if(char::is_ascii_whitespace).is_some() {}
        match chars.peek() {
            Some('}') if items.is_empty() => {
                chars.next();
                break;
            }
            Some('{') => return Err(SqlError::unsupported("arrays with several dimensions are not supported")),
            Some(odd @ ('}' | ',')) => return Err(wrong(&format!("Unexpected \"{odd}\" character."))),
            _ => {}
        }
        let mut item = String::new();
        let quoted = chars.next_if_eq(&'"').is_some();
        // How much of the item is not white space at its end.
        let mut kept = 0;
        if quoted {
            loop {
                match chars.next().ok_or_else(end)? {
                    '"' => break,
                    '\\' => item.push(chars.next().ok_or_else(end)?),
                    c => item.push(c),
                }
            }
            while chars.next_if(char::is_ascii_whitespace).is_some() {}
        } else {
            while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '}')) {
                match c {
                    '"' => return Err(wrong("Unexpected array element.")),
                    '{' => return Err(wrong("Unexpected \"{\" character.")),
                    '\\' => {
                        item.push(chars.next().ok_or_else(end)?);
                        kept = item.len();
                    }
                    c => {
                        item.push(c);
                        if !c.is_ascii_whitespace() {
                            kept = item.len();
                        }
                    }
                }
            }
            item.truncate(kept);
        }
        items.push(if !quoted && item.eq_ignore_ascii_case("null") { None } else { Some(item) });
        match chars.next() {
            Some(',') => {}
            Some('}') => break,
            Some(_) => return Err(wrong("Unexpected array element.")),
            None => return Err(end()),
        }
    }
    if chars.any(|c| !c.is_ascii_whitespace()) {
        return Err(wrong("Junk after closing right brace."));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn arrays_are_read_as_postgresql_reads_them() {
        let some = |items: &[&str]| items.iter().map(|item| Some((*item).to_owned())).collect::<Vec<_>>();
        for (text, wanted) in [
            ("{}", vec![]),
            (" { } ", vec![]),
            ("{a,b}", some(&["a", "b"])),
            (" { 1 , 2 } ", some(&["1", "2"])),
            ("{ a  b }", some(&["a  b"])),
            (r#"{"a b","c\"d",""}"#, some(&["a b", "c\"d", ""])),
            (r"{a\,b,c\ }", some(&["a,b", "c "])),
        ] {
            assert_eq!(items(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(items(r#"{NULL,null,"NULL"}"#).unwrap(), [None, None, Some("NULL".to_owned())]);
        for text in ["", "1,2", "{a", "{a,}", "{,a}", "{a,,b}", "{a}x", "{a\"b\"}", "{\"a\"b}", "{\"a}", "a}"] {
            assert_eq!(items(text).unwrap_err().sqlstate, "22P02", "{text}");
        }
        for text in ["{{1,2},{3,4}}", "[0:1]={1,2}"] {
            assert_eq!(items(text).unwrap_err().sqlstate, "0A000", "{text}");
        }
    }
}
