//! How many connections there may be.

use std::num::NonZeroU32;

/// How many connections there may be at once, all of them at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// That have logged in. The last three are for administrators.
    pub connections: u32,
    /// The same from one address. Administrators and the Unix socket are not counted by it.
    pub connections_per_address: u32,
    /// That have not logged in yet. A newcomer takes the place of the one that has been at it for longest.
    pub starting: u32,
    /// The same from one address.
    pub starting_per_address: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self::of(None, None, None, None)
    }
}

impl ConnectionLimits {
    /// What is written, with the defaults: one address may have what all may have, because it may be that of a pool.
    pub(super) fn of(
        connections: Option<NonZeroU32>,
        connections_per_address: Option<NonZeroU32>,
        starting: Option<NonZeroU32>,
        starting_per_address: Option<NonZeroU32>,
    ) -> Self {
        let or = |written: Option<NonZeroU32>, default: u32| written.map_or(default, NonZeroU32::get);
        let connections = or(connections, 100);
        let starting = or(starting, 1_000);
        Self {
            connections,
            connections_per_address: or(connections_per_address, connections),
            starting,
            starting_per_address: or(starting_per_address, starting.min(200)),
        }
    }
}
