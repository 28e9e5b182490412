//! `grantd sql`: one question to a running grantd, without psql.

mod connection;
mod connector;
mod passfile;
mod tls;

use std::io::{self, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures::{StreamExt, TryStreamExt};
use tokio_postgres::config::SslMode as Encrypt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Kind as PgKind, Type};
use tokio_postgres::{AsyncMessage, Client, Config, SimpleQueryMessage};

pub use self::connection::ConnectionArgs;
use self::connection::{Target, shown, target};
use self::tls::SslMode;
use super::output::{Column, Format, Kind, RowWriter};
use super::{CliError, signals};
use crate::progress::Progress;

/// Ask a running grantd and print the answer.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(
    disable_help_flag = true,
    after_help = "\
Examples:
  grantd sql \"SELECT * FROM accounts\"
  grantd sql --format csv \"SELECT * FROM effective_privileges WHERE user_name = 'ALICE'\" > alice.csv
  grantd sql -p 6000 --format json \"SELECT * FROM who_can('SELECT', 'SALES.PUBLIC.ORDERS')\"
  PGOPTIONS='-c grantd.roles=default' grantd sql \"SELECT count(*) FROM grants\"

  grantd sql -d \"postgresql://ann@grantd.example.org/grantd?sslmode=verify-full&sslrootcert=ca.crt\" \"SELECT 1\"
  grantd sql -h /run/grantd \"SELECT * FROM accounts\"

A password comes from the URL, PGPASSWORD, or a line of PGPASSFILE or ~/.pgpass. TLS is as libpq has it: sslmode,
sslrootcert, sslcert and sslkey in the URL, or PGSSLMODE and the like, or the files in ~/.postgresql."
)]
pub struct SqlArgs {
    /// What to ask
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// How to print the answer
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Whom to ask
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Asks and prints.
pub fn run(args: &SqlArgs) -> Result<ExitCode, CliError> {
    let target = target(&args.connection, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format_args!("cannot start: {error}")))?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    runtime.block_on(ask(&target, &args.sql, args.format, &mut out))?;
    out.flush().map_err(CliError::output)?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(target: &Target, sql: &str, format: Format, out: &mut dyn Write) -> Result<(), CliError> {
    let config = &target.config;
    let tls = tls::connector(target.mode, &target.files)?;
    let interrupted = signals::cancellation()?;
    let progress = Progress::stderr();
    progress.set("connecting");
    let connecting = async {
        match config.connect(tls.clone()).await {
            // In clear first, and with TLS where that is not allowed.
            Err(error)
                if target.mode == SslMode::Allow
                    && error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION) =>
            {
                config.clone().ssl_mode(Encrypt::Require).connect(tls.clone()).await
            }
            connected => connected,
        }
    };
    let connected = tokio::select! {
        connected = connecting => connected,
        () = interrupted.cancelled() => return Err(CliError::Interrupted),
    };
    let (client, mut connection) = connected.map_err(|error| connect_error(config, &error))?;
    tokio::spawn(async move {
        // Ends with the connection; its errors reach the statement as well.
        while let Some(Ok(message)) = std::future::poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notice(notice) = message {
                // Without a standard error there is nobody to tell.
                let _ = writeln!(io::stderr(), "{}: {}", notice.severity(), notice.message());
            }
        }
    });
    progress.set("waiting for the answer");
    let mut writer = RowWriter::new(format, out);
    tokio::select! {
        answered = answer(&client, sql, &mut writer, progress) => answered,
        () = interrupted.cancelled() => {
            // If the server cannot be told, it notices that the connection is gone.
            let _ = tokio::time::timeout(Duration::from_secs(1), client.cancel_token().cancel_query(tls)).await;
            Err(CliError::Interrupted)
        }
    }
}

