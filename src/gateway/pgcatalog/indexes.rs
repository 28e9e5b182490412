//! The indexes of PostgreSQL's own catalogs, and the constraints that they keep.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::catalog::quote_ident;
use super::facts::{self, Row, SystemRelation, Table};

/// The tablespace of what all databases share, `pg_global`.
pub(crate) const GLOBAL: &str = "1664";
/// The access method of every index here, `btree`.
pub(crate) const BTREE: &str = "403";

/// An index of a built-in relation. All are B-trees on columns.
pub(crate) struct Index {
    /// Its oid.
    pub oid: i32,
    /// Its name; its schema is `pg_catalog`.
    pub name: &'static str,
    /// Whether all databases share it, and its table.
    pub shared: bool,
    /// The table.
    pub table: &'static SystemRelation,
    /// `UNIQUE`, or of a primary key.
    pub unique: bool,
    /// Its columns: name, type's name, collation.
    pub columns: Vec<(&'static str, &'static str, i32)>,
}

/// Every index.
pub(crate) static INDEXES: LazyLock<Vec<Index>> = LazyLock::new(|| {
    let Some(named) = facts::table("indexes") else { return Vec::new() };
    named.rows.iter().filter_map(|row| index(named, row)).collect()
});

fn index(named: &'static Table, row: &'static Row) -> Option<Index> {
    let keys = facts::table("pg_index")?;
    let oid = named.text(row, "oid");
    let key = keys.rows.iter().find(|key| keys.text(key, "indexrelid") == oid)?;
    let columns = named.text(row, "columns").split(' ').zip(keys.text(key, "indcollation").split(' '));
    let column = |(column, collation): (&'static str, &str)| {
        let (name, pg_type) = column.split_once(':')?;
        Some((name, pg_type, collation.parse().ok()?))
    };
    Some(Index {
        oid: oid.parse().ok()?,
        name: named.text(row, "name"),
        shared: named.text(row, "shared") == "t",
        table: facts::relation_by_oid(keys.integer(key, "indrelid"))?,
        unique: keys.text(key, "indisunique") == "t",
        columns: columns.map(column).collect::<Option<_>>()?,
    })
}

/// An index by oid.
pub(crate) fn by_oid(oid: i32) -> Option<&'static Index> {
    static BY_OID: LazyLock<HashMap<i32, &Index>> =
        LazyLock::new(|| INDEXES.iter().map(|index| (index.oid, index)).collect());
    BY_OID.get(&oid).copied()
}

/// An index by name.
pub(crate) fn by_name(name: &str) -> Option<&'static Index> {
    INDEXES.iter().find(|index| index.name == name)
}

/// Whether a table has an index: every one of `pg_catalog` has, none of `information_schema`. With it, whether all databases
/// share the table.
pub(crate) fn of_table(relation: &SystemRelation) -> Option<bool> {
    static TABLES: LazyLock<HashMap<i32, bool>> =
        LazyLock::new(|| INDEXES.iter().map(|index| (index.table.oid, index.shared)).collect());
    TABLES.get(&relation.oid).copied()
}

impl Index {
    /// A column by its number, from 1 on.
    pub(crate) fn column(&self, number: i32) -> Option<&(&'static str, &'static str, i32)> {
        self.columns.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// The statement that makes it, as `pg_get_indexdef` prints it; the pretty form leaves out the schema.
    pub(crate) fn definition(&self, pretty: bool) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let schema = if pretty { "" } else { "pg_catalog." };
        let columns: Vec<String> = self.columns.iter().map(|(name, ..)| quote_ident(name)).collect();
        let (name, table) = (quote_ident(self.name), quote_ident(self.table.name));
        format!("CREATE {unique}INDEX {name} ON {schema}{table} USING btree ({})", columns.join(", "))
    }
}

/// A constraint as `pg_get_constraintdef` prints it.
pub(crate) fn constraint_definition(oid: i32, pretty: bool) -> Option<String> {
    let table = facts::table("pg_constraint")?;
    let row = table.rows.iter().find(|row| table.integer(row, "oid") == oid)?;
    let kind = match table.text(row, "contype") {
        "p" => "PRIMARY KEY",
        "u" => "UNIQUE",
        // Their expressions are kept as PostgreSQL's node trees, which only it reads.
        _ => {
            let check = match (table.text(row, "conname"), pretty) {
                ("cardinal_number_domain_check", false) => "CHECK ((VALUE >= 0))",
                ("cardinal_number_domain_check", true) => "CHECK (VALUE >= 0)",
                ("yes_or_no_check", false) => {
                    "CHECK (((VALUE)::text = ANY ((ARRAY['YES'::character varying, 'NO'::character varying])::text[])))"
                }
                ("yes_or_no_check", true) => {
                    "CHECK (VALUE::text = ANY (ARRAY['YES'::character varying, 'NO'::character varying]::text[]))"
                }
                _ => return None,
            };
            return Some(check.to_owned());
        }
    };
    let index = by_oid(table.integer(row, "conindid"))?;
    let columns: Vec<String> = index.columns.iter().map(|(name, ..)| quote_ident(name)).collect();
    Some(format!("{kind} ({})", columns.join(", ")))
}

/// The constraints of domains: name, and the domain's oid.
pub(crate) fn domain_constraints() -> impl Iterator<Item = (&'static str, i32)> {
    let all =
        facts::table("pg_constraint").into_iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
    let domains = all.filter(|(table, row)| table.integer(row, "contypid") != 0);
    domains.map(|(table, row)| (table.text(row, "conname"), table.integer(row, "contypid")))
}

/// What an index can, by the names of `pg_index_has_property`; `None` for a name that it does not know.
pub(crate) fn has_property(property: &str) -> Option<bool> {
    let known = ["clusterable", "index_scan", "bitmap_scan", "backward_scan"];
    known.iter().any(|known| known.eq_ignore_ascii_case(property)).then_some(true)
}

/// The same of a column, `pg_index_column_has_property`. All are ascending, NULLs last.
pub(crate) fn column_has_property(property: &str) -> Option<bool> {
    let known = [
        ("asc", true),
        ("desc", false),
        ("nulls_first", false),
        ("nulls_last", true),
        ("orderable", true),
        ("distance_orderable", false),
        ("returnable", true),
        ("search_array", true),
        ("search_nulls", true),
    ];
    known.iter().find(|(known, _)| known.eq_ignore_ascii_case(property)).map(|(_, can)| *can)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_pg_index_is_an_index_with_its_columns() {
        let rows = facts::table("pg_index").map_or(0, |table| table.rows.len());
        assert_eq!(INDEXES.len(), rows);
        let index = by_name("pg_class_relname_nsp_index").unwrap();
        assert_eq!(index.columns, [("relname", "cstring", 950), ("relnamespace", "oid", 0)]);
        assert_eq!(
            index.definition(false),
            "CREATE UNIQUE INDEX pg_class_relname_nsp_index ON pg_catalog.pg_class USING btree (relname, relnamespace)"
        );
        assert_eq!(facts::relation("pg_catalog", "pg_database").and_then(of_table), Some(true));
        assert_eq!(facts::relation("pg_catalog", "pg_class").and_then(of_table), Some(false));
    }

    #[test]
    fn every_constraint_has_its_text() {
        let table = facts::table("pg_constraint").unwrap();
        for row in &table.rows {
            let text = constraint_definition(table.integer(row, "oid"), false);
            assert!(text.is_some(), "{row:?}");
        }
    }
}
