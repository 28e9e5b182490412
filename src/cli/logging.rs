//! Log lines: to standard error, `GRANTD_LOG` or `RUST_LOG` says which.

use std::io::IsTerminal;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

const DEFAULT: &str = "warn";

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
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(filter.and(filter_fn(|line: &Metadata<'_>| is_allowed(line.target(), *line.level()))));
    // Only a second call in one process fails, and then logging is on already.
    let _ = tracing_subscriber::registry().with(lines).try_init();
    if let Some((name, error)) = problem {
        tracing::warn!("{name} is not a log filter: {error}; using {DEFAULT}");
    }
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
