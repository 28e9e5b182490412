//! Integration tests: one binary, one module per subject.
#![cfg(test)]

mod architecture;
mod cli;
mod clients;
mod compared;
mod dashboards;
mod e2e;
mod fuzz;
mod gateway;
mod guides;
mod import;
mod operations;
mod reference;
mod rules;
mod sandbox_access;
mod sandbox_protocol;
mod store;
mod support;
mod sync;
