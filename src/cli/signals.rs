//! Ctrl-C and SIGTERM as a [`CancellationToken`].

use std::io;

use tokio_util::sync::CancellationToken;

use super::CliError;

/// A token that the first Ctrl-C or SIGTERM cancels; the second ends the process at once.
///
/// Call it inside the runtime. While it lives, the signals' own effect (ending the process) is off.
pub fn cancellation() -> Result<CancellationToken, CliError> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let mut signals =
        Signals::new().map_err(|error| CliError::new(format_args!("cannot watch for Ctrl-C: {error}")))?;
    tokio::spawn(async move {
        signals.next().await;
        cancelled.cancel();
        let code = signals.next().await;
        std::process::exit(code);
    });
    Ok(token)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one; gives the exit code that a shell expects of a process ended by it.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        130
    }
}
