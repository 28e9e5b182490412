//! What PostgreSQL 15 says of itself: its relations with their columns, and the rows of the catalogs that no database changes
//! (types, functions, operators, casts, ...). The files under `data/` are PostgreSQL's own `COPY` text.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The namespace of the built-in relations, types and functions.
pub(crate) const PG_CATALOG: i32 = 11;
/// The namespace of the published relations.
pub(crate) const PUBLIC: i32 = 2200;
/// The namespace PostgreSQL keeps oversized values in; always empty here.
pub(crate) const PG_TOAST: i32 = 99;
/// The namespace `information_schema` (PostgreSQL numbers it at initdb; this is one such number).
pub(crate) const INFORMATION_SCHEMA: i32 = 13207;
/// The role that owns everything, PostgreSQL's bootstrap role.
pub(crate) const OWNER: i32 = 10;
/// The oid of the function that subscripts true arrays, `array_subscript_handler`.
pub(crate) const ARRAY_SUBSCRIPT_HANDLER: &str = "6179";
/// The oid of the collation `default`.
pub(crate) const DEFAULT_COLLATION: i32 = 100;
/// The oid of the collation `C`.
pub(crate) const C_COLLATION: i32 = 950;
/// The oid of the one database.
pub(crate) const DATABASE: i32 = 16384;

/// A column of a built-in relation.
pub(crate) struct Column {
    /// The column's name.
    pub name: &'static str,
    /// Its type's name as `pg_type.typname`; domains of `information_schema` are prefixed `information_schema.`.
    pub pg_type: &'static str,
    /// Whether PostgreSQL declares it NOT NULL.
    pub not_null: bool,
}

/// A built-in relation.
pub(crate) struct SystemRelation {
    /// `pg_catalog` or `information_schema`.
    pub schema: &'static str,
    /// The relation's name.
    pub name: &'static str,
    /// PostgreSQL's oid of it.
    pub oid: i32,
    /// `r` table, `v` view.
    pub kind: &'static str,
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The oid of the type of its rows.
    pub row_type: i32,
    /// The oid of the type of arrays of its rows.
    pub array_type: i32,
}

/// The cells of a row; `None` is NULL.
pub(crate) type Row = Vec<Option<Cow<'static, str>>>;

/// A file of `COPY` text with a header.
pub(crate) struct Table {
    /// Column names.
    pub header: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Row>,
}

impl SystemRelation {
    /// The name, with its schema where no search path has it.
    pub(crate) fn shown(&self) -> String {
        if self.schema == "pg_catalog" { self.name.to_owned() } else { format!("{}.{}", self.schema, self.name) }
    }

    /// A view's text as `pg_get_viewdef` prints it. What it is computed from is no SQL: it reads as the list of its columns.
    pub(crate) fn view_definition(&self) -> Option<String> {
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        (self.kind == "v").then(|| super::catalog::listed(self.name, &self.shown(), &columns))
    }
}

impl Table {
    /// The cell of one column; `None` when there is no such column.
    fn cells<'a>(&'a self, row: &'a Row, name: &str) -> Option<&'a str> {
        let index = self.header.iter().position(|header| *header == name)?;
        row.get(index)?.as_deref()
    }

    /// The cell of one column as text; NULL is empty.
    pub(super) fn text(&'static self, row: &'static Row, name: &str) -> &'static str {
        self.cells(row, name).unwrap_or_default()
    }

    /// The cell of one column as a number; 0 when it is none.
    pub(super) fn integer(&'static self, row: &'static Row, name: &str) -> i32 {
        self.text(row, name).parse().unwrap_or(0)
    }
}

/// Undoes the backslash escapes of `COPY` text; `\N` is NULL.
fn unescape(cell: &'static str) -> Option<Cow<'static, str>> {
    if cell == "\\N" {
        return None;
    }
    if !cell.contains('\\') {
        return Some(Cow::Borrowed(cell));
    }
    let mut text = String::with_capacity(cell.len());
    let mut characters = cell.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('v') => text.push('\u{b}'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            other => text.push(other),
        }
    }
    Some(Cow::Owned(text))
}

