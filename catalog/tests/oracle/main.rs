//! The oracle: a slow and obvious second implementation of effective access, written from Snowflake's rules, that the
//! engine is checked against.
//!
//! - `roles`, `privileges`, `chains`, `lint`: the rules, each a short function whose name is the rule;
//! - `random`: accounts from a seed, with everything odd that an account can hold;
//! - `cases`: hand-made accounts, one test for each rule;
//! - `permifrost`: two real specifications and their known figures.
//!
//! Sections in comments are those of the snowflake-rbac reference.

mod cases;
mod chains;
mod lint;
mod oracle;
mod permifrost;
mod privileges;
mod random;
mod roles;

pub(crate) use oracle::{Lens, Oracle};
