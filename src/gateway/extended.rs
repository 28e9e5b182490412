//! The extended protocol: Parse, Bind, Describe, Execute, Close.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};

use super::conn::{Conn, Guard};
use super::error::SqlError;
use super::frame::{Bind, Target};
use super::front_door::{self, Command, Statement};
use super::outcome::{Outcome, Sent};
use super::query::params::{self, ParamType};
use super::query::rows::Rows;
use super::query::shape::{Column, Formats, describe};
use super::session::{Record, Session, no_cursor};
use super::utility::{Binding, MAX_NAMED, no_statement, too_many};

/// A prepared statement. It is planned anew for each execution, against the snapshot of that moment.
pub(crate) struct Prepared {
    /// The statement; `None` for an empty text.
    pub statement: Option<Statement>,
    /// The declared types, by number.
    pub types: BTreeMap<usize, u32>,
    /// All parameters.
    pub params: Vec<ParamType>,
    /// The columns, if it gives rows.
    pub columns: Option<Arc<[Column]>>,
}

enum Progress {
    /// Bound, not started.
    Bound(Arc<Prepared>, Option<Binding>),
    /// Running or suspended.
    Started(Outcome),
    /// All is sent.
    Finished,
    /// DECLARE CURSOR.
    Cursor(Box<Rows>),
}

/// A portal: a bound statement, or a cursor.
pub(crate) struct Portal {
    progress: Progress,
    columns: Option<Arc<[Column]>>,
    formats: Formats,
    held: bool,
    kind: &'static str,
    /// Whether a Describe told the client about rows.
    described: bool,
}

impl Portal {
    /// A cursor's portal.
    pub(crate) fn cursor(rows: Rows, held: bool, binary: bool) -> Self {
        Self {
            columns: Some(Arc::clone(&rows.columns)),
            progress: Progress::Cursor(Box::new(rows)),
            formats: Formats::new(vec![binary]),
            held,
            kind: "cursor",
            described: true,
        }
    }

    /// Whether it outlives its transaction.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// Whether FETCH may read it.
    pub(crate) fn is_cursor(&self) -> bool {
        matches!(self.progress, Progress::Cursor(_))
    }

    /// Whether a cursor was declared BINARY.
    pub(crate) fn is_binary(&self) -> bool {
        self.formats.binary(0)
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> Arc<[Column]> {
        self.columns.clone().unwrap_or_default()
    }

    /// A cursor's rows.
    pub(crate) fn rows_mut(&mut self) -> Option<&mut Rows> {
        match &mut self.progress {
            Progress::Cursor(rows) => Some(rows),
            _ => None,
        }
    }
}

impl Session {
    /// Parse.
    pub(super) async fn parse(
        &mut self,
        conn: &mut Conn,
        name: String,
        sql: &str,
        oids: &[u32],
    ) -> Result<(), SqlError> {
        let guard = self.guard();
        let record = Record::new("parse");
        let result = self.parse_inner(conn, &guard, name, sql, oids).await;
        if let Err(error) = &result {
            self.log(&record, Err(error));
        }
        result
    }

    async fn parse_inner(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        name: String,
        sql: &str,
        oids: &[u32],
    ) -> Result<(), SqlError> {
        if !name.is_empty() {
            if self.prepared.contains_key(&name) {
                return Err(SqlError::new("42P05", format!("prepared statement \"{name}\" already exists")));
            }
            if self.prepared.len() >= MAX_NAMED {
                return Err(too_many("prepared statements"));
            }
        }
        let text = sql.to_owned();
        let mut statements = self.on_engine(conn, guard, async move { front_door::parse(&text) }).await?;
        if statements.len() > 1 {
            return Err(SqlError::new("42601", "cannot insert multiple commands into a prepared statement"));
        }
        let statement = statements.pop();
        if let Some(statement) = &statement {
            self.check_state(statement)?;
        }
        let types = oids.iter().enumerate().filter(|(_, oid)| **oid != 0);
        let types = types.map(|(index, oid)| (index.saturating_add(1), *oid)).collect();
        let prepared = self.prepare(conn, guard, statement, types).await?;
        self.prepared.insert(name, Arc::new(prepared));
        conn.send(&ParseComplete::new())
    }

