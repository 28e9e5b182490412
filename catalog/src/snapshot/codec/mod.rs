//! A snapshot as bytes and back: a versioned file.
//!
//! Every version starts with the 8 bytes `GRANTD\0S` and a little-endian `u32`, the version. Readers take their own
//! version and every older one; a newer one is refused.

mod table;
mod v1;
mod v2;

use super::Snapshot;

const MAGIC: &[u8; 8] = b"GRANTD\0S";

/// The version written.
const VERSION: u32 = 2;

/// Why bytes are not a snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes do not start like a snapshot file.
    #[error("this is not a grantd snapshot file")]
    NotASnapshot,
    /// The file was written by a newer grantd.
    #[error("the snapshot file has format version {0}; this grantd reads up to {VERSION}: use a newer grantd")]
    Newer(u32),
    /// Something in the file cannot be read.
    #[error("the snapshot file is damaged: {0}")]
    Damaged(String),
    /// The file ends before its last record or byte.
    #[error("the snapshot file is cut short: {found} of {expected}")]
    CutShort {
        /// Records or bytes that are there.
        found: usize,
        /// Records or bytes that the header promises.
        expected: usize,
    },
    /// The snapshot cannot be written.
    #[error("the snapshot cannot be written: {0}")]
    Write(String),
}

impl Snapshot {
    /// The snapshot as bytes of the newest format version.
    ///
    /// # Errors
    /// Arrow refuses a table, such as one of more names than its offsets can count.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        v2::encode(self, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads bytes of any format version up to the newest.
    ///
    /// # Errors
    /// The bytes are no snapshot, a newer one, or damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CodecError::NotASnapshot)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::NotASnapshot)?;
        match u32::from_le_bytes(*version) {
            1 => v1::decode(rest),
            2 => v2::decode(rest),
            0 => Err(CodecError::NotASnapshot),
            newer => Err(CodecError::Newer(newer)),
        }
    }
}

#[cfg(test)]
mod tests;
