//! The Snowflake client and the sync run against a double that misbehaves on request.

mod account;
mod client;
mod double;
mod fakesnow;
mod faults;
mod incremental;
mod kill;
mod run;
mod run_faults;
mod schedule;
mod shrink;
mod volume;
