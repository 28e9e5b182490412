//! One record for each statement of a session, however it ends, and for the session's own begin and end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::conn::{Conn, Guard};
use super::error::SqlError;
use super::front_door::{self, Statement, masked};
use super::outcome::Outcome;
use super::recorder::{Entry, OK, Recorder, Route, Snapshots, StatementText};
use super::session::Session;
use super::stats::Stats;

/// The kind of a record of a message that failed and was no statement.
const MESSAGE: &str = "message";

/// A session as its records name it. The last one to let go of it writes `logout`.
pub(crate) struct Recording {
    recorder: Option<Arc<dyn Recorder>>,
    stats: Arc<Stats>,
    user: Arc<str>,
    address: Arc<str>,
    session: i32,
    application: String,
    opened_at: SystemTime,
    opened: Instant,
    /// Whether the login was recorded, and the end is to be.
    logged_in: AtomicBool,
    end: Mutex<&'static str>,
    snapshots: Mutex<Snapshots>,
    /// Whether the message that is handled now has a record of how it failed.
    noted: AtomicBool,
}

impl Recording {
    pub(super) fn new(
        recorder: Option<Arc<dyn Recorder>>,
        stats: Arc<Stats>,
        user: &str,
        address: &str,
        session: i32,
        application: String,
    ) -> Self {
        Self {
            recorder,
            stats,
            user: user.into(),
            address: address.into(),
            session,
            application,
            opened_at: SystemTime::now(),
            opened: Instant::now(),
            logged_in: AtomicBool::new(false),
            // Until it is said otherwise, the session is cut off.
            end: Mutex::new("57P01"),
            snapshots: Mutex::default(),
            noted: AtomicBool::new(false),
        }
    }