fn parse(text: &'static str) -> Table {
    let mut lines = text.lines();
    let header = lines.next().map(|line| line.split('\t').collect()).unwrap_or_default();
    Table { header, rows: lines.map(|line| line.split('\t').map(unescape).collect()).collect() }
}

macro_rules! tables {
    ($($name:literal),* $(,)?) => {
        /// The catalogs whose rows are PostgreSQL's own.
        static TABLES: LazyLock<HashMap<&'static str, Table>> = LazyLock::new(|| {
            HashMap::from([$(($name, parse(include_str!(concat!("data/", $name, ".tsv"))))),*])
        });
    };
}
tables!(
    "indexes",
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_cast",
    "pg_collation",
    "pg_constraint",
    "pg_conversion",
    "pg_depend",
    "pg_description",
    "pg_index",
    "pg_keywords",
    "pg_language",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_proc",
    "pg_range",
    "pg_settings",
    "pg_tablespace",
    "pg_timezone_abbrevs",
    "pg_type",
);

/// The rows of a catalog that no database changes; `None` when the catalog's rows depend on the database.
pub(crate) fn table(name: &str) -> Option<&'static Table> {
    TABLES.get(name)
}

/// Every built-in relation of PostgreSQL 15, in `pg_catalog` and `information_schema`.
pub(crate) static RELATIONS: LazyLock<Vec<SystemRelation>> = LazyLock::new(|| {
    include_str!("data/relations.tsv")
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (schema, name, oid, kind) = (cells.next()?, cells.next()?, cells.next()?.parse().ok()?, cells.next()?);
            let columns = cells
                .next()?
                .split(' ')
                .filter_map(|column| {
                    let (name, pg_type) = column.split_once(':')?;
                    let not_null = pg_type.ends_with('!');
                    Some(Column { name, pg_type: pg_type.trim_end_matches('!'), not_null })
                })
                .collect();
            let (row_type, array_type) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
            Some(SystemRelation { schema, name, oid, kind, columns, row_type, array_type })
        })
        .collect()
});

/// A built-in relation by schema and name.
pub(crate) fn relation(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    static INDEX: LazyLock<HashMap<(&str, &str), &SystemRelation>> =
        LazyLock::new(|| RELATIONS.iter().map(|relation| ((relation.schema, relation.name), relation)).collect());
    INDEX.get(&(schema, name)).copied()
}

/// A built-in relation by oid.
pub(crate) fn relation_by_oid(oid: i32) -> Option<&'static SystemRelation> {
    static INDEX: LazyLock<HashMap<i32, &SystemRelation>> =
        LazyLock::new(|| RELATIONS.iter().map(|relation| (relation.oid, relation)).collect());
    INDEX.get(&oid).copied()
}

/// Whether a catalog whose rows are PostgreSQL's own has a row of this oid.
pub(crate) fn has_row(table: &str, oid: i32) -> bool {
    static INDEX: LazyLock<HashMap<&str, HashSet<i32>>> = LazyLock::new(|| {
        let oids = |table: &'static Table| table.rows.iter().map(|row| table.integer(row, "oid")).collect();
        TABLES.iter().map(|(name, table)| (*name, oids(table))).collect()
    });
    INDEX.get(table).is_some_and(|oids| oids.contains(&oid))
}

/// A built-in operator: its name and the types of its operands, 0 for none.
pub(crate) fn operator(oid: i32) -> Option<(&'static str, i32, i32)> {
    static INDEX: LazyLock<HashMap<i32, (&str, i32, i32)>> = LazyLock::new(|| {
        let Some(table) = table("pg_operator") else { return HashMap::new() };
        let operands =
            |row| (table.text(row, "oprname"), table.integer(row, "oprleft"), table.integer(row, "oprright"));
        table.rows.iter().map(|row| (table.integer(row, "oid"), operands(row))).collect()
    });
    INDEX.get(&oid).copied()
}

/// The oids of the built-in operators of a name.
pub(crate) fn operators_by_name(name: &str) -> &'static [i32] {
    static INDEX: LazyLock<HashMap<&str, Vec<i32>>> = LazyLock::new(|| {
        let mut index: HashMap<&str, Vec<i32>> = HashMap::new();
        if let Some(table) = table("pg_operator") {
            for row in &table.rows {
                index.entry(table.text(row, "oprname")).or_default().push(table.integer(row, "oid"));
            }
        }
        index
    });
    INDEX.get(name).map_or(&[], Vec::as_slice)
}

