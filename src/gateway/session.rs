//! One session: its loop over messages, its state, and the simple protocol.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, SecretKey};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, BackendSession, Startup};
use super::cancel::Registration;
use super::conn::{Conn, Guard, client_gone, shutting_down};
use super::encode::Style;
use super::error::SqlError;
use super::extended::{Portal, Prepared};
use super::frame::{Frame, FrameError, Message, decode};
use super::front_door::Statement;
use super::outcome::{self, Outcome, Passage, Sent};
use super::peer::Peer;
use super::query::engine::{Engine, Task};
use super::query::memory::Governor;
use super::query::plan::Scene;
use super::query::shape::{Column, Formats, describe};
use super::recorder::{OK, Recorder, Route, StatementText};
use super::recording::{Record, Recording};
use super::settings::{Settings, SharedSettings};
use super::startup::{self, Wanted};
use super::stats::Stats;
use super::transaction::{State, Transaction};

/// The server's end, in two steps.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Who is idle is sent away.
    pub begun: CancellationToken,
    /// What still runs is ended.
    pub deadline: CancellationToken,
}

impl Shutdown {
    /// An end that comes with this one at the latest.
    pub(crate) fn child(&self) -> Self {
        Self { begun: self.begun.child_token(), deadline: self.deadline.child_token() }
    }
}

/// What a session is made of.
pub(crate) struct Parts {
    /// Opens the catalog's side.
    pub backend: Arc<dyn Backend>,
    /// The query threads.
    pub engine: Arc<Engine>,
    /// The threads that read and plan.
    pub planner: Arc<Engine>,
    /// The place in the cancel table.
    pub place: Registration,
    /// The client's address.
    pub peer: Peer,
    /// Shares out what clients may take.
    pub governor: Arc<Governor>,
    /// Keeps the log of statements.
    pub recorder: Option<Arc<dyn Recorder>>,
    /// Where the session counts.
    pub stats: Arc<Stats>,
}

/// What a task gives, unless the statement has to end before.
async fn finished<T>(mut task: Task<Result<T, SqlError>>, conn: &mut Conn, guard: &Guard) -> Result<T, SqlError> {
    guard.run(&mut conn.reader, async { task.join().await? }).await
}

/// The state of a connection after its startup.
pub(crate) struct Session {
    pub(super) engine: Arc<Engine>,
    planner: Arc<Engine>,
    governor: Arc<Governor>,
    pub(super) backend: Arc<Mutex<Box<dyn BackendSession>>>,
    pub(super) settings: SharedSettings,
    pub(super) transaction: Transaction,
    pub(super) prepared: HashMap<String, Arc<Prepared>>,
    pub(super) portals: HashMap<String, Portal>,
    pub(super) recording: Arc<Recording>,
    place: Registration,
    peer: Peer,
    reported: Vec<(&'static str, String)>,
    stats: Arc<Stats>,
    skip_to_sync: bool,
    /// Between the first message of an extended series and its Sync.
    in_series: bool,
}

/// The columns that the simple protocol announces, and whether they are binary.
type Announced = (Arc<[Column]>, bool);

/// Whether the loop goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    End,
}

impl Session {
    /// Opens the session and gathers the answers to the startup packet.
    pub(crate) async fn open(conn: &mut Conn, parts: Parts, wanted: Wanted) -> Result<Self, SqlError> {
        let settings = SharedSettings::within(parts.governor.limits(), parts.place.signals());
        startup::apply(&mut settings.lock(), &wanted)?;
        parts.place.activity.comes_from(parts.peer);
        let startup = Startup {
            user: wanted.user,
            database: wanted.database,
            application_name: settings.show("application_name")?,
            peer: parts.peer,
            backend_pid: parts.place.pid,
            administrator: parts.place.owner.administrator,
            settings: settings.clone(),
        };
        let recording = Recording::new(
            parts.recorder,
            Arc::clone(&parts.stats),
            &startup.user,
            &parts.peer.to_string(),
            parts.place.pid,
            startup.application_name.clone(),
        );
        let backend = parts.backend;
        let mut opening = parts.planner.spawn(async move { backend.open(&startup) });
        let backend = opening.join().await??;
        recording.saw(backend.snapshots());
        recording.log_in().await?;
        let mut session = Self {
            backend: Arc::new(Mutex::new(backend)),
            recording: Arc::new(recording),
            engine: parts.engine,
            planner: parts.planner,
            governor: parts.governor,
            settings,
            transaction: Transaction::default(),
            prepared: HashMap::new(),
            portals: HashMap::new(),
            place: parts.place,
            peer: parts.peer,
            reported: Vec::new(),
            stats: parts.stats,
            skip_to_sync: false,
            in_series: false,
        };
        let unchanged = Settings::within(session.governor.limits());
        session.tell_backend(&unchanged).await?;
        conn.send(&Authentication::Ok)?;
        session.report(conn)?;
        conn.send(&BackendKeyData::new(session.place.pid, SecretKey::I32(session.place.secret)))?;
        session.ready(conn)?;
        Ok(session)
    }

