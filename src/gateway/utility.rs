//! Starting a statement: queries go to the query threads, session commands are done here.

use std::sync::Arc;

use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, Expr, SelectItem, SetExpr};
use postgres_types::Type;

use super::backend::CallOutcome;
use super::conn::{Conn, Guard};
use super::error::{SqlError, too_complex};
use super::extended::{Portal, Prepared};
use super::front_door::{self, Command, ExplainOptions, Scrolling, SetValue, Statement};
use super::kept::{now, parsed_size};
use super::naming;
use super::outcome::{self, Outcome};
use super::query::plan::Planned;
use super::query::quota::Quota;
use super::query::rows::{Rows, scalars};
use super::query::shape::{self, Column};
use super::query::{explain, param_values, params};
use super::recording::Record;
use super::scroll::{self, Approach};
use super::session::{Session, cannot_be_run, no_cursor};
use super::settings::shown_name;

/// The values of a statement's parameters and their declared types.
#[derive(Clone)]
pub(super) struct Binding {
    pub(super) types: std::collections::BTreeMap<usize, u32>,
    pub(super) values: Vec<ScalarValue>,
}

fn done(tag: impl Into<String>) -> Outcome {
    Outcome::Done(tag.into())
}

fn select(rows: Rows) -> Outcome {
    Outcome::Rows { rows: Box::new(rows), tag: "SELECT", counted: true }
}

impl Session {
    /// Starts a statement.
    pub(super) async fn start(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        statement: &Statement,
        binding: Option<Binding>,
        record: &mut Record,
    ) -> Result<Outcome, SqlError> {
        let outcome = self.start_command(conn, guard, statement, binding, record).await?;
        self.note_snapshots(record, &outcome);
        Ok(outcome)
    }

