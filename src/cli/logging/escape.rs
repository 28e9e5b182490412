//! Text of strangers in a line of ours: what could end the line, move the cursor or turn the reading direction is
//! written as an escape, and what is too long is cut.

use std::fmt::Write as _;

/// Longest value in bytes; an error of the platform can quote a whole statement.
const MOST: usize = 8 * 1024;
/// Longest name of a user, an application or a database in bytes, as in PostgreSQL.
const MOST_NAME: usize = 63;
/// Fields that hold such names.
const NAMES: &[&str] = &["user", "application", "application_name", "database"];

/// Whether a character may stand in a line as it is.
fn is_plain(c: char) -> bool {
    // Control characters (C0, DEL, C1); marks that turn the direction or are invisible; separators of lines.
    !(c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

/// The text, cut at what a field of this name may hold; the second is how many bytes were left out.
pub(super) fn cut<'a>(field: &str, text: &'a str) -> (&'a str, usize) {
    let most = if NAMES.contains(&field) { MOST_NAME } else { MOST };
    let end = text.floor_char_boundary(most);
    let kept = text.get(..end).unwrap_or_default();
    (kept, text.len().saturating_sub(kept.len()))
}

/// As a JSON string, quotes included.
pub(super) fn json(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_plain(c) => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

/// For people: as it is where that is clear, in quotes with Rust's escapes otherwise.
pub(super) fn text(out: &mut String, text: &str) {
    let is_word = |c: char| is_plain(c) && !c.is_whitespace() && !matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(is_word) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            c => push(out, c),
        }
    }
    out.push('"');
}

/// For people, without quotes: the message itself.
pub(super) fn message(out: &mut String, text: &str) {
    text.chars().for_each(|c| push(out, c));
}

fn push(out: &mut String, c: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if is_plain(c) => out.push(c),
        '\n' | '\r' | '\t' => out.extend(c.escape_default()),
        c => out.extend(c.escape_unicode()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\n{\"level\":\"INFO\"}\r\u{1b}[31m\u{202e}\u{85}\u{2028}\u{e0041}\u{7f}\0é\\\"";

    fn with(write: fn(&mut String, &str), value: &str) -> String {
        let mut out = String::new();
        write(&mut out, value);
        out
    }

    #[test]
    fn json_reads_back_and_has_nothing_that_moves_a_cursor() {
        let line = with(json, HOSTILE);
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), HOSTILE);
        assert!(line.chars().all(is_plain), "{line:?}");
    }

    #[test]
    fn lines_for_people_stay_lines() {
        for write in [text, message] {
            let line = with(write, HOSTILE);
            assert!(line.chars().all(is_plain), "{line:?}");
            assert!(line.contains("\\n") && line.contains("\\u{1b}[31m") && line.contains("\\u{202e}"), "{line:?}");
        }
        assert_eq!(with(text, "127.0.0.1:5433"), "127.0.0.1:5433");
        assert_eq!(with(text, ""), "\"\"");
        assert_eq!(with(text, "a b=\"c\""), "\"a b=\\\"c\\\"\"");
        assert_eq!(with(text, "x=1"), "\"x=1\"");
    }

    #[test]
    fn every_character_that_is_not_plain_is_escaped() {
        for c in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|c| !is_plain(*c)) {
            let value = c.to_string();
            assert_eq!(serde_json::from_str::<String>(&with(json, &value)).unwrap(), value);
            assert!(with(json, &value).is_ascii() && with(text, &value).is_ascii());
        }
    }

    #[test]
    fn names_are_cut_at_63_bytes_and_between_characters() {
        let long = "é".repeat(100);
        assert_eq!(cut("user", &long), ("é".repeat(31).as_str(), 138));
        assert_eq!(cut("reason", &long), (long.as_str(), 0));
        assert_eq!(cut("error", &"x".repeat(1 << 20)).1, (1 << 20) - MOST);
    }
}
