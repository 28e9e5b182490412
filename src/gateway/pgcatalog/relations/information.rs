//! Rows of `information_schema`.

use super::{Cell, Rows, cell, text};
use crate::gateway::pgcatalog::catalog::{self, Catalog, namespaces};
use crate::gateway::pgcatalog::functions::format_type;
use crate::gateway::pgcatalog::{facts, indexes};

/// Who may read a relation, and whether they may grant it on: its owner and everybody.
const GRANTEES: [(&str, &str); 2] = [(catalog::OWNER_NAME, "YES"), ("PUBLIC", "NO")];

/// A relation as `information_schema` tells of it: schema, name, whether it is a view, columns (name, type, not null).
struct Described<'a> {
    schema: &'a str,
    name: &'a str,
    view: bool,
    columns: Vec<(&'a str, &'a str, bool)>,
    definition: Option<String>,
}

fn published(catalog: &Catalog) -> Vec<Described<'_>> {
    let published = catalog.relations.values().map(|relation| Described {
        schema: "public",
        name: &relation.name,
        view: true,
        columns: relation.columns.iter().map(|column| (column.name.as_str(), column.pg_type.as_str(), false)).collect(),
        definition: Some(relation.view_definition()),
    });
    published.collect()
}

fn builtin() -> Vec<Described<'static>> {
    let builtin = facts::RELATIONS.iter().map(|relation| Described {
        schema: relation.schema,
        name: relation.name,
        view: relation.kind == "v",
        columns: relation.columns.iter().map(|column| (column.name, column.pg_type, column.not_null)).collect(),
        definition: relation.view_definition(),
    });
    builtin.collect()
}

/// The rows of a relation of `information_schema` that tell of the built-in relations.
pub(super) fn builtin_rows(database: &str, rows: &mut Rows) {
    relations(database, builtin(), rows);
}

/// The rows that this database adds to a relation of `information_schema`.
pub(super) fn rows(catalog: &Catalog, rows: &mut Rows) {
    relations(&catalog.identity.database, published(catalog), rows);
    others(catalog, rows);
}

/// The rows that tell of relations.
fn relations(database: &str, described: Vec<Described<'_>>, rows: &mut Rows) {
    match rows.relation.name {
        "tables" => {
            for one in described {
                rows.push([
                    ("table_catalog", cell(database)),
                    ("table_schema", cell(one.schema)),
                    ("table_name", cell(one.name)),
                    ("table_type", text(if one.view { "VIEW" } else { "BASE TABLE" })),
                    ("is_insertable_into", text("NO")),
                    ("is_typed", text("NO")),
                ]);
            }
        }
        "views" => {
            for one in described.into_iter().filter(|one| one.view) {
                rows.push([
                    ("table_catalog", cell(database)),
                    ("table_schema", cell(one.schema)),
                    ("table_name", cell(one.name)),
                    ("view_definition", one.definition.map(std::borrow::Cow::Owned)),
                    ("check_option", text("NONE")),
                    ("is_updatable", text("NO")),
                    ("is_insertable_into", text("NO")),
                    ("is_trigger_updatable", text("NO")),
                    ("is_trigger_deletable", text("NO")),
                    ("is_trigger_insertable_into", text("NO")),
                ]);
            }
        }
        "columns" => {
            for one in described {
                for (index, (name, pg_type, not_null)) in one.columns.iter().enumerate() {
                    column(rows, database, &one, index, name, pg_type, *not_null);
                }
            }
        }
        "table_privileges" | "role_table_grants" => {
            for one in described {
                for (grantee, grantable) in GRANTEES {
                    rows.push([
                        ("grantor", text(catalog::OWNER_NAME)),
                        ("grantee", text(grantee)),
                        ("table_catalog", cell(database)),
                        ("table_schema", cell(one.schema)),
                        ("table_name", cell(one.name)),
                        ("privilege_type", text("SELECT")),
                        ("is_grantable", text(grantable)),
                        ("with_hierarchy", text("YES")),
                    ]);
                }
            }
        }
        "column_privileges" | "role_column_grants" => {
            for one in described {
                let all = one.columns.iter().flat_map(|column| GRANTEES.map(|grantee| (column.0, grantee)));
                for (name, (grantee, grantable)) in all {
                    rows.push([
                        ("grantor", text(catalog::OWNER_NAME)),
                        ("grantee", text(grantee)),
                        ("table_catalog", cell(database)),
                        ("table_schema", cell(one.schema)),
                        ("table_name", cell(one.name)),
                        ("column_name", cell(name)),
                        ("privilege_type", text("SELECT")),
                        ("is_grantable", text(grantable)),
                    ]);
                }
            }
        }
        _ => {}
    }
}

