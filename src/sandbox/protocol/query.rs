//! Statements over HTTP: run, poll, watch, abort.

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, HeaderValue};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

use super::engine::{Answer, Failure, StatementKind};
use super::envelope::{in_progress, json_response, respond, session_failure, statement_failure, success, text};
use super::faults::{FaultKind, page};
use super::login::parameters;
use super::request::{Incoming, Route};
use super::results::{Format, Frame, build};
use super::server::App;
use super::sessions::{Session, is_json_format};
use super::statements::{Ended, NewStatement, Outcome, Statement};

/// The pause of an "in progress" answer that a fault pretends: a real one takes 45 s.
const PRETENDED_WAIT: Duration = Duration::from_millis(50);
/// Clients whose drivers read Arrow; any other gets JSON.
const ARROW_CLIENTS: [&str; 5] = ["PythonConnector", "Go", "JDBC", "ODBC", ".NET"];

/// A statement on its way to the engine.
struct Job {
    sql: String,
    describe_only: bool,
    parameters: Map<String, Value>,
    origin: String,
    faults: Vec<FaultKind>,
}

impl App {
    /// `POST /queries/v1/query-request`.
    pub(super) async fn query(
        self: &Arc<Self>,
        incoming: &Incoming,
        session: &Arc<Session>,
        faults: &[FaultKind],
    ) -> Response<Body> {
        let Some(sql) = incoming.sql() else {
            return text(StatusCode::BAD_REQUEST, "the body is not a JSON query request with a text \"sqlText\"");
        };
        let body = &incoming.json;
        let flag = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let (asynchronous, describe_only) = (flag("asyncExec"), flag("describeOnly"));
        let pretended = faults.iter().find_map(|fault| match fault {
            // The first answer is "in progress" too.
            FaultKind::InProgress { polls } => Some(polls.saturating_add(1)),
            _ => None,
        });
        let new = NewStatement {
            session,
            request_id: incoming.parameter("requestId"),
            sql,
            asynchronous,
            pretended: pretended.unwrap_or(0),
        };
        let (statement, is_new) = self.statements.start(&new, self.settings.statements);
        if is_new {
            self.counter.statement(sql);
            let bound = body.get("bindings").is_some_and(|b| b.as_object().is_some_and(|b| !b.is_empty()));
            let job = Job {
                sql: sql.to_owned(),
                describe_only,
                parameters: body.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default(),
                origin: incoming.origin(self.local),
                faults: faults.to_vec(),
            };
            let (app, session, statement) = (Arc::clone(self), Arc::clone(session), Arc::clone(&statement));
            tokio::spawn(async move {
                let running = {
                    let (app, statement) = (Arc::clone(&app), Arc::clone(&statement));
                    tokio::spawn(async move {
                        if bound {
                            return Err(Failure::unsupported("bind variables"));
                        }
                        app.run(&session, &statement, job).await
                    })
                };
                // A statement that panics has failed like any other.
                let ended = running.await.unwrap_or_else(|error| Err(Failure::internal(error)));
                app.finish(&statement, ended);
            });
        }
        let elsewhere = faults.iter().find_map(|fault| match fault {
            FaultKind::ResultUrlElsewhere { url } => Some(url.as_str()),
            _ => None,
        });
        if let Some(url) = elsewhere {
            return progress(&statement, Some(url));
        }
        let wait = if asynchronous { Duration::ZERO } else { self.settings.statement_wait };
        self.answer(&statement, wait).await
    }

    fn finish(&self, statement: &Statement, ended: Result<bytes::Bytes, Failure>) {
        let outcome = match ended {
            Ok(body) => Outcome { ended: Ended::Success, body },
            Err(failure) => {
                self.counter.failure();
                let body = statement_failure(&failure, &statement.id);
                let aborted = failure.code == "000604";
                Outcome { ended: if aborted { Ended::Aborted } else { Ended::Failed(failure) }, body }
            }
        };
        statement.finish(outcome);
    }

