//! The query log on the disk: what was asked, by whom, with which outcome, so that nobody can change it unnoticed.
//!
//! The folder `audit` of the data directory holds segments, files of JSON lines named after their first record's number,
//! and a key. Each line has the hash of the line before it and a keyed hash of itself ([`line`]). The head, number and hash
//! of the newest record, is in the database too, so that the end cannot be cut off; it follows the records, so what lies
//! beyond it was written just before a crash. A half line there is what the crash left: it is put aside and the log says
//! so. Everything else that does not fit is a finding ([`check`]).

mod append;
mod backwards;
mod check;
mod copy;
mod error;
mod files;
mod head;
mod key;
mod line;
mod reset;

pub use append::{Log, SEGMENT_BYTES};
pub use backwards::Backwards;
pub use check::{Checked, verify};
pub use error::{AuditError, Finding};
pub use head::{Head, head_in};
pub use key::Key;
pub use line::{AUDIT_VERSION, Event, Record};
pub use reset::reset;

pub(super) use copy::copy;
pub(super) use head::VALUE as HEAD_VALUE;

/// The folder in the data directory.
const FOLDER: &str = "audit";

/// SHA-256 or HMAC-SHA-256.
pub type Hash = [u8; 32];

fn hex(hash: &Hash) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Hash> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| Some((pair.first()? << 4) | pair.get(1)?)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests;
