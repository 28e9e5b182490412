//! PostgreSQL's types and functions of values where the planner has another idea of them: numbers, intervals, templates of
//! dates and numbers, JSON, and the types that are text underneath.

mod ages;
mod aggregates;
pub(crate) mod array_literal;
mod arrays;
pub(crate) mod as_given;
pub(crate) mod averages;
pub(crate) mod bytea;
mod casts;
mod chosen;
mod deviations;
mod digits;
mod encodings;
mod float_checks;
mod floats;
mod formatting;
mod interval_functions;
pub(crate) mod interval_order;
pub(crate) mod intervals;
mod json;
mod json_paths;
mod jsonb;
mod literals;
mod matches;
pub(crate) mod moments;
mod now;
mod numbers;
mod numeric_texts;
pub(crate) mod numerics;
mod outputs;
mod parts;
mod patterns;
mod precision;
pub(crate) mod printed;
pub(crate) mod ranges;
pub(crate) mod record_literal;
mod retyped;
pub(crate) mod rewrite;
mod row_comparisons;
pub(crate) mod rows;
mod series;
mod shifts;
mod subqueries;
mod templates;
mod times;
pub(crate) mod timetz;
pub(crate) mod typing;
mod unions;
pub(crate) mod value_lists;
mod zones;

use datafusion::execution::context::SessionContext;

pub(crate) use arrays::TEXT_ARRAYS;
use casts::TEXT_TYPES;
pub(crate) use intervals::operator as interval_operator;
pub(crate) use jsonb::operator as jsonb_operator;
pub(crate) use ranges::operator as range_operator;
pub(crate) use timetz::operator as timetz_operator;
pub(crate) use zones::local;

/// Whether the values of a type, by `pg_type.typname`, are text underneath, and a function that is called like it makes them.
pub(crate) fn is_text_type(name: &str) -> bool {
    TEXT_TYPES.contains(&name) || ranges::RANGE_TYPES.contains(&name)
}

/// Registers the functions on a context; those of the same name that the planner brings are replaced.
pub(super) fn register(context: &SessionContext) {
    let groups = [
        ages::functions(),
        arrays::functions(),
        as_given::functions(),
        bytea::functions(),
        casts::functions(),
        encodings::functions(),
        formatting::functions(),
        interval_functions::functions(),
        intervals::functions(),
        json::functions(),
        json_paths::functions(),
        jsonb::functions(),
        matches::functions(),
        now::functions(),
        numerics::functions(),
        parts::functions(),
        patterns::functions(),
        precision::functions(),
        ranges::functions(),
        rows::functions(),
        times::functions(),
        timetz::functions(),
        zones::functions(),
    ];
    for function in groups.into_iter().flatten() {
        context.register_udf(function);
    }
    for function in numerics::aggregates() {
        context.register_udaf(function);
    }
}
