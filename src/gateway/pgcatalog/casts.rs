//! Which types can be cast to which, as PostgreSQL's `find_coercion_pathway` decides it for a cast that is written out.

use super::facts::{Type, has_cast, type_by_oid};
use super::functions::format_type;
use super::type_oid;

/// The pseudo-type of literals.
const UNKNOWN: i32 = 705;

/// Whether there is a type of this oid.
pub(crate) fn is_type(oid: u32) -> bool {
    i32::try_from(oid).is_ok_and(|oid| type_by_oid(oid).is_some())
}

/// Whether `from::to` is a cast. True for types that are not known here.
pub(crate) fn allowed(from: u32, to: u32) -> bool {
    let known = |oid: u32| i32::try_from(oid).ok().and_then(type_by_oid);
    match (known(from), known(to)) {
        (Some(from), Some(to)) => is_cast(from, to),
        _ => true,
    }
}

fn is_cast(from: &'static Type, to: &'static Type) -> bool {
    let base = |ty: &'static Type| if ty.base == 0 { ty } else { type_by_oid(ty.base).unwrap_or(ty) };
    let (from, to) = (base(from), base(to));
    if from.oid == to.oid || from.oid == UNKNOWN || from.kind == "p" || to.kind == "p" || has_cast(from.oid, to.oid) {
        return true;
    }
    // Every type has a text, and is read from one.
    if from.category == "S" || to.category == "S" {
        return true;
    }
    let elements = || type_by_oid(from.element).zip(type_by_oid(to.element));
    from.is_array && to.is_array && elements().is_some_and(|(from, to)| is_cast(from, to))
}

/// What 42846 says of a cast that there is not.
pub(crate) fn refusal(from: u32, to: u32) -> String {
    let name = |oid: u32| i32::try_from(oid).map_or_else(|_| "???".to_owned(), |oid| format_type(oid, None));
    format!("cannot cast type {} to {}", name(from), name(to))
}

/// The same of types by their names.
pub(crate) fn refused(from: &str, to: &str) -> String {
    let oid = |name: &str| type_oid(name).and_then(|oid| u32::try_from(oid).ok()).unwrap_or_default();
    refusal(oid(from), oid(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_are_those_of_pg_cast_texts_and_arrays_of_them() {
        let cast = |from: &str, to: &str| {
            let oid = |name: &str| u32::try_from(crate::gateway::pgcatalog::type_oid(name).unwrap()).unwrap();
            allowed(oid(from), oid(to))
        };
        for (from, to) in [("int4", "bool"), ("int8", "oid"), ("date", "text"), ("text", "uuid"), ("_int4", "_int8")] {
            assert!(cast(from, to), "{from} to {to}");
        }
        for (from, to) in
            [("numeric", "bool"), ("int4", "date"), ("_int4", "int4"), ("int4", "_int4"), ("int4", "json")]
        {
            assert!(!cast(from, to), "{from} to {to}");
        }
        assert_eq!(refusal(791, 23), "cannot cast type money[] to integer");
    }
}
