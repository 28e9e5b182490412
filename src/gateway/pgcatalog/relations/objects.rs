//! Catalog rows about objects: relations, columns, namespaces, functions, comments, roles, the database.

use datafusion::arrow::array::RecordBatch;
use datafusion::error::Result;

use super::{Cell, Rows, cell, flag, text};
use crate::gateway::pgcatalog::catalog::{self, Catalog, Relation};
use crate::gateway::pgcatalog::facts::{self, SystemRelation};
use crate::gateway::pgcatalog::indexes::{self, INDEXES};

/// The privileges everybody has on a published relation: to read it.
pub(super) const READABLE: &str = "{grantd=r/grantd,=r/grantd}";

/// `pg_class` rows of the built-in relations and their indexes. They have no storage here, and say so.
pub(super) fn builtin_classes(relation: &'static SystemRelation) -> Result<RecordBatch> {
    let mut rows = Rows::new(relation);
    for one in facts::RELATIONS.iter() {
        let index = indexes::of_table(one);
        rows.push([
            ("oid", cell(one.oid)),
            ("relname", text(one.name)),
            ("reltablespace", text(tablespace(index == Some(true)))),
            ("relhasindex", flag(index.is_some())),
            ("relisshared", flag(index == Some(true))),
            ("reltype", cell(one.row_type)),
            ("relnamespace", cell(catalog::system_namespace(one.schema))),
            ("relowner", cell(facts::OWNER)),
            ("relam", text(if one.kind == "r" { "2" } else { "0" })),
            ("reltuples", text("-1")),
            ("relpersistence", text("p")),
            ("relkind", text(one.kind)),
            ("relnatts", cell(one.columns.len())),
            ("relhasrules", flag(one.kind == "v")),
            ("relispopulated", text("t")),
            ("relreplident", text("n")),
            ("relacl", text(READABLE)),
        ]);
    }
    for one in INDEXES.iter() {
        rows.push([
            ("oid", cell(one.oid)),
            ("relname", text(one.name)),
            ("relnamespace", cell(facts::PG_CATALOG)),
            ("relowner", cell(facts::OWNER)),
            ("relam", text(indexes::BTREE)),
            ("reltablespace", text(tablespace(one.shared))),
            ("reltuples", text("-1")),
            ("relisshared", flag(one.shared)),
            ("relpersistence", text("p")),
            ("relkind", text("i")),
            ("relnatts", cell(one.columns.len())),
            ("relispopulated", text("t")),
            ("relreplident", text("n")),
        ]);
    }
    rows.into_batch()
}

/// The tablespace of what all databases share; else 0, the database's own.
fn tablespace(shared: bool) -> &'static str {
    if shared { indexes::GLOBAL } else { "0" }
}

/// `pg_type` rows of PostgreSQL's own types and of the built-in relations' rows.
pub(super) fn builtin_types(relation: &'static SystemRelation, own: &[Vec<Cell>]) -> Result<RecordBatch> {
    let mut rows = Rows::new(relation);
    rows.rows.extend_from_slice(own);
    for one in facts::RELATIONS.iter() {
        let namespace = catalog::system_namespace(one.schema);
        row_types(&mut rows, (one.oid, one.name, namespace), (one.row_type, one.array_type));
    }
    rows.into_batch()
}

/// `pg_attribute` rows of the built-in relations.
pub(super) fn builtin_attributes(relation: &'static SystemRelation) -> Result<RecordBatch> {
    let mut rows = Rows::new(relation);
    for one in facts::RELATIONS.iter() {
        for (index, column) in one.columns.iter().enumerate() {
            let known = facts::type_by_name(column.pg_type);
            // Texts of the catalogs themselves are compared by byte.
            let collation = match known.map_or(0, |known| known.collation) {
                facts::DEFAULT_COLLATION if one.schema == "pg_catalog" && one.kind == "r" => facts::C_COLLATION,
                other => other,
            };
            let dimensions = i32::from(one.kind == "r" && known.is_some_and(|known| known.is_array));
            attribute(&mut rows, one.oid, (index, column.name), known, dimensions, column.not_null, collation);
        }
    }
    for one in INDEXES.iter() {
        for (index, (name, pg_type, collation)) in one.columns.iter().enumerate() {
            let known = facts::type_by_name(pg_type);
            let dimensions = i32::from(known.is_some_and(|known| known.name == "oidvector"));
            attribute(&mut rows, one.oid, (index, name), known, dimensions, false, *collation);
        }
    }
    rows.into_batch()
}