    /// The session begins, unless the log cannot say so.
    pub(super) async fn log_in(&self) -> Result<(), SqlError> {
        if let Some(recorder) = &self.recorder {
            recorder.record_durably(self.entry("login")).await?;
            self.logged_in.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// How the session ends.
    pub(super) fn ends(&self, outcome: &'static str) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = outcome;
    }

    /// What the session looks at from here on.
    pub(super) fn saw(&self, snapshots: Snapshots) {
        *self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) = snapshots;
    }

    /// What the session looks at.
    pub(super) fn seen(&self) -> Snapshots {
        Arc::clone(&self.snapshots.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A message begins.
    pub(super) fn begin_message(&self) {
        self.noted.store(false, Ordering::Relaxed);
    }

    fn entry(&self, kind: &'static str) -> Entry {
        Entry {
            started_at: self.opened_at,
            took: self.opened.elapsed(),
            kind,
            user: Arc::clone(&self.user),
            address: Arc::clone(&self.address),
            application: self.application.clone(),
            session: self.session,
            route: None,
            text: StatementText::default(),
            world: [None, None],
            snapshots: self.seen(),
            rows: 0,
            bytes: 0,
            outcome: OK,
            detail: None,
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(recorder) = self.recorder.as_ref().filter(|_| self.logged_in.load(Ordering::Relaxed)) {
            let outcome = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
            recorder.record(Entry { outcome, ..self.entry("logout") });
        }
    }
}

/// A client that was not let in.
pub(crate) fn turned_away(recorder: Option<&Arc<dyn Recorder>>, user: &str, address: &str, error: &SqlError) {
    if let Some(recorder) = recorder {
        let entry = Recording::new(None, Arc::default(), user, address, 0, String::new()).entry("login");
        recorder.record(Entry { outcome: error.sqlstate, ..entry });
    }
}

/// The record of a statement that is being done. Dropped without [`Session::log`] it says that the statement was cut off.
pub(crate) struct Record {
    session: Arc<Recording>,
    entry: Entry,
    pub(super) rows: u64,
    snapshots: Option<Snapshots>,
    started: Instant,
    /// The connection's bytes when it began, or went on.
    mark: u64,
    /// Between two executions of a portal.
    suspended: bool,
    wanted: bool,
    /// Whether it ends up in the log, not only in a log line.
    kept: bool,
}

impl Record {
    /// The text, where it is known only after the beginning.
    pub(super) fn set_text(&mut self, text: StatementText) {
        self.entry.text = text;
    }

    /// What the statement reads.
    pub(super) fn set_snapshots(&mut self, snapshots: Option<Snapshots>) {
        self.snapshots = snapshots;
    }

    /// Nothing happened that belongs into the log.
    pub(super) fn discard(mut self) {
        self.wanted = false;
    }

    /// The portal was suspended, and goes on when it is executed again, if ever.
    pub(super) fn suspend(&mut self, conn: &Conn) {
        self.count(conn);
        self.suspended = true;
    }

    /// Whether it goes on later, if ever.
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// The portal goes on.
    pub(super) fn resume(&mut self, conn: &Conn) {
        self.mark = conn.sent();
        self.suspended = false;
    }

    fn count(&mut self, conn: &Conn) {
        self.entry.bytes = self.entry.bytes.saturating_add(conn.sent().saturating_sub(self.mark));
        self.mark = conn.sent();
    }

    fn finish(&mut self, outcome: &'static str) {
        self.wanted = false;
        let mut entry = self.entry.clone();
        entry.took = self.started.elapsed();
        entry.outcome = outcome;
        entry.rows = self.rows;
        entry.snapshots = self.snapshots.take().unwrap_or_else(|| self.session.seen());
        // Never the text's values.
        tracing::info!(
            target: "grantd::query",
            user = %entry.user,
            application = %entry.application,
            peer = %entry.address,
            kind = entry.kind,
            rows = entry.rows,
            ms = entry.took.as_millis() as u64,
            outcome,
            "query"
        );
        if entry.kind != MESSAGE {
            let sqlstate = (outcome != OK).then_some(outcome);
            self.session.stats.statement(entry.kind, sqlstate, entry.rows, entry.took);
        }
        if outcome != OK {
            self.session.noted.store(true, Ordering::Relaxed);
        }
        if let Some(recorder) = self.session.recorder.as_ref().filter(|_| self.kept) {
            recorder.record(entry);
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.wanted {
            return;
        }
        if self.suspended {
            self.entry.detail.get_or_insert_with(|| "not read to its end".to_owned());
            self.finish(OK);
        } else {
            self.finish(if std::thread::panicking() { "XX000" } else { "57P01" });
        }
    }
}

impl Session {
    /// The record of a statement that begins.
    pub(super) fn record(&self, conn: &Conn, kind: &'static str, route: Route, text: StatementText) -> Record {
        let settings = self.settings.lock();
        let value = |name: &str| settings.show(name).ok().filter(|value| !value.is_empty());
        let entry = Entry {
            started_at: SystemTime::now(),
            application: value("application_name").unwrap_or_default(),
            route: Some(route),
            text,
            world: [value("grantd.roles"), value("grantd.changeset")],
            ..self.recording.entry(kind)
        };
        self.shows(&entry.text.masked, &entry.application);
        Record {
            session: Arc::clone(&self.recording),
            entry,
            rows: 0,
            snapshots: None,
            started: Instant::now(),
            mark: conn.sent(),
            suspended: false,
            wanted: true,
            kept: true,
        }
    }

    /// The end of a statement.
    pub(super) fn log(&self, conn: &Conn, mut record: Record, result: Result<(), &SqlError>) {
        record.count(conn);
        record.finish(result.err().map_or(OK, |error| error.sqlstate));
    }

    /// A message that failed, and that no record tells of.
    pub(super) fn log_message(&self, conn: &Conn, tag: u8, error: &SqlError) {
        if !self.recording.noted.load(Ordering::Relaxed) {
            let route = if tag == b'Q' { Route::Simple } else { Route::Extended };
            self.log(conn, self.record(conn, MESSAGE, route, StatementText::default()), Err(error));
        }
    }

    /// Nothing begins that the log has no room for.
    pub(super) async fn admit(&self, conn: &mut Conn, guard: &Guard, record: &mut Record) -> Result<(), SqlError> {
        let Some(recorder) = &self.recording.recorder else { return Ok(()) };
        let admitted = guard.run(&mut conn.reader, async { Ok(recorder.admit().await) }).await?;
        record.kept = admitted.is_ok();
        admitted
    }

    /// The intent of a CALL is on the disk before it runs.
    pub(super) async fn intend(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        record: &mut Record,
        about: Option<String>,
    ) -> Result<(), SqlError> {
        record.entry.detail = about;
        let Some(recorder) = &self.recording.recorder else { return Ok(()) };
        let entry = Entry { kind: "intent", took: record.started.elapsed(), ..record.entry.clone() };
        guard.run(&mut conn.reader, recorder.record_durably(entry)).await
    }

    /// Which snapshots a statement reads: a cursor's rows are those of its declaration.
    pub(super) fn note_snapshots(&self, record: &mut Record, outcome: &Outcome) {
        let of_cursor = match outcome {
            Outcome::Fetch { cursor, .. } => self.portals.get(cursor).and_then(super::extended::Portal::snapshots),
            _ => None,
        };
        record.snapshots = Some(of_cursor.unwrap_or_else(|| self.recording.seen()));
    }

    /// A text to its statements, on the threads for it; `record` gets the text of what cannot be read. Of `one` statement
    /// at most, where there can be no more.
    pub(super) async fn read(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        sql: &str,
        one: bool,
        record: &mut Record,
    ) -> Result<Vec<Statement>, SqlError> {
        let (text, recorder) = (sql.to_owned(), self.recording.recorder.clone());
        let reading = async move {
            let recorder = recorder.as_deref();
            let read = front_door::read(&text, recorder).and_then(|statements| match statements.len() {
                2.. if one => Err(SqlError::new("42601", "cannot insert multiple commands into a prepared statement")),
                _ => Ok(statements),
            });
            Ok(read.map_err(|error| (error, masked::whole(&text, recorder))))
        };
        match self.on_planner(conn, guard, reading).await {
            Ok(Ok(statements)) => Ok(statements),
            Ok(Err((error, text))) => {
                record.set_text(text);
                Err(error)
            }
            Err(error) => {
                // Given up before it was read: nothing of it is shown, and it can be found by its fingerprint.
                record.set_text(masked::unread(sql, self.recording.recorder.as_deref()));
                Err(error)
            }
        }
    }
}
