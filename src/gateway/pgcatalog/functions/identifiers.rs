//! Object identifier types: names to oids (`regclass`, `to_regclass`, ...) and back (`regclassout`, ...), and `format_type`.

use datafusion::error::Result;

use super::scalar::{Definition, Value, stable};
use crate::gateway::pgcatalog::catalog::{Catalog, namespaces, quote_ident, split_identifier};
use crate::gateway::pgcatalog::errors::sql_error;
use crate::gateway::pgcatalog::facts;

pub(super) const FUNCTIONS: &[Definition] = &[
    stable("regclass", (1, 1), "regclass", |catalog, arguments| cast(catalog, arguments, "regclass")),
    stable("regtype", (1, 1), "regtype", |catalog, arguments| cast(catalog, arguments, "regtype")),
    stable("regproc", (1, 1), "regproc", |catalog, arguments| cast(catalog, arguments, "regproc")),
    stable("regprocedure", (1, 1), "regprocedure", |catalog, arguments| cast(catalog, arguments, "regprocedure")),
    stable("regnamespace", (1, 1), "regnamespace", |catalog, arguments| cast(catalog, arguments, "regnamespace")),
    stable("regrole", (1, 1), "regrole", |catalog, arguments| cast(catalog, arguments, "regrole")),
    stable("regoper", (1, 1), "regoper", |catalog, arguments| cast(catalog, arguments, "regoper")),
    stable("regoperator", (1, 1), "regoperator", |catalog, arguments| cast(catalog, arguments, "regoperator")),
    stable("oid", (1, 2), "oid", |catalog, arguments| cast(catalog, arguments, "oid")),
    stable("to_regclass", (1, 1), "regclass", |catalog, arguments| quiet(catalog, arguments, "regclass")),
    stable("to_regtype", (1, 1), "regtype", |catalog, arguments| quiet(catalog, arguments, "regtype")),
    stable("to_regproc", (1, 1), "regproc", |catalog, arguments| quiet(catalog, arguments, "regproc")),
    stable("to_regnamespace", (1, 1), "regnamespace", |catalog, arguments| quiet(catalog, arguments, "regnamespace")),
    stable("to_regrole", (1, 1), "regrole", |catalog, arguments| quiet(catalog, arguments, "regrole")),
    stable("regclass_array", (1, 1), "_regclass", |catalog, arguments| each(catalog, arguments, "regclass", cast)),
    stable("regtype_array", (1, 1), "_regtype", |catalog, arguments| each(catalog, arguments, "regtype", cast)),
    stable("regproc_array", (1, 1), "_regproc", |catalog, arguments| each(catalog, arguments, "regproc", cast)),
    stable("regrole_array", (1, 1), "_regrole", |catalog, arguments| each(catalog, arguments, "regrole", cast)),
    stable("oid_array", (1, 1), "_oid", |catalog, arguments| each(catalog, arguments, "oid", cast)),
    stable("regclassarrayout", (1, 1), "_text", |catalog, arguments| each(catalog, arguments, "regclass", out)),
    stable("regtypearrayout", (1, 1), "_text", |catalog, arguments| each(catalog, arguments, "regtype", out)),
    stable("regprocarrayout", (1, 1), "_text", |catalog, arguments| each(catalog, arguments, "regproc", out)),
    stable("regrolearrayout", (1, 1), "_text", |catalog, arguments| each(catalog, arguments, "regrole", out)),
    stable("regclassout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regclass")),
    stable("regtypeout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regtype")),
    stable("regprocout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regproc")),
    stable("regprocedureout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regprocedure")),
    stable("regoperout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regoper")),
    stable("regoperatorout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regoperator")),
    stable("regnamespaceout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regnamespace")),
    stable("regroleout", (1, 1), "text", |catalog, arguments| out(catalog, arguments, "regrole")),
    stable("oidvectortypes", (1, 1), "text", |catalog, arguments| {
        let Value::List(names) = each(catalog, arguments, "regtype", out)? else { return Ok(Value::Null) };
        let names: Vec<_> = names.iter().filter_map(Value::print).collect();
        Ok(Value::text(names.join(", ")))
    }),
    Definition {
        name: "format_type",
        arity: (2, 2),
        returns: "text",
        nulls: super::scalar::Nulls::Seen,
        changes: super::scalar::Changes::Stable,
        answer: |catalog, arguments| {
            Ok(match arguments {
                [Value::Null, ..] => Value::Null,
                [oid, _] if oid.oid().is_some_and(|oid| catalog.relation_of_type(oid).is_some()) => {
                    return out(catalog, std::slice::from_ref(oid), "regtype");
                }
                [oid, typmod] => Value::text(format_type(oid.oid().unwrap_or(0), typmod.oid())),
                _ => Value::Null,
            })
        },
    },
];

