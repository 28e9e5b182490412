//! The state of a session's transaction. There is nothing to undo in the data; settings, cursors and the pinned
//! snapshot belong to it. Outside of BEGIN and COMMIT each message of the simple protocol, and in the extended protocol
//! everything up to Sync, is an implicit transaction.

use std::sync::atomic::{AtomicBool, Ordering};

use pgwire::messages::response::TransactionStatus;

use super::error::SqlError;
use super::settings::Settings;

/// Most savepoints of a transaction.
const MAX_SAVEPOINTS: usize = 10_000;

/// Where the transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// No BEGIN was given.
    #[default]
    Idle,
    /// Between BEGIN and COMMIT.
    Active,
    /// After an error, until its end.
    Failed,
}

/// A session's transaction.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// Where it is.
    pub state: State,
    before: Option<Settings>,
    savepoints: Vec<(String, Settings)>,
    /// Several statements of one message: they may do what needs a transaction.
    several: bool,
    /// Something was executed since the last Sync.
    pipelined: bool,
    /// A query was planned: the snapshot is chosen.
    queried: AtomicBool,
}

impl Transaction {
    /// The byte of `ReadyForQuery`.
    pub(crate) fn status(&self) -> TransactionStatus {
        match self.state {
            State::Idle => TransactionStatus::Idle,
            State::Active => TransactionStatus::Transaction,
            State::Failed => TransactionStatus::Error,
        }
    }

    /// Whether BEGIN was given.
    pub(crate) fn is_open(&self) -> bool {
        self.state != State::Idle
    }

    /// Begins an implicit transaction, where there is none. `several` statements of one message make a block.
    pub(crate) fn enter(&mut self, settings: &Settings, several: bool) {
        self.several = several;
        if self.before.is_none() {
            self.before = Some(settings.clone());
        }
    }

    /// Whether what needs a transaction block may run: DECLARE, SET LOCAL.
    pub(crate) fn in_block(&self) -> bool {
        self.is_open() || self.several
    }

    /// A portal was executed.
    pub(crate) fn executed(&mut self) {
        self.pipelined = true;
    }

    /// Whether what needs a transaction of its own may not run: DISCARD ALL.
    pub(crate) fn is_shared(&self) -> bool {
        self.in_block() || self.pipelined
    }

    /// A query is planned.
    pub(crate) fn queries(&self) {
        self.queried.store(true, Ordering::Relaxed);
    }

    /// Whether a query was planned.
    pub(crate) fn has_queried(&self) -> bool {
        self.queried.load(Ordering::Relaxed)
    }

    /// How many savepoints there are: what is made now belongs to the last one.
    pub(crate) fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// BEGIN. What was done in the implicit transaction so far becomes part of it.
    pub(crate) fn begin(&mut self, settings: &Settings) {
        self.enter(settings, false);
        self.state = State::Active;
    }

    /// An error happened. Gives the settings to go back to: those of the last savepoint, or of the beginning.
    pub(crate) fn fail(&mut self) -> Option<Settings> {
        if self.state == State::Idle {
            return self.before.take();
        }
        let already = std::mem::replace(&mut self.state, State::Failed) == State::Failed;
        let settings = self.savepoints.last().map(|(_, settings)| settings).or(self.before.as_ref());
        settings.filter(|_| !already).cloned()
    }

    /// The end. Gives whether it was good, and the settings to go back to if it is undone.
    pub(crate) fn end(&mut self) -> (bool, Option<Settings>) {
        let ended = std::mem::take(self);
        (ended.state != State::Failed, ended.before)
    }

    /// SAVEPOINT.
    pub(crate) fn savepoint(&mut self, name: &str, settings: &Settings) -> Result<(), SqlError> {
        self.need("SAVEPOINT")?;
        if self.savepoints.len() >= MAX_SAVEPOINTS {
            return Err(SqlError::new("53000", "too many savepoints in one transaction"));
        }
        self.savepoints.push((name.to_owned(), settings.clone()));
        Ok(())
    }

    /// RELEASE: forgets the savepoint and those after it. Gives the depth that is left.
    pub(crate) fn release(&mut self, name: &str) -> Result<usize, SqlError> {
        self.need("RELEASE SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(at)
    }

    /// ROLLBACK TO: the savepoint stays. Gives the depth and the settings of then.
    pub(crate) fn rollback_to(&mut self, name: &str) -> Result<(usize, Option<Settings>), SqlError> {
        self.need("ROLLBACK TO SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at.saturating_add(1));
        self.state = State::Active;
        Ok((at, self.savepoints.last().map(|(_, settings)| settings.clone())))
    }

    fn need(&self, what: &str) -> Result<(), SqlError> {
        if self.is_open() {
            return Ok(());
        }
        Err(SqlError::new("25P01", format!("{what} can only be used in transaction blocks")))
    }

    fn find(&self, name: &str) -> Result<usize, SqlError> {
        let at = self.savepoints.iter().rposition(|(savepoint, _)| savepoint == name);
        at.ok_or_else(|| SqlError::new("3B001", format!("savepoint \"{name}\" does not exist")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rolling_back_to_a_savepoint_heals_a_failed_transaction() {
        let settings = Settings::default();
        let mut transaction = Transaction::default();
        assert_eq!(transaction.savepoint("a", &settings).unwrap_err().sqlstate, "25P01");
        transaction.begin(&settings);
        transaction.savepoint("a", &settings).unwrap();
        transaction.fail();
        assert_eq!(transaction.rollback_to("b").unwrap_err().sqlstate, "3B001");
        transaction.rollback_to("a").unwrap();
        assert_eq!(transaction.state, State::Active);
        transaction.release("a").unwrap();
        assert_eq!(transaction.rollback_to("a").unwrap_err().sqlstate, "3B001");
    }
}