    /// Serves until the client or the server ends the connection.
    pub(crate) async fn serve(mut self, mut conn: Conn) {
        let error = loop {
            if let Err(error) = conn.flush().await {
                break Some(error);
            }
            let frame = match self.next_frame(&mut conn).await {
                Ok(frame) => frame,
                Err(error) => break Some(error),
            };
            self.stats.bytes_received.add(frame.body.len() as u64 + 5);
            let tag = frame.tag;
            let handled = AssertUnwindSafe(self.handle(&mut conn, frame)).catch_unwind().await;
            self.place.slot.end();
            if let Ok(Err(error)) = &handled {
                self.log_message(&conn, tag, error);
            }
            match handled {
                Ok(Ok(Flow::On)) => {}
                Ok(Ok(Flow::End)) => break None,
                Ok(Err(error)) if error.fatal => break Some(error),
                Ok(Err(error)) => {
                    if let Err(error) = self.failed(&mut conn, tag, &error).await {
                        break Some(error);
                    }
                }
                Err(_) => {
                    self.stats.panics.increment();
                    tracing::error!(target: "grantd::gateway", peer = %self.peer, "a message handler panicked; the connection is closed");
                    break Some(SqlError { fatal: true, ..SqlError::internal() });
                }
            }
        };
        self.recording.ends(error.as_ref().map_or(OK, |error| error.sqlstate));
        if let Some(error) = error.filter(|error| error.sqlstate != "08006")
            && conn.send_error(&error).is_err()
        {
            return;
        }
        conn.close().await;
    }

    async fn next_frame(&mut self, conn: &mut Conn) -> Result<Frame, SqlError> {
        let open = self.transaction.is_open();
        let idle = self.settings.lock().idle_timeout(open);
        let timeout = async {
            match idle {
                Some(idle) => tokio::time::sleep(idle).await,
                None => std::future::pending().await,
            }
        };
        // A series of messages is one piece of work: the server's end waits for its Sync.
        let end = if self.in_series { &self.place.shutdown.deadline } else { &self.place.shutdown.begun };
        tokio::select! {
            biased;
            () = end.cancelled() => Err(shutting_down()),
            frame = conn.reader.next() => frame.map_err(|error| match error {
                FrameError::Gone => client_gone(),
                FrameError::Protocol(error) => error,
            }),
            () = timeout => Err(if open {
                SqlError::fatal("25P03", "terminating connection due to idle-in-transaction timeout")
            } else {
                SqlError::fatal("57P05", "terminating connection due to idle-session timeout")
            }),
        }
    }