/// The SQL of a default that `pg_type` has as a tree of nodes.
pub(crate) fn default_of(tree: &str) -> Option<&'static str> {
    let table = table("pg_type").filter(|_| tree.starts_with('{'))?;
    let row = table.rows.iter().find(|row| table.cells(row, "typdefaultbin") == Some(tree))?;
    table.cells(row, "typdefault")
}

/// Whether there is a row in `pg_cast` from one type to the other.
pub(crate) fn has_cast(from: i32, to: i32) -> bool {
    static INDEX: LazyLock<HashSet<(i32, i32)>> = LazyLock::new(|| {
        let Some(table) = table("pg_cast") else { return HashSet::new() };
        table.rows.iter().map(|row| (table.integer(row, "castsource"), table.integer(row, "casttarget"))).collect()
    });
    INDEX.contains(&(from, to))
}

/// The oid of a relation of `pg_catalog`, 0 when there is none.
pub(crate) fn class_oid(name: &str) -> i32 {
    relation("pg_catalog", name).map_or(0, |relation| relation.oid)
}

/// A built-in type.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    /// Its oid.
    pub oid: i32,
    /// `pg_type.typname`.
    pub name: &'static str,
    /// Its namespace's oid.
    pub namespace: i32,
    /// The type's element when it is an array or a vector, else 0.
    pub element: i32,
    /// The oid of the array of it, else 0.
    pub array: i32,
    /// `pg_type.typlen`.
    pub len: i32,
    /// `pg_type.typbyval`, `t` or `f`.
    pub by_value: &'static str,
    /// `pg_type.typalign`.
    pub align: &'static str,
    /// `pg_type.typstorage`.
    pub storage: &'static str,
    /// `pg_type.typcollation`.
    pub collation: i32,
    /// `pg_type.typsubscript` is a true array's.
    pub is_array: bool,
    /// `pg_type.typtype`.
    pub kind: &'static str,
    /// `pg_type.typcategory`: `S` for the string types.
    pub category: &'static str,
    /// The type a domain is over, else 0.
    pub base: i32,
    /// The modifier a domain gives that type, `typtypmod`, else -1.
    pub modifier: i32,
    /// The value a domain gives what has none, as SQL.
    pub default: Option<&'static str>,
}

/// The built-in types.
pub(crate) static TYPES: LazyLock<Vec<Type>> = LazyLock::new(|| {
    let Some(table) = table("pg_type") else { return Vec::new() };
    table
        .rows
        .iter()
        .map(|row| {
            let collation = table.integer(row, "typcollation");
            Type {
                oid: table.integer(row, "oid"),
                name: table.text(row, "typname"),
                namespace: table.integer(row, "typnamespace"),
                element: table.integer(row, "typelem"),
                array: table.integer(row, "typarray"),
                len: table.integer(row, "typlen"),
                by_value: table.text(row, "typbyval"),
                align: table.text(row, "typalign"),
                storage: table.text(row, "typstorage"),
                collation,
                is_array: table.text(row, "typsubscript") == ARRAY_SUBSCRIPT_HANDLER,
                kind: table.text(row, "typtype"),
                category: table.text(row, "typcategory"),
                base: table.integer(row, "typbasetype"),
                modifier: table.integer(row, "typtypmod"),
                default: table.cells(row, "typdefault"),
            }
        })
        .chain(RELATIONS.iter().flat_map(row_types))
        .collect()
});

/// The types of a built-in relation's rows and of arrays of them.
fn row_types(relation: &'static SystemRelation) -> [Type; 2] {
    let namespace = if relation.schema == "pg_catalog" { PG_CATALOG } else { INFORMATION_SCHEMA };
    let row = Type {
        oid: relation.row_type,
        name: relation.name,
        namespace,
        element: 0,
        array: relation.array_type,
        len: -1,
        by_value: "f",
        align: "d",
        storage: "x",
        collation: 0,
        is_array: false,
        kind: "c",
        category: "C",
        base: 0,
        modifier: -1,
        default: None,
    };
    let name = format!("_{}", relation.name).leak();
    let array = Type {
        oid: relation.array_type,
        name,
        element: row.oid,
        array: 0,
        is_array: true,
        kind: "b",
        category: "A",
        ..row.clone()
    };
    [row, array]
}

