//! The grantd daemon: where accounts come from (sync, import, sandbox), where they are kept (store) and who may
//! ask about them (gateway). What an account means lives in `grantd-catalog`.
//!
//! `sync`, `sandbox`, `store` and `gateway` do not know each other; `cli` puts them together. `config`, `heap` and
//! `progress` know none of them.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod gateway;
pub mod heap;
pub mod monitoring;
pub mod progress;
pub mod sandbox;
pub mod store;
pub mod sync;
