//! [`SnowflakeSource`]: an account as a [`Source`].

use super::call::{Answer, CALL, Call};
use super::config::SnowflakeConfig;
use super::decode;
use super::layer::{CRATE_ACCOUNT, Layer};
use super::session::Session;
use super::transport::Transport;
use crate::sync::source::Receipt;
use crate::sync::table::Place;
use crate::sync::{Progress, Source, SourceError, SourceTable, Statement};
use async_trait::async_trait;
use reqwest::{Client, redirect};
use serde_json::{Map, Value, json};
use snowflake_api::{AuthArgs, AuthType, PasswordArgs, RawQueryResult, SnowflakeApi, SnowflakeApiBuilder};
use std::sync::Arc;
use std::time::Duration;

/// How often a running statement is reported.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// A Snowflake account, reached through one session. Logs in with the first statement.
pub struct SnowflakeSource {
    api: SnowflakeApi,
    session: Arc<Session>,
}

impl SnowflakeSource {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// The settings cannot work: address, certificates.
    pub fn new(config: SnowflakeConfig) -> Result<Self, SourceError> {
        let base = config.base_url()?;
        let client = http_client(&config)?;
        let transport = Transport::new(client.clone(), config.limits);
        let session = Arc::new(Session::new(config, base, transport));
        let layer = Layer::new(Arc::clone(&session));
        let client = reqwest_middleware::ClientBuilder::new(client).with(layer).build();
        // Identity and proof are the layer's; the crate only needs something to put into its envelope.
        let auth = AuthArgs {
            account_identifier: CRATE_ACCOUNT.to_owned(),
            warehouse: None,
            database: None,
            schema: None,
            username: "grantd".to_owned(),
            role: None,
            auth_type: AuthType::Password(PasswordArgs { password: String::new() }),
        };
        let api = SnowflakeApiBuilder::new(auth)
            .with_client(client)
            .build()
            .map_err(|e| SourceError::Config(format!("snowflake-api: {e}")))?;
        Ok(Self { api, session })
    }

    async fn run(&self, call: &Arc<Call>, sql: &str) -> Result<(RawQueryResult, Answer), SourceError> {
        let work = CALL.scope(Arc::clone(call), self.api.exec_raw(sql));
        let Ok(result) = tokio::time::timeout_at(call.deadline.into(), work).await else {
            return Err(SourceError::Deadline(call.budget));
        };
        // The layer's own error says more than what the crate makes of it.
        if let Some(error) = call.state().error.clone() {
            return Err(error);
        }
        let raw = result.map_err(|e| SourceError::Malformed {
            host: super::transport::host(self.session.base()),
            what: "query",
            detail: format!("snowflake-api: {e}"),
        })?;
        let answer = call
            .state()
            .answer
            .take()
            .ok_or_else(|| SourceError::Incomplete("the result came without its description".to_owned()))?;
        Ok((raw, answer))
    }

    fn parameters(&self) -> Map<String, Value> {
        let config = self.session.config();
        let seconds = config.limits.statement.as_secs().max(1).to_string();
        // A user's or account's ROWS_PER_RESULTSET above 0 would cut results with a matching `total`.
        [
            ("QUERY_TAG", json!(config.query_tag)),
            ("ROWS_PER_RESULTSET", json!("0")),
            ("STATEMENT_TIMEOUT_IN_SECONDS", json!(seconds)),
            ("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", json!(seconds)),
            ("MULTI_STATEMENT_COUNT", json!("1")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

/// Only reading statements leave this client; `snowflake-api` would answer a PUT by uploading local files.
fn refuse_writes(sql: &str) -> Result<(), SourceError> {
    let word = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    if ["SELECT", "SHOW"].iter().any(|w| w.eq_ignore_ascii_case(word)) {
        return Ok(());
    }
    // A procedure of the system's that reads; any other could do anything.
    if sql == "CALL EXPLAIN_GRANTABLE_PRIVILEGES()" {
        return Ok(());
    }
    Err(SourceError::Config("only SELECT and SHOW are sent to an account".to_owned()))
}

fn http_client(config: &SnowflakeConfig) -> Result<Client, SourceError> {
    let mut builder = Client::builder()
        .user_agent(concat!("grantd/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(15))
        .redirect(redirect::Policy::custom(same_host));
    if !config.use_proxy {
        builder = builder.no_proxy();
    }
    for pem in &config.extra_roots {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|e| SourceError::Config(format!("ca_file holds no certificate ({e})")))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build().map_err(|e| SourceError::Config(format!("the HTTP client cannot start ({e})")))
}

/// Follows 307 and 308 on the same host only: any other redirect would drop the body or carry it elsewhere.
fn same_host(attempt: redirect::Attempt<'_>) -> redirect::Action {
    const MOST: usize = 5;
    let keeps_body = matches!(attempt.status().as_u16(), 307 | 308);
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_body && same && attempt.previous().len() <= MOST { attempt.follow() } else { attempt.stop() }
}

#[async_trait]
impl Source for SnowflakeSource {
    async fn read(&self, statement: &Statement, progress: &dyn Progress) -> Result<SourceTable, SourceError> {
        refuse_writes(&statement.sql)?;
        let call = Arc::new(Call::new(self.parameters(), self.session.config().limits.statement));
        let started = std::time::Instant::now();
        let work = self.run(&call, &statement.sql);
        tokio::pin!(work);
        let mut report = tokio::time::interval_at(tokio::time::Instant::now() + REPORT_EVERY, REPORT_EVERY);
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = report.tick() => progress.note(statement, &format!("running for {} s", started.elapsed().as_secs())),
            }
        };
        let (raw, answer) = result?;
        let receipt = {
            let state = call.state();
            Receipt {
                query_id: answer.query_id.clone(),
                requests: state.requests,
                polls: state.polls,
                arrow_streams: answer.stream_rows.len(),
                types: answer.columns.iter().map(|c| format!("{}({})", c.data_type, c.scale)).collect(),
            }
        };
        let names = answer.columns.iter().map(|c| c.name.clone()).collect();
        let decoded = tokio::task::spawn_blocking(move || decode::result(raw, &answer))
            .await
            .map_err(|e| SourceError::Incomplete(format!("decoding ended early ({e})")))?;
        let place = Place::Statement(statement.name.clone());
        Ok(SourceTable::new(statement.kind, place, names, decoded?)?.with_receipt(receipt))
    }

    async fn close(&self) {
        if let Err(e) = self.session.close().await {
            tracing::warn!("the session could not be closed: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reading_statements_are_sent() {
        for sql in ["SELECT 1", "  show roles", "Select\n1", "CALL EXPLAIN_GRANTABLE_PRIVILEGES()"] {
            assert!(refuse_writes(sql).is_ok(), "{sql}");
        }
        let others =
            ["put file:///etc/passwd @s", "/* x */ SELECT 1", "GRANT ROLE A TO ROLE B", "", "SELECTED", "CALL P()"];
        for sql in others {
            assert!(refuse_writes(sql).is_err(), "{sql}");
        }
    }
}
