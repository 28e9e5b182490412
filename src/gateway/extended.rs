//! The extended protocol: Parse, Bind, Describe, Execute, Close.

use std::collections::BTreeMap;
use std::sync::Arc;

use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse};

use super::conn::{Conn, Guard};
use super::error::SqlError;
use super::frame::{Bind, Target};
use super::front_door::{Command, Statement};
use super::kept::{now, parsed_size};
use super::outcome::{self, Outcome, Passage, Sent};
use super::pgcatalog;
use super::query::param_values;
use super::query::params::ParamType;
use super::query::rows::Rows;
use super::query::shape::{Column, Formats, describe};
use super::recorder::{Route, Snapshots, StatementText};
use super::recording::Record;
use super::session::{Session, cannot_be_run, no_cursor};
use super::utility::{Binding, no_statement};

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
    /// When it was prepared, in microseconds since 1970-01-01 UTC.
    pub made: i64,
    /// Whether PREPARE made it.
    pub from_sql: bool,
}

enum Progress {
    /// Bound, not started.
    Bound(Arc<Prepared>, Option<Binding>),
    /// Running or suspended. Rows stay here at their end: to run them again gives none.
    Started(Outcome),
    /// It is over, and cannot be run again.
    Finished,
    /// DECLARE CURSOR.
    Cursor(Box<Rows>),
    /// Being executed: the place of a portal that is taken out.
    Running,
}

/// A portal: a bound statement, or a cursor.
pub(crate) struct Portal {
    progress: Progress,
    columns: Option<Arc<[Column]>>,
    formats: Formats,
    /// WITH HOLD.
    held: bool,
    /// A transaction that it was made in was committed.
    kept: bool,
    /// The savepoints when it was made.
    depth: usize,
    /// When it was made, in microseconds since 1970-01-01 UTC.
    made: i64,
    /// Whether a cursor can go back.
    scrollable: bool,
    /// The text that it was made from.
    sql: Option<Arc<str>>,
    kind: &'static str,
    /// Bytes of its statement and parameters.
    pub(super) bytes: usize,
    /// Whether a Describe told the client about rows.
    described: bool,
    text: StatementText,
    /// What a cursor reads.
    snapshots: Option<Snapshots>,
    /// Of an execution that was suspended.
    record: Option<Record>,
}

impl Portal {
    /// A cursor's portal, made when there were `depth` savepoints.
    pub(crate) fn cursor(
        rows: Rows,
        held: bool,
        binary: bool,
        depth: usize,
        text: StatementText,
        snapshots: Snapshots,
    ) -> Self {
        Self {
            columns: Some(Arc::clone(&rows.columns)),
            progress: Progress::Cursor(Box::new(rows)),
            formats: Formats::new(vec![i16::from(binary)]),
            held,
            kept: false,
            depth,
            made: now(),
            scrollable: false,
            sql: None,
            kind: "cursor",
            bytes: 0,
            described: true,
            text,
            snapshots: Some(snapshots),
            record: None,
        }
    }

    /// What a simple query leaves that fails inside of a transaction block: a portal that cannot be run.
    pub(crate) fn failed(statement: &Statement, depth: usize) -> Self {
        let gives_rows = matches!(statement.command, Command::Query(_));
        Self {
            progress: Progress::Finished,
            columns: gives_rows.then(|| Arc::from([])),
            formats: Formats::default(),
            held: false,
            kept: false,
            depth,
            made: now(),
            scrollable: false,
            sql: None,
            kind: statement.command.kind(),
            bytes: 0,
            described: false,
            text: StatementText::default(),
            snapshots: None,
            record: None,
        }
    }

    /// What `pg_cursors` says about a cursor.
    pub(crate) fn declared(mut self, sql: &Arc<str>, scrollable: bool) -> Self {
        self.sql = Some(Arc::clone(sql));
        self.scrollable = scrollable;
        self
    }

