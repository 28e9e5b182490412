//! The oracle: a slow and obvious second implementation of effective access, written from Snowflake's rules, that the
//! engine is checked against.
//!
//! - `roles`, `privileges`, `chains`, `lint`: the rules, each a short function whose name is the rule;
//! - `random`: accounts from a seed, with everything odd that an account can hold; `oddities` looks that it is so;
//! - `cases`: hand-made accounts, one test for each rule;
//! - `compare`: the engine against the oracle, on random accounts;
//! - `worlds`: accounts as SQL in files, with assertions, for the oracle and the engine;
//! - `permifrost`: two real specifications and their known figures.
#![cfg(test)]

mod cases;
mod chains;
mod compare;
mod laws;
mod lint;
mod oddities;
mod oracle;
mod permifrost;
mod privileges;
mod random;
mod roles;
mod worlds;

pub(crate) use oracle::{Lens, Oracle};
