//! `grantd audit`: whether the query log is what was written.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::CliError;
use super::backup::State;
use crate::daemon::now;
use crate::progress::Progress;
use crate::store::Store;
use crate::store::audit::{self, AuditError, Checked, Head};

/// The exit code of a log that is not what was written.
const TAMPERED: u8 = 1;

/// Check the query log, also while a daemon runs.
///
/// Every record has the hash of the one before it and a keyed hash of its own; the store knows the newest one. What was
/// edited, removed, reordered or cut off is found and named.
#[derive(Args, Debug, Clone, PartialEq, Eq)]
#[command(after_help = "\
Examples:
  grantd audit verify --config /etc/grantd/grantd.toml
  grantd audit head --data-dir /var/lib/grantd >> /safe/place/heads
  grantd audit verify --data-dir /var/lib/grantd --head \"$(tail -n1 /safe/place/heads)\"

Exit codes of verify: 0 the log is whole, 1 it is not, 2 nothing can be said.")]
pub struct AuditArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug, Clone, PartialEq, Eq)]
enum What {
    /// Read all records, and name the first that is not as it was written
    Verify {
        /// A head that was kept elsewhere: finds a log that was written anew by somebody who has the key
        #[arg(long, value_name = "SEQ:HASH")]
        head: Option<Head>,
        #[command(flatten)]
        state: State,
    },
    /// Print the newest record's number and hash, to be kept elsewhere
    Head {
        #[command(flatten)]
        state: State,
    },
    /// Put a log that is not whole aside and begin a new one; the daemon must not be running
    Reset {
        /// Why; the first record of the new log says it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        state: State,
    },
}

/// Runs a subcommand.
pub fn run(args: &AuditArgs) -> Result<ExitCode, CliError> {
    match &args.what {
        What::Verify { head, state } => verify(state, *head),
        What::Head { state } => {
            let checked = check(state, None)??;
            say(&format!("{}\n", checked.head))
        }
        What::Reset { reason, state } => {
            let store = Store::open(state.dir()?)?;
            let (aside, head) = audit::reset(&store, reason, now())?;
            say(&format!("the log before is in {}; the new one begins with record {head}\n", aside.display()))
        }
    }
}

fn check(state: &State, head: Option<Head>) -> Result<Result<Checked, AuditError>, CliError> {
    let progress = Progress::stderr();
    progress.set("reading the query log");
    let told = |records| progress.set(format!("checked {records} records"));
    Ok(audit::verify(&state.dir()?, head, &told))
}

fn verify(state: &State, head: Option<Head>) -> Result<ExitCode, CliError> {
    match check(state, head)? {
        Ok(checked) => say(&whole(&checked)),
        Err(AuditError::Broken(finding)) => {
            let mut out = std::io::stdout().lock();
            let hint = AuditError::Broken(finding.clone()).hint().unwrap_or_default();
            writeln!(out, "the query log is not whole: {finding}").map_err(CliError::output)?;
            // A standard error that went away changes nothing about the finding.
            let _ = writeln!(std::io::stderr(), "  hint: {hint}");
            Ok(ExitCode::from(TAMPERED))
        }
        Err(error) => Err(error.into()),
    }
}

fn whole(checked: &Checked) -> String {
    let Checked { first, head, segments, unfinished, reset } = checked;
    let records = (head.sequence + 1).saturating_sub(*first);
    let begun = reset.as_ref().map(|reason| format!("it was begun anew with record {first}: {reason}\n"));
    let cut = (*unfinished > 0).then(|| {
        format!(
            "its last {unfinished} bytes are being written, or were cut by a crash: the next start puts them aside\n"
        )
    });
    format!(
        "the query log is whole: {records} records in {segments} files, head {head}\n{}{}",
        begun.unwrap_or_default(),
        cut.unwrap_or_default()
    )
}

fn say(text: &str) -> Result<ExitCode, CliError> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(CliError::output)?;
    Ok(ExitCode::SUCCESS)
}