    async fn run(
        self: &Arc<Self>,
        session: &Arc<Session>,
        statement: &Arc<Statement>,
        job: Job,
    ) -> Result<bytes::Bytes, Failure> {
        if let Some(earlier) = result_scan(&job.sql) {
            return self.earlier(earlier, session);
        }
        let timeout = number(&job.parameters, session, "STATEMENT_TIMEOUT_IN_SECONDS").filter(|seconds| *seconds > 0);
        let execute = execute(session, &job);
        let answer = tokio::select! {
            () = statement.cancel.cancelled() => Err(aborted()),
            () = elapsed(timeout) => Err(timed_out(timeout.unwrap_or(0))),
            answer = execute => answer,
        }?;
        // Encoding a large result takes a while: not on the threads that answer requests.
        let (app, session, statement) = (Arc::clone(self), Arc::clone(session), Arc::clone(statement));
        let encode = move || app.encode(&session, &statement, &job, answer);
        tokio::task::spawn_blocking(encode).await.map_err(Failure::internal)?
    }

    fn encode(
        &self,
        session: &Session,
        statement: &Statement,
        job: &Job,
        answer: Answer,
    ) -> Result<bytes::Bytes, Failure> {
        let most_rows = number(&job.parameters, session, "ROWS_PER_RESULTSET").filter(|rows| *rows > 0);
        let frame = Frame {
            query_id: &statement.id,
            format: format(&job.parameters, session, answer.kind),
            most_rows: most_rows.map(|rows| usize::try_from(rows).unwrap_or(usize::MAX)),
            names: session.names(),
            parameters: parameters(session),
            origin: &job.origin,
            faults: &job.faults,
            settings: &self.settings,
            chunks: &self.chunks,
        };
        let (data, rows) = build(answer, &frame)?;
        tracing::debug!(query_id = %statement.id, rows, "sandbox: statement answered");
        Ok(success(&data))
    }

    /// The answer of an earlier statement, for `RESULT_SCAN`.
    fn earlier(&self, id: &str, session: &Session) -> Result<bytes::Bytes, Failure> {
        let outcome = self.statements.get(id, session).and_then(|statement| statement.outcome());
        match outcome.as_deref() {
            Some(Outcome { ended: Ended::Success, body }) => Ok(body.clone()),
            Some(Outcome { ended: Ended::Failed(failure), .. }) => Err(failure.clone()),
            Some(Outcome { ended: Ended::Aborted, .. }) => Err(aborted()),
            None => Err(not_found(id)),
        }
    }

    async fn answer(&self, statement: &Statement, wait: Duration) -> Response<Body> {
        let waiting = async {
            match statement.wait(wait).await {
                Some(outcome) => Some(outcome),
                None if statement.outcome().is_some() => {
                    tokio::time::sleep(PRETENDED_WAIT).await;
                    None
                }
                None => None,
            }
        };
        let outcome = tokio::select! {
            () = self.shutdown.cancelled() => None,
            outcome = waiting => outcome,
        };
        outcome.map_or_else(|| progress(statement, None), |outcome| json_response(outcome.body.clone()))
    }

    /// `GET /queries/{id}/result`.
    pub(super) async fn result(&self, id: &str, session: &Session) -> Response<Body> {
        match self.statements.get(id, session) {
            Some(statement) => self.answer(&statement, self.settings.statement_wait).await,
            None => json_response(statement_failure(&not_found(id), id)),
        }
    }

    /// `GET /monitoring/queries/{id}`.
    pub(super) fn monitor(&self, id: &str, session: &Session) -> Response<Body> {
        let queries = self.statements.get(id, session).map(|statement| {
            let outcome = statement.outcome();
            let (status, failure) = match outcome.as_ref().map(|outcome| &outcome.ended) {
                None => ("RUNNING", None),
                Some(Ended::Success) => ("SUCCESS", None),
                Some(Ended::Failed(failure)) => ("FAILED_WITH_ERROR", Some(failure)),
                Some(Ended::Aborted) => ("ABORTED", None),
            };
            let (code, message) = failure.map(|failure| (&failure.code, &failure.message)).unzip();
            json!({"id": id, "status": status, "state": status, "errorCode": code, "errorMessage": message})
        });
        let queries: Vec<Value> = queries.into_iter().collect();
        json_response(success(&json!({"queries": queries})))
    }