/// The rows that tell of anything else.
fn others(catalog: &Catalog, rows: &mut Rows) {
    let database = catalog.identity.database.as_str();
    match rows.relation.name {
        "information_schema_catalog_name" => rows.push([("catalog_name", cell(database))]),
        "schemata" => {
            for (_, name) in namespaces() {
                rows.push([
                    ("catalog_name", cell(database)),
                    ("schema_name", text(name)),
                    ("schema_owner", text(catalog::OWNER_NAME)),
                ]);
            }
        }
        "domains" => {
            for domain in facts::TYPES.iter().filter(|one| one.kind == "d") {
                self::domain(rows, database, domain);
            }
        }
        "domain_constraints" => {
            for (name, domain) in indexes::domain_constraints() {
                rows.push([
                    ("constraint_catalog", cell(database)),
                    ("constraint_schema", text("information_schema")),
                    ("constraint_name", text(name)),
                    ("domain_catalog", cell(database)),
                    ("domain_schema", text("information_schema")),
                    ("domain_name", cell(facts::type_by_oid(domain).map_or("", |known| known.name))),
                    ("is_deferrable", text("NO")),
                    ("initially_deferred", text("NO")),
                ]);
            }
        }
        "enabled_roles" => rows.push([("role_name", cell(&catalog.identity.user))]),
        "character_sets" => rows.push([
            ("character_set_name", text("UTF8")),
            ("character_repertoire", text("UCS")),
            ("form_of_use", text("UTF8")),
            ("default_collate_catalog", cell(database)),
            ("default_collate_schema", text("pg_catalog")),
            ("default_collate_name", text("C")),
        ]),
        "routines" => {
            for function in &catalog.functions {
                let specific = format!("{}_{}", function.doc.name, function.oid);
                rows.push([
                    ("specific_catalog", cell(database)),
                    ("specific_schema", text("public")),
                    ("specific_name", cell(specific)),
                    ("routine_catalog", cell(database)),
                    ("routine_schema", text("public")),
                    ("routine_name", cell(&function.doc.name)),
                    ("routine_type", text("FUNCTION")),
                    ("data_type", text("record")),
                    ("type_udt_catalog", cell(database)),
                    ("type_udt_schema", text("pg_catalog")),
                    ("type_udt_name", text("record")),
                    ("dtd_identifier", text("0")),
                    ("routine_body", text("EXTERNAL")),
                    ("external_language", text("INTERNAL")),
                    ("parameter_style", text("GENERAL")),
                    ("is_deterministic", text("NO")),
                    ("sql_data_access", text("MODIFIES")),
                    ("is_null_call", text("NO")),
                    ("schema_level_routine", text("YES")),
                    ("max_dynamic_result_sets", text("0")),
                    ("security_type", text("INVOKER")),
                    ("as_locator", text("NO")),
                    ("is_udt_dependent", text("NO")),
                ]);
            }
        }
        "parameters" => {
            for function in &catalog.functions {
                let specific = format!("{}_{}", function.doc.name, function.oid);
                let inputs = function.doc.arguments.iter().map(|argument| (argument, "IN"));
                let outputs = function.doc.returns.iter().map(|column| (column, "OUT"));
                for (index, ((name, pg_type), mode)) in inputs.chain(outputs).enumerate() {
                    rows.push([
                        ("specific_catalog", cell(database)),
                        ("specific_schema", text("public")),
                        ("specific_name", cell(&specific)),
                        ("ordinal_position", cell(index.saturating_add(1))),
                        ("parameter_mode", text(mode)),
                        ("is_result", text("NO")),
                        ("as_locator", text("NO")),
                        ("parameter_name", cell(name)),
                        ("data_type", cell(data_type(pg_type))),
                        ("udt_catalog", cell(database)),
                        ("udt_schema", text("pg_catalog")),
                        ("udt_name", cell(pg_type)),
                        ("dtd_identifier", cell(index.saturating_add(1))),
                    ]);
                }
            }
        }
        _ => {}
    }
}

/// `data_type` of `information_schema`: the type's SQL name, `ARRAY` for arrays.
fn data_type(pg_type: &str) -> String {
    match facts::type_by_name(pg_type) {
        Some(known) if known.is_array => "ARRAY".to_owned(),
        Some(known) if known.kind == "d" => format_type(known.base, None),
        Some(known) => format_type(known.oid, None),
        None => pg_type.to_owned(),
    }
}

