//! [`Progress`]: one line on a terminal that says what takes so long.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work that is quicker shows nothing.
const DELAY: Duration = Duration::from_secs(1);
/// How often the line is drawn.
const INTERVAL: Duration = Duration::from_millis(200);
/// Longer messages are cut, so that the line never wraps.
const MAX_CHARS: usize = 68;

/// Shows what is going on after a second, and is gone without a trace when it is dropped.
#[derive(Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    drawing: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    message: String,
    done: bool,
}

impl Progress {
    /// On standard error, if that is a terminal; otherwise nothing is ever shown.
    pub fn stderr() -> Progress {
        let stderr = std::io::stderr();
        if stderr.is_terminal() { Progress::to(stderr, DELAY) } else { Progress::hidden() }
    }

    /// Shows nothing.
    pub fn hidden() -> Progress {
        Progress { shared: Arc::default(), drawing: None }
    }

    fn to(out: impl Write + Send + 'static, delay: Duration) -> Progress {
        let shared = Arc::<Shared>::default();
        let for_thread = Arc::clone(&shared);
        // Without a thread there is no progress to be seen, and the work goes on.
        let drawing = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || for_thread.draw_until_done(out, delay))
            .ok();
        Progress { shared, drawing }
    }

    /// Says what is being done now.
    pub fn set(&self, message: impl Into<String>) {
        self.shared.state().message = message.into();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.state().done = true;
        self.shared.changed.notify_all();
        if let Some(drawing) = self.drawing.take() {
            // A thread that panicked has nothing left to clear.
            let _ = drawing.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw_until_done(&self, mut out: impl Write, delay: Duration) {
        let started = Instant::now();
        let mut wait = delay;
        let mut drawn = false;
        loop {
            let (state, _) = self
                .changed
                .wait_timeout_while(self.state(), wait, |state| !state.done)
                .unwrap_or_else(PoisonError::into_inner);
            let (done, line) = (state.done, line(&state.message));
            drop(state);
            if done {
                break;
            }
            // A terminal that went away is no reason to stop the work.
            let _ = write!(out, "\r\x1b[2K{line} ({} s)", started.elapsed().as_secs()).and_then(|()| out.flush());
            drawn = true;
            wait = INTERVAL;
        }
        if drawn {
            let _ = write!(out, "\r\x1b[2K").and_then(|()| out.flush());
        }
    }
}

/// One line: no control characters, not too long.
fn line(message: &str) -> String {
    let mut chars = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut line: String = chars.by_ref().take(MAX_CHARS).collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn quick_work_shows_nothing() {
        let screen = Screen::default();
        let progress = Progress::to(screen.clone(), Duration::from_mins(1));
        progress.set("reading");
        drop(progress);
        assert_eq!(screen.text(), "");
    }

    #[test]
    fn slow_work_shows_one_line_and_clears_it() {
        let screen = Screen::default();
        let progress = Progress::to(screen.clone(), Duration::from_millis(1));
        progress.set("reading \x1b[31m\ngrants");
        while !screen.text().contains("reading") {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(progress);
        let text = screen.text();
        assert!(text.contains("reading  [31m grants (0 s)"), "{text:?}");
        assert!(text.ends_with("\r\x1b[2K") && !text.contains('\n'), "{text:?}");
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(line(&"x".repeat(500)).chars().count(), MAX_CHARS + 1);
    }
}
