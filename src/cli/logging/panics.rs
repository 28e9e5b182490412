//! Panics in the log: where and which, never with what. The text of a panic may hold data of a client or the platform.

use std::panic::{Location, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics of this process so far.
pub fn count() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Writes every panic as one log line from now on, and nothing else.
pub fn install() {
    std::panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let number = PANICS.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    // The id finds the line that somebody reports; the number says how many there were.
    let id = uuid::Uuid::new_v4().simple().to_string();
    let location = panic.location().map(place).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    tracing::error!(target: "grantd::panic", id, number, location, thread, "a panic; please report it with its location");
}

/// File, line and column. Of other crates the path begins with the crate: where they were built is nobody's business.
fn place(location: &Location<'_>) -> String {
    let file = location.file();
    let in_registry = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    let file = in_registry.map_or(file, |(_, rest)| rest);
    let in_rust = file.split_once("/library/").filter(|_| file.starts_with("/rustc/"));
    let file = in_rust.map_or(file, |(_, rest)| rest);
    format!("{file}:{}:{}", location.line(), location.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_file_and_a_line() {
        let here = place(Location::caller());
        assert!(here.starts_with("src/cli/logging/panics.rs:"), "{here}");
    }
}
