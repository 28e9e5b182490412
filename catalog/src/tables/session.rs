//! What one session looks at: the pinned world and the lens.

use super::query_log::QueryLogView;
use super::world::World;
use crate::graph::Lens;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The part of a session that relations read. The gateway pins a world per statement or transaction, and releases it when
/// the session rests: a session that does nothing keeps no old snapshot.
pub struct SessionState {
    newest: Box<dyn Fn() -> Arc<World> + Send + Sync>,
    view: Mutex<(Option<Arc<World>>, Lens)>,
    query_log: Option<QueryLogView>,
}

impl fmt::Debug for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionState").field("view", &self.lock()).finish_non_exhaustive()
    }
}

impl SessionState {
    /// A session that looks at `world` through the default lens.
    pub fn new(world: Arc<World>) -> Self {
        Self::following(move || Arc::clone(&world))
    }

    /// The same, with the query log.
    #[must_use]
    pub fn with_query_log(mut self, view: QueryLogView) -> Self {
        self.query_log = Some(view);
        self
    }

    /// The query log, if there is one.
    pub(super) fn query_log(&self) -> Option<QueryLogView> {
        self.query_log.clone()
    }

    /// A session that looks at the newest world, unless another is pinned.
    pub fn following(newest: impl Fn() -> Arc<World> + Send + Sync + 'static) -> Self {
        Self { newest: Box::new(newest), view: Mutex::default(), query_log: None }
    }

    /// The pinned world, else the newest.
    pub fn world(&self) -> Arc<World> {
        let pinned = self.lock().0.clone();
        pinned.unwrap_or_else(|| (self.newest)())
    }

    /// Pins a world.
    pub fn pin(&self, world: Arc<World>) {
        self.lock().0 = Some(world);
    }

    /// Lets the pinned world go.
    pub fn release(&self) {
        self.lock().0 = None;
    }

    /// Which roles count.
    pub fn lens(&self) -> Lens {
        self.lock().1
    }

    /// Sets which roles count.
    pub fn set_lens(&self, lens: Lens) {
        self.lock().1 = lens;
    }

    /// The pair is replaced whole, so a holder that panicked left nothing half done.
    fn lock(&self) -> std::sync::MutexGuard<'_, (Option<Arc<World>>, Lens)> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_rests_keeps_no_world() {
        let now = Arc::new(Mutex::new(Arc::new(World::default())));
        let newest = Arc::clone(&now);
        let session = SessionState::following(move || Arc::clone(&newest.lock().unwrap()));
        let first = session.world();
        session.pin(Arc::clone(&first));
        *now.lock().unwrap() = Arc::new(World::default());
        assert!(Arc::ptr_eq(&session.world(), &first), "pinned");
        let old = Arc::downgrade(&first);
        drop(first);
        session.release();
        assert!(old.upgrade().is_none());
        assert!(Arc::ptr_eq(&session.world(), &now.lock().unwrap()));
    }
}
