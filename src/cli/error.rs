//! [`CliError`]: how a command ends when it does not end well.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::daemon::DaemonError;
use crate::store::StoreError;
use crate::store::audit::AuditError;

/// The exit code of an error.
pub(super) const FAILURE: u8 = 2;
/// The exit code after Ctrl-C, as shells report it: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum CliError {
    /// Something that the user is told.
    Message {
        /// What is wrong, in one sentence without a full stop.
        what: String,
        /// Where: a file, an address, an account.
        place: Option<String>,
        /// The next step.
        hint: Option<String>,
    },
    /// The reader of standard output went away (`| head`): nothing is wrong.
    BrokenPipe,
    /// The user stopped it.
    Interrupted,
}

impl CliError {
    /// An error that says what is wrong.
    pub fn new(what: impl fmt::Display) -> CliError {
        CliError::Message { what: what.to_string(), place: None, hint: None }
    }

    /// Adds where it is.
    pub fn at(mut self, at: impl fmt::Display) -> CliError {
        if let CliError::Message { place, .. } = &mut self {
            *place = Some(at.to_string());
        }
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, next: impl fmt::Display) -> CliError {
        if let CliError::Message { hint, .. } = &mut self {
            *hint = Some(next.to_string());
        }
        self
    }

    /// For `map_err` on writing results: a broken pipe is no error.
    #[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
    pub fn output(error: io::Error) -> CliError {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::BrokenPipe,
            _ => CliError::new(format_args!("cannot write the result: {error}")),
        }
    }

    /// As [`CliError::report`], as one event of the log: nothing else may be on standard error then.
    pub fn log(&self) -> ExitCode {
        if let CliError::Message { what, place, hint } = self {
            tracing::error!(target: "grantd", place, hint, "{what}");
        }
        self.report(&mut io::sink())
    }

    /// Tells the user, and gives the exit code.
    pub fn report(&self, out: &mut dyn Write) -> ExitCode {
        let code = match self {
            CliError::Message { .. } => FAILURE,
            CliError::BrokenPipe => return ExitCode::SUCCESS,
            CliError::Interrupted => INTERRUPTED,
        };
        // Without a standard error there is nobody to tell.
        let _ = writeln!(out, "{self}");
        ExitCode::from(code)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Message { what, place, hint } => {
                write!(f, "grantd: {}", printable(what))?;
                if let Some(place) = place {
                    write!(f, " ({})", printable(place))?;
                }
                if let Some(hint) = hint {
                    write!(f, "\n  hint: {}", printable(hint))?;
                }
                Ok(())
            }
            CliError::BrokenPipe => f.write_str("grantd: the reader of the output went away"),
            CliError::Interrupted => f.write_str("grantd: interrupted"),
        }
    }
}

impl std::error::Error for CliError {}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> CliError {
        CliError::Message { what: error.to_string(), place: None, hint: error.hint() }
    }
}

impl From<DaemonError> for CliError {
    fn from(error: DaemonError) -> CliError {
        match error {
            DaemonError::Store(error) => error.into(),
            other => CliError::new(other),
        }
    }
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> CliError {
        CliError::Message { what: error.to_string(), place: None, hint: error.hint() }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> CliError {
        CliError::Message { what: error.to_string(), place: None, hint: error.hint() }
    }
}

/// Text from a server or a file, without what could steer the terminal; a line break continues indented.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        match c {
            '\n' => shown.push_str("\n  "),
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = CliError::new("port 5433 is in use").at("127.0.0.1:5433").hint("use --listen");
        assert_eq!(error.to_string(), "grantd: port 5433 is in use (127.0.0.1:5433)\n  hint: use --listen");
        assert_eq!(CliError::new("a \x1b[2J b\nc").to_string(), "grantd: a \\u{1b}[2J b\n  c");
    }

    #[test]
    fn a_broken_pipe_is_silent() {
        let mut out = Vec::new();
        let code = CliError::output(io::ErrorKind::BrokenPipe.into()).report(&mut out);
        assert_eq!((format!("{code:?}"), out.len()), (format!("{:?}", ExitCode::SUCCESS), 0));
        let full = CliError::output(io::ErrorKind::StorageFull.into());
        assert_eq!(format!("{:?}", full.report(&mut out)), format!("{:?}", ExitCode::from(2)));
        assert!(String::from_utf8(out).unwrap().starts_with("grantd: cannot write the result"));
    }
}
