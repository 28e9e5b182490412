//! PostgreSQL's types and functions of values where the planner has another idea of them: numbers, intervals, templates of
//! dates and numbers, JSON, and the types that are text underneath.

mod casts;
mod formatting;
pub(crate) mod intervals;
mod json;
mod numbers;
mod parts;
pub(crate) mod rewrite;
mod templates;
pub(crate) mod typing;
mod zones;

use datafusion::execution::context::SessionContext;

pub(crate) use casts::TEXT_TYPES;
pub(crate) use intervals::operator as interval_operator;
pub(crate) use zones::local;

/// Registers the functions on a context; those of the same name that the planner brings are replaced.
pub(super) fn register(context: &SessionContext) {
    let groups = [
        casts::functions(),
        formatting::functions(),
        intervals::functions(),
        json::functions(),
        parts::functions(),
        zones::functions(),
    ];
    for function in groups.into_iter().flatten() {
        context.register_udf(function);
    }
}
