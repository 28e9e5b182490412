//! One range that is not empty, and lists of them: how they are read, put in order and written.

use std::cmp::Ordering;

use bytes::{Buf as _, BufMut as _, BytesMut};
use datafusion::arrow::array::timezone::Tz;
use postgres_types::Type;

use super::super::super::error::SqlError;
use super::elements::Element;

/// The text of a range without elements.
pub(super) const EMPTY: &str = "empty";

/// Flags of the binary form.
const IS_EMPTY: u8 = 1;
const LOWER_INCLUSIVE: u8 = 2;
const UPPER_INCLUSIVE: u8 = 4;
const LOWER_INFINITE: u8 = 8;
const UPPER_INFINITE: u8 = 16;

/// One end of a range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// `None` is no bound.
    pub(super) value: Option<Element>,
    pub(super) inclusive: bool,
    /// Whether it is where a range begins.
    pub(super) lower: bool,
}

impl Bound {
    /// Compares the values alone.
    fn by_value(&self, other: &Self) -> Ordering {
        let end = |bound: &Self| if bound.lower { Ordering::Less } else { Ordering::Greater };
        match (self.value, other.value) {
            (None, None) if self.lower == other.lower => Ordering::Equal,
            (None, _) => end(self),
            (_, None) => end(other).reverse(),
            (Some(left), Some(right)) => left.compare(right),
        }
    }

    /// Compares where they lie: a lower bound that is not in its range is behind its value, an upper one before it.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let side = |bound: &Self| match (bound.value, bound.inclusive, bound.lower) {
            (None, ..) | (_, true, _) => 0,
            (_, _, true) => 1,
            (_, _, false) => -1,
        };
        self.by_value(other).then(side(self).cmp(&side(other)))
    }
}

/// A range with elements.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) lower: Bound,
    pub(super) upper: Bound,
}

/// Whether every element but the last has one that follows it: then all ranges are written as `[)`.
fn is_discrete(subtype: &Type) -> bool {
    matches!(*subtype, Type::INT4 | Type::INT8 | Type::DATE)
}

impl Span {
    /// The range between bounds; `None` when it is empty.
    pub(super) fn new(mut lower: Bound, mut upper: Bound, subtype: &Type) -> Result<Option<Self>, SqlError> {
        let is_empty = |lower: &Bound, upper: &Bound| match lower.by_value(upper) {
            Ordering::Less => Ok(false),
            Ordering::Equal => Ok(!(lower.inclusive && upper.inclusive)),
            Ordering::Greater => {
                Err(SqlError::new("22000", "range lower bound must be less than or equal to range upper bound"))
            }
        };
        if is_empty(&lower, &upper)? {
            return Ok(None);
        }
        lower.inclusive &= lower.value.is_some();
        upper.inclusive &= upper.value.is_some();
        if is_discrete(subtype) {
            if let Some(value @ Element::Whole(_)) = lower.value
                && !lower.inclusive
            {
                lower = Bound { value: Some(value.next(subtype)?), inclusive: true, ..lower };
            }
            if let Some(value @ Element::Whole(_)) = upper.value
                && upper.inclusive
            {
                upper = Bound { value: Some(value.next(subtype)?), inclusive: false, ..upper };
            }
            if is_empty(&lower, &upper)? {
                return Ok(None);
            }
        }
        Ok(Some(Self { lower, upper }))
    }

    /// A range of a text; `None` for the empty one.
    pub(super) fn read(text: &str, subtype: &Type, zone: Option<Tz>) -> Result<Option<Self>, SqlError> {
        let wrong = |detail: &str| {
            SqlError::new("22P02", format!("malformed range literal: \"{text}\"")).with_detail(detail.to_owned())
        };
        let rest = text.trim_start_matches(is_space);
        if let Some(rest) = after_word(rest) {
            let done = rest.trim_start_matches(is_space).is_empty();
            return if done { Ok(None) } else { Err(wrong("Junk after \"empty\" key word.")) };
        }
        let mut chars = rest.chars();
        let from = match chars.next() {
            Some('[') => true,
            Some('(') => false,
            _ => return Err(wrong("Missing left parenthesis or bracket.")),
        };
        let end = || wrong("Unexpected end of input.");
        let (lower, after) = bound_text(&mut chars).ok_or_else(end)?;
        if after != ',' {
            return Err(wrong("Missing comma after lower bound."));
        }
        let (upper, after) = bound_text(&mut chars).ok_or_else(end)?;
        let to = match after {
            ']' => true,
            ')' => false,
            _ => return Err(wrong("Too many commas.")),
        };
        if chars.any(|c| !is_space(c)) {
            return Err(wrong("Junk after right parenthesis or bracket."));
        }
        let value = |text: Option<String>| text.map(|text| Element::read(&text, subtype, zone)).transpose();
        let lower = Bound { value: value(lower)?, inclusive: from, lower: true };
        let upper = Bound { value: value(upper)?, inclusive: to, lower: false };
        Self::new(lower, upper, subtype)
    }