fn attribute(
    rows: &mut Rows,
    relation: i32,
    (index, name): (usize, &str),
    known: Option<&facts::Type>,
    dimensions: i32,
    not_null: bool,
    collation: i32,
) {
    rows.push([
        ("attrelid", cell(relation)),
        ("attname", cell(name)),
        ("atttypid", cell(known.map_or(0, |known| known.oid))),
        ("attstattarget", text("-1")),
        ("attlen", cell(known.map_or(-1, |known| known.len))),
        ("attnum", cell(index.saturating_add(1))),
        ("attndims", cell(dimensions)),
        ("attcacheoff", text("-1")),
        ("atttypmod", text("-1")),
        ("attbyval", text(known.map_or("f", |known| known.by_value))),
        ("attalign", text(known.map_or("i", |known| known.align))),
        ("attstorage", text(known.map_or("x", |known| known.storage))),
        ("attnotnull", flag(not_null)),
        ("attislocal", text("t")),
        ("attcollation", cell(collation)),
    ]);
}

/// The rows this database adds to a relation of `pg_catalog`.
pub(super) fn rows(catalog: &Catalog, rows: &mut Rows) {
    match rows.relation.name {
        "pg_class" => {
            for relation in catalog.relations.values() {
                class(rows, relation);
            }
        }
        "pg_type" => {
            for relation in catalog.relations.values() {
                let named = (relation.oid, relation.name.as_str(), facts::PUBLIC);
                row_types(rows, named, (relation.row_type, relation.array_type));
            }
        }
        "pg_attribute" => {
            for relation in catalog.relations.values() {
                for (index, column) in relation.columns.iter().enumerate() {
                    let known = facts::type_by_name(&column.pg_type);
                    let collation = known.map_or(0, |known| known.collation);
                    // An array's dimensions are told of tables only.
                    attribute(rows, relation.oid, (index, &column.name), known, 0, false, collation);
                }
            }
        }
        "pg_namespace" => {
            for (oid, name) in catalog::namespaces() {
                let acl = match name {
                    "pg_toast" => None,
                    _ => text("{grantd=UC/grantd,=U/grantd}"),
                };
                rows.push([
                    ("oid", cell(oid)),
                    ("nspname", text(name)),
                    ("nspowner", cell(facts::OWNER)),
                    ("nspacl", acl),
                ]);
            }
        }
        "pg_database" => rows.push([
            ("oid", cell(facts::DATABASE)),
            ("datname", cell(&catalog.identity.database)),
            ("datdba", cell(facts::OWNER)),
            ("encoding", text("6")),
            ("datlocprovider", text("c")),
            ("datallowconn", text("t")),
            ("datconnlimit", text("-1")),
            ("dattablespace", text("1663")),
            ("datcollate", text("C.UTF-8")),
            ("datctype", text("C.UTF-8")),
        ]),
        "pg_proc" => functions(catalog, rows),
        "pg_depend" => dependencies(catalog, rows),
        "pg_description" => descriptions(catalog, rows),
        "pg_rewrite" => {
            for relation in catalog.relations.values() {
                rows.push([
                    ("oid", cell(relation.rule)),
                    ("rulename", text("_RETURN")),
                    ("ev_class", cell(relation.oid)),
                    ("ev_type", text("1")),
                    ("ev_enabled", text("O")),
                    ("is_instead", text("t")),
                ]);
            }
        }
        "pg_authid" | "pg_roles" | "pg_user" | "pg_shadow" => roles(catalog, rows),
        "pg_views" => {
            for relation in catalog.relations.values() {
                rows.push([
                    ("schemaname", text("public")),
                    ("viewname", cell(&relation.name)),
                    ("viewowner", text(catalog::OWNER_NAME)),
                    ("definition", cell(relation.view_definition())),
                ]);
            }
            for relation in facts::RELATIONS.iter().filter(|relation| relation.kind == "v") {
                rows.push([
                    ("schemaname", text(relation.schema)),
                    ("viewname", text(relation.name)),
                    ("viewowner", text(catalog::OWNER_NAME)),
                    ("definition", relation.view_definition().map(std::borrow::Cow::Owned)),
                ]);
            }
        }
        "pg_tables" => {
            for relation in facts::RELATIONS.iter().filter(|relation| relation.kind == "r") {
                rows.push([
                    ("schemaname", text(relation.schema)),
                    ("tablename", text(relation.name)),
                    ("tableowner", text(catalog::OWNER_NAME)),
                    ("tablespace", text("pg_global").filter(|_| indexes::of_table(relation) == Some(true))),
                    ("hasindexes", flag(indexes::of_table(relation).is_some())),
                    ("hasrules", text("f")),
                    ("hastriggers", text("f")),
                    ("rowsecurity", text("f")),
                ]);
            }
        }
        "pg_indexes" => {
            for index in INDEXES.iter() {
                rows.push([
                    ("schemaname", text("pg_catalog")),
                    ("tablename", text(index.table.name)),
                    ("indexname", text(index.name)),
                    ("tablespace", text("pg_global").filter(|_| index.shared)),
                    ("indexdef", cell(index.definition(false))),
                ]);
            }
        }
        _ => {}
    }
}

