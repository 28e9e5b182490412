//! The PostgreSQL wire: listener, session, statements, results.

pub mod pgcatalog;
