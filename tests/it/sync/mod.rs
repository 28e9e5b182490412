//! The Snowflake client and the sync run against a double that misbehaves on request.

mod account;
mod client;
mod double;
mod faults;
mod incremental;
mod run;
mod run_faults;
mod schedule;
mod shrink;
