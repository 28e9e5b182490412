//! Integration tests: one binary, one module per subject.
#![cfg(test)]

mod architecture;
mod cli;
mod e2e;
mod gateway;
mod import;
mod reference;
mod rules;
mod sandbox_access;
mod sandbox_protocol;
mod store;
mod support;
mod sync;