    pub(super) fn print(&self, subtype: &Type, zone: Option<Tz>) -> Result<String, SqlError> {
        let value = |bound: &Bound| match bound.value {
            Some(value) => value.print(subtype, zone).map(|text| quoted(&text)),
            None => Ok(String::new()),
        };
        let (open, close) =
            (if self.lower.inclusive { '[' } else { '(' }, if self.upper.inclusive { ']' } else { ')' });
        Ok(format!("{open}{},{}{close}", value(&self.lower)?, value(&self.upper)?))
    }

    /// Appends the binary form of a range; `None` is the empty one.
    pub(super) fn send(span: Option<&Self>, out: &mut BytesMut, subtype: &Type) -> Result<(), SqlError> {
        let Some(Self { lower, upper }) = span else {
            out.put_u8(IS_EMPTY);
            return Ok(());
        };
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        out.put_u8(
            flag(lower.inclusive, LOWER_INCLUSIVE)
                | flag(upper.inclusive, UPPER_INCLUSIVE)
                | flag(lower.value.is_none(), LOWER_INFINITE)
                | flag(upper.value.is_none(), UPPER_INFINITE),
        );
        let mut one = BytesMut::new();
        for value in [lower.value, upper.value].into_iter().flatten() {
            one.clear();
            value.send(&mut one, subtype)?;
            out.put_i32(i32::try_from(one.len()).map_err(|_| SqlError::internal())?);
            out.put_slice(&one);
        }
        Ok(())
    }

    /// Takes a range in binary form: `Some(None)` is the empty one, `None` a wrong form.
    pub(super) fn receive(raw: &mut &[u8], subtype: &Type) -> Result<Option<Option<Self>>, SqlError> {
        let flags = raw.try_get_u8().map_err(|_| SqlError::new("08P01", "no data left in message"))?;
        let has = |flag: u8| flags & flag != 0;
        let mut value = |infinite: u8| {
            if has(IS_EMPTY) || has(infinite) {
                return Ok(Some(None));
            }
            Ok::<_, SqlError>(Element::receive(super::part(raw)?, subtype)?.map(Some))
        };
        let (Some(lower), Some(upper)) = (value(LOWER_INFINITE)?, value(UPPER_INFINITE)?) else { return Ok(None) };
        if has(IS_EMPTY) {
            return Ok(Some(None));
        }
        let lower = Bound { value: lower, inclusive: has(LOWER_INCLUSIVE), lower: true };
        let upper = Bound { value: upper, inclusive: has(UPPER_INCLUSIVE), lower: false };
        Self::new(lower, upper, subtype).map(Some)
    }

    pub(super) fn contains(&self, other: &Self) -> bool {
        self.lower.compare(&other.lower).is_le() && self.upper.compare(&other.upper).is_ge()
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.lower.compare(&other.upper).is_le() && other.lower.compare(&self.upper).is_le()
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.lower.compare(&other.lower).then_with(|| self.upper.compare(&other.upper))
    }

    /// Whether the next range begins where this one ends, or before.
    fn reaches(&self, next: &Self) -> bool {
        let touches = self.upper.by_value(&next.lower).is_eq() && self.upper.inclusive != next.lower.inclusive;
        touches || self.overlaps(next)
    }
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{b}'
}

/// What follows the word `empty`.
fn after_word(text: &str) -> Option<&str> {
    let (word, rest) = text.split_at_checked(EMPTY.len())?;
    word.eq_ignore_ascii_case(EMPTY).then_some(rest)
}

/// The text of a bound, `None` without one, and the character that ends it.
fn bound_text(chars: &mut std::str::Chars<'_>) -> Option<(Option<String>, char)> {
    let mut text = String::new();
    let (mut any, mut quoted) = (false, false);
    loop {
        let c = chars.next()?;
        match c {
            ',' | ')' | ']' if !quoted => return Some((any.then_some(text), c)),
            '\\' => text.push(chars.next()?),
            '"' if !quoted => quoted = true,
            '"' if chars.as_str().starts_with('"') => text.extend(chars.next()),
            '"' => quoted = false,
            c => text.push(c),
        }
        any = true;
    }
}

