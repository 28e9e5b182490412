//! `pg_identify_object`: the kind, schema, name and identity of what a class and an oid mean.

use datafusion::error::Result;

use super::identifiers::format_type;
use super::scalar::{Changes, Definition, Nulls, Value};
use crate::gateway::pgcatalog::catalog::{Catalog, quote_ident};
use crate::gateway::pgcatalog::{facts, indexes};

/// The fields of its row, in order.
const FIELDS: [&str; 4] = ["type", "schema", "name", "identity"];

/// The row as its text; with the name of a field behind, that field.
pub(super) const FUNCTIONS: &[Definition] = &[Definition {
    name: "pg_identify_object",
    arity: (3, 4),
    returns: "text",
    nulls: Nulls::Strict,
    changes: Changes::Stable,
    answer,
}];

#[expect(clippy::unnecessary_wraps, reason = "the signature of every function's answer")]
fn answer(catalog: &Catalog, arguments: &[Value]) -> Result<Value> {
    let [class, object, column, rest @ ..] = arguments else { return Ok(Value::Null) };
    let number = |value: &Value| value.oid().unwrap_or(0);
    let Some(identified) = identified(catalog, number(class), number(object), number(column)) else {
        return Ok(Value::Null);
    };
    let value = |field: &Option<String>| field.clone().map_or(Value::Null, Value::Text);
    if let [field] = rest {
        let index = FIELDS.iter().position(|known| *known == field.as_text());
        return Ok(index.and_then(|index| identified.get(index)).map_or(Value::Null, value));
    }
    let plain = |text: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
        if !text.is_empty() && text.chars().all(is_plain) {
            text.to_owned()
        } else {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\"\""))
        }
    };
    let fields = identified.iter().map(|field| field.as_deref().map(plain).unwrap_or_default());
    Ok(Value::Text(format!("({})", fields.collect::<Vec<_>>().join(","))))
}

type Identified = [Option<String>; 4];

/// An object without a schema of its own.
fn alone(kind: &str, name: Option<&str>) -> Identified {
    [Some(kind.to_owned()), None, name.map(quote_ident), name.map(quote_ident)]
}

/// A type's name with its schema, unless SQL has a word for it.
fn type_identity(oid: i32) -> String {
    let shown = format_type(oid, None);
    let known = facts::type_by_oid(oid);
    let element = known.filter(|known| known.is_array).and_then(|known| facts::type_by_oid(known.element));
    match element.or(known) {
        Some(one) if shown.trim_end_matches("[]") == quote_ident(one.name) => {
            let schema = if one.namespace == facts::PG_CATALOG { "pg_catalog" } else { "information_schema" };
            format!("{schema}.{shown}")
        }
        _ => shown,
    }
}

fn identified(catalog: &Catalog, class: i32, object: i32, column: i32) -> Option<Identified> {
    let of_schema = |kind: &str, schema: &str, name: Option<&str>, identity: String| {
        [Some(kind.to_owned()), Some(quote_ident(schema)), name.map(quote_ident), Some(identity)]
    };
    Some(match facts::relation_by_oid(class)?.name {
        "pg_class" => {
            let Some((schema, name)) = catalog.class_name(object) else { return Some(alone("relation", None)) };
            let known = facts::relation_by_oid(object);
            let kind = match known {
                Some(known) if known.kind == "v" => "view",
                Some(_) => "table",
                None if indexes::by_oid(object).is_some() => "index",
                None => "view",
            };
            let mut identity = format!("{}.{}", quote_ident(schema), quote_ident(name));
            let Some(index) = usize::try_from(column).ok().and_then(|column| column.checked_sub(1)) else {
                return Some(of_schema(kind, schema, Some(name), identity));
            };
            let named = match known {
                Some(known) => known.columns.get(index).map(|column| column.name),
                None => catalog.relation_by_oid(object)?.columns.get(index).map(|column| column.name.as_str()),
            };
            identity.extend([".", &quote_ident(named?)]);
            of_schema(&format!("{kind} column"), schema, Some(name), identity)
        }
        "pg_proc" => {
            let (schema, name, types) = if let Some(known) = facts::function_by_oid(object) {
                ("pg_catalog", known.name, known.arguments.iter().map(|oid| type_identity(*oid)).collect())
            } else if let Some(own) = catalog.function_by_oid(object) {
                let oid = |name: &str| facts::type_by_name(name).map_or(0, |known| known.oid);
                let types = own.doc.arguments.iter().map(|(_, pg_type)| type_identity(oid(pg_type)));
                ("public", own.doc.name.as_str(), types.collect::<Vec<_>>())
            } else {
                return Some(alone("routine", None));
            };
            of_schema("function", schema, None, format!("{schema}.{}({})", quote_ident(name), types.join(",")))
        }
        "pg_type" => match (facts::type_by_oid(object), catalog.relation_of_type(object)) {
            (Some(known), _) => of_schema("type", "pg_catalog", Some(known.name), type_identity(object)),
            (None, Some((relation, is_array))) => {
                let (before, after) = if is_array { ("_", "[]") } else { ("", "") };
                let name = format!("{before}{}", relation.name);
                of_schema("type", "public", Some(&name), format!("public.{}{after}", quote_ident(&relation.name)))
            }
            (None, None) => alone("type", None),
        },
        "pg_rewrite" => {
            let relation = catalog.relation_by_rule(object)?;
            let identity = format!("\"_RETURN\" on public.{}", quote_ident(&relation.name));
            [Some("rule".to_owned()), None, None, Some(identity)]
        }
        "pg_namespace" => {
            let all = crate::gateway::pgcatalog::catalog::namespaces();
            alone("schema", all.iter().find(|(oid, _)| *oid == object).map(|(_, name)| *name))
        }
        "pg_authid" => alone("role", catalog.role_name(object)),
        "pg_database" => alone("database", (object == facts::DATABASE).then_some(catalog.identity.database.as_str())),
        _ => return None,
    })
}
