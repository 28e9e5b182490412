//! The statements of a run.