    async fn handle(&mut self, conn: &mut Conn, frame: Frame) -> Result<Flow, SqlError> {
        self.recording.begin_message();
        match frame.tag {
            b'P' | b'B' | b'D' | b'E' | b'C' => self.in_series = true,
            b'S' | b'Q' => self.in_series = false,
            _ => {}
        }
        if self.skip_to_sync && !matches!(frame.tag, b'S' | b'X') {
            // The frame is dropped, but a broken one still ends the connection.
            return match decode(frame) {
                Err(error) if error.fatal => Err(error),
                _ => Ok(Flow::On),
            };
        }
        let message = decode(frame)?;
        if !matches!(message, Message::Sync | Message::Flush | Message::Terminate | Message::Ignored) {
            self.enter(false);
        }
        match message {
            Message::Query(sql) => {
                self.simple(conn, &sql).await?;
                self.ready(conn)?;
            }
            Message::Parse { name, sql, oids } => self.parse(conn, name, &sql, &oids).await?,
            Message::Bind(bind) => self.bind(conn, bind)?,
            Message::Describe(target, name) => self.describe(conn, target, &name).await?,
            Message::Execute { portal, max_rows } => self.execute(conn, &portal, max_rows).await?,
            Message::Close(target, name) => self.close(conn, target, &name)?,
            Message::Sync => {
                self.skip_to_sync = false;
                if !self.transaction.is_open() {
                    self.end_of_transaction(true).await?;
                }
                self.ready(conn)?;
            }
            Message::Flush => conn.flush().await?,
            Message::Terminate => return Ok(Flow::End),
            Message::Ignored => {}
            Message::FunctionCall => return Err(SqlError::unsupported("the function call protocol is not supported")),
        }
        Ok(Flow::On)
    }

