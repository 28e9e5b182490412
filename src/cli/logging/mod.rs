//! Log lines: to standard error, `GRANTD_LOG` or `RUST_LOG` says which, `GRANTD_LOG_FORMAT` how. Every event is one line.

mod escape;
mod line;
pub mod panics;

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::LogFormat;

const DEFAULT: &str = "warn";
/// The variable that says how lines are written.
const FORMAT: &str = "GRANTD_LOG_FORMAT";

/// Crates that write requests, and with them tokens, to their debug lines. Whatever the filter says, they stay at `warn`.
const CAPPED: &[&str] = &[
    "snowflake_api",
    "snowflake_jwt",
    "reqwest",
    "reqwest_middleware",
    "reqwest_retry",
    "hyper",
    "hyper_util",
    "rustls",
];

/// Whether lines are JSON. It may change once, when the configuration has been read.
static JSON: AtomicBool = AtomicBool::new(false);

/// Starts logging. A filter that cannot be read is reported and replaced by the default.
pub fn init() {
    let wanted = ["GRANTD_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()).map(|value| (name, value)));
    let (filter, problem) = match wanted.as_ref().map(|(name, value)| (name, EnvFilter::try_new(value))) {
        None => (EnvFilter::new(DEFAULT), None),
        Some((_, Ok(filter))) => (filter, None),
        Some((name, Err(error))) => (EnvFilter::new(DEFAULT), Some((*name, error))),
    };
    let format = format_of_environment();
    if let Some(Ok(format)) = format {
        JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    }
    let lines = tracing_subscriber::fmt::layer()
        .event_format(line::Line)
        .with_writer(std::io::stderr)
        .with_filter(filter.and(filter_fn(|line: &Metadata<'_>| is_allowed(line.target(), *line.level()))));
    // Only a second call in one process fails, and then logging is on already.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    if let Some((name, error)) = problem {
        tracing::warn!("{name} is not a log filter: {error}; using {DEFAULT}");
    }
    if let Some(Err(word)) = format {
        tracing::warn!(word, "{FORMAT} is text or json; using text");
    }
}

/// The format of the configuration, unless the environment says another.
pub fn configure(format: Option<LogFormat>) {
    if let Some(format) = format
        && !matches!(format_of_environment(), Some(Ok(_)))
    {
        JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    }
}

/// Whether standard error has a JSON object in each line, so that nothing else may be written there.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

fn format_of_environment() -> Option<Result<LogFormat, String>> {
    let word = std::env::var(FORMAT).ok().filter(|word| !word.trim().is_empty())?;
    Some(word.parse().map_err(|()| word))
}

fn is_allowed(target: &str, level: Level) -> bool {
    let source = target.split("::").next().unwrap_or(target);
    level <= Level::WARN || !CAPPED.contains(&source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_would_log_tokens_never_go_below_warn() {
        assert!(!is_allowed("snowflake_api::connection", Level::DEBUG));
        assert!(!is_allowed("reqwest", Level::INFO));
        assert!(!is_allowed("hyper::proto::h1", Level::TRACE));
        assert!(is_allowed("hyper::proto::h1", Level::WARN));
        assert!(is_allowed("grantd::sync", Level::TRACE));
        assert!(is_allowed("hyperion", Level::TRACE));
    }
}