/// A built-in type by oid.
pub(crate) fn type_by_oid(oid: i32) -> Option<&'static Type> {
    static INDEX: LazyLock<HashMap<i32, &Type>> = LazyLock::new(|| TYPES.iter().map(|one| (one.oid, one)).collect());
    INDEX.get(&oid).copied()
}

/// A built-in type by `typname`; domains of `information_schema` may carry the schema.
pub(crate) fn type_by_name(name: &str) -> Option<&'static Type> {
    // The rows of information_schema's relations are no types that a name without a schema means.
    static INDEX: LazyLock<HashMap<&str, &Type>> = LazyLock::new(|| {
        let is_row = |one: &Type| one.kind == "c" || type_by_oid(one.element).is_some_and(|row| row.kind == "c");
        let named = TYPES.iter().filter(|one| one.namespace != INFORMATION_SCHEMA || !is_row(one));
        named.map(|one| (one.name, one)).collect()
    });
    INDEX.get(name.strip_prefix("information_schema.").unwrap_or(name)).copied()
}

/// A built-in function.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its oid.
    pub oid: i32,
    /// `pg_proc.proname`.
    pub name: &'static str,
    /// The oids of its input arguments.
    pub arguments: Vec<i32>,
    /// The oids of all arguments, `proallargtypes`, when there are others than inputs.
    pub all_arguments: Vec<i32>,
    /// Their modes, `proargmodes`.
    pub modes: Vec<String>,
    /// Their names, `proargnames`.
    pub names: Vec<String>,
    /// The oid of the result's type.
    pub result: i32,
    /// Whether it returns a set.
    pub returns_set: bool,
    /// `prokind`: `f` function, `p` procedure, `a` aggregate, `w` window.
    pub kind: &'static str,
}

fn list(cell: Option<&str>) -> Vec<String> {
    cell.and_then(super::types::split_array).unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect()
}

fn oids(cell: Option<&str>) -> Vec<i32> {
    list(cell).iter().filter_map(|oid| oid.parse().ok()).collect()
}

/// The built-in functions.
pub(crate) static FUNCTIONS: LazyLock<Vec<Function>> = LazyLock::new(|| {
    let Some(table) = table("pg_proc") else { return Vec::new() };
    table
        .rows
        .iter()
        .map(|row| Function {
            oid: table.integer(row, "oid"),
            name: table.text(row, "proname"),
            arguments: oids(table.cells(row, "proargtypes")),
            all_arguments: oids(table.cells(row, "proallargtypes")),
            modes: list(table.cells(row, "proargmodes")),
            names: list(table.cells(row, "proargnames")),
            result: table.integer(row, "prorettype"),
            returns_set: table.text(row, "proretset") == "t",
            kind: table.text(row, "prokind"),
        })
        .collect()
});

/// A built-in function by oid.
pub(crate) fn function_by_oid(oid: i32) -> Option<&'static Function> {
    static INDEX: LazyLock<HashMap<i32, &Function>> =
        LazyLock::new(|| FUNCTIONS.iter().map(|one| (one.oid, one)).collect());
    INDEX.get(&oid).copied()
}

/// One cell of a built-in function's row in `pg_proc`.
pub(crate) fn function_cell(oid: i32, column: &str) -> Option<&'static str> {
    static INDEX: LazyLock<HashMap<i32, usize>> =
        LazyLock::new(|| FUNCTIONS.iter().enumerate().map(|(index, one)| (one.oid, index)).collect());
    let table = table("pg_proc")?;
    table.cells(table.rows.get(*INDEX.get(&oid)?)?, column)
}

/// The functions of a name, in the order of their oids.
pub(crate) fn functions_by_name(name: &str) -> &'static [&'static Function] {
    static INDEX: LazyLock<HashMap<&str, Vec<&Function>>> = LazyLock::new(|| {
        let mut index: HashMap<&str, Vec<&Function>> = HashMap::new();
        for function in FUNCTIONS.iter() {
            index.entry(function.name).or_default().push(function);
        }
        index
    });
    INDEX.get(name).map_or(&[], Vec::as_slice)
}