fn class(rows: &mut Rows, relation: &Relation) {
    rows.push([
        ("oid", cell(relation.oid)),
        ("relname", cell(&relation.name)),
        ("reltype", cell(relation.row_type)),
        ("relnamespace", cell(facts::PUBLIC)),
        ("relowner", cell(facts::OWNER)),
        ("reltuples", text("-1")),
        ("relpersistence", text("p")),
        ("relkind", text("v")),
        ("relnatts", cell(relation.columns.len())),
        ("relhasrules", text("t")),
        ("relispopulated", text("t")),
        ("relreplident", text("n")),
        ("relacl", text(READABLE)),
    ]);
}

/// The types of a relation's rows and of arrays of them. The functions are those that read and write records and arrays.
fn row_types(rows: &mut Rows, (relation, name, namespace): (i32, &str, i32), (row_type, array_type): (i32, i32)) {
    rows.push([
        ("oid", cell(row_type)),
        ("typname", cell(name)),
        ("typnamespace", cell(namespace)),
        ("typowner", cell(facts::OWNER)),
        ("typlen", text("-1")),
        ("typtype", text("c")),
        ("typcategory", text("C")),
        ("typisdefined", text("t")),
        ("typdelim", text(",")),
        ("typrelid", cell(relation)),
        ("typarray", cell(array_type)),
        ("typinput", text("2290")),
        ("typoutput", text("2291")),
        ("typreceive", text("2402")),
        ("typsend", text("2403")),
        ("typalign", text("d")),
        ("typstorage", text("x")),
        ("typtypmod", text("-1")),
    ]);
    rows.push([
        ("oid", cell(array_type)),
        ("typname", cell(format!("_{name}"))),
        ("typnamespace", cell(namespace)),
        ("typowner", cell(facts::OWNER)),
        ("typlen", text("-1")),
        ("typtype", text("b")),
        ("typcategory", text("A")),
        ("typisdefined", text("t")),
        ("typdelim", text(",")),
        ("typsubscript", text(facts::ARRAY_SUBSCRIPT_HANDLER)),
        ("typelem", cell(row_type)),
        ("typinput", text("750")),
        ("typoutput", text("751")),
        ("typreceive", text("2400")),
        ("typsend", text("2401")),
        ("typanalyze", text("3816")),
        ("typalign", text("d")),
        ("typstorage", text("x")),
        ("typtypmod", text("-1")),
    ]);
}

/// The array literal of items that hold no special character.
fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("{{{}}}", items.into_iter().collect::<Vec<_>>().join(","))
}

