//! Integration tests: one binary, one module per part of the system.
//! Integration tests: one binary, one module for each part of the system.
#![cfg(test)]

mod architecture;
mod cli;
mod sandbox_protocol;
mod store;

mod gateway;
mod import;
mod sandbox_protocol;
mod store;
mod sync;
