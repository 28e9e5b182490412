//! Definitions as SQL text: views, functions, expressions, and what has none here.

use datafusion::error::Result;

use super::identifiers::{format_type, type_oid};
use super::scalar::{Definition, Value, stable};
use crate::gateway::pgcatalog::catalog::{Catalog, Relation, quote_ident};
use crate::gateway::pgcatalog::facts;
use crate::gateway::pgcatalog::indexes::{self, Index};

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("pg_get_viewdef", (1, 2), "text", |catalog, arguments| {
        let oid = relation_oid(catalog, arguments.first())?;
        let definition = match catalog.relation_by_oid(oid) {
            Some(relation) => Some(relation.view_definition()),
            None => facts::relation_by_oid(oid).and_then(facts::SystemRelation::view_definition),
        };
        Ok(definition.map_or(Value::Null, Value::Text))
    }),
    stable("pg_get_ruledef", (1, 2), "text", |catalog, arguments| {
        let oid = arguments.first().and_then(Value::oid).unwrap_or(0);
        Ok(catalog.relation_by_rule(oid).map_or(Value::Null, |relation| {
            let name = quote_ident(&relation.name);
            Value::text(format!(
                "CREATE RULE \"_RETURN\" AS\n    ON SELECT TO public.{name} DO INSTEAD {}",
                relation.view_definition()
            ))
        }))
    }),
    // Expressions are kept as their text.
    stable("pg_get_expr", (2, 3), "text", |_, arguments| {
        let tree = arguments.first().cloned().unwrap_or(Value::Null);
        Ok(facts::default_of(tree.as_text()).map(Value::text).unwrap_or(tree))
    }),
    stable("pg_get_userbyid", (1, 1), "name", |catalog, arguments| {
        let oid = arguments.first().and_then(Value::oid).unwrap_or(0);
        Ok(Value::text(catalog.role_name(oid).map_or_else(|| format!("unknown (OID={oid})"), str::to_owned)))
    }),
    stable("pg_get_function_arguments", (1, 1), "text", |catalog, arguments| {
        Ok(function(catalog, arguments).map_or(Value::Null, |one| Value::Text(one.arguments())))
    }),
    stable("pg_get_function_identity_arguments", (1, 1), "text", |catalog, arguments| {
        Ok(function(catalog, arguments).map_or(Value::Null, |one| Value::Text(one.arguments())))
    }),
    stable("pg_get_function_result", (1, 1), "text", |catalog, arguments| {
        Ok(function(catalog, arguments).and_then(|one| one.result()).map_or(Value::Null, Value::Text))
    }),
    stable("pg_get_functiondef", (1, 1), "text", |catalog, arguments| {
        Ok(function(catalog, arguments).map_or(Value::Null, |one| Value::Text(one.definition())))
    }),
    stable("pg_get_function_arg_default", (2, 2), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_function_sqlbody", (1, 1), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_indexdef", (1, 3), "text", |_, arguments| {
        let Some(index) = index(arguments) else { return Ok(Value::Null) };
        // The number of a column asks for its definition alone; one that there is not has none.
        let text = match arguments.get(1).and_then(Value::oid).unwrap_or(0) {
            0 => index.definition(matches!(arguments.get(2), Some(Value::Bool(true)))),
            number => index.column(number).map_or_else(String::new, |(name, ..)| quote_ident(name)),
        };
        Ok(Value::Text(text))
    }),
    stable("pg_get_constraintdef", (1, 2), "text", |_, arguments| {
        let pretty = matches!(arguments.get(1), Some(Value::Bool(true)));
        let text = arguments.first().and_then(Value::oid).and_then(|oid| indexes::constraint_definition(oid, pretty));
        Ok(text.map_or(Value::Null, Value::Text))
    }),
    // There are no triggers, statistics, partitions or sequences.
    stable("pg_get_triggerdef", (1, 2), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_statisticsobjdef", (1, 1), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_statisticsobjdef_columns", (1, 1), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_partkeydef", (1, 1), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_partition_constraintdef", (1, 1), "text", |_, _| Ok(Value::Null)),
    stable("pg_get_serial_sequence", (2, 2), "text", |catalog, arguments| {
        relation(catalog, arguments.first())?;
        Ok(Value::Null)
    }),
    stable("pg_index_has_property", (2, 2), "bool", |_, arguments| {
        let can = index(arguments).and_then(|_| indexes::has_property(arguments.get(1)?.as_text()));
        Ok(can.map_or(Value::Null, Value::Bool))
    }),
    stable("pg_index_column_has_property", (3, 3), "bool", |_, arguments| {
        let column = index(arguments).and_then(|index| index.column(arguments.get(1)?.oid()?));
        let can = column.and_then(|_| indexes::column_has_property(arguments.get(2)?.as_text()));
        Ok(can.map_or(Value::Null, Value::Bool))
    }),
    stable("pg_indexam_has_property", (2, 2), "bool", |_, arguments| Ok(access_method(arguments))),
    stable("pg_column_is_updatable", (3, 3), "bool", |_, _| Ok(Value::Bool(false))),
    stable("pg_relation_is_publishable", (1, 1), "bool", |_, _| Ok(Value::Bool(false))),
    stable("pg_relation_is_updatable", (2, 2), "int4", |_, _| Ok(Value::Int(0))),
    stable("pg_tablespace_location", (1, 1), "text", |_, _| Ok(Value::text(""))),
    stable("row_security_active", (1, 1), "bool", |_, _| Ok(Value::Bool(false))),
];