/// The type of an argument that all built-in functions of the name with so many arguments agree about, 0 when they do not.
pub(crate) fn argument_type(name: &str, arguments: usize, index: usize) -> i32 {
    let least = |one: &Function| {
        let defaults = function_cell(one.oid, "pronargdefaults").and_then(|cell| cell.parse().ok()).unwrap_or(0);
        one.arguments.len().saturating_sub(defaults)
    };
    let takes = |one: &&&Function| (least(one)..=one.arguments.len()).contains(&arguments);
    let mut types = functions_by_name(name).iter().filter(takes);
    let first = types.next().and_then(|one| one.arguments.get(index).copied()).unwrap_or(0);
    if types.all(|one| one.arguments.get(index) == Some(&first)) { first } else { 0 }
}

/// The comment PostgreSQL gives a built-in object: catalog oid, object oid, column number.
pub(crate) fn description(class: i32, object: i32, column: i32) -> Option<&'static str> {
    static INDEX: LazyLock<HashMap<(i32, i32, i32), &str>> = LazyLock::new(|| {
        let Some(table) = table("pg_description") else { return HashMap::new() };
        table
            .rows
            .iter()
            .map(|row| {
                let key =
                    (table.integer(row, "classoid"), table.integer(row, "objoid"), table.integer(row, "objsubid"));
                (key, table.text(row, "description"))
            })
            .collect()
    });
    INDEX.get(&(class, object, column)).copied()
}

/// The names of time zones that PostgreSQL lists.
pub(crate) fn time_zones() -> impl Iterator<Item = &'static str> {
    include_str!("data/timezones.txt").lines()
}

/// A setting that PostgreSQL lets any user change.
pub(crate) struct UserSetting {
    /// Its name.
    pub name: &'static str,
    /// `bool`, `enum`, `integer`, `real` or `string`.
    pub kind: &'static str,
    /// The unit of its value.
    pub unit: Option<&'static str>,
    /// Its built-in value, in that unit.
    pub default: &'static str,
    /// The values of an enum.
    pub values: Vec<&'static str>,
    /// The bounds of a number.
    pub least: Option<&'static str>,
    /// The bounds of a number.
    pub greatest: Option<&'static str>,
    /// What it does.
    pub about: &'static str,
}

/// Every setting that PostgreSQL lets any user change.
pub(crate) fn user_settings() -> Vec<UserSetting> {
    let Some(table) = table("pg_settings") else { return Vec::new() };
    let user = table.rows.iter().filter(|row| table.cells(row, "context") == Some("user"));
    user.map(|row| UserSetting {
        name: table.text(row, "name"),
        kind: table.text(row, "vartype"),
        unit: table.cells(row, "unit"),
        default: table.text(row, "boot_val"),
        values: list(table.cells(row, "enumvals")).into_iter().map(|value| &*value.leak()).collect(),
        least: table.cells(row, "min_val"),
        greatest: table.cells(row, "max_val"),
        about: table.text(row, "short_desc"),
    })
    .collect()
}

/// One cell of PostgreSQL's own `pg_settings`, by setting and column (`setting`, `unit`, `category`, `short_desc`, ...).
pub(crate) fn setting(name: &str, column: &str) -> Option<&'static str> {
    static INDEX: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| {
        let Some(table) = table("pg_settings") else { return HashMap::new() };
        table.rows.iter().enumerate().map(|(index, row)| (table.text(row, "name"), index)).collect()
    });
    let table = table("pg_settings")?;
    table.cells(table.rows.get(*INDEX.get(name)?)?, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_complete() {
        assert_eq!(RELATIONS.len(), 208);
        assert_eq!(class_oid("pg_class"), 1259);
        assert!(relation("pg_catalog", "pg_class").is_some_and(|one| one.columns.len() == 33));
        assert_eq!(type_by_name("_text").map(|one| one.oid), Some(1009));
        assert!(FUNCTIONS.len() > 3000);
        assert_eq!(description(class_oid("pg_type"), 16, 0), Some("boolean, 'true'/'false'"));
        for (name, table) in TABLES.iter() {
            for row in &table.rows {
                assert_eq!(row.len(), table.header.len(), "{name}");
            }
        }
    }
}
