//! The words: identifiers, privileges, object types, principals, securables and [`Change`].
//!
//! Everything here is a plain value: exact spelling, no ids, no platform connection.

mod change;
mod ident;
mod object;
mod principal;
mod privilege;
mod property;

pub use change::{Change, OutboundGrants};
pub use ident::{Ident, IdentError, MAX_IDENT_CHARS};
pub use object::{Container, ObjectRef, ObjectType, Signature, qualified};
pub use principal::{Principal, PrincipalKind};
pub use privilege::{Privilege, privileges_of, shipped_privileges};
pub use property::{Properties, Property, ValueKind};