fn functions(catalog: &Catalog, rows: &mut Rows) {
    for function in &catalog.functions {
        let type_oid = |name: &str| facts::type_by_name(name).map_or(0, |known| known.oid).to_string();
        let inputs: Vec<String> = function.doc.arguments.iter().map(|(_, pg_type)| type_oid(pg_type)).collect();
        let all = || function.doc.arguments.iter().chain(&function.doc.returns);
        let modes = function.doc.arguments.iter().map(|_| "i").chain(function.doc.returns.iter().map(|_| "t"));
        // A function that returns TABLE returns records, with one column that column's type.
        let result = match function.doc.returns.as_slice() {
            [(_, only)] => type_oid(only),
            _ => "2249".to_owned(),
        };
        rows.push([
            ("oid", cell(function.oid)),
            ("proname", cell(&function.doc.name)),
            ("pronamespace", cell(facts::PUBLIC)),
            ("proowner", cell(facts::OWNER)),
            ("prolang", text("12")),
            ("procost", text("1")),
            ("prorows", text("1000")),
            ("prokind", text("f")),
            ("proretset", text("t")),
            ("provolatile", text("s")),
            ("proparallel", text("s")),
            ("pronargs", cell(inputs.len())),
            ("prorettype", cell(result)),
            ("proargtypes", cell(inputs.join(" "))),
            ("proallargtypes", cell(array(all().map(|(_, pg_type)| type_oid(pg_type))))),
            ("proargmodes", cell(array(modes.map(str::to_owned)))),
            (
                "proargnames",
                cell(array(all().map(|(name, _)| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))))),
            ),
            ("prosrc", cell(&function.doc.name)),
        ]);
    }
}

/// What stands and falls with something else: views and functions with their schema, a view's types and rule with the view.
fn dependencies(catalog: &Catalog, rows: &mut Rows) {
    let mut depends = |(class, object): (&str, i32), (on_class, on): (&str, i32), kind: &'static str| {
        rows.push([
            ("classid", cell(facts::class_oid(class))),
            ("objid", cell(object)),
            ("refclassid", cell(facts::class_oid(on_class))),
            ("refobjid", cell(on)),
            ("deptype", text(kind)),
        ]);
    };
    for relation in catalog.relations.values() {
        let view = ("pg_class", relation.oid);
        depends(("pg_type", relation.row_type), view, "i");
        depends(("pg_type", relation.array_type), ("pg_type", relation.row_type), "i");
        depends(view, ("pg_namespace", facts::PUBLIC), "n");
        depends(("pg_rewrite", relation.rule), view, "i");
        depends(("pg_rewrite", relation.rule), view, "n");
    }
    for function in &catalog.functions {
        depends(("pg_proc", function.oid), ("pg_namespace", facts::PUBLIC), "n");
    }
}

fn descriptions(catalog: &Catalog, rows: &mut Rows) {
    for relation in catalog.relations.values() {
        if let Some(comment) = &relation.comment {
            rows.push([
                ("objoid", cell(relation.oid)),
                ("classoid", cell(facts::class_oid("pg_class"))),
                ("description", cell(comment)),
            ]);
        }
        for (index, column) in relation.columns.iter().enumerate() {
            if let Some(comment) = &column.comment {
                rows.push([
                    ("objoid", cell(relation.oid)),
                    ("classoid", cell(facts::class_oid("pg_class"))),
                    ("objsubid", cell(index.saturating_add(1))),
                    ("description", cell(comment)),
                ]);
            }
        }
    }
    for function in &catalog.functions {
        rows.push([
            ("objoid", cell(function.oid)),
            ("classoid", cell(facts::class_oid("pg_proc"))),
            ("description", cell(&function.doc.comment)),
        ]);
    }
}

fn roles(catalog: &Catalog, rows: &mut Rows) {
    for role in &catalog.roles {
        match rows.relation.name {
            "pg_user" => rows.push([
                ("usename", cell(&role.name)),
                ("usesysid", cell(role.oid)),
                ("usecreatedb", text("f")),
                ("usesuper", text("f")),
                ("userepl", text("f")),
                ("usebypassrls", text("f")),
                ("passwd", text("********")),
            ]),
            "pg_roles" => rows.push([
                ("rolname", cell(&role.name)),
                ("rolsuper", text("f")),
                ("rolinherit", text("t")),
                ("rolcreaterole", text("f")),
                ("rolcreatedb", text("f")),
                ("rolcanlogin", flag(role.can_login)),
                ("rolreplication", text("f")),
                ("rolconnlimit", text("-1")),
                ("rolpassword", text("********")),
                ("rolbypassrls", text("f")),
                ("oid", cell(role.oid)),
            ]),
            // pg_authid and pg_shadow hold passwords; PostgreSQL shows them to superusers only, and there is none.
            _ => {}
        }
    }
}