    /// After an error: the client is told, and the protocol gets back to a known place.
    async fn failed(&mut self, conn: &mut Conn, tag: u8, error: &SqlError) -> Result<(), SqlError> {
        conn.send_error(error)?;
        let before = self.transaction.fail();
        if !self.transaction.is_open() {
            self.end_of_transaction(false).await?;
        }
        if let Some(before) = before {
            self.go_back(before).await?;
        }
        match tag {
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' => {
                self.skip_to_sync = true;
                Ok(())
            }
            _ => self.ready(conn),
        }
    }

    /// Something begins that is undone as a whole when it fails.
    fn enter(&mut self, several: bool) {
        let settings = self.settings.lock();
        self.transaction.enter(&settings, several);
    }

    /// Puts the settings back, and tells the backend.
    pub(super) async fn go_back(&mut self, before: Settings) -> Result<(), SqlError> {
        let now = std::mem::replace(&mut *self.settings.lock(), before);
        self.tell_backend(&now).await
    }

    fn ready(&mut self, conn: &mut Conn) -> Result<(), SqlError> {
        self.report(conn)?;
        // A call that was given up may still hold the backend; the next statement waits for it.
        if !self.transaction.is_open()
            && let Ok(mut backend) = self.backend.try_lock()
        {
            backend.release();
        }
        let status = self.transaction.status();
        let application = self.reported.iter().find(|(name, _)| *name == "application_name");
        self.place.activity.waits(status as u8, application.map_or("", |(_, value)| value));
        conn.send(&ReadyForQuery::new(status))
    }

    /// A statement begins: others may see it in `pg_stat_activity`.
    pub(super) fn shows(&self, statement: &Arc<str>, application: &str) {
        self.place.activity.begins(statement, application);
    }

    /// Tells the client the reported settings that changed.
    pub(super) fn report(&mut self, conn: &mut Conn) -> Result<(), SqlError> {
        let now = self.settings.lock().reported();
        for (name, value) in &now {
            if !self.reported.iter().any(|(told, old)| told == name && old == value) {
                conn.send(&ParameterStatus::new((*name).to_owned(), value.clone()))?;
            }
        }
        self.reported = now;
        Ok(())
    }

    /// A statement begins: it can be cancelled from here on.
    pub(super) fn guard(&self) -> Guard {
        let deadline = self
            .settings
            .lock()
            .statement_timeout()
            .and_then(|timeout| tokio::time::Instant::now().checked_add(timeout));
        Guard { cancel: self.place.slot.begin(), deadline, shutdown: self.place.shutdown.deadline.clone() }
    }

    pub(super) fn style(&self) -> Style {
        let settings = self.settings.lock();
        let escape_bytea = settings.show("bytea_output").is_ok_and(|value| value == "escape");
        Style { zone: settings.time_zone().1, escape_bytea }
    }

    /// What planning needs; pins the newest snapshot unless a transaction has pinned one.
    pub(super) async fn scene(&self, conn: &mut Conn, guard: &Guard, sql: &Arc<str>) -> Result<Scene, SqlError> {
        let mut backend = guard.run(&mut conn.reader, async { Ok(self.backend.lock().await) }).await?;
        if !self.transaction.is_open() {
            backend.pin();
            self.recording.saw(backend.snapshots());
        }
        self.transaction.queries();
        self.show_kept(sql);
        let context = backend.context().clone();
        drop(backend);
        let settings = self.settings.lock();
        Ok(Scene {
            context,
            time_zone: settings.time_zone().0,
            schema: settings.schema(),
            sql: Arc::clone(sql),
            governor: Arc::clone(&self.governor),
        })
    }

    /// Reads or plans on the threads for it.
    pub(super) async fn on_planner<T: Send + 'static>(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        work: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        finished(self.planner.spawn(work), conn, guard).await
    }

    /// Executes on the query threads.
    pub(super) async fn on_engine<T: Send + 'static>(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        work: impl Future<Output = Result<T, SqlError>> + Send + 'static,
    ) -> Result<T, SqlError> {
        finished(self.engine.spawn(work), conn, guard).await
    }

    /// Tells the backend which `grantd.*` settings differ from `before`; puts all settings back when it refuses one.
    pub(super) async fn tell_backend(&mut self, before: &Settings) -> Result<(), SqlError> {
        let (old, new) = (before.grantd(), self.settings.lock().grantd());
        if old == new {
            return Ok(());
        }
        let mut backend = self.backend.lock().await;
        for ((name, new), (_, old)) in new.iter().zip(&old) {
            if new != old
                && let Err(error) = backend.set(name, new.as_deref())
            {
                self.settings.lock().clone_from(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Applies what `set_config` calls of a statement asked of the backend.
    pub(super) async fn apply_deferred(&mut self) -> Result<(), SqlError> {
        let deferred = self.settings.lock().take_deferred();
        if deferred.is_empty() {
            return Ok(());
        }
        let mut backend = self.backend.lock().await;
        for (name, value) in deferred {
            backend.set(&name, Some(&value))?;
        }
        Ok(())
    }

    /// A transaction or implicit one is over: its portals and local settings go. Cursors WITH HOLD stay when it was
    /// `kept`.
    pub(super) async fn end_of_transaction(&mut self, kept: bool) -> Result<(), SqlError> {
        if !self.transaction.is_open() {
            self.transaction.end();
        }
        self.portals.retain(|_, portal| portal.outlives(kept));
        let before = self.settings.lock().end_local();
        match before {
            Some(before) => self.tell_backend(&before).await,
            None => Ok(()),
        }
    }

    /// 25P02 in a failed transaction, unless the command ends it.
    pub(super) fn check_state(&self, statement: &Statement) -> Result<(), SqlError> {
        self.check_failed(!statement.command.ends_transaction())
    }

    /// 25P02 in a failed transaction, if what is asked for `needs` a good one.
    pub(super) fn check_failed(&self, needs: bool) -> Result<(), SqlError> {
        if needs && self.transaction.state == State::Failed {
            return Err(SqlError::new(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        Ok(())
    }

    async fn simple(&mut self, conn: &mut Conn, sql: &str) -> Result<(), SqlError> {
        // A simple query replaces the unnamed statement, and the unnamed portal once it is to be run, as in PostgreSQL.
        self.prepared.remove("");
        let guard = self.guard();
        let mut reading = self.record(conn, "parse", Route::Simple, StatementText::default());
        let statements = match self.admit(conn, &guard, &mut reading).await {
            Ok(()) => self.read(conn, &guard, sql, false, &mut reading).await,
            Err(error) => Err(error),
        };
        let statements = match statements {
            Ok(statements) => statements,
            Err(error) => {
                self.log(conn, reading, Err(&error));
                return Err(error);
            }
        };
        reading.discard();
        if statements.is_empty() {
            if !self.transaction.is_open() {
                self.portals.remove("");
            }
            return conn.send(&EmptyQueryResponse::new());
        }
        let several = statements.len() > 1;
        for statement in statements {
            self.enter(several);
            let guard = self.guard();
            let mut record = self.record(conn, statement.command.kind(), Route::Simple, statement.text.clone());
            let result = self.simple_one(conn, &guard, &statement, &mut record).await;
            let result = match result {
                Ok(()) => self.apply_deferred().await,
                Err(error) => Err(error),
            };
            self.log(conn, record, result.as_ref().copied());
            result?;
        }
        if !self.transaction.is_open() {
            self.end_of_transaction(true).await?;
        }
        Ok(())
    }

    async fn simple_one(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        statement: &Statement,
        record: &mut Record,
    ) -> Result<(), SqlError> {
        self.admit(conn, guard, record).await?;
        self.check_state(statement)?;
        let started = self.start(conn, guard, statement, None, record).await;
        let ran = match &started {
            Ok(_) => true,
            Err(error) => statement.command.failed_running(error.sqlstate),
        };
        if ran {
            self.portals.remove("");
        }
        let result = match started {
            Ok(outcome) => self.send_simple(conn, guard, outcome, record).await,
            Err(error) => Err(error),
        };
        if ran && result.is_err() && self.transaction.is_open() {
            self.portals.insert(String::new(), Portal::failed(statement, self.transaction.depth()));
        }
        result
    }

    async fn send_simple(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        mut outcome: Outcome,
        record: &mut Record,
    ) -> Result<(), SqlError> {
        let mut formats = Formats::default();
        if let Some((columns, binary)) = self.columns_of(&outcome)? {
            formats = Formats::new(vec![i16::from(binary)]);
            conn.send(&describe(&columns, &formats))?;
        }
        let (_, rows) = self.send(conn, guard, &mut outcome, &formats, None).await?;
        record.rows = rows;
        Ok(())
    }

    /// The columns that the simple protocol announces, and whether they are binary.
    pub(super) fn columns_of(&self, outcome: &Outcome) -> Result<Option<Announced>, SqlError> {
        Ok(match outcome {
            Outcome::Rows { rows, .. } => Some((Arc::clone(&rows.columns), false)),
            Outcome::Fetch { cursor, only_move: false, .. } => {
                let portal = self.portals.get(cursor).ok_or_else(|| no_cursor(cursor))?;
                Some((portal.columns(), portal.is_binary()))
            }
            _ => None,
        })
    }

    /// Sends an outcome up to `most` rows.
    pub(super) async fn send(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        outcome: &mut Outcome,
        formats: &Formats,
        most: Option<u64>,
    ) -> Result<(Sent, u64), SqlError> {
        let style = self.style();
        let Outcome::Fetch { cursor, backward, left, only_move } = outcome else {
            return outcome::send(conn, guard, outcome, formats, &style, most).await;
        };
        let wanted = match (*left, most) {
            (Some(left), Some(most)) => Some(left.min(most)),
            (left, most) => left.or(most),
        };
        let portal = self.portals.get_mut(cursor).ok_or_else(|| no_cursor(cursor))?;
        let rows = portal.rows_mut().ok_or_else(|| cannot_be_run(cursor))?;
        let passage = Passage { backward: *backward, only_count: *only_move };
        let (count, over) = outcome::send_rows(conn, guard, rows, (formats, &style), wanted, passage).await?;
        *left = left.map(|left| left.saturating_sub(count));
        if !over && *left != Some(0) {
            conn.send(&pgwire::messages::extendedquery::PortalSuspended::new())?;
            return Ok((Sent::Suspended, count));
        }
        let word = if *only_move { "MOVE" } else { "FETCH" };
        // Of this execution alone, as PortalRun counts.
        conn.send(&CommandComplete::new(format!("{word} {count}")))?;
        Ok((Sent::All, count))
    }
}

/// 55000: a portal that is running, has failed or gives no rows.
pub(super) fn cannot_be_run(name: &str) -> SqlError {
    SqlError::new("55000", format!("portal \"{name}\" cannot be run"))
}

/// 34000.
pub(super) fn no_cursor(name: &str) -> SqlError {
    SqlError::new("34000", format!("cursor \"{name}\" does not exist"))
}