    async fn start_command(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        statement: &Statement,
        binding: Option<Binding>,
        record: &mut Record,
    ) -> Result<Outcome, SqlError> {
        let sql = &statement.sql;
        match &statement.command {
            Command::Query(query) => Ok(select(self.rows(conn, guard, sql, query.clone(), binding).await?)),
            Command::CopyTo(options, query) => {
                let rows = self.rows(conn, guard, sql, query.clone(), binding).await?;
                outcome::check_forced(options, &rows.columns)?;
                Ok(Outcome::Copy(Box::new(rows), options.clone()))
            }
            Command::Explain(options, query) => self.explain(conn, guard, sql, (*options, query), binding).await,
            Command::ExplainExecute(options, name, arguments) => {
                let execution = (sql, name.as_str(), arguments.as_slice());
                let (prepared, binding) = self.bound(conn, guard, execution, binding).await?;
                match &prepared.statement {
                    Some(Statement { command: Command::Query(query), sql, .. }) => {
                        self.explain(conn, guard, sql, (*options, query), Some(binding)).await
                    }
                    _ => explained(*options, [explain::without_plan(options.format).to_owned()]),
                }
            }
            Command::Declare { name, hold, binary, scrolling, query } => {
                if !hold && !self.transaction.in_block() {
                    return Err(SqlError::new("25P01", "DECLARE CURSOR can only be used in transaction blocks"));
                }
                if self.portals.contains_key(name) {
                    return Err(SqlError::new("42P03", format!("cursor \"{name}\" already exists")));
                }
                self.room_for_portal(name, 0)?;
                let mut rows = self.rows(conn, guard, sql, query.clone(), binding).await?;
                if *scrolling != Scrolling::No {
                    rows.scroll(*scrolling == Scrolling::Yes)?;
                }
                let depth = self.transaction.depth();
                let (text, seen) = (statement.text.clone(), self.recording.seen());
                let portal = Portal::cursor(rows, *hold, *binary, depth, text, seen);
                self.portals.insert(name.clone(), portal.declared(sql, *scrolling != Scrolling::No));
                Ok(done("DECLARE CURSOR"))
            }
            Command::Fetch { name, what, only_move } => {
                self.open_portal(conn, guard, name).await?;
                let portal = self.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
                let rows = portal.rows_mut().ok_or_else(|| cannot_be_run(name))?;
                Ok(match scroll::approach(conn, guard, rows, *what, *only_move).await? {
                    Approach::Read { backward, rows: left } => {
                        Outcome::Fetch { cursor: name.clone(), backward, left, only_move: *only_move }
                    }
                    Approach::Stay(rows) => done(format!("MOVE {rows}")),
                })
            }
            Command::CloseCursor(None) => {
                self.portals.retain(|_, portal| portal.is_running());
                Ok(done("CLOSE CURSOR ALL"))
            }
            Command::CloseCursor(Some(name)) => {
                if self.portals.get(name).ok_or_else(|| no_cursor(name))?.is_running() {
                    return Err(SqlError::new("24000", format!("cannot drop active portal \"{name}\"")));
                }
                self.portals.remove(name);
                Ok(done("CLOSE CURSOR"))
            }
            Command::Prepare { name, types, statement } => {
                let declared = types
                    .iter()
                    .enumerate()
                    .filter_map(|(index, ty)| params::sql_type(ty).map(|ty| (index.saturating_add(1), ty.oid())));
                let prepared = self.prepare(conn, guard, Some(statement.as_ref().clone()), declared.collect()).await?;
                if self.prepared.contains_key(name) {
                    return Err(SqlError::new("42P05", format!("prepared statement \"{name}\" already exists")));
                }
                self.room_for_statement(name, parsed_size(&statement.sql))?;
                self.prepared.insert(name.clone(), Arc::new(Prepared { from_sql: true, ..prepared }));
                Ok(done("PREPARE"))
            }
            Command::Execute(name, arguments) => {
                let execution = (sql, name.as_str(), arguments.as_slice());
                self.execute_prepared(conn, guard, execution, binding, record).await
            }
            Command::Deallocate(None) => {
                // The unnamed one is no name.
                self.prepared.retain(|name, _| name.is_empty());
                Ok(done("DEALLOCATE ALL"))
            }
            Command::Deallocate(Some(name)) => {
                self.prepared.remove(name).ok_or_else(|| no_statement(name))?;
                Ok(done("DEALLOCATE"))
            }
            Command::Call(name, arguments) => {
                let values = self.values(conn, guard, sql, arguments, binding).await?;
                self.call(conn, guard, name, values, record).await
            }
            Command::DiscardAll => {
                if self.transaction.is_shared() {
                    return Err(SqlError::new("25001", "DISCARD ALL cannot run inside a transaction block"));
                }
                self.portals.clear();
                self.prepared.retain(|name, _| name.is_empty());
                self.change(|settings| {
                    settings.reset_all();
                    Ok(())
                })
                .await?;
                Ok(done("DISCARD ALL"))
            }
            Command::DiscardOther(tag) | Command::Nothing(tag) => Ok(done(*tag)),
            Command::Unlisten => Ok(done("UNLISTEN")),
            Command::Refused { error, .. } => Err(error.as_ref().clone()),
            Command::Show(_) | Command::ShowAll => self.show(&statement.command),
            Command::Set { .. } | Command::SetTransaction(..) | Command::Reset(_) | Command::ResetAll => {
                self.set(conn, &statement.command).await
            }
            Command::Begin(..)
            | Command::Commit(_)
            | Command::Rollback(_)
            | Command::Savepoint(_)
            | Command::Release(_)
            | Command::RollbackTo(_) => self.transact(conn, guard, &statement.command).await,
        }
    }

    /// FETCH reads portals of the extended protocol too: one that is only bound is started.
    async fn open_portal(&mut self, conn: &mut Conn, guard: &Guard, name: &str) -> Result<(), SqlError> {
        let portal = self.portals.get_mut(name).ok_or_else(|| no_cursor(name))?;
        if let Some((prepared, binding)) = portal.unstarted()
            && let Some(Statement { sql, command: Command::Query(query), .. }) = &prepared.statement
        {
            let rows = self.rows(conn, guard, sql, query.clone(), binding).await?;
            if let Some(portal) = self.portals.get_mut(name) {
                portal.started(select(rows));
            }
        }
        let ready = self.portals.get_mut(name).is_some_and(|portal| portal.rows_mut().is_some());
        if ready { Ok(()) } else { Err(cannot_be_run(name)) }
    }

