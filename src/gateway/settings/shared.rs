//! A session's settings where others than the session see them: functions, and the backend.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::error::DataFusionError;

use super::super::cancel::Signals;
use super::super::error::SqlError;
use super::super::pgcatalog;
use super::{Settings, is_backends};
use crate::config::Limits;

/// A session's settings as functions and the backend see them.
#[derive(Debug, Clone, Default)]
pub struct SharedSettings {
    settings: Arc<Mutex<Settings>>,
    /// Prepared statements and cursors, as of the last statement that asked for them.
    kept: Arc<Mutex<(Vec<pgcatalog::PreparedStatement>, Vec<pgcatalog::Cursor>)>>,
    /// What the session may do to others.
    signals: Option<Signals>,
}

impl SharedSettings {
    /// Settings that clients cannot raise beyond the server's limits.
    pub(crate) fn within(limits: &Limits, signals: Signals) -> Self {
        Self { settings: Arc::new(Mutex::new(Settings::within(limits))), kept: Arc::default(), signals: Some(signals) }
    }

    /// The settings themselves.
    pub fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the catalog what the session keeps.
    pub(in crate::gateway) fn keep(
        &self,
        prepared: Vec<pgcatalog::PreparedStatement>,
        cursors: Vec<pgcatalog::Cursor>,
    ) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = (prepared, cursors);
    }

    /// `current_setting(name)`.
    pub fn show(&self, name: &str) -> Result<String, SqlError> {
        self.lock().show(name)
    }

    /// `set_config(name, value, local)`; gives the value in its shown form. A `grantd.*` setting reaches the backend when
    /// the statement is over.
    pub fn set_config(&self, name: &str, value: &str, local: bool) -> Result<String, SqlError> {
        let mut settings = self.lock();
        settings.set(name, Some(value), local)?;
        if is_backends(name) {
            settings.deferred.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        settings.show(name)
    }
}

/// The gateway's settings as PostgreSQL's catalog asks for them.
impl pgcatalog::Settings for SharedSettings {
    fn get(&self, name: &str) -> Option<String> {
        self.show(name).ok()
    }

    fn set(&self, name: &str, value: &str, local: bool) -> datafusion::error::Result<()> {
        self.set_config(name, value, local).map(|_| ()).map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn all(&self) -> Vec<(String, String, String)> {
        let all = self.lock().all();
        all.into_iter().map(|(name, value, text)| (name.to_owned(), value, text.to_owned())).collect()
    }

    fn prepared(&self) -> Vec<pgcatalog::PreparedStatement> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    fn cursors(&self) -> Vec<pgcatalog::Cursor> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    fn signal(&self, pid: i32, ends: bool) -> datafusion::error::Result<bool> {
        let Some(signals) = &self.signals else { return Ok(false) };
        signals.send(pid, ends).map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn sessions(&self) -> Vec<pgcatalog::Session> {
        self.signals.as_ref().map(Signals::sessions).unwrap_or_default()
    }
}
