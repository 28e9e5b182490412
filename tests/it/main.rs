//! Integration tests: one binary, one module for each part of the system.

#[cfg(test)]
mod sandbox_protocol;
