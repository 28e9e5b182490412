//! Integration tests: one binary, one module per part of the system.
#![cfg(test)]

mod architecture;
mod cli;
mod import;
mod sandbox_protocol;
mod store;
mod sync;