/// Whether a function is a cast to an identifier type.
pub(crate) fn is_cast_function(name: &str) -> bool {
    name == "oid" || output_function(name).is_some()
}

/// The function that prints a value of an identifier type; `None` for `oid` and types that print as numbers.
pub(crate) fn output_function(pg_type: &str) -> Option<&'static str> {
    Some(match pg_type {
        "regclass" => "regclassout",
        "regtype" => "regtypeout",
        "regproc" => "regprocout",
        "regprocedure" => "regprocedureout",
        "regoper" => "regoperout",
        "regoperator" => "regoperatorout",
        "regnamespace" => "regnamespaceout",
        "regrole" => "regroleout",
        _ => return None,
    })
}

/// The same for arrays, by the array type's name in `pg_type`.
pub(crate) fn array_output_function(pg_type: &str) -> Option<&'static str> {
    Some(match pg_type {
        "_regclass" => "regclassarrayout",
        "_regtype" => "regtypearrayout",
        "_regproc" => "regprocarrayout",
        "_regrole" => "regrolearrayout",
        _ => return None,
    })
}

/// Applies a function of one value to each value of an array.
fn each(
    catalog: &Catalog,
    arguments: &[Value],
    pg_type: &str,
    function: fn(&Catalog, &[Value], &str) -> Result<Value>,
) -> Result<Value> {
    let Some(Value::List(items)) = arguments.first() else { return Ok(Value::Null) };
    let applied = items.iter().map(|item| match item {
        Value::Null => Ok(Value::Null),
        item => function(catalog, std::slice::from_ref(item), pg_type),
    });
    applied.collect::<Result<_>>().map(Value::List)
}

/// The oid that `text` names as a value of the identifier type `pg_type`.
///
/// # Errors
/// When there is no such object, with PostgreSQL's code for the type.
pub(crate) fn resolve(catalog: &Catalog, text: &str, pg_type: &str) -> Result<i32> {
    let text = text.trim();
    if let Ok(oid) = text.parse() {
        return Ok(oid);
    }
    if text == "-" && pg_type != "oid" {
        return Ok(0);
    }
    let names = || split_identifier(text).unwrap_or_default();
    let last = || names().pop().unwrap_or_default();
    let found = match pg_type {
        "regclass" => catalog.class_oid(text).ok_or_else(|| ("42P01", format!("relation \"{text}\" does not exist"))),
        "regtype" => {
            let ours = || {
                let name = text.strip_suffix("[]").unwrap_or(text);
                let oid = catalog.class_oid(name)?;
                let (row, array) = match catalog.relation_by_oid(oid) {
                    Some(relation) => (relation.row_type, relation.array_type),
                    None => facts::relation_by_oid(oid).map(|relation| (relation.row_type, relation.array_type))?,
                };
                Some(if text.ends_with("[]") { array } else { row })
            };
            let found = type_oid(text).or_else(ours);
            found.ok_or_else(|| ("42704", format!("type \"{text}\" does not exist")))
        }
        "regproc" => function_oid(catalog, &names()),
        "regprocedure" => {
            procedure_oid(catalog, text).ok_or_else(|| ("42883", format!("function \"{text}\" does not exist")))
        }
        "regnamespace" => {
            catalog.namespace_oid(&last()).ok_or_else(|| ("3F000", format!("schema \"{text}\" does not exist")))
        }
        "regrole" => {
            let name = last();
            let role = catalog.roles.iter().find(|role| role.name == name).map(|role| role.oid);
            role.ok_or_else(|| ("42704", format!("role \"{text}\" does not exist")))
        }
        "regoper" => match facts::operators_by_name(text.strip_prefix("pg_catalog.").unwrap_or(text)) {
            [only] => Ok(*only),
            [] => Err(("42883", format!("operator does not exist: {text}"))),
            _ => Err(("42725", format!("more than one operator named {text}"))),
        },
        _ => Err(("22P02", format!("invalid input syntax for type {pg_type}: \"{text}\""))),
    };
    found.map_err(|(sqlstate, message)| sql_error(sqlstate, message))
}

