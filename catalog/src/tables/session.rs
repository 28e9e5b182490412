//! What one session looks at: the pinned world and the lens.

use super::world::World;
use crate::graph::Lens;
use std::sync::{Arc, Mutex, PoisonError};

/// The part of a session that relations read. The gateway pins a world per statement or transaction.
#[derive(Debug)]
pub struct SessionState {
    view: Mutex<(Arc<World>, Lens)>,
}

impl SessionState {
    /// A session that looks at `world` through the default lens.
    pub fn new(world: Arc<World>) -> Self {
        Self { view: Mutex::new((world, Lens::default())) }
    }

    /// The pinned world.
    pub fn world(&self) -> Arc<World> {
        Arc::clone(&self.lock().0)
    }

    /// Pins another world.
    pub fn pin(&self, world: Arc<World>) {
        self.lock().0 = world;
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
    fn lock(&self) -> std::sync::MutexGuard<'_, (Arc<World>, Lens)> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
