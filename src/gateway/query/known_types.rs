//! PostgreSQL's types by their oids, also those that the library of types does not have.

use postgres_types::{Kind, Type};

use super::super::pgcatalog;

/// The type of an oid: a built-in one, a domain of `information_schema`, or an array of one.
pub(crate) fn type_of_oid(oid: u32) -> Option<Type> {
    Type::from_oid(oid).or_else(|| {
        let known = pgcatalog::type_by_oid(i32::try_from(oid).ok()?)?;
        let part = |oid: i32| type_of_oid(u32::try_from(oid).ok()?);
        let kind = match known.base {
            0 if known.is_array => Kind::Array(part(known.element)?),
            0 => return None,
            base => Kind::Domain(part(base)?),
        };
        let is_domain = known.namespace == pgcatalog::INFORMATION_SCHEMA;
        let schema = if is_domain { "information_schema" } else { "pg_catalog" };
        Some(Type::new(known.name.to_owned(), oid, kind, schema.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_their_arrays_are_types() {
        let named = |name| type_of_oid(u32::try_from(pgcatalog::type_oid(name).unwrap()).unwrap());
        let domain = named("sql_identifier").unwrap();
        assert_eq!(*domain.kind(), Kind::Domain(Type::NAME));
        assert_eq!(*named("_sql_identifier").unwrap().kind(), Kind::Array(domain));
        assert_eq!(named("int4"), Some(Type::INT4));
        assert_eq!([0, 99_999_999].map(type_of_oid), [None, None]);
    }
}