async fn answer(client: &Client, sql: &str, writer: &mut RowWriter<'_>, progress: Progress) -> Result<(), CliError> {
    let mut progress = Some(progress);
    // The types, which the simple protocol does not tell. Several statements at once cannot be prepared: then every
    // value is text, and what is wrong with the statement, if anything, comes from running it.
    let types: Vec<(String, Kind)> = client.prepare(sql).await.map_or_else(
        |_| Vec::new(),
        |statement| {
            statement.columns().iter().map(|column| (column.name().to_owned(), kind_of(column.type_()))).collect()
        },
    );
    let failed = |error: tokio_postgres::Error| statement_error(sql, &error);
    let mut messages = pin!(client.simple_query_raw(sql).await.map_err(failed)?.map(|message| message.map_err(failed)));
    while let Some(message) = messages.try_next().await? {
        // The line would run into the answer.
        progress.take();
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let known = types.len() == columns.len();
                let columns = columns.iter().enumerate().map(|(index, column)| {
                    let kind = types.get(index).filter(|(name, _)| known && name == column.name());
                    Column { name: column.name().to_owned(), kind: kind.map_or(Kind::Text, |(_, kind)| kind.clone()) }
                });
                writer.begin(columns.collect()).map_err(CliError::output)?;
            }
            SimpleQueryMessage::Row(row) => {
                let cells = (0..row.len()).map(|index| row.try_get(index));
                let cells: Vec<Option<&str>> = cells.collect::<Result<_, _>>().map_err(failed)?;
                writer.row(&cells).map_err(CliError::output)?;
            }
            SimpleQueryMessage::CommandComplete(_) => writer.end().map_err(CliError::output)?,
            _ => {}
        }
    }
    Ok(())
}

fn kind_of(column: &Type) -> Kind {
    if let PgKind::Array(element) = column.kind() {
        return Kind::List(Box::new(kind_of(element)));
    }
    match *column {
        Type::BOOL => Kind::Bool,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => Kind::Number,
        Type::JSON | Type::JSONB => Kind::Json,
        _ => Kind::Text,
    }
}

fn connect_error(config: &Config, error: &tokio_postgres::Error) -> CliError {
    let host = config.get_hosts().first().map(shown).unwrap_or_default();
    let place = format!("{host}:{}", config.get_ports().first().unwrap_or(&5432));
    match error.as_db_error() {
        Some(refusal) => CliError::new(refusal.message())
            .at(format_args!("{place}, SQLSTATE {}", refusal.code().code()))
            .hint(refusal.hint().unwrap_or("check PGUSER, PGPASSWORD and PGDATABASE")),
        None => CliError::new(format_args!("cannot connect: {}", innermost(error)))
            .at(place)
            .hint(next_step(&innermost(error))),
    }
}

/// What to do about a connection that did not come about.
fn next_step(why: &str) -> &'static str {
    if why.contains("password missing") {
        "a password comes from the URL, PGPASSWORD, or a line of PGPASSFILE or ~/.pgpass"
    } else if why.contains("certificate") || why.contains("TLS") {
        "sslmode and sslrootcert in the URL, PGSSLMODE and PGSSLROOTCERT say how the server is verified"
    } else {
        "is grantd running there? `grantd serve` or `grantd demo` starts it; PGHOST and PGPORT say where"
    }
}

fn statement_error(sql: &str, error: &tokio_postgres::Error) -> CliError {
    let Some(refusal) = error.as_db_error() else {
        return CliError::new(format_args!("the connection was lost: {}", innermost(error)))
            .hint("the log of grantd says why");
    };
    let mut place = format!("SQLSTATE {}", refusal.code().code());
    if let Some(tokio_postgres::error::ErrorPosition::Original(position)) = refusal.position() {
        // Counted in characters from 1.
        let before: String = sql.chars().take(position.saturating_sub(1) as usize).collect();
        let (line, column) =
            (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1);
        place = format!("{place}, line {line} column {column}");
    }
    let what = match refusal.detail() {
        Some(detail) => format!("{}\n{detail}", refusal.message()),
        None => refusal.message().to_owned(),
    };
    let error = CliError::new(what).at(place);
    match refusal.hint() {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The cause that says something: outer errors only say that there was one.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