fn cast(catalog: &Catalog, arguments: &[Value], pg_type: &str) -> Result<Value> {
    match arguments {
        [Value::Text(text), ..] => resolve(catalog, text, pg_type).map(|oid| Value::Int(oid.into())),
        // Oids are unsigned; what does not fit the range served here names nothing, and 0 is what names nothing.
        [Value::Int(number), ..] => Ok(Value::Int(i32::try_from(*number).unwrap_or(0).into())),
        _ => Err(sql_error("42846", format!("cannot cast this to {pg_type}"))),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the result of a function's answer")]
fn quiet(catalog: &Catalog, arguments: &[Value], pg_type: &str) -> Result<Value> {
    Ok(match arguments {
        [Value::Text(text)] => resolve(catalog, text, pg_type).map_or(Value::Null, |oid| Value::Int(oid.into())),
        _ => Value::Null,
    })
}

/// The oid of a type as SQL or `pg_type` names it: `integer`, `int4`, `text[]`, `pg_catalog.name`, `character varying(10)`.
pub(super) fn type_oid(text: &str) -> Option<i32> {
    let lower = text.trim().to_ascii_lowercase();
    let (base, array) = match lower.strip_suffix("[]") {
        Some(base) => (base.to_owned(), true),
        None => (lower, false),
    };
    // A type modifier takes no part in which type it is.
    let base = match (base.find('('), base.rfind(')')) {
        (Some(open), Some(close)) if open < close => {
            let (head, tail) = (base.get(..open)?, base.get(close.saturating_add(1)..)?);
            format!("{}{tail}", head.trim_end())
        }
        _ => base,
    };
    let quoted_char = base == "\"char\"" || base == "pg_catalog.\"char\"";
    let base = base.strip_prefix("pg_catalog.").unwrap_or(&base).trim_matches('"');
    let name = match base {
        "char" if quoted_char => "char",
        "boolean" => "bool",
        "smallint" => "int2",
        "integer" | "int" => "int4",
        "bigint" => "int8",
        "real" => "float4",
        "double precision" | "float" => "float8",
        "decimal" => "numeric",
        "character varying" => "varchar",
        "character" | "char" => "bpchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        "time with time zone" => "timetz",
        "bit varying" => "varbit",
        other => other,
    };
    let known = facts::type_by_name(name)?;
    if array { (known.array != 0).then_some(known.array) } else { Some(known.oid) }
}

fn function_oid(catalog: &Catalog, names: &[String]) -> Result<i32, (&'static str, String)> {
    let missing = || ("42883", format!("function \"{}\" does not exist", names.join(".")));
    let (schema, name) = match names {
        [name] => (None, name.as_str()),
        [schema, name] => (Some(schema.as_str()), name.as_str()),
        _ => return Err(missing()),
    };
    let builtin = facts::functions_by_name(name).iter().map(|one| one.oid).filter(|_| schema != Some("public"));
    let ours = catalog.functions.iter().filter(|one| one.doc.name == name && schema != Some("pg_catalog"));
    let mut found = builtin.chain(ours.map(|one| one.oid));
    match (found.next(), found.next()) {
        (Some(oid), None) => Ok(oid),
        (Some(_), Some(_)) => Err(("42725", format!("more than one function named \"{}\"", names.join(".")))),
        (None, _) => Err(missing()),
    }
}

fn procedure_oid(catalog: &Catalog, text: &str) -> Option<i32> {
    let (name, rest) = text.split_once('(')?;
    let name = split_identifier(name)?.pop()?;
    let inside = rest.trim_end().strip_suffix(')')?;
    let arguments = if inside.trim().is_empty() {
        Vec::new()
    } else {
        inside.split(',').map(type_oid).collect::<Option<Vec<_>>>()?
    };
    let builtin = facts::functions_by_name(&name).iter().find(|one| one.arguments == arguments).map(|one| one.oid);
    builtin.or_else(|| {
        let same = |one: &&crate::gateway::pgcatalog::catalog::TableFunction| {
            let types: Option<Vec<i32>> = one.doc.arguments.iter().map(|(_, pg_type)| type_oid(pg_type)).collect();
            one.doc.name == name && types.as_ref() == Some(&arguments)
        };
        catalog.functions.iter().find(same).map(|one| one.oid)
    })
}

fn out(catalog: &Catalog, arguments: &[Value], pg_type: &str) -> Result<Value> {
    let oid = match arguments {
        [Value::Text(text)] => resolve(catalog, text, pg_type)?,
        [value] => value.oid().unwrap_or(0),
        _ => 0,
    };
    if oid == 0 {
        return Ok(Value::text(if pg_type.starts_with("regoper") { "0" } else { "-" }));
    }
    let name = match pg_type {
        "regclass" => catalog.class_name(oid).map(|(schema, name)| match schema {
            "information_schema" => format!("{schema}.{}", quote_ident(name)),
            _ => quote_ident(name),
        }),
        "regtype" => match catalog.relation_of_type(oid) {
            Some((relation, array)) => {
                Some(format!("{}{}", quote_ident(&relation.name), if array { "[]" } else { "" }))
            }
            None => facts::type_by_oid(oid).map(|_| format_type(oid, None)),
        },
        "regproc" => function_name(catalog, oid)
            .map(|(name, unique)| if unique { quote_ident(name) } else { format!("pg_catalog.{}", quote_ident(name)) }),
        "regprocedure" => function_name(catalog, oid).map(|(name, _)| {
            let types: Vec<String> =
                argument_types(catalog, oid).into_iter().map(|oid| format_type(oid, None)).collect();
            format!("{}({})", quote_ident(name), types.join(","))
        }),
        // The name alone is one that is read again.
        "regoper" => facts::operator(oid).map(|(name, ..)| match facts::operators_by_name(name) {
            [_] => name.to_owned(),
            _ => format!("pg_catalog.{name}"),
        }),
        "regoperator" => facts::operator(oid).map(|(name, left, right)| {
            let operand = |oid| if oid == 0 { "NONE".to_owned() } else { format_type(oid, None) };
            format!("{name}({},{})", operand(left), operand(right))
        }),
        "regnamespace" => namespaces().iter().find(|(known, _)| *known == oid).map(|(_, name)| quote_ident(name)),
        "regrole" => catalog.role_name(oid).map(quote_ident),
        _ => None,
    };
    Ok(Value::text(name.unwrap_or_else(|| oid.to_string())))
}

fn function_name(catalog: &Catalog, oid: i32) -> Option<(&str, bool)> {
    if let Some(function) = facts::function_by_oid(oid) {
        return Some((function.name, facts::functions_by_name(function.name).len() == 1));
    }
    catalog.function_by_oid(oid).map(|function| (function.doc.name.as_str(), true))
}

fn argument_types(catalog: &Catalog, oid: i32) -> Vec<i32> {
    if let Some(function) = facts::function_by_oid(oid) {
        return function.arguments.clone();
    }
    let ours = catalog.function_by_oid(oid);
    ours.map(|one| one.doc.arguments.iter().filter_map(|(_, name)| type_oid(name)).collect()).unwrap_or_default()
}

/// `format_type(oid, typmod)`: a type's SQL name. Without a modifier for `None`.
pub(crate) fn format_type(oid: i32, typmod: Option<i32>) -> String {
    let Some(known) = facts::type_by_oid(oid) else {
        return if oid == 0 { "-".to_owned() } else { "???".to_owned() };
    };
    // The vectors of the catalogs are arrays with a name of their own.
    let vector = known.name.ends_with("vector") && !known.name.starts_with('_');
    if known.is_array && known.element != 0 && !vector {
        return format!("{}[]", format_type(known.element, typmod));
    }
    let modifier = typmod.filter(|modifier| *modifier >= 0);
    let precision = |modifier: Option<i32>| modifier.map(|digits| format!("({digits})")).unwrap_or_default();
    // Lengths of strings are stored with the four bytes of their header.
    let length =
        |modifier: Option<i32>| modifier.map(|bytes| format!("({})", bytes.saturating_sub(4))).unwrap_or_default();
    match known.name {
        "bool" => "boolean".to_owned(),
        "int2" => "smallint".to_owned(),
        "int4" => "integer".to_owned(),
        "int8" => "bigint".to_owned(),
        "float4" => "real".to_owned(),
        "float8" => "double precision".to_owned(),
        "varchar" => format!("character varying{}", length(modifier)),
        // A bpchar given without a modifier is not `character`, which would mean character(1).
        "bpchar" => match (typmod, modifier) {
            (_, Some(_)) => format!("character{}", length(modifier)),
            (Some(_), None) => "bpchar".to_owned(),
            (None, None) => "character".to_owned(),
        },
        "char" => "\"char\"".to_owned(),
        "bit" => format!("bit{}", precision(modifier)),
        "varbit" => format!("bit varying{}", precision(modifier)),
        "timestamp" => format!("timestamp{} without time zone", precision(modifier)),
        "timestamptz" => format!("timestamp{} with time zone", precision(modifier)),
        "time" => format!("time{} without time zone", precision(modifier)),
        "timetz" => format!("time{} with time zone", precision(modifier)),
        "interval" => {
            format!("interval{}", precision(modifier.filter(|bits| *bits & 0xffff <= 6).map(|bits| bits & 0xffff)))
        }
        "numeric" => match modifier {
            Some(modifier) => {
                let bits = modifier.saturating_sub(4);
                format!("numeric({},{})", (bits >> 16) & 0xffff, bits & 0x7ff)
            }
            None => "numeric".to_owned(),
        },
        name if known.namespace == facts::INFORMATION_SCHEMA => format!("information_schema.{name}"),
        name => quote_ident(name),
    }
}

/// The SQL name of a type by its `typname`, for messages.
pub(crate) fn type_name(typname: &str) -> String {
    facts::type_by_name(typname).map_or_else(|| typname.to_owned(), |known| format_type(known.oid, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_sql_names_them() {
        let named = |name: &str, typmod| format_type(type_oid(name).unwrap_or(0), typmod);
        assert_eq!(named("text[]", None), "text[]");
        assert_eq!(named("varchar", Some(14)), "character varying(10)");
        assert_eq!(named("numeric", Some(1_179_656)), "numeric(18,4)");
        assert_eq!(named("timestamp with time zone", Some(3)), "timestamp(3) with time zone");
        assert_eq!(named("name", Some(-1)), "name");
        assert_eq!(format_type(18, None), "\"char\"");
        assert_eq!(type_oid("character varying(10)"), Some(1043));
        assert_eq!(type_oid("char"), Some(1042));
        assert_eq!(format_type(22, None), "int2vector");
        assert_eq!([1006, 1013, 3643].map(|oid| format_type(oid, None)), ["int2vector[]", "oidvector[]", "tsvector[]"]);
        assert_eq!(format_type(999_999, None), "???");
    }
}
