//! Integration tests: one binary, one module per subject.
#![cfg(test)]

mod architecture;
mod cli;
mod store;
//! Integration tests: one binary, one module for each part of the system.

mod sandbox_protocol;