    async fn plan(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        sql: &Arc<str>,
        query: Box<ast::Query>,
        binding: Option<Binding>,
    ) -> Result<Planned, SqlError> {
        let scene = self.scene(conn, guard, sql).await?;
        let (types, values) = match binding {
            Some(binding) => (binding.types, binding.values),
            None => Default::default(),
        };
        let bound = values.len();
        let planned =
            self.on_planner(conn, guard, async move { scene.plan(query, &types, Some(values)).await }).await?;
        if planned.params.len() > bound {
            return Err(SqlError::new("42P02", format!("there is no parameter ${}", bound.saturating_add(1))));
        }
        Ok(planned)
    }

    async fn rows(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        sql: &Arc<str>,
        query: Box<ast::Query>,
        binding: Option<Binding>,
    ) -> Result<Rows, SqlError> {
        let planned = self.plan(conn, guard, sql, query, binding).await?;
        let columns = shape::of_plan(&planned.plan, &planned.state)?;
        let quota = Quota::new(self.settings.lock().result_limits());
        let mut rows = Rows::start(&self.engine, planned, columns.into(), sql, quota);
        // Errors of planning and of the first rows come before the RowDescription.
        guard.run(&mut conn.reader, rows.peek()).await?;
        Ok(rows)
    }

    /// The values of argument expressions, computed as `SELECT arguments`.
    async fn values(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        sql: &Arc<str>,
        arguments: &[Expr],
        binding: Option<Binding>,
    ) -> Result<Vec<ScalarValue>, SqlError> {
        if arguments.is_empty() {
            return Ok(Vec::new());
        }
        let mut statements = front_door::parse("SELECT 1")?;
        let Some(Statement { command: Command::Query(mut query), .. }) = statements.pop() else {
            return Err(SqlError::internal());
        };
        if let SetExpr::Select(select) = query.body.as_mut() {
            select.projection = arguments
                .iter()
                .enumerate()
                .map(|(index, expr)| SelectItem::ExprWithAlias {
                    expr: expr.clone(),
                    alias: naming::quoted(format!("argument{index}")),
                })
                .collect();
        }
        let mut rows = self.rows(conn, guard, sql, query, binding).await?;
        let piece = guard.run(&mut conn.reader, rows.next(1)).await?;
        scalars(&piece.ok_or_else(SqlError::internal)?.batch)
    }

    /// What EXPLAIN of a query answers.
    async fn explain(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        sql: &Arc<str>,
        (options, query): (ExplainOptions, &ast::Query),
        binding: Option<Binding>,
    ) -> Result<Outcome, SqlError> {
        let planned = self.plan(conn, guard, sql, Box::new(query.clone()), binding).await?;
        let text = Arc::clone(sql);
        let lines = self.on_engine(conn, guard, async move { explain::lines(planned, options, &text).await }).await?;
        explained(options, lines)
    }

    /// The prepared statement that EXECUTE names, and the values of its parameters.
    async fn bound(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        (sql, name, arguments): (&Arc<str>, &str, &[Expr]),
        binding: Option<Binding>,
    ) -> Result<(Arc<Prepared>, Binding), SqlError> {
        let prepared = Arc::clone(self.prepared.get(name).ok_or_else(|| no_statement(name))?);
        let (wanted, given) = (prepared.params.len(), arguments.len());
        // PostgreSQL does not look at arguments where there are no parameters.
        if wanted > 0 && wanted != given {
            return Err(SqlError::new(
                "42601",
                format!("wrong number of parameters for prepared statement \"{name}\""),
            )
            .with_detail(format!("Expected {wanted} parameters but got {given}.")));
        }
        let values = self.values(conn, guard, sql, arguments, binding).await?;
        let values = values
            .into_iter()
            .zip(&prepared.params)
            .map(|(value, ty)| match value {
                ScalarValue::Utf8(Some(text))
                | ScalarValue::Utf8View(Some(text))
                | ScalarValue::LargeUtf8(Some(text)) => param_values::from_text(&text, &ty.pg, self.style().zone),
                value => value.cast_to(&ty.arrow).map_err(|error| SqlError::from(&error)),
            })
            .collect::<Result<_, _>>()?;
        let binding = Binding { types: prepared.types.clone(), values };
        Ok((prepared, binding))
    }

