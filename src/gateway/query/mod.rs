//! Queries: from a parsed statement to rows that arrive while the client reads them.

pub mod engine;
pub mod explain;
pub mod params;
pub mod plan;
pub mod rows;
pub mod shape;
