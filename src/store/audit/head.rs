//! The head: number and hash of the newest record, which the database keeps too.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::super::{Store, StoreError};
use super::key::Key;
use super::{Hash, hex, unhex};

/// The name of the head among the database's values.
pub(in crate::store) const VALUE: &str = "audit.head";

/// A record by its number and hash; written `SEQ:HASH`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Head {
    /// The record's number; 0 is before the first.
    pub sequence: u64,
    /// Its hash.
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hex(&self.hash))
    }
}

impl FromStr for Head {
    type Err = String;

    fn from_str(text: &str) -> Result<Head, String> {
        let head = text
            .split_once(':')
            .and_then(|(sequence, hash)| Some(Head { sequence: sequence.parse().ok()?, hash: unhex(hash)? }));
        head.ok_or_else(|| {
            "write it as grantd audit head prints it: a number, a colon and 64 hexadecimal digits".to_owned()
        })
    }
}

impl Head {
    /// With a keyed hash, so that nobody without the key makes one.
    pub(super) fn seal(&self, key: &Key) -> String {
        let text = self.to_string();
        let seal = hex(&key.of_head(&text));
        format!("{text}:{seal}")
    }

    /// The head of a text that [`Head::seal`] made with this key.
    pub(super) fn unseal(text: &str, key: &Key) -> Option<Head> {
        let (head, seal) = text.rsplit_once(':')?;
        if hex(&key.of_head(head)) == seal { head.parse().ok() } else { None }
    }
}

impl Store {
    /// The sealed head, if there is a log.
    pub(super) fn sealed_head(&self) -> Result<Option<String>, StoreError> {
        Ok(self.value(VALUE)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub(super) fn keep_sealed_head(&self, sealed: &str) -> Result<(), StoreError> {
        self.set_value(VALUE, sealed.as_bytes())
    }
}

/// The sealed head in a data directory that a daemon may have open; `None` where no log was begun.
///
/// # Errors
/// It is no data directory, or cannot be read.
pub fn head_in(data_dir: &Path) -> Result<Option<String>, StoreError> {
    let value = super::super::backup::value_in(data_dir, VALUE)?;
    Ok(value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
