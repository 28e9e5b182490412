//! Integration tests: one binary, one module for each part of the system.
#![cfg(test)]

mod architecture;
mod cli;
mod sandbox_protocol;
mod store;