/// The index whose oid is the first argument.
fn index(arguments: &[Value]) -> Option<&'static Index> {
    arguments.first().and_then(Value::oid).and_then(indexes::by_oid)
}

/// What an index of an access method can: order, be unique, have several columns, exclude, include.
fn access_method(arguments: &[Value]) -> Value {
    let [method, Value::Text(property)] = arguments else { return Value::Null };
    let names = ["can_order", "can_unique", "can_multi_col", "can_exclude", "can_include"];
    let can = match method.oid() {
        // btree, hash, gist, gin, brin, spgist.
        Some(403) => [true; 5],
        Some(405) => [false, false, false, true, false],
        Some(783) => [false, false, true, true, true],
        Some(2742 | 3580) => [false, false, true, false, false],
        Some(4000) => [false, false, false, true, true],
        _ => return Value::Null,
    };
    let found = names.iter().zip(can).find(|(name, _)| name.eq_ignore_ascii_case(property));
    found.map_or(Value::Null, |(_, can)| Value::Bool(can))
}

/// The published relation an argument means: an oid, or a name, which must be of a relation.
fn relation<'a>(catalog: &'a Catalog, argument: Option<&Value>) -> Result<Option<&'a Relation>> {
    Ok(catalog.relation_by_oid(relation_oid(catalog, argument)?))
}

fn relation_oid(catalog: &Catalog, argument: Option<&Value>) -> Result<i32> {
    match argument {
        Some(Value::Text(text)) => super::resolve(catalog, text, "regclass"),
        other => Ok(other.and_then(Value::oid).unwrap_or(0)),
    }
}

/// A function as its definition is printed.
struct Printed<'a> {
    oid: i32,
    schema: &'static str,
    name: &'a str,
    /// Mode, name, type of every argument.
    arguments: Vec<(&'a str, &'a str, i32)>,
    result: i32,
    returns_set: bool,
    kind: &'a str,
}

fn function<'a>(catalog: &'a Catalog, arguments: &[Value]) -> Option<Printed<'a>> {
    let oid = arguments.first().and_then(Value::oid)?;
    if let Some(one) = facts::function_by_oid(oid) {
        let types = if one.all_arguments.is_empty() { &one.arguments } else { &one.all_arguments };
        let arguments = types.iter().enumerate().map(|(index, pg_type)| {
            let mode = one.modes.get(index).map_or("i", String::as_str);
            (mode, one.names.get(index).map_or("", String::as_str), *pg_type)
        });
        return Some(Printed {
            oid,
            schema: "pg_catalog",
            name: one.name,
            arguments: arguments.collect(),
            result: one.result,
            returns_set: one.returns_set,
            kind: one.kind,
        });
    }
    let one = catalog.function_by_oid(oid)?;
    let named = |mode, (name, pg_type): &'a (String, String)| (mode, name.as_str(), type_oid(pg_type).unwrap_or(0));
    let inputs = one.doc.arguments.iter().map(|argument| named("i", argument));
    let columns = one.doc.returns.iter().map(|column| named("t", column));
    Some(Printed {
        oid,
        schema: "public",
        name: &one.doc.name,
        arguments: inputs.chain(columns).collect(),
        result: 2249,
        returns_set: true,
        kind: "f",
    })
}

