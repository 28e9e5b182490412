//! The PostgreSQL wire: listener, session, statements, results.
