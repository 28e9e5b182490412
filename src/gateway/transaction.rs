//! The state of a session's transaction. There is nothing to undo in the data; settings, cursors and the pinned
//! snapshot belong to it.

use pgwire::messages::response::TransactionStatus;

use super::error::SqlError;
use super::settings::Settings;

/// Most savepoints of a transaction.
const MAX_SAVEPOINTS: usize = 10_000;

/// Where the transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum State {
    /// Each statement is its own.
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

    /// BEGIN.
    pub(crate) fn begin(&mut self, settings: &Settings) {
        *self = Self { state: State::Active, before: Some(settings.clone()), savepoints: Vec::new() };
    }

    /// An error happened.
    pub(crate) fn fail(&mut self) {
        if self.state == State::Active {
            self.state = State::Failed;
        }
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

    /// RELEASE: forgets the savepoint and those after it.
    pub(crate) fn release(&mut self, name: &str) -> Result<(), SqlError> {
        self.need("RELEASE SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// ROLLBACK TO: the savepoint stays. Gives the settings of then.
    pub(crate) fn rollback_to(&mut self, name: &str) -> Result<Option<Settings>, SqlError> {
        self.need("ROLLBACK TO SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at.saturating_add(1));
        self.state = State::Active;
        Ok(self.savepoints.last().map(|(_, settings)| settings.clone()))
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