    /// `POST /queries/v1/abort-request`: by the request that started the statement.
    pub(super) fn abort_by_request(&self, incoming: &Incoming, session: &Session) -> Response<Body> {
        let request = incoming.json.get("requestId").and_then(Value::as_str);
        abort(request.and_then(|id| self.statements.by_request(id, session)))
    }

    /// `POST /queries/{id}/abort-request`.
    pub(super) fn abort_statement(&self, id: &str, session: &Session) -> Response<Body> {
        abort(self.statements.get(id, session))
    }

    /// `GET /chunk/{id}`.
    pub(super) fn chunk(&self, id: &str, route: &Route) -> Response<Body> {
        let Some(chunk) = self.chunks.get(id, &self.settings) else { return page(StatusCode::FORBIDDEN, route) };
        if let Some(status) = chunk.refused {
            return page(status, route);
        }
        let mut response = respond(StatusCode::OK, "application/octet-stream", chunk.bytes);
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    }
}

/// Aborts a statement; one that has ended stays as it ended.
fn abort(statement: Option<Arc<Statement>>) -> Response<Body> {
    let Some(statement) = statement else {
        let message = "Identified SQL statement is not currently executing.";
        return json_response(session_failure(&Failure::new("000605", "02000", message)));
    };
    statement.cancel.cancel();
    json_response(success(&Value::Null))
}

/// The query id of `SELECT * FROM TABLE(RESULT_SCAN('id'))`: how drivers fetch the result of a statement they did not
/// wait for. Any other use of `RESULT_SCAN` is the engine's to answer or refuse.
fn result_scan(sql: &str) -> Option<&str> {
    let plain = sql.trim().trim_end_matches(';').trim_end();
    let start = plain.find('\'')?;
    let (before, rest) = plain.split_at_checked(start)?;
    let id = rest.strip_prefix('\'')?.strip_suffix("'))")?;
    let before: String = before.chars().filter(|c| !c.is_whitespace()).collect();
    let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    (before.eq_ignore_ascii_case("select*fromtable(result_scan(") && is_id).then_some(id)
}

/// Runs the statement in its session, after those before it.
async fn execute(session: &Session, job: &Job) -> Result<Answer, Failure> {
    let mut engine = session.engine.lock().await;
    let answer = engine.execute(&job.sql, job.describe_only, &job.parameters).await;
    session.note(&**engine);
    answer
}

fn progress(statement: &Statement, elsewhere: Option<&str>) -> Response<Body> {
    let url = elsewhere.map_or_else(|| format!("/queries/{}/result", statement.id), str::to_owned);
    let data = json!({
        "queryId": statement.id, "getResultUrl": url, "queryAbortsAfterSecs": 300, "progressDesc": null
    });
    json_response(in_progress(&data, statement.progress_code))
}

/// A whole-number parameter of the statement, else of the session. Drivers send numbers as numbers or as texts.
fn number(parameters: &Map<String, Value>, session: &Session, name: &'static str) -> Option<u64> {
    let own = parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
    let value = own.or_else(|| session.parameter(name))?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn format(parameters: &Map<String, Value>, session: &Session, kind: StatementKind) -> Format {
    let knows = ARROW_CLIENTS.contains(&session.login.client_app_id.as_str());
    let json = session.wants_json() || parameters.iter().any(|(name, value)| is_json_format(name, value));
    if kind == StatementKind::Select && knows && !json { Format::Arrow } else { Format::Json }
}

async fn elapsed(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

fn aborted() -> Failure {
    Failure::new("000604", "57014", "SQL execution canceled")
}

fn timed_out(seconds: u64) -> Failure {
    let message =
        format!("Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled.");
    Failure::new("000630", "57014", message)
}

fn not_found(id: &str) -> Failure {
    Failure::new("000709", "02000", format!("Statement {id} not found"))
}
