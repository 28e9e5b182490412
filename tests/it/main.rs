//! Integration tests: one binary, one module per subject.
#![cfg(test)]

mod architecture;
mod cli;
mod store;