    async fn execute_prepared(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        execution: (&Arc<str>, &str, &[Expr]),
        binding: Option<Binding>,
        record: &mut Record,
    ) -> Result<Outcome, SqlError> {
        let (prepared, binding) = self.bound(conn, guard, execution, binding).await?;
        match &prepared.statement {
            None => Ok(done("")),
            Some(Statement { command: Command::Execute(next, _), .. }) if self.comes_back(next) => {
                Err(too_complex("A prepared statement executes itself."))
            }
            // The extended protocol prepares all kinds.
            Some(statement) => Box::pin(self.start(conn, guard, statement, Some(binding), record)).await,
        }
    }

    /// Whether the prepared statement `name` executes one that executes one, without an end.
    fn comes_back(&self, name: &str) -> bool {
        let mut name = name;
        for _ in 0..=self.prepared.len() {
            match self.prepared.get(name).and_then(|prepared| prepared.statement.as_ref()).map(|one| &one.command) {
                Some(Command::Execute(next, _)) => name = next,
                _ => return false,
            }
        }
        true
    }

    async fn call(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        name: &str,
        values: Vec<ScalarValue>,
        record: &mut Record,
    ) -> Result<Outcome, SqlError> {
        let about = guard.run(&mut conn.reader, async { Ok(self.backend.lock().await.about(name, &values)) }).await?;
        self.intend(conn, guard, record, about).await?;
        let (backend, name) = (Arc::clone(&self.backend), name.to_owned());
        let calling = async move {
            let mut backend = backend.lock().await;
            let outcome = backend.call(&name, values).await;
            Ok((outcome, backend.snapshots()))
        };
        let (outcome, snapshots) = self.on_engine(conn, guard, calling).await?;
        self.recording.saw(snapshots);
        match outcome? {
            CallOutcome::Done { notice } => {
                if !notice.is_empty() {
                    self.notice(conn, "NOTICE", &SqlError::new("00000", notice))?;
                }
                Ok(done("CALL"))
            }
            CallOutcome::Rows(schema, batches) => {
                let rows = Rows::ready(shape::of_schema(&schema)?, batches);
                Ok(Outcome::Rows { rows: Box::new(rows), tag: "CALL", counted: false })
            }
        }
    }

    /// Sends a notice or warning, unless the session does not want it.
    pub(super) fn notice(&self, conn: &mut Conn, severity: &str, notice: &SqlError) -> Result<(), SqlError> {
        let least = self.settings.show("client_min_messages").unwrap_or_default();
        if least == "error" || (least == "warning" && severity == "NOTICE") {
            return Ok(());
        }
        conn.send_notice(severity, notice)
    }

    fn show(&self, command: &Command) -> Result<Outcome, SqlError> {
        let settings = self.settings.lock();
        let rows = if let Command::Show(name) = command {
            Rows::text(&[shown_name(name)], &[vec![settings.show(name)?]])?
        } else {
            let all = settings.all().into_iter();
            let rows: Vec<_> = all.map(|(name, value, about)| vec![name.to_owned(), value, about.to_owned()]).collect();
            Rows::text(&["name", "setting", "description"], &rows)?
        };
        Ok(Outcome::Rows { rows: Box::new(rows), tag: "SHOW", counted: false })
    }

    /// The columns of SHOW, before it runs.
    pub(super) fn show_columns(command: &Command) -> Vec<Column> {
        let text = |name: &str| Column::new(name, Type::TEXT);
        match command {
            Command::Show(name) => vec![text(shown_name(name))],
            _ => vec![text("name"), text("setting"), text("description")],
        }
    }

    /// Changes settings; nothing is changed when the backend refuses.
    async fn change(
        &mut self,
        change: impl FnOnce(&mut super::settings::Settings) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        let before = self.settings.lock().clone();
        change(&mut self.settings.lock())?;
        self.tell_backend(&before).await
    }