impl Printed<'_> {
    fn arguments(&self) -> String {
        let shown: Vec<String> = self
            .arguments
            .iter()
            .filter(|(mode, ..)| *mode != "t")
            .map(|(mode, name, pg_type)| {
                let mode = match *mode {
                    "o" => "OUT ",
                    "b" => "INOUT ",
                    "v" => "VARIADIC ",
                    _ => "",
                };
                let name = if name.is_empty() { String::new() } else { format!("{} ", quote_ident(name)) };
                format!("{mode}{name}{}", format_type(*pg_type, None))
            })
            .collect();
        shown.join(", ")
    }

    /// `None` for procedures, which return nothing.
    fn result(&self) -> Option<String> {
        if self.kind == "p" {
            return None;
        }
        let columns: Vec<String> = self
            .arguments
            .iter()
            .filter(|(mode, ..)| *mode == "t")
            .map(|(_, name, pg_type)| format!("{} {}", quote_ident(name), format_type(*pg_type, None)))
            .collect();
        if !columns.is_empty() {
            return Some(format!("TABLE({})", columns.join(", ")));
        }
        let set = if self.returns_set { "SETOF " } else { "" };
        Some(format!("{set}{}", format_type(self.result, None)))
    }

    /// How a built-in function behaves, as far as it is not what PostgreSQL assumes.
    fn behaviour(&self) -> String {
        let cell = |column| facts::function_cell(self.oid, column).unwrap_or_default();
        let number = |column, assumed: &[&str]| Some(cell(column)).filter(|value| !assumed.contains(value));
        let mut words: Vec<String> = Vec::new();
        let mut add = |is_so: bool, word: &str| words.extend(is_so.then(|| word.to_owned()));
        add(self.kind == "w", "WINDOW");
        add(cell("provolatile") == "i", "IMMUTABLE");
        add(cell("provolatile") == "s", "STABLE");
        add(cell("proparallel") == "s", "PARALLEL SAFE");
        add(cell("proparallel") == "r", "PARALLEL RESTRICTED");
        add(cell("proisstrict") == "t", "STRICT");
        add(cell("prosecdef") == "t", "SECURITY DEFINER");
        add(cell("proleakproof") == "t", "LEAKPROOF");
        // Functions in SQL are assumed to cost more.
        let cost = if matches!(cell("prolang"), "12" | "13") { "1" } else { "100" };
        words.extend(number("procost", &[cost]).map(|cost| format!("COST {cost}")));
        words.extend(number("prorows", &["0", "1000"]).map(|rows| format!("ROWS {rows}")));
        let support = cell("prosupport").parse().ok().and_then(facts::function_by_oid);
        words.extend(support.map(|support| format!("SUPPORT {}", support.name)));
        if words.is_empty() { String::new() } else { format!(" {}\n", words.join(" ")) }
    }

    fn definition(&self) -> String {
        let source = facts::function_cell(self.oid, "prosrc").unwrap_or(self.name);
        format!(
            "CREATE OR REPLACE FUNCTION {}.{}({})\n RETURNS {}\n LANGUAGE internal\n{}AS $function${}$function$\n",
            self.schema,
            quote_ident(self.name),
            self.arguments(),
            self.result().unwrap_or_default(),
            // Every function that is published reads, and may be asked from anywhere.
            if self.schema == "public" { " STABLE PARALLEL SAFE\n".to_owned() } else { self.behaviour() },
            source,
        )
    }
}
