//! Advisory locks. Nobody holds one here, and to say that somebody does would let two clients do at once what they lock against:
//! they are refused.

use datafusion::error::Result;

use super::scalar::{Changes, Definition, Nulls, Value};
use crate::gateway::pgcatalog::catalog::Catalog;
use crate::gateway::pgcatalog::errors::sql_error;

pub(super) const FUNCTIONS: &[Definition] = &[
    refused("pg_advisory_lock", "void"),
    refused("pg_advisory_lock_shared", "void"),
    refused("pg_advisory_xact_lock", "void"),
    refused("pg_advisory_xact_lock_shared", "void"),
    refused("pg_try_advisory_lock", "bool"),
    refused("pg_try_advisory_lock_shared", "bool"),
    refused("pg_try_advisory_xact_lock", "bool"),
    refused("pg_try_advisory_xact_lock_shared", "bool"),
    refused("pg_advisory_unlock", "bool"),
    refused("pg_advisory_unlock_shared", "bool"),
];

/// A function of one key of 64 bits, or two of 32.
const fn refused(name: &'static str, returns: &'static str) -> Definition {
    Definition {
        name,
        arity: (1, 2),
        returns,
        nulls: Nulls::Strict,
        changes: Changes::Volatile,
        answer: |_: &Catalog, _: &[Value]| -> Result<Value> {
            Err(sql_error("0A000", "advisory locks are not supported"))
        },
    }
}