    /// 25001 when the isolation level is to change after a query: it would have seen another snapshot.
    fn check_isolation(&self, modes: &[(&'static str, String)]) -> Result<(), SqlError> {
        let now = self.settings.show("transaction_isolation")?;
        let changes = modes.iter().any(|(name, value)| *name == "transaction_isolation" && *value != now);
        if changes && self.transaction.has_queried() {
            let message = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
            return Err(SqlError::new("25001", message));
        }
        Ok(())
    }

    async fn set(&mut self, conn: &mut Conn, command: &Command) -> Result<Outcome, SqlError> {
        let outside = !self.transaction.in_block();
        match command {
            Command::Set { name, value, local } => {
                let value = match value {
                    SetValue::Default => None,
                    SetValue::Text(text) => Some(text.as_str()),
                };
                if *local && outside {
                    let warning = SqlError::new("25P01", "SET LOCAL can only be used in transaction blocks");
                    self.notice(conn, "WARNING", &warning)?;
                }
                self.change(|settings| settings.set(name, value, *local)).await?;
                Ok(done("SET"))
            }
            Command::SetTransaction(modes, session) => {
                if !session && outside {
                    let warning = SqlError::new("25P01", "SET TRANSACTION can only be used in transaction blocks");
                    self.notice(conn, "WARNING", &warning)?;
                }
                if !session {
                    self.check_isolation(modes)?;
                }
                let mut settings = self.settings.lock();
                for (name, value) in modes {
                    if *session {
                        settings.set(&format!("default_{name}"), Some(value), false)?;
                    } else {
                        settings.set(name, Some(value), true)?;
                    }
                }
                Ok(done("SET"))
            }
            Command::Reset(name) => {
                self.change(|settings| settings.set(name, None, false)).await?;
                Ok(done("RESET"))
            }
            _ => {
                self.change(|settings| {
                    settings.reset_all();
                    Ok(())
                })
                .await?;
                Ok(done("RESET"))
            }
        }
    }

    async fn transact(&mut self, conn: &mut Conn, guard: &Guard, command: &Command) -> Result<Outcome, SqlError> {
        match command {
            Command::Begin(tag, modes) => {
                if self.transaction.is_open() {
                    let warning = SqlError::new("25001", "there is already a transaction in progress");
                    self.notice(conn, "WARNING", &warning)?;
                } else {
                    self.begin(conn, guard, modes).await?;
                }
                Ok(done(*tag))
            }
            Command::Commit(chain) | Command::Rollback(chain) => {
                let commit = matches!(command, Command::Commit(_));
                if !self.transaction.is_open() {
                    if *chain {
                        let word = if commit { "COMMIT" } else { "ROLLBACK" };
                        return Err(SqlError::new(
                            "25P01",
                            format!("{word} AND CHAIN can only be used in transaction blocks"),
                        ));
                    }
                    let warning = SqlError::new("25P01", "there is no transaction in progress");
                    self.notice(conn, "WARNING", &warning)?;
                }
                let now = self.settings.lock().clone();
                let (good, before) = self.transaction.end();
                let kept = commit && good;
                if !kept && let Some(before) = before {
                    *self.settings.lock() = before;
                }
                self.end_of_transaction(kept).await?;
                self.tell_backend(&now).await?;
                if *chain {
                    self.begin(conn, guard, &[]).await?;
                }
                Ok(done(if kept { "COMMIT" } else { "ROLLBACK" }))
            }
            Command::Savepoint(name) => {
                let settings = self.settings.lock().clone();
                self.transaction.savepoint(name, &settings)?;
                Ok(done("SAVEPOINT"))
            }
            Command::Release(name) => {
                let depth = self.transaction.release(name)?;
                self.portals.values_mut().for_each(|portal| portal.released(depth));
                Ok(done("RELEASE"))
            }
            Command::RollbackTo(name) => {
                let (depth, before) = self.transaction.rollback_to(name)?;
                self.portals.retain(|_, portal| portal.is_older_than(depth));
                if let Some(before) = before {
                    self.go_back(before).await?;
                }
                Ok(done("ROLLBACK"))
            }
            _ => Err(SqlError::internal()),
        }
    }

    async fn begin(
        &mut self,
        conn: &mut Conn,
        guard: &Guard,
        modes: &[(&'static str, String)],
    ) -> Result<(), SqlError> {
        guard
            .run(&mut conn.reader, async {
                let mut backend = self.backend.lock().await;
                backend.pin();
                self.recording.saw(backend.snapshots());
                Ok(())
            })
            .await?;
        self.check_isolation(modes)?;
        let mut settings = self.settings.lock();
        self.transaction.begin(&settings);
        for name in ["transaction_isolation", "transaction_deferrable"] {
            let value = settings.show(&format!("default_{name}"))?;
            settings.set(name, Some(&value), true)?;
        }
        for (name, value) in modes {
            settings.set(name, Some(value), true)?;
        }
        Ok(())
    }

    /// Plans a statement without running it.
    pub(super) async fn prepare(
        &self,
        conn: &mut Conn,
        guard: &Guard,
        statement: Option<Statement>,
        types: std::collections::BTreeMap<usize, u32>,
    ) -> Result<Prepared, SqlError> {
        let mut prepared =
            Prepared { statement, types, params: Vec::new(), columns: None, made: now(), from_sql: false };
        let Some(statement) = &prepared.statement else {
            prepared.params = params::of_nothing(&prepared.types);
            return Ok(prepared);
        };
        let query = match &statement.command {
            Command::Query(query)
            | Command::Declare { query, .. }
            | Command::Explain(_, query)
            | Command::CopyTo(_, query) => query.clone(),
            Command::Show(_) | Command::ShowAll => {
                prepared.params = params::of_command(&prepared.types)?;
                if let Command::Show(name) = &statement.command {
                    self.settings.show(name)?;
                }
                prepared.columns = Some(Self::show_columns(&statement.command).into());
                return Ok(prepared);
            }
            Command::Fetch { name, only_move: false, .. } => {
                prepared.params = params::of_command(&prepared.types)?;
                prepared.columns = self.portals.get(name).map(Portal::columns);
                return Ok(prepared);
            }
            Command::Execute(name, _) => {
                // That it does not exist is told when it runs: another statement may prepare it until then.
                prepared.params = params::of_command(&prepared.types)?;
                prepared.columns = self.prepared.get(name).and_then(|inner| inner.columns.clone());
                return Ok(prepared);
            }
            Command::ExplainExecute(options, ..) => {
                prepared.params = params::of_command(&prepared.types)?;
                prepared.columns = Some(vec![Column::new("QUERY PLAN", explain::column_type(options.format))].into());
                return Ok(prepared);
            }
            Command::Refused { params, .. } => {
                prepared.params = params::of_refused(*params, &prepared.types)?;
                return Ok(prepared);
            }
            Command::Call(_, arguments) => {
                prepared.params = params::count(arguments, &prepared.types)?;
                return Ok(prepared);
            }
            _ => {
                prepared.params = params::of_command(&prepared.types)?;
                return Ok(prepared);
            }
        };
        let scene = self.scene(conn, guard, &statement.sql).await?;
        let types = prepared.types.clone();
        let planned = self.on_planner(conn, guard, async move { scene.plan(query, &types, None).await }).await?;
        prepared.columns = match &statement.command {
            Command::Query(_) => Some(shape::of_plan(&planned.plan, &planned.state)?.into()),
            Command::Explain(options, _) => {
                Some(vec![Column::new("QUERY PLAN", explain::column_type(options.format))].into())
            }
            _ => None,
        };
        prepared.params = planned.params;
        // From here on the types are fixed, so that every execution means the same.
        for (index, ty) in prepared.params.iter().enumerate() {
            prepared.types.insert(index.saturating_add(1), ty.pg.oid());
        }
        Ok(prepared)
    }
}

/// The answer of EXPLAIN.
fn explained(options: ExplainOptions, lines: impl IntoIterator<Item = String>) -> Result<Outcome, SqlError> {
    let mut rows = Rows::text(&["QUERY PLAN"], &lines.into_iter().map(|line| vec![line]).collect::<Vec<_>>())?;
    rows.columns = vec![Column::new("QUERY PLAN", explain::column_type(options.format))].into();
    Ok(Outcome::Rows { rows: Box::new(rows), tag: "EXPLAIN", counted: false })
}

/// 26000.
pub(super) fn no_statement(name: &str) -> SqlError {
    if name.is_empty() {
        return SqlError::new("26000", "unnamed prepared statement does not exist");
    }
    SqlError::new("26000", format!("prepared statement \"{name}\" does not exist"))
}
