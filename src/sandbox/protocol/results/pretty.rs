//! JSON text as Snowflake lays out VARIANT values: line breaks, two spaces, numbers and texts as they were.

use serde::de::IgnoredAny;

/// The value laid out anew. Numbers keep every digit, keys their order.
pub(super) fn pretty(text: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text)?;
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut depth = 0_usize;
    let mut chars = text.chars().filter(|c| !c.is_ascii_whitespace()).peekable();
    // White space matters inside texts only: those are copied from `text` itself, at the same place.
    let mut texts = quoted(text);
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                let whole = texts.next().unwrap_or_default();
                out.push_str(whole);
                let seen = whole.chars().filter(|c| !c.is_ascii_whitespace()).count();
                for _ in 1..seen {
                    chars.next();
                }
            }
            '{' | '[' => {
                out.push(c);
                let close = if c == '{' { '}' } else { ']' };
                if chars.peek() == Some(&close) {
                    chars.next();
                    out.push(close);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    Ok(out)
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// The quoted texts of valid JSON, quotes included, in order.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find('"')?;
        let from = rest.get(start..)?;
        let mut escaped = false;
        let end = from.char_indices().skip(1).find_map(|(at, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends.then_some(at + 1)
        })?;
        rest = from.get(end..)?;
        from.get(..end)
    })
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn layout_is_snowflakes_and_nothing_else_changes() {
        assert_eq!(
            pretty(r#"{"b":1,"a":[1.50,true,null]}"#).unwrap(),
            "{\n  \"b\": 1,\n  \"a\": [\n    1.50,\n    true,\n    null\n  ]\n}"
        );
        assert_eq!(pretty("{ }").unwrap(), "{}");
        assert_eq!(pretty(" [ [ ] ] ").unwrap(), "[\n  []\n]");
        assert_eq!(pretty(r#""a b \" { , : é \\""#).unwrap(), r#""a b \" { , : é \\""#);
        assert_eq!(pretty("123456789012345678901234567890").unwrap(), "123456789012345678901234567890");
        assert!(pretty("{").is_err());
        assert!(pretty("ALL").is_err());
    }
}
