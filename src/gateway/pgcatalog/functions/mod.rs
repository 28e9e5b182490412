//! PostgreSQL's functions about the catalog and the session, as scalar functions over a connection's [`Catalog`].

mod array_literal;
mod arrays;
mod comments;
mod composites;
mod definitions;
mod identified;
mod identifiers;
mod locks;
mod names;
mod privileges;
mod scalar;
pub(super) mod session;
mod single_value;
mod sizes;
mod tables;
mod typed;

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{AggregateUDF, Expr, ExprSchemable as _, ScalarUDF};

use super::catalog::Catalog;
use super::{facts, types};
pub(crate) use array_literal::ARRAY_OR_LITERAL;
pub(crate) use arrays::ARRAY_OR_EMPTY;
pub(crate) use composites::columns as composite_columns;
pub(crate) use identifiers::{
    array_output_function, format_type, is_cast_function, output_function, resolve, type_name,
};
pub(crate) use session::TRANSACTION;
pub(crate) use single_value::SINGLE_VALUE;
pub(crate) use typed::type_of_cast;

/// The function that is a cast to the type of an oid.
pub(crate) fn cast_to(oid: i32) -> Option<&'static str> {
    let known = facts::type_by_oid(oid)?;
    let is_called = |name: &str| match name.strip_suffix("_array") {
        Some(element) => known.name.strip_prefix('_') == Some(element),
        None => known.name == name,
    };
    let mut functions = identifiers::FUNCTIONS.iter().chain(typed::FUNCTIONS).map(|one| (one.name, one.returns));
    functions.find(|(name, returns)| is_called(name) && super::type_oid(returns) == Some(oid)).map(|(name, _)| name)
}

/// A value as it is printed, with its type's name, where that is by name; otherwise the value itself.
pub(crate) fn printed(catalog: &Arc<Catalog>, value: Expr, schema: &DFSchema) -> Result<(Expr, Option<String>)> {
    let Ok((_, field)) = value.to_field(schema) else { return Ok((value, None)) };
    let kind = types::name_of(&field);
    let output = match field.data_type() {
        DataType::Int32 => output_function(&kind),
        DataType::List(element) if *element.data_type() == DataType::Int32 => array_output_function(&kind),
        _ => None,
    };
    let Some(definition) = identifiers::FUNCTIONS.iter().find(|function| Some(function.name) == output) else {
        return Ok((value, None));
    };
    let function = ScalarUDF::new_from_impl(scalar::CatalogFunction::new(definition, Arc::clone(catalog)));
    Ok((function.call(vec![value]), Some(kind)))
}

/// Registers every function on a context.
pub(super) fn register(ctx: &SessionContext, catalog: &Arc<Catalog>) {
    let groups = [
        comments::FUNCTIONS,
        definitions::FUNCTIONS,
        identified::FUNCTIONS,
        identifiers::FUNCTIONS,
        locks::FUNCTIONS,
        names::FUNCTIONS,
        privileges::FUNCTIONS,
        session::FUNCTIONS,
        sizes::FUNCTIONS,
        arrays::FUNCTIONS,
        typed::FUNCTIONS,
    ];
    for definition in groups.into_iter().flatten() {
        ctx.register_udf(ScalarUDF::new_from_impl(scalar::CatalogFunction::new(definition, Arc::clone(catalog))));
    }
    for function in arrays::generic().into_iter().chain(composites::functions(catalog)) {
        ctx.register_udf(function);
    }
    ctx.register_udf(ScalarUDF::new_from_impl(array_literal::ArrayOrLiteral::new()));
    ctx.register_udaf(AggregateUDF::new_from_impl(single_value::SingleValue::new()));
    tables::register(ctx, catalog);
}