fn column(
    rows: &mut Rows,
    database: &str,
    one: &Described<'_>,
    index: usize,
    name: &str,
    pg_type: &str,
    not_null: bool,
) {
    let known = facts::type_by_name(pg_type);
    let domain = known.filter(|known| known.kind == "d");
    let limits = Limits::of(known);
    rows.push([
        ("table_catalog", cell(database)),
        ("table_schema", cell(one.schema)),
        ("table_name", cell(one.name)),
        ("column_name", cell(name)),
        ("ordinal_position", cell(index.saturating_add(1))),
        ("is_nullable", text(if not_null { "NO" } else { "YES" })),
        ("data_type", cell(data_type(pg_type))),
        ("character_maximum_length", limits.length),
        ("character_octet_length", limits.octets),
        ("numeric_precision", limits.precision),
        ("numeric_precision_radix", limits.radix),
        ("numeric_scale", limits.scale),
        ("datetime_precision", limits.time),
        ("domain_catalog", domain.and_then(|_| cell(database))),
        ("domain_schema", domain.and_then(|_| text("information_schema"))),
        ("domain_name", domain.and_then(|known| text(known.name))),
        ("udt_catalog", cell(database)),
        ("udt_schema", text("pg_catalog")),
        ("udt_name", cell(limits.base.map_or(pg_type, |base| base.name))),
        ("dtd_identifier", cell(index.saturating_add(1))),
        ("is_self_referencing", text("NO")),
        ("is_identity", text("NO")),
        ("identity_cycle", text("NO")),
        ("is_generated", text("NEVER")),
        ("is_updatable", text("NO")),
    ]);
}

/// How long and how exact the values of a type are.
struct Limits {
    /// The type, under a domain that it is.
    base: Option<&'static facts::Type>,
    length: Cell,
    octets: Cell,
    precision: Cell,
    radix: Cell,
    scale: Cell,
    time: Cell,
}

impl Limits {
    fn of(known: Option<&'static facts::Type>) -> Self {
        let base = known.filter(|known| known.kind == "d").and_then(|known| facts::type_by_oid(known.base)).or(known);
        let name = base.map_or("", |base| base.name);
        let number = |bits: &'static str, scale: bool| (text(bits), text("2"), if scale { text("0") } else { None });
        let (precision, radix, scale) = match name {
            "int2" => number("16", true),
            "int4" => number("32", true),
            "int8" => number("64", true),
            "float4" => number("24", false),
            "float8" => number("53", false),
            "numeric" => (None, text("10"), None),
            _ => (None, None, None),
        };
        // Columns have no modifiers of their own; domains have.
        let modifier = known.map_or(-1, |known| known.modifier);
        // A modifier of characters counts a header of four bytes; a character has four at most.
        let length = match name {
            "varchar" | "bpchar" if modifier >= 4 => Some(modifier.saturating_sub(4)),
            _ => None,
        };
        let octets = match name {
            "text" | "varchar" | "bpchar" => cell(length.map_or(1 << 30, |length| length.saturating_mul(4))),
            _ => None,
        };
        let time = match name {
            "timestamptz" | "timestamp" | "time" | "timetz" | "interval" => {
                cell(if modifier < 0 { 6 } else { modifier })
            }
            "date" => text("0"),
            _ => None,
        };
        Self { base, length: length.and_then(cell), octets, precision, radix, scale, time }
    }
}

fn domain(rows: &mut Rows, database: &str, domain: &'static facts::Type) {
    let limits = Limits::of(Some(domain));
    // The collation `default` is not told.
    let collation = || if matches!(domain.collation, 0 | facts::DEFAULT_COLLATION) { None } else { text("C") };
    rows.push([
        ("domain_catalog", cell(database)),
        ("domain_schema", text("information_schema")),
        ("domain_name", text(domain.name)),
        ("data_type", cell(data_type(domain.name))),
        ("character_maximum_length", limits.length),
        ("character_octet_length", limits.octets),
        ("collation_catalog", collation().and_then(|_| cell(database))),
        ("collation_schema", collation().and_then(|_| text("pg_catalog"))),
        ("collation_name", collation()),
        ("numeric_precision", limits.precision),
        ("numeric_precision_radix", limits.radix),
        ("numeric_scale", limits.scale),
        ("datetime_precision", limits.time),
        ("domain_default", domain.default.and_then(cell)),
        ("udt_catalog", cell(database)),
        ("udt_schema", text("pg_catalog")),
        ("udt_name", cell(limits.base.map_or("", |base| base.name))),
        ("dtd_identifier", text("1")),
    ]);
}