    /// Its row of `pg_cursors`.
    pub(super) fn shown(&self, name: &str) -> pgcatalog::Cursor {
        pgcatalog::Cursor {
            name: name.to_owned(),
            statement: self.sql.clone().unwrap_or_default(),
            holdable: self.held,
            binary: matches!(self.progress, Progress::Cursor(_)) && self.is_binary(),
            scrollable: self.scrollable,
            made: self.made,
        }
    }

    /// At the end of a transaction: whether it stays. One WITH HOLD needs that its own transaction was committed.
    pub(crate) fn outlives(&mut self, committed: bool) -> bool {
        self.kept |= self.held && committed;
        self.depth = 0;
        self.kept
    }

    /// Whether it was made before there were more than `depth` savepoints.
    pub(crate) fn is_older_than(&self, depth: usize) -> bool {
        self.depth <= depth
    }

    /// Its savepoint was released: it belongs to the one before.
    pub(crate) fn released(&mut self, depth: usize) {
        self.depth = self.depth.min(depth);
    }

    /// Whether it is being executed.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.progress, Progress::Running)
    }

    /// Takes it out to run it; what is left holds its place.
    fn take(&mut self) -> Self {
        let (columns, formats) = (self.columns.clone(), self.formats.clone());
        let (text, snapshots) = (self.text.clone(), self.snapshots.clone());
        let sql = self.sql.clone();
        let place = Self { progress: Progress::Running, columns, formats, sql, text, snapshots, record: None, ..*self };
        std::mem::replace(self, place)
    }

    /// A query that is bound and not started.
    pub(crate) fn unstarted(&mut self) -> Option<(Arc<Prepared>, Option<Binding>)> {
        match &mut self.progress {
            Progress::Bound(prepared, binding) => Some((Arc::clone(prepared), binding.take())),
            _ => None,
        }
    }

    /// The rows of what was [`Self::unstarted`].
    pub(crate) fn started(&mut self, outcome: Outcome) {
        self.progress = Progress::Started(outcome);
    }

    /// Whether a cursor was declared BINARY.
    pub(crate) fn is_binary(&self) -> bool {
        self.formats.code(0) == 1
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> Arc<[Column]> {
        self.columns.clone().unwrap_or_default()
    }

    /// The snapshots that a cursor reads.
    pub(crate) fn snapshots(&self) -> Option<Snapshots> {
        self.snapshots.clone()
    }

    /// About how many bytes of rows a cursor keeps to go back to.
    pub(super) fn kept(&self) -> usize {
        match &self.progress {
            Progress::Cursor(rows) => rows.kept(),
            _ => 0,
        }
    }

    /// The rows that FETCH reads.
    pub(crate) fn rows_mut(&mut self) -> Option<&mut Rows> {
        match &mut self.progress {
            Progress::Cursor(rows) | Progress::Started(Outcome::Rows { rows, .. }) => Some(rows),
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
        let mut record = self.record(conn, "parse", Route::Extended, StatementText::default());
        let result = self.parse_inner(conn, &guard, name, sql, oids, &mut record).await;
        match &result {
            Ok(()) => record.discard(),
            Err(error) => self.log(conn, record, Err(error)),
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
        record: &mut Record,
    ) -> Result<(), SqlError> {
        self.admit(conn, guard, record).await?;
        if name.is_empty() {
            self.prepared.remove("");
        }
        self.room_for_statement(&name, parsed_size(sql))?;
        let statement = self.read(conn, guard, sql, true, record).await?.pop();
        if let Some(statement) = &statement {
            record.set_text(statement.text.clone());
            self.check_state(statement)?;
        }
        let types = oids.iter().enumerate().map(|(index, oid)| (index.saturating_add(1), *oid)).collect();
        let prepared = self.prepare(conn, guard, statement, types).await?;
        if self.prepared.contains_key(&name) {
            return Err(SqlError::new("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        self.prepared.insert(name, Arc::new(prepared));
        conn.send(&ParseComplete::new())
    }

    /// Bind.
    pub(super) fn bind(&mut self, conn: &mut Conn, bind: Bind) -> Result<(), SqlError> {
        let prepared = self.prepared.get(&bind.statement).map(Arc::clone);
        let result = self.bind_inner(conn, bind);
        if let Err(error) = &result
            && let Some(statement) = prepared.as_ref().and_then(|prepared| prepared.statement.as_ref())
        {
            let record = self.record(conn, "bind", Route::Extended, statement.text.clone());
            self.log(conn, record, Err(error));
        }
        result
    }

    fn bind_inner(&mut self, conn: &mut Conn, bind: Bind) -> Result<(), SqlError> {
        let prepared = Arc::clone(self.prepared.get(&bind.statement).ok_or_else(|| no_statement(&bind.statement))?);
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
        let ends = prepared.statement.as_ref().is_some_and(|statement| statement.command.ends_transaction());
        self.check_failed(!ends || wanted > 0)?;
        if !bind.portal.is_empty() && self.portals.contains_key(&bind.portal) {
            return Err(SqlError::new("42P03", format!("cursor \"{}\" already exists", bind.portal)));
        }
        let sent = bind.values.iter().flatten().map(bytes::Bytes::len).fold(prepared.size(), usize::saturating_add);
        self.room_for_portal(&bind.portal, sent)?;
        let zone = self.settings.lock().time_zone().1;
        let formats = Formats::new(bind.formats);
        let values = bind
            .values
            .iter()
            .zip(&prepared.params)
            .enumerate()
            .map(|(index, (raw, ty))| {
                param_values::value(raw.as_deref(), formats.binary(index)?, ty, zone, index.saturating_add(1))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let formats = Formats::new(bind.result_formats);
        if let Some(columns) = &prepared.columns {
            formats.check(columns.len())?;
        }
        let kind = prepared.statement.as_ref().map_or("empty", |statement| statement.command.kind());
        let binding = (!values.is_empty()).then(|| Binding { types: prepared.types.clone(), values });
        let columns = prepared.columns.clone();
        let text = prepared.statement.as_ref().map(|statement| statement.text.clone()).unwrap_or_default();
        let sql = prepared.statement.as_ref().map(|statement| Arc::clone(&statement.sql));
        let portal = Portal {
            progress: Progress::Bound(prepared, binding),
            columns,
            formats,
            held: false,
            kept: false,
            depth: self.transaction.depth(),
            made: now(),
            scrollable: false,
            sql,
            kind,
            bytes: sent,
            described: false,
            text,
            snapshots: None,
            record: None,
        };
        self.portals.insert(bind.portal, portal);
        conn.send(&BindComplete::new())
    }

    /// Describe.
    pub(super) async fn describe(&mut self, conn: &mut Conn, target: Target, name: &str) -> Result<(), SqlError> {
        if target == Target::Statement {
            let prepared = self.prepared.get(name).ok_or_else(|| no_statement(name))?;
            self.check_failed(prepared.columns.is_some())?;
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
        self.check_failed(self.portals.get(name).is_some_and(|portal| portal.columns.is_some()))?;
        if let Some((statement, binding)) = call {
            let guard = self.guard();
            let mut record = self.record(conn, statement.command.kind(), Route::Extended, statement.text.clone());
            let started = match self.admit(conn, &guard, &mut record).await {
                Ok(()) => self.start(conn, &guard, &statement, binding, &mut record).await,
                Err(error) => Err(error),
            };
            let outcome = match started {
                Ok(outcome) => outcome,
                Err(error) => {
                    self.log(conn, record, Err(&error));
                    return Err(error);
                }
            };
            record.suspend(conn);
            let columns = self.columns_of(&outcome)?.map(|(columns, _)| columns);
            if let Some(portal) = self.portals.get_mut(name) {
                portal.progress = Progress::Started(outcome);
                portal.columns = columns;
                portal.record = Some(record);
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
        // The portal is taken out while it runs, so that what it does may change the others; its place is kept.
        let mut portal = self.portals.get_mut(name).map(Portal::take).ok_or_else(|| no_portal(name))?;
        let mut record = match portal.record.take() {
            Some(mut record) => {
                record.resume(conn);
                record
            }
            None => self.record(conn, portal.kind, Route::Extended, portal.text.clone()),
        };
        let result = self.run_portal(conn, &guard, name, &mut portal, max_rows, &mut record).await;
        match &result {
            Ok(()) if matches!(portal.progress, Progress::Bound(..)) => record.discard(),
            // It goes on at the next Execute, or is over when the portal goes.
            Ok(()) if record.is_suspended() => portal.record = Some(record),
            result => self.log(conn, record, result.as_ref().copied()),
        }
        if result.is_err() {
            portal.progress = Progress::Finished;
        }
        // The end of the transaction took the place away.
        if let Some(place) = self.portals.get_mut(name).filter(|place| place.is_running()) {
            portal.depth = place.depth;
            *place = portal;
        }
        self.transaction.executed();
        result
    }

    async fn run_portal(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        name: &str,
        portal: &mut Portal,
        max_rows: i32,
        record: &mut Record,
    ) -> Result<(), SqlError> {
        let most = u64::try_from(max_rows).ok().filter(|most| *most > 0);
        if !matches!(portal.progress, Progress::Bound(..)) {
            self.check_failed(true)?;
        }
        if let Progress::Bound(prepared, binding) = &mut portal.progress {
            let (prepared, binding) = (Arc::clone(prepared), binding.take());
            let Some(statement) = &prepared.statement else {
                return conn.send(&EmptyQueryResponse::new());
            };
            self.admit(conn, guard, record).await?;
            self.check_state(statement)?;
            let outcome = self.start(conn, guard, statement, binding, record).await?;
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
                    record.rows = self.rows_without_columns(conn, guard, outcome).await?;
                    portal.progress = Progress::Finished;
                    return Ok(());
                }
                let (sent, rows) = self.send(conn, guard, outcome, &portal.formats, most).await?;
                record.rows = record.rows.saturating_add(rows);
                if sent == Sent::Suspended {
                    record.suspend(conn);
                }
                if sent == Sent::All && !outcome.gives_rows() {
                    portal.progress = Progress::Finished;
                }
            }
            Progress::Finished | Progress::Running => return Err(cannot_be_run(name)),
            Progress::Cursor(rows) => {
                self.admit(conn, guard, record).await?;
                record.set_snapshots(portal.snapshots.clone());
                let style = self.style();
                let (count, over) =
                    outcome::send_rows(conn, guard, rows, (&portal.formats, &style), most, Passage::default()).await?;
                record.rows = count;
                if over {
                    conn.send(&CommandComplete::new(format!("SELECT {count}")))?;
                } else {
                    conn.send(&pgwire::messages::extendedquery::PortalSuspended::new())?;
                }
            }
            Progress::Bound(..) => return Err(SqlError::internal()),
        }
        self.apply_deferred().await
    }

    /// Rows for a client that was promised none. Those of a CALL are notices, one for each; others are counted alone, as
    /// PostgreSQL does when an EXECUTE runs another one.
    async fn rows_without_columns(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        outcome: &mut Outcome,
    ) -> Result<u64, SqlError> {
        let Outcome::Rows { rows, tag, counted } = outcome else { return Err(SqlError::internal()) };
        let style = self.style();
        let mut count = 0u64;
        while let Some(piece) = guard.run(&mut conn.reader, rows.next(256)).await? {
            count = count.saturating_add(piece.count as u64);
            if *counted {
                continue;
            }
            for row in piece.start..piece.start.saturating_add(piece.count) {
                let mut cells = Vec::new();
                for (array, column) in piece.batch.columns().iter().zip(rows.columns.iter()) {
                    let mut text = bytes::BytesMut::new();
                    super::encode::text_value(&mut text, array, row, column, &style)?;
                    cells.push(format!("{} = {}", column.name, String::from_utf8_lossy(&text)));
                }
                self.notice(conn, "NOTICE", &SqlError::new("00000", cells.join(", ")))?;
            }
        }
        conn.send(&outcome::complete(tag, *counted, count))?;
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
