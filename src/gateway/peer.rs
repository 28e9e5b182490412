//! Where a client is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// At an address; behind a proxy that says so, the address that the proxy speaks for.
    Tcp(SocketAddr),
    /// On this machine, through the Unix socket, as this user of the system.
    Local {
        /// The user's number.
        uid: u32,
    },
}

/// Whom limits and brakes hold for one person: an IPv4 address, the first 64 bits of an IPv6 address, the Unix socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place(Option<IpAddr>);

impl Place {
    /// Of the Unix socket.
    pub(crate) const LOCAL: Self = Self(None);
}

impl From<IpAddr> for Place {
    fn from(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

impl Peer {
    /// The place it counts for.
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Tcp(address) => address.ip().into(),
            Self::Local { .. } => Place::LOCAL,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            // As PostgreSQL's log has it.
            Self::Local { .. } => f.write_str("[local]"),
        }
    }
}
