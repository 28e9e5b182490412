//! Comments: `obj_description`, `col_description`, `shobj_description`.

use super::scalar::{Definition, Value, stable};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::facts;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("obj_description", (1, 2), "text", |catalog, arguments| {
        let oid = arguments.first().and_then(Value::oid).unwrap_or(0);
        let class = arguments.get(1).map(Value::as_text);
        Ok(object(catalog, oid, class).map_or(Value::Null, Value::text))
    }),
    stable("col_description", (2, 2), "text", |catalog, arguments| {
        let (Some(oid), Some(number)) = (arguments.first().and_then(Value::oid), arguments.get(1).and_then(Value::oid))
        else {
            return Ok(Value::Null);
        };
        let column = catalog
            .relation_by_oid(oid)
            .and_then(|relation| relation.columns.get(usize::try_from(number.checked_sub(1)?).ok()?));
        Ok(column.and_then(|column| column.comment.clone()).map_or(Value::Null, Value::Text))
    }),
    // Comments of databases, roles and tablespaces: there are none to give.
    stable("shobj_description", (2, 2), "text", |_, _| Ok(Value::Null)),
];

/// The comment of an object; the one-argument form looks in every catalog.
fn object(catalog: &Catalog, oid: i32, class: Option<&str>) -> Option<String> {
    let wanted = |name: &str| class.is_none_or(|class| class == name);
    if wanted("pg_class")
        && let Some(relation) = catalog.relation_by_oid(oid)
    {
        return relation.comment.clone();
    }
    if wanted("pg_proc")
        && let Some(function) = catalog.function_by_oid(oid)
    {
        return Some(function.doc.comment.clone());
    }
    let classes = [
        "pg_proc",
        "pg_type",
        "pg_operator",
        "pg_cast",
        "pg_am",
        "pg_opclass",
        "pg_collation",
        "pg_conversion",
        "pg_language",
        "pg_namespace",
        "pg_ts_parser",
        "pg_ts_template",
    ];
    let found = classes
        .into_iter()
        .filter(|name| wanted(name))
        .find_map(|name| facts::description(facts::class_oid(name), oid, 0));
    found.map(str::to_owned)
}
