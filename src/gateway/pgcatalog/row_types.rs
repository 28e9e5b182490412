//! The types of relations' rows: which relation has which, and how one travels with a field.

use postgres_types::{Field, Kind, Type};

use super::catalog::Catalog;
use super::facts;
use crate::gateway::query::shape;

/// What the mark of such a type begins with: no other type is called so.
const MARK: &str = "row ";

/// The type of a relation's rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowType {
    /// Its oid.
    oid: u32,
    /// The oid of arrays of it.
    array: u32,
    /// Its name, which is the relation's.
    pub name: String,
}

/// A relation as what its rows are.
#[derive(Debug, Clone)]
pub(crate) struct RowsOf {
    /// The type of the rows.
    pub row: RowType,
    /// The names of the columns and of their types.
    pub columns: Vec<(String, String)>,
}

impl RowType {
    fn new(oid: i32, array: i32, name: &str) -> Option<Self> {
        Some(Self { oid: u32::try_from(oid).ok()?, array: u32::try_from(array).ok()?, name: name.to_owned() })
    }

    /// What a field of the type is marked with.
    pub(crate) fn mark(&self) -> String {
        format!("{MARK}{} {} {}", self.oid, self.array, self.name)
    }

    /// The type that a mark names, and whether it is that of arrays.
    pub(crate) fn read(mark: &str) -> Option<(Self, bool)> {
        let (text, is_array) = mark.strip_prefix('_').map_or((mark, false), |rest| (rest, true));
        let mut words = text.strip_prefix(MARK)?.splitn(3, ' ');
        let (oid, array, name) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.to_owned());
        Some((Self { oid, array, name }, is_array))
    }

    /// The type that a mark names, with the `columns` that are known, as names and names of types.
    pub(crate) fn named<'a>(mark: &str, columns: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Type> {
        let (row, is_array) = Self::read(mark)?;
        let field = |(name, kind): (&str, &str)| Field::new(name.to_owned(), shape::named(kind).unwrap_or(Type::TEXT));
        let fields = columns.map(field).collect();
        let array_name = format!("_{}", row.name);
        let one = Type::new(row.name, row.oid, Kind::Composite(fields), String::new());
        Some(if is_array { Type::new(array_name, row.array, Kind::Array(one), String::new()) } else { one })
    }
}

impl RowsOf {
    /// The relation that SQL names, in `schema` when it names none.
    pub(crate) fn relation(catalog: &Catalog, schema: &str, parts: &[String]) -> Option<Self> {
        let (schema, name) = match parts {
            [name] => (schema, name),
            [.., schema, name] => (schema.as_str(), name),
            [] => return None,
        };
        if let Some(known) = facts::relation(schema, name) {
            let columns = known.columns.iter().map(|column| (column.name.to_owned(), column.pg_type.to_owned()));
            let row = RowType::new(known.row_type, known.array_type, known.name)?;
            return Some(Self { row, columns: columns.collect() });
        }
        let known = catalog.relations.get(name).filter(|_| schema == "public")?;
        let columns = known.columns.iter().map(|column| (column.name.clone(), column.pg_type.clone()));
        let row = RowType::new(known.row_type, known.array_type, &known.name)?;
        Some(Self { row, columns: columns.collect() })
    }

    /// The relation whose rows a type's name means: the built-in ones are found first.
    pub(crate) fn of_type(catalog: &Catalog, schema: &str, parts: &[String]) -> Option<Self> {
        match parts {
            [name] => Self::relation(catalog, "pg_catalog", std::slice::from_ref(name))
                .or_else(|| Self::relation(catalog, schema, parts)),
            _ => Self::relation(catalog, schema, parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back() {
        let row = RowType::new(10047, 10046, "a b").unwrap();
        assert_eq!(RowType::read(&row.mark()), Some((row.clone(), false)));
        assert_eq!(RowType::read(&format!("_{}", row.mark())), Some((row.clone(), true)));
        assert_eq!(RowType::read("record"), None);
        let array = RowType::named(&format!("_{}", row.mark()), std::iter::once(("x", "int4"))).unwrap();
        assert_eq!((array.oid(), array.name()), (10046, "_a b"));
        let Kind::Array(one) = array.kind() else { panic!("{array}") };
        assert_eq!((one.oid(), one.name()), (10047, "a b"));
    }
}
