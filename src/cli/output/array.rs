//! PostgreSQL's text form of arrays: `{a,"b,c",NULL,{...}}`
//! (<https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>).

use std::iter::Peekable;
use std::str::Chars;

/// Deeper arrays are left as text; PostgreSQL itself allows six dimensions.
const MAX_DEPTH: usize = 6;

/// An element of an array.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Item {
    Null,
    Text(String),
    List(Vec<Item>),
}

/// The elements; `None` if the text is not an array.
pub(super) fn parse(text: &str) -> Option<Vec<Item>> {
    let mut chars = text.chars().peekable();
    let items = list(&mut chars, MAX_DEPTH)?;
    chars.next().is_none().then_some(items)
}

/// Writes an element's text so that [`parse`] gives it back.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    let is_plain = !text.is_empty()
        && !text.eq_ignore_ascii_case("null")
        && !text.contains(|c: char| matches!(c, '{' | '}' | ',' | '"' | '\\') || c.is_whitespace());
    if is_plain {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

fn list(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Vec<Item>> {
    chars.next_if_eq(&'{')?;
    let depth = depth.checked_sub(1)?;
    let mut items = Vec::new();
    if chars.next_if_eq(&'}').is_some() {
        return Some(items);
    }
    loop {
        items.push(match chars.peek()? {
            '{' => Item::List(list(chars, depth)?),
            '"' => Item::Text(quoted(chars)?),
            _ => plain(chars)?,
        });
        match chars.next()? {
            ',' => {}
            '}' => return Some(items),
            _ => return None,
        }
    }
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    chars.next();
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            c => text.push(c),
        }
    }
}

fn plain(chars: &mut Peekable<Chars<'_>>) -> Option<Item> {
    let mut text = String::new();
    while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '}' | '{' | '"')) {
        text.push(if c == '\\' { chars.next()? } else { c });
    }
    if text.is_empty() {
        return None;
    }
    Some(if text.eq_ignore_ascii_case("null") { Item::Null } else { Item::Text(text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arrays_are_read_and_other_text_is_not() {
        let text = |text: &str| Item::Text(text.to_owned());
        assert_eq!(parse("{}"), Some(vec![]));
        assert_eq!(
            parse(r#"{a,"b,\"c\\",NULL,"NULL",""}"#),
            Some(vec![text("a"), text(r#"b,"c\"#), Item::Null, text("NULL"), text("")])
        );
        assert_eq!(parse("{{1},{2}}"), Some(vec![Item::List(vec![text("1")]), Item::List(vec![text("2")])]));
        for wrong in ["", "a", "{", "{a", "{a,}", "{,a}", "{a}b", "{\"a}", "{\"a\"b}", "[0:1]={a,b}"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(parse(&"{".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(texts in prop::collection::vec(any::<String>(), 1..5)) {
            let mut array = String::from("{");
            for (index, text) in texts.iter().enumerate() {
                if index > 0 {
                    array.push(',');
                }
                push_quoted(&mut array, text);
            }
            array.push('}');
            prop_assert_eq!(parse(&array), Some(texts.into_iter().map(Item::Text).collect()));
        }
    }
}