/// The text of a bound's value, in quotes where it needs them.
fn quoted(text: &str) -> String {
    let special = |c: char| is_space(c) || matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',');
    if !text.is_empty() && !text.contains(special) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
}

/// The ranges of a multirange's text.
pub(super) fn read_many(text: &str, subtype: &Type, zone: Option<Tz>) -> Result<Vec<Span>, SqlError> {
    let wrong = |detail: &str| {
        SqlError::new("22P02", format!("malformed multirange literal: \"{text}\"")).with_detail(detail.to_owned())
    };
    let end = || wrong("Unexpected end of input.");
    let inside = text.trim_start_matches(is_space).strip_prefix('{').ok_or_else(|| wrong("Missing left brace."))?;
    let mut rest = inside.trim_start_matches(is_space);
    let mut spans = Vec::new();
    if let Some(after) = rest.strip_prefix('}') {
        rest = after;
    } else {
        loop {
            rest = rest.trim_start_matches(is_space);
            if rest.is_empty() {
                return Err(end());
            }
            if let Some(after) = after_word(rest) {
                rest = after;
            } else if rest.starts_with(['[', '(']) {
                let (one, after) = range_end(rest).and_then(|end| rest.split_at_checked(end)).ok_or_else(end)?;
                spans.extend(Span::read(one, subtype, zone)?);
                rest = after;
            } else {
                return Err(wrong("Expected range start."));
            }
            rest = rest.trim_start_matches(is_space);
            let mut chars = rest.chars();
            match chars.next() {
                Some(',') => rest = chars.as_str(),
                Some('}') => {
                    rest = chars.as_str();
                    break;
                }
                Some(_) => return Err(wrong("Expected comma or end of multirange.")),
                None => return Err(end()),
            }
        }
    }
    if rest.contains(|c| !is_space(c)) {
        return Err(wrong("Junk after closing right brace."));
    }
    Ok(joined(spans))
}

/// Where the range that a text begins with ends.
fn range_end(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let mut quoted = false;
    while let Some((at, c)) = chars.next() {
        match c {
            ']' | ')' if !quoted => return at.checked_add(1),
            '\\' => {
                chars.next()?;
            }
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    None
}

/// Ranges in their order; those that touch are one.
pub(super) fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by(Span::compare);
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.reaches(&span) => {
                if last.upper.compare(&span.upper).is_lt() {
                    last.upper = span.upper;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_postgresql_reads_them() {
        let read = |text: &str, subtype: &Type| match Span::read(text, subtype, None) {
            Ok(Some(span)) => span.print(subtype, None).unwrap(),
            Ok(None) => EMPTY.to_owned(),
            Err(error) => error.sqlstate.to_owned(),
        };
        for (text, wanted) in [
            (" [ 1 , 5 ] ", "[1,6)"),
            ("(1,2)", "empty"),
            ("[1,1]", "[1,2)"),
            ("[,]", "(,)"),
            ("EMPTY ", "empty"),
            ("[\"1\",\\5)", "[1,5)"),
            ("[5,1]", "22000"),
            ("[1,2147483647]", "22003"),
            ("[1,2", "22P02"),
            ("[1;2]", "22P02"),
            ("[1,2,3]", "22P02"),
            ("[1,2]x", "22P02"),
            ("empty x", "22P02"),
            ("", "22P02"),
            ("[\"", "22P02"),
            ("[a,2]", "22P02"),
        ] {
            assert_eq!(read(text, &Type::INT4), wanted, "{text}");
        }
        assert_eq!(read("(1.0,1.00)", &Type::NUMERIC), "empty");
        assert_eq!(read("[1.0,1.00]", &Type::NUMERIC), "[1.0,1.00]");
    }

    #[test]
    fn multiranges_are_joined() {
        let read = |text: &str| -> Result<Vec<String>, &'static str> {
            let spans = read_many(text, &Type::NUMERIC, None).map_err(|error| error.sqlstate)?;
            spans.iter().map(|span| span.print(&Type::NUMERIC, None).map_err(|error| error.sqlstate)).collect()
        };
        assert_eq!(read("{}"), Ok(vec![]));
        assert_eq!(read("{[1,2),[2,3],(5,6), (3,4) ,empty}"), Ok(vec!["[1,4)".to_owned(), "(5,6)".to_owned()]));
        assert_eq!(read("{[1,2),(2,3)}"), Ok(vec!["[1,2)".to_owned(), "(2,3)".to_owned()]));
        for text in ["", "[1,2]", "{", "{[1,2]", "{[1,2],}", "{x}", "{[1,2];}", "{[1,2]}x", "{[\"]}"] {
            assert_eq!(read(text), Err("22P02"), "{text}");
        }
    }
}
