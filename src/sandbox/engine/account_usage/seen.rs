//! What a view shows of the account: what is there and what is gone, as late as the view is.

use super::inventory::id;
use crate::sandbox::engine::removed::Removed;
use grantd_catalog::account::{Account, Micros, Ownership};
use grantd_catalog::model::{ObjectRef, Principal};
use std::collections::HashMap;
use std::sync::OnceLock;

/// An account, its past, and the time up to which a view has caught up with it.
pub struct Seen<'a> {
    pub(super) account: &'a Account,
    pub(super) removed: &'a Removed,
    horizon: Micros,
    /// The owners that objects had at that time, where they have other ones now.
    former: OnceLock<HashMap<&'a ObjectRef, &'a Principal>>,
    /// The numbers of dropped objects; of those with the same name the last one's.
    dropped: OnceLock<HashMap<&'a ObjectRef, i64>>,
}

impl<'a> Seen<'a> {
    /// The account as a view shows it that has caught up to `horizon`; [`Micros::MAX`] for a view that is never late.
    pub fn new(account: &'a Account, removed: &'a Removed, horizon: Micros) -> Self {
        Self { account, removed, horizon, former: OnceLock::new(), dropped: OnceLock::new() }
    }

    /// Whether the view has caught up with what was made at this time.
    pub(super) fn shows(&self, created: Option<Micros>) -> bool {
        created.is_none_or(|created| created <= self.horizon)
    }

    /// The time that the view tells for what went at this time; `None` while it does not know.
    pub(super) fn deleted(&self, at: Micros) -> Option<Micros> {
        (at <= self.horizon).then_some(at)
    }

    /// The owner of an object that is there.
    pub(super) fn owner(&self, object: &ObjectRef) -> Option<Principal> {
        let former = self.former.get_or_init(|| {
            let mut owners = HashMap::new();
            // The first that went since is the one who was owner then.
            let since = |(row, at): &&(Ownership, Micros)| *at > self.horizon && self.shows(row.created_on);
            for (row, _) in self.removed.ownerships.iter().filter(since) {
                owners.entry(&row.object).or_insert(&row.owner);
            }
            owners
        });
        former.get(object).copied().or_else(|| self.account.owner(object)).cloned()
    }

    /// The number of the last dropped object of this name.
    pub(super) fn dropped_id(&self, object: &ObjectRef) -> Option<i64> {
        let dropped = self.dropped.get_or_init(|| {
            let gone = self.removed.objects.iter();
            gone.map(|(object, info, _)| (object, id(object, info.created_on))).collect()
        });
        dropped.get(object).copied()
    }
}
