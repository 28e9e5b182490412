//! What a session keeps between messages, prepared statements and portals: bounded in number and in bytes.

use std::sync::Arc;

use super::error::SqlError;
use super::extended::{Portal, Prepared};
use super::pgcatalog::PreparedStatement;
use super::session::Session;

/// Most prepared statements, and most portals.
const MAX_NAMED: usize = 1_000;
/// Bytes of all of them together.
const MAX_BYTES: usize = 128 << 20;
/// A parsed statement takes about so many bytes for each of its text.
const PARSED: usize = 16;
/// What even the smallest takes.
const LEAST: usize = 1_024;

/// The bytes that a parsed text takes.
pub(super) fn parsed_size(text: &str) -> usize {
    text.len().saturating_mul(PARSED).saturating_add(LEAST)
}

fn too_much(what: String) -> SqlError {
    SqlError::new("53000", "this session keeps too much")
        .with_detail(what)
        .with_hint("Close what is not needed any more: DEALLOCATE, CLOSE, DISCARD ALL.")
}

/// Microseconds since 1970-01-01 UTC.
pub(super) fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}

impl Session {
    /// Tells the catalog about prepared statements and cursors, if a statement asks for them.
    pub(super) fn show_kept(&self, sql: &str) {
        let sql = sql.to_ascii_lowercase();
        if !sql.contains("pg_prepared_statements") && !sql.contains("pg_cursors") {
            return;
        }
        let named = self.prepared.iter().filter(|(name, _)| !name.is_empty());
        let mut prepared: Vec<_> = named.map(|(name, one)| one.shown(name)).collect();
        let mut cursors: Vec<_> = self.portals.iter().map(|(name, portal)| portal.shown(name)).collect();
        prepared.sort_by(|a, b| a.name.cmp(&b.name));
        cursors.sort_by(|a, b| a.name.cmp(&b.name));
        self.settings.keep(prepared, cursors);
    }

    /// Room for another prepared statement.
    pub(super) fn room_for_statement(&self, name: &str, bytes: usize) -> Result<(), SqlError> {
        let is_named = !name.is_empty();
        self.room(is_named && self.prepared.len() >= MAX_NAMED, "prepared statements", name, bytes)
    }

    /// Room for another portal.
    pub(super) fn room_for_portal(&self, name: &str, bytes: usize) -> Result<(), SqlError> {
        let is_named = !name.is_empty();
        self.room(is_named && self.portals.len() >= MAX_NAMED, "portals and cursors", name, bytes)
    }

    fn room(&self, is_full: bool, what: &str, name: &str, bytes: usize) -> Result<(), SqlError> {
        if is_full {
            return Err(too_much(format!("There are {MAX_NAMED} {what}, which is the most.")));
        }
        let statements = self.prepared.iter().map(|(name, prepared)| name.len().saturating_add(prepared.size()));
        let portals = self.portals.iter().map(|(name, portal)| name.len().saturating_add(portal.size()));
        let kept = statements.chain(portals).chain([name.len(), bytes]).fold(0, usize::saturating_add);
        if kept > MAX_BYTES {
            let most = crate::config::size::shown(MAX_BYTES as u64);
            return Err(too_much(format!("Its prepared statements and portals take more than {most}.")));
        }
        Ok(())
    }
}

impl Prepared {
    /// Its row of `pg_prepared_statements`.
    fn shown(&self, name: &str) -> PreparedStatement {
        PreparedStatement {
            name: name.to_owned(),
            statement: self.statement.as_ref().map(|statement| Arc::clone(&statement.sql)).unwrap_or_default(),
            made: self.made,
            parameters: self.params.iter().map(|param| param.pg.oid()).collect(),
            from_sql: self.from_sql,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        parsed_size(self.statement.as_ref().map_or("", |statement| &*statement.sql))
    }
}

impl Portal {
    /// About how many bytes it takes, without the rows that come next.
    pub(super) fn size(&self) -> usize {
        self.bytes.saturating_add(self.kept()).saturating_add(LEAST)
    }
}
