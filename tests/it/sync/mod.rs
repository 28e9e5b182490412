//! The Snowflake client and the sync run against a double that misbehaves on request.

mod client;
mod double;
mod faults;
mod run;
