//! The grantd daemon: where accounts come from (sync, import, sandbox), where they are kept (store) and who may
//! ask about them (gateway). What an account means lives in `grantd-catalog`.

pub mod gateway;
pub mod sandbox;
pub mod store;
pub mod sync;
