//! Integration tests: one binary, one module per part of the system.

mod import;
mod sync;
