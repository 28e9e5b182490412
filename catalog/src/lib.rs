//! What grantd knows about an account's access control: the model, snapshots, the role graph, Snowflake SQL and
//! the tables that DataFusion sees. No network, no clock, no disk.
//!
//! Where to look:
//! - [`model`]: the words (identifiers, privileges, securables, principals, changes)
//! - [`account`]: an account that can be edited: `apply`
//! - [`snapshot`]: an account frozen into columns: `diff`, encode and decode
//! - [`graph`]: role closure, effective access, explanations
//! - [`sql`]: Snowflake SQL: parse to changes, render from changes
//! - [`tables`]: the relations that a session sees

pub mod account;
pub mod drift;
pub mod graph;
pub mod model;
pub mod snapshot;
pub mod sql;
pub mod tables;
