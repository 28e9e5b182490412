//! How the daemon is run and watched: health and metrics, log lines, the end.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// How long open statements get when the daemon is told to end, unless told otherwise.
pub const DEFAULT_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: an object in each line.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        match word.trim().to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Who may reach the port of health and metrics, which asks for no login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricsAccess {
    /// This machine.
    #[default]
    Loopback,
    /// Everybody who reaches it.
    Anyone,
}

/// `[server]`: how the daemon is run and watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationsConfig {
    /// Where health and metrics are shown; nowhere when it is left out.
    pub metrics_listen: Option<SocketAddr>,
    /// How log lines are written; the environment's word counts when it is left out.
    pub log_format: Option<LogFormat>,
    /// How long open statements get when the daemon is told to end.
    pub shutdown_timeout: Duration,
}

impl Default for OperationsConfig {
    fn default() -> Self {
        Self { metrics_listen: None, log_format: None, shutdown_timeout: DEFAULT_SHUTDOWN_TIMEOUT }
    }
}

/// The keys of `[server]` about operations, as they are written.
#[derive(Default)]
pub(super) struct RawOperations {
    pub(super) metrics_listen: Option<SocketAddr>,
    pub(super) metrics_access: Option<MetricsAccess>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) shutdown_timeout: Option<Duration>,
}

impl RawOperations {
    /// Adds the defaults; refuses metrics that are open to other machines without being said to be.
    pub(super) fn finish(self) -> Result<OperationsConfig, (String, Option<String>)> {
        let access = self.metrics_access.unwrap_or_default();
        if let Some(listen) = self.metrics_listen
            && access == MetricsAccess::Loopback
            && !listen.ip().is_loopback()
        {
            let what = format!("metrics_listen {listen} is open to other machines, and asks for no login");
            return Err((what, Some("metrics_access = \"anyone\" says that this is meant".to_owned())));
        }
        if self.metrics_listen.is_none() && self.metrics_access.is_some() {
            let what = "metrics_access is set, and there is no metrics_listen".to_owned();
            return Err((what, Some("metrics_listen = \"127.0.0.1:9187\"".to_owned())));
        }
        Ok(OperationsConfig {
            metrics_listen: self.metrics_listen,
            log_format: self.log_format,
            shutdown_timeout: self.shutdown_timeout.unwrap_or(DEFAULT_SHUTDOWN_TIMEOUT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_open_to_other_machines_only_when_that_is_said() {
        let finish = |listen: &str, access| {
            RawOperations {
                metrics_listen: Some(listen.parse().unwrap()),
                metrics_access: access,
                ..RawOperations::default()
            }
            .finish()
        };
        assert!(finish("127.0.0.1:9187", None).is_ok());
        assert!(finish("[::1]:9187", None).is_ok());
        for access in [None, Some(MetricsAccess::Loopback)] {
            let (what, hint) = finish("0.0.0.0:9187", access).unwrap_err();
            assert!(what.contains("no login") && hint.unwrap().contains("anyone"));
        }
        assert!(finish("0.0.0.0:9187", Some(MetricsAccess::Anyone)).is_ok());
        let alone = RawOperations { metrics_access: Some(MetricsAccess::Anyone), ..RawOperations::default() };
        assert!(alone.finish().is_err());
        assert_eq!(RawOperations::default().finish(), Ok(OperationsConfig::default()));
    }
}