    /// Bind.
    pub(super) fn bind(&mut self, conn: &mut Conn, bind: Bind) -> Result<(), SqlError> {
        let prepared = Arc::clone(self.prepared.get(&bind.statement).ok_or_else(|| no_statement(&bind.statement))?);
        if let Some(statement) = &prepared.statement {
            self.check_state(statement)?;
        }
        if !bind.portal.is_empty() {
            if self.portals.contains_key(&bind.portal) {
                return Err(SqlError::new("42P03", format!("cursor \"{}\" already exists", bind.portal)));
            }
            if self.portals.len() >= MAX_NAMED {
                return Err(too_many("portals"));
            }
        }
        let (given, wanted) = (bind.values.len(), prepared.params.len());
        if bind.formats.len() > 1 && bind.formats.len() != given {
            return Err(SqlError::new(
                "08P01",
                format!("bind message has {} parameter formats but {given} parameters", bind.formats.len()),
            ));
        }
        if given != wanted {
            return Err(SqlError::new(
                "08P01",
                format!(
                    "bind message supplies {given} parameters, but prepared statement \"{}\" requires {wanted}",
                    bind.statement
                ),
            ));
        }
        let zone = self.settings.lock().time_zone().1;
        let formats = Formats::new(bind.formats);
        let values = bind
            .values
            .iter()
            .zip(&prepared.params)
            .enumerate()
            .map(|(index, (raw, ty))| {
                params::value(raw.as_deref(), formats.binary(index), ty, zone, index.saturating_add(1))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let formats = Formats::new(bind.result_formats);
        if let Some(columns) = &prepared.columns {
            formats.check(columns.len())?;
        }
        let kind = prepared.statement.as_ref().map_or("empty", |statement| statement.command.kind());
        let binding = (!values.is_empty()).then(|| Binding { types: prepared.types.clone(), values });
        let columns = prepared.columns.clone();
        let portal = Portal {
            progress: Progress::Bound(prepared, binding),
            columns,
            formats,
            held: false,
            kind,
            described: false,
        };
        self.portals.insert(bind.portal, portal);
        conn.send(&BindComplete::new())
    }

    /// Describe.
    pub(super) async fn describe(&mut self, conn: &mut Conn, target: Target, name: &str) -> Result<(), SqlError> {
        if target == Target::Statement {
            let prepared = self.prepared.get(name).ok_or_else(|| no_statement(name))?;
            conn.send(&ParameterDescription::new(prepared.params.iter().map(|ty| ty.pg.oid()).collect()))?;
            return match &prepared.columns {
                Some(columns) => conn.send(&describe(columns, &Formats::default())),
                None => conn.send(&NoData::new()),
            };
        }
        // Whether a CALL gives rows is known only when it has run: it runs when its portal is described.
        let call = match self.portals.get(name).map(|portal| &portal.progress) {
            Some(Progress::Bound(prepared, binding)) => {
                let statement = prepared.statement.as_ref();
                statement
                    .filter(|statement| matches!(statement.command, Command::Call(..)))
                    .map(|s| (s.clone(), binding.clone()))
            }
            Some(_) => None,
            None => return Err(no_portal(name)),
        };
        if let Some((statement, binding)) = call {
            let guard = self.guard();
            let outcome = self.start(conn, &guard, &statement, binding).await?;
            let columns = self.columns_of(&outcome)?.map(|(columns, _)| columns);
            if let Some(portal) = self.portals.get_mut(name) {
                portal.progress = Progress::Started(outcome);
                portal.columns = columns;
            }
        }
        let portal = self.portals.get_mut(name).ok_or_else(|| no_portal(name))?;
        portal.described = true;
        match &portal.columns {
            Some(columns) => conn.send(&describe(columns, &portal.formats)),
            None => conn.send(&NoData::new()),
        }
    }

    /// Execute.
    pub(super) async fn execute(&mut self, conn: &mut Conn, name: &str, max_rows: i32) -> Result<(), SqlError> {
        let guard = self.guard();
        // The portal is taken out while it runs, so that what it does may change the others.
        let mut portal = self.portals.remove(name).ok_or_else(|| no_portal(name))?;
        let mut record = Record::new(portal.kind);
        let result = self.run_portal(conn, &guard, &mut portal, max_rows, &mut record).await;
        self.log(&record, result.as_ref().map(|_| ()));
        if result? && !self.portals.contains_key(name) {
            self.portals.insert(name.to_owned(), portal);
        }
        Ok(())
    }

    /// Gives whether the portal is kept.
    async fn run_portal(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        portal: &mut Portal,
        max_rows: i32,
        record: &mut Record,
    ) -> Result<bool, SqlError> {
        let most = u64::try_from(max_rows).ok().filter(|most| *most > 0);
        let was_open = self.transaction.is_open();
        if let Progress::Bound(prepared, binding) = &mut portal.progress {
            let (prepared, binding) = (Arc::clone(prepared), binding.take());
            let Some(statement) = &prepared.statement else {
                conn.send(&EmptyQueryResponse::new())?;
                return Ok(true);
            };
            self.check_state(statement)?;
            let outcome = self.start(conn, guard, statement, binding).await?;
            if let Outcome::Rows { rows, .. } = &outcome {
                let same = portal.columns.as_ref().is_some_and(|told| {
                    told.len() == rows.columns.len() && told.iter().zip(rows.columns.iter()).all(|(a, b)| a.pg == b.pg)
                });
                if portal.columns.is_some() && !same {
                    return Err(SqlError::new("0A000", "cached plan must not change result type"));
                }
            }
            portal.progress = Progress::Started(outcome);
        }
        match &mut portal.progress {
            Progress::Started(outcome) => {
                if portal.columns.is_none() && !portal.described && matches!(outcome, Outcome::Rows { .. }) {
                    // Rows of a CALL that the client was told gives none.
                    record.rows = self.rows_as_notices(conn, guard, outcome).await?;
                    portal.progress = Progress::Finished;
                    return Ok(true);
                }
                let (sent, rows) = self.send(conn, guard, outcome, &portal.formats, most).await?;
                record.rows = rows;
                if sent == Sent::All {
                    portal.progress = Progress::Finished;
                }
            }
            Progress::Finished => conn.send(&CommandComplete::new("SELECT 0".to_owned()))?,
            Progress::Cursor(rows) => {
                let style = self.style();
                let (count, over) =
                    super::outcome::send_rows(conn, guard, rows, &portal.formats, &style, most, false).await?;
                record.rows = count;
                if over {
                    conn.send(&CommandComplete::new(format!("SELECT {count}")))?;
                } else {
                    conn.send(&pgwire::messages::extendedquery::PortalSuspended::new())?;
                }
            }
            Progress::Bound(..) => return Err(SqlError::internal()),
        }
        self.apply_deferred().await?;
        self.report(conn)?;
        // COMMIT and ROLLBACK end their own portal with all others.
        Ok(!was_open || self.transaction.is_open())
    }

    /// A CALL's rows for a client that was promised none: each row as one notice.
    async fn rows_as_notices(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        outcome: &mut Outcome,
    ) -> Result<u64, SqlError> {
        let Outcome::Rows { rows, tag, .. } = outcome else { return Err(SqlError::internal()) };
        let style = self.style();
        let mut count = 0u64;
        while let Some(piece) = guard.run(&mut conn.reader, rows.next(256)).await? {
            for row in piece.start..piece.start.saturating_add(piece.count) {
                let mut cells = Vec::new();
                for (array, column) in piece.batch.columns().iter().zip(rows.columns.iter()) {
                    let mut text = bytes::BytesMut::new();
                    super::encode::text_value(&mut text, array, row, column, &style)?;
                    cells.push(format!("{} = {}", column.name, String::from_utf8_lossy(&text)));
                }
                self.notice(conn, "NOTICE", &SqlError::new("00000", cells.join(", ")))?;
            }
            count = count.saturating_add(piece.count as u64);
        }
        conn.send(&CommandComplete::new((*tag).to_owned()))?;
        Ok(count)
    }

    /// Close; what does not exist is closed already.
    pub(super) fn close(&mut self, conn: &mut Conn, target: Target, name: &str) -> Result<(), SqlError> {
        match target {
            Target::Statement => {
                self.prepared.remove(name);
            }
            Target::Portal => {
                self.portals.remove(name);
            }
        }
        conn.send(&CloseComplete::new())
    }
}

fn no_portal(name: &str) -> SqlError {
    SqlError { message: format!("portal \"{name}\" does not exist"), ..no_cursor(name) }
}
