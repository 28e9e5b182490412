//! The account behind the protocol: what statements mean.

pub mod account_usage;
pub mod query;
pub mod removed;

pub use removed::Removed;
