//! Everything that statements change, and how a statement changes it: all of it, or nothing.

use super::Removed;
use super::plan::Step;
use super::removed::Mark;
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::{Account, Micros};
use grantd_catalog::model::{Change, ObjectRef, Principal};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The account parameter without which there are neither inherited grants nor MANAGE GRANTS on containers.
pub(super) const INHERITED_GRANTS: &str = "FEATURE_RBAC_INHERITED_GRANTS";

/// Public keys (SPKI DER) of a user, by slot: `RSA_PUBLIC_KEY`, `RSA_PUBLIC_KEY_2`.
pub(super) type Keys = [Option<Vec<u8>>; 2];

/// Everything that statements change.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Readers share it while they read; a statement that changes it meanwhile changes a copy.
    pub(super) account: Arc<Account>,
    pub(super) removed: Arc<Removed>,
    pub(super) keys: HashMap<Principal, Keys>,
    /// Stages that have a URL.
    pub(super) external: HashSet<ObjectRef>,
    /// Whether the account has opted in to inherited grants.
    pub(super) inherited_grants: bool,
    /// Grows when memberships change, so that a session can tell that its active roles are old.
    pub(super) memberships: u64,
    /// How late `ACCOUNT_USAGE` shows a change, by view in capitals.
    pub(super) lags: HashMap<String, Micros>,
    /// What had left the account before the statement that runs.
    open: Option<Mark>,
    /// The last time given out; times only go forward, so that the order of changes can be told.
    last: Micros,
}

impl State {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account: Arc::new(account),
            removed: Arc::default(),
            keys: HashMap::new(),
            external: HashSet::new(),
            inherited_grants: false,
            memberships: 0,
            lags: HashMap::new(),
            open: None,
            last: 0,
        }
    }

    pub(super) fn tick(&mut self) -> Micros {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Micros::try_from(since.as_micros()).unwrap_or(Micros::MAX);
        self.last = wall.max(self.last.saturating_add(1));
        self.last
    }

    /// Carries out the steps of one statement. When one fails, nothing has changed.
    pub(super) fn carry_out(&mut self, steps: &[Step]) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        let now = self.tick();
        let account = Arc::make_mut(&mut self.account);
        let removed = Arc::make_mut(&mut self.removed);
        self.open = Some(removed.mark());
        let done = account.attempt(|account| {
            for step in steps {
                match step {
                    Step::Change(change) => {
                        removed.remember(account, change, now);
                        account.apply(change, Some(now)).map_err(Failure::internal)?;
                    }
                    Step::Rename { from, to } => account.rename_object(from, to).map_err(Failure::internal)?,
                    Step::Key { .. } | Step::External(_) | Step::InheritedGrants(_) => {}
                }
            }
            Ok(())
        });
        if done.is_err() {
            self.abandon();
            return done;
        }
        self.open = None;
        // What cannot fail comes last.
        for step in steps {
            self.note(step);
        }
        Ok(())
    }

    /// Takes back what a statement that failed or panicked had changed; nothing when none is open.
    pub(super) fn abandon(&mut self) {
        if let Some(mark) = self.open.take() {
            Arc::make_mut(&mut self.removed).forget_after(&mark);
            Arc::make_mut(&mut self.account).abandon();
        }
    }

    fn note(&mut self, step: &Step) {
        match step {
            Step::Change(Change::GrantRole { .. } | Change::RevokeRole { .. } | Change::DropPrincipal { .. }) => {
                self.memberships += 1;
            }
            // A database goes with its roles.
            Step::Change(Change::DropObject { object }) => {
                self.memberships += 1;
                if !self.external.is_empty() {
                    let account = &self.account;
                    self.external.retain(|stage| stage != object && account.object(stage).is_some());
                }
            }
            Step::Rename { from, to } => {
                if self.external.remove(from) {
                    self.external.insert(to.clone());
                }
            }
            Step::Key { user, slot, key } => {
                let keys = self.keys.entry(user.clone()).or_default();
                if let Some(place) = keys.get_mut(*slot) {
                    place.clone_from(key);
                }
                if keys.iter().all(Option::is_none) {
                    self.keys.remove(user);
                }
            }
            Step::External(stage) => {
                self.external.insert(stage.clone());
            }
            Step::InheritedGrants(on) => self.inherited_grants = *on,
            Step::Change(_) => {}
        }
        if let Step::Change(Change::DropPrincipal { principal }) = step {
            self.keys.remove(principal);
        }
    }
}
