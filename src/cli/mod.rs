//! The command line: one file per command, and what they share.
//!
//! - [`error`](CliError): one line that says what and where, one that says what to do; exit code 2
//! - [`listen`]: opening a port
//! - [`logging`], [`signals`], [`output`]: log lines, Ctrl-C, results as table, JSON or CSV

pub mod audit;
pub mod backup;
pub mod demo;
pub mod doctor;
mod error;
mod files;
pub mod health;
pub mod import;
mod limits;
pub mod listen;
pub mod logging;
mod notify;
pub mod output;
pub mod sandbox;
pub mod serve;
pub mod setup;
pub mod signals;
pub mod sql;
pub mod sync;
pub mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CliError;

/// An exact, versioned copy of a data platform's access control that any PostgreSQL client can ask.
#[derive(Parser, Debug)]
#[command(
    name = "grantd",
    version,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 done, 1 grantd doctor, health or audit verify found something, 2 an error that is explained on standard error, 130 interrupted.
Log lines go to standard error; GRANTD_LOG=info shows more of them, GRANTD_LOG_FORMAT=json
writes each as a JSON object."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Demo(demo::DemoArgs),
    Setup(setup::SetupArgs),
    Doctor(doctor::DoctorArgs),
    Serve(serve::ServeArgs),
    Health(health::HealthArgs),
    Sync(sync::SyncArgs),
    Import(import::ImportArgs),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Audit(audit::AuditArgs),
    Sandbox(sandbox::SandboxArgs),
    Sql(sql::SqlArgs),
    User(user::UserArgs),
}

/// What `main` does: reads the arguments, runs the command, explains an error.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => {
            // A reader that went away has seen enough.
            let _ = shown.print();
            return ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(error::FAILURE));
        }
    };
    logging::init();
    logging::panics::install();
    limits::no_core_dumps();
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Setup(args) => setup::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Backup(args) => backup::run(&args),
        Command::Restore(args) => backup::run_restore(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::User(args) => user::run(&args),
    };
    result.unwrap_or_else(|error| if logging::is_json() { error.log() } else { error.report(&mut std::io::stderr()) })
}

/// The runtime that moves bytes; statements run on the gateway's own threads.
fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::new(format_args!("cannot start: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
