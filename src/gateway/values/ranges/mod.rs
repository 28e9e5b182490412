//! Ranges and multiranges. Their values are kept as their text, in the one form that PostgreSQL gives to all that are equal (but for
//! the digits of a `numeric`); moments with a zone are in UTC there, and in the session's zone where they are shown.

mod elements;
mod functions;
mod operators;
mod order;
mod span;

use bytes::{Buf as _, BufMut as _, BytesMut};
use datafusion::arrow::array::timezone::Tz;
use postgres_types::{Kind, Type};

use super::super::error::SqlError;
use super::super::pgcatalog;
pub(super) use functions::{bound, functions};
pub(crate) use operators::operator;
pub(super) use order::in_order;
use span::Span;

/// The types, by `pg_type.typname`.
pub(crate) const RANGE_TYPES: [&str; 12] = [
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "int4multirange",
    "int8multirange",
    "nummultirange",
    "datemultirange",
    "tsmultirange",
    "tstzmultirange",
];

/// The type of a name, and what it is over.
fn named(name: &str) -> Option<(Type, Type)> {
    let name = RANGE_TYPES.iter().find(|known| **known == name)?;
    let pg = Type::from_oid(u32::try_from(pgcatalog::type_oid(name)?).ok()?)?;
    let subtype = subtype(&pg)?.clone();
    Some((pg, subtype))
}

/// What a type of ranges is over.
fn subtype(pg: &Type) -> Option<&Type> {
    match pg.kind() {
        Kind::Range(subtype) | Kind::Multirange(subtype) => Some(subtype),
        _ => None,
    }
}

fn is_multirange(pg: &Type) -> bool {
    matches!(pg.kind(), Kind::Multirange(_))
}

/// The ranges of a text, without empty ones.
fn spans(text: &str, pg: &Type, zone: Option<Tz>) -> Result<Vec<Span>, SqlError> {
    let subtype = subtype(pg).ok_or_else(SqlError::internal)?;
    if is_multirange(pg) {
        span::read_many(text, subtype, zone)
    } else {
        Ok(Span::read(text, subtype, zone)?.into_iter().collect())
    }
}

/// The text of ranges.
fn print(spans: &[Span], pg: &Type, zone: Option<Tz>) -> Result<String, SqlError> {
    let subtype = subtype(pg).ok_or_else(SqlError::internal)?;
    let texts = spans.iter().map(|span| span.print(subtype, zone)).collect::<Result<Vec<_>, _>>()?;
    Ok(match texts.first() {
        _ if is_multirange(pg) => format!("{{{}}}", texts.join(",")),
        Some(only) => only.clone(),
        None => span::EMPTY.to_owned(),
    })
}

/// A text as the type keeps it.
pub(crate) fn keep(text: &str, pg: &Type, zone: Option<Tz>) -> Result<String, SqlError> {
    print(&spans(text, pg, zone)?, pg, None)
}

/// Whether a literal is one of the type, where that does not depend on the session.
pub(super) fn check(name: &str, text: &str) -> Result<(), SqlError> {
    match named(name) {
        Some((pg, subtype)) if subtype != Type::TIMESTAMPTZ => keep(text, &pg, None).map(|_| ()),
        _ => Ok(()),
    }
}

/// What is kept, as it is shown in a zone; `None` where that is the same.
pub(crate) fn shown(kept: &str, pg: &Type, zone: Option<Tz>) -> Result<Option<String>, SqlError> {
    if zone.is_none() || subtype(pg) != Some(&Type::TIMESTAMPTZ) {
        return Ok(None);
    }
    print(&spans(kept, pg, None)?, pg, zone).map(Some)
}

/// Whether values of the type are ranges.
pub(crate) fn is_range(pg: &Type) -> bool {
    subtype(pg).is_some()
}

/// Appends the binary form of what is kept.
pub(crate) fn send(out: &mut BytesMut, kept: &str, pg: &Type) -> Result<(), SqlError> {
    let subtype = subtype(pg).ok_or_else(SqlError::internal)?;
    let spans = spans(kept, pg, None)?;
    if !is_multirange(pg) {
        return Span::send(spans.first(), out, subtype);
    }
    let count = |count: usize| i32::try_from(count).map_err(|_| SqlError::new("54000", "a multirange is too long"));
    out.put_i32(count(spans.len())?);
    let mut one = BytesMut::new();
    for span in &spans {
        one.clear();
        Span::send(Some(span), &mut one, subtype)?;
        out.put_i32(count(one.len())?);
        out.put_slice(&one);
    }
    Ok(())
}

/// What is kept of a binary form; `None` for a wrong one.
pub(crate) fn receive(raw: &[u8], pg: &Type) -> Result<Option<String>, SqlError> {
    let subtype = subtype(pg).ok_or_else(SqlError::internal)?;
    let mut raw = raw;
    let spans: Vec<Span> = if is_multirange(pg) {
        let count = raw.try_get_u32().map_err(|_| insufficient())?;
        let mut spans = Vec::new();
        for _ in 0..count {
            let Some(span) = Span::receive(&mut part(&mut raw)?, subtype)? else { return Ok(None) };
            spans.extend(span);
        }
        span::joined(spans)
    } else {
        let Some(span) = Span::receive(&mut raw, subtype)? else { return Ok(None) };
        span.into_iter().collect()
    };
    if !raw.is_empty() {
        return Err(SqlError::new("08P01", "invalid message format"));
    }
    print(&spans, pg, None).map(Some)
}

fn insufficient() -> SqlError {
    SqlError::new("08P01", "insufficient data left in message")
}

/// Takes what a length stands before.
fn part<'a>(raw: &mut &'a [u8]) -> Result<&'a [u8], SqlError> {
    let length = raw.try_get_u32().ok().and_then(|length| usize::try_from(length).ok()).ok_or_else(insufficient)?;
    let (part, rest) = raw.split_at_checked(length).ok_or_else(insufficient)?;
    *raw = rest;
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_over_the_wire_and_back() {
        for (text, pg, wanted) in [
            ("[1,5]", Type::INT4_RANGE, "[1,6)"),
            ("empty", Type::INT8_RANGE, "empty"),
            ("(,5)", Type::INT4_RANGE, "(,5)"),
            ("[1.50,)", Type::NUM_RANGE, "[1.50,)"),
            ("[2024-02-29,infinity]", Type::DATE_RANGE, "[2024-02-29,infinity]"),
            ("(-infinity,2024-01-01 10:00]", Type::TS_RANGE, "(-infinity,\"2024-01-01 10:00:00\"]"),
            ("{[5,6],[1,2], [3,4)}", Type::INT4MULTI_RANGE, "{[1,4),[5,7)}"),
            ("{}", Type::NUMMULTI_RANGE, "{}"),
        ] {
            let kept = keep(text, &pg, None).unwrap();
            assert_eq!(kept, wanted);
            let mut out = BytesMut::new();
            send(&mut out, &kept, &pg).unwrap();
            assert_eq!(receive(&out, &pg).unwrap().as_deref(), Some(wanted), "{text}");
            // A message that is cut off is refused.
            for end in 0..out.len() {
                assert!(!matches!(receive(&out[..end], &pg), Ok(Some(_))), "{text} to {end}");
            }
        }
    }

    #[test]
    fn every_type_is_known() {
        assert!(RANGE_TYPES.iter().all(|name| named(name).is_some_and(|(pg, _)| pg.name() == *name)));
    }
}
