//! Queries: from a parsed statement to rows that arrive while the client reads them.

mod arguments;
mod bounds;
mod distinct;
pub(crate) mod engine;
pub(crate) mod explain;
mod formats;
mod found;
mod interrupt;
mod joins;
mod known_types;
mod lists;
pub(crate) mod memory;
mod missing;
mod narrow;
mod nodes;
mod not_in;
mod param_rows;
pub(crate) mod param_values;
pub(crate) mod params;
pub(crate) mod plan;
pub(crate) mod quota;
pub(crate) mod rows;
mod run;
pub(crate) mod shape;
mod spill;
mod trail;
