//! Queries: from a parsed statement to rows that arrive while the client reads them.

pub(crate) mod engine;
pub(crate) mod explain;
mod interrupt;
pub(crate) mod params;
pub(crate) mod plan;
pub(crate) mod rows;
pub(crate) mod shape;
