//! One record, one line: `{"v":1,"seq":17,"prev":"...",...,"mac":"..."}`.
//!
//! `prev` is the SHA-256 of the line before, without its line break; `mac` is the keyed hash of this line up to `,"mac":`.
//! That frame is the same in every version, `v` is about what stands between.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::super::Micros;
use super::key::Key;
use super::{Hash, hex, unhex};

/// The version of the records that this program writes. Newer ones are refused.
pub const AUDIT_VERSION: u32 = 1;

const BEFORE_MAC: &[u8] = br#","mac":""#;
const AFTER_MAC: &[u8] = br#""}"#;
const TAIL: usize = BEFORE_MAC.len() + 64 + AFTER_MAC.len();

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Event {
    /// When it began.
    pub started: Micros,
    /// What it was.
    pub kind: String,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The client's name for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// The session's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<i32>,
    /// `simple` or `extended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The statement without its literals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The keyed hash of the whole statement, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The length of the whole statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_bytes: Option<u64>,
    /// `grantd.roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// `grantd.changeset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changeset: Option<String>,
    /// Accounts and the snapshots that were seen of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub snapshots: BTreeMap<String, i64>,
    /// Rows sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Bytes sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How long it took.
    pub micros: u64,
    /// `ok` or a SQLSTATE.
    pub outcome: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// An event in its place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The version.
    pub v: u32,
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// The hash of the line before, in hexadecimal digits.
    pub prev: String,
    /// When it was written; never before the record in front of it, nor before its own beginning.
    pub at: Micros,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What is read first: another version may have other fields.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

/// Why a line is no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not what was written.
    Altered,
    /// It has a version that this program does not know.
    Newer(u32),
}

impl Record {
    /// The line, with its line break, and its hash.
    pub(super) fn encode(&self, key: &Key) -> Result<(Vec<u8>, Hash), serde_json::Error> {
        let mut line = serde_json::to_vec(self)?;
        line.pop();
        let mac = key.of_line(&line);
        line.extend_from_slice(BEFORE_MAC);
        line.extend_from_slice(hex(&mac).as_bytes());
        line.extend_from_slice(AFTER_MAC);
        let hash = hash(&line);
        line.push(b'\n');
        Ok((line, hash))
    }

    /// A line without its line break.
    pub(super) fn decode(line: &[u8], key: &Key) -> Result<Record, Fault> {
        use subtle::ConstantTimeEq as _;
        let split = line.len().checked_sub(TAIL).ok_or(Fault::Altered)?;
        let (body, tail) = line.split_at_checked(split).ok_or(Fault::Altered)?;
        let digits = tail.strip_prefix(BEFORE_MAC).and_then(|rest| rest.strip_suffix(AFTER_MAC));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok()).ok_or(Fault::Altered)?;
        let mac = unhex(digits).filter(|mac| hex(mac) == digits).ok_or(Fault::Altered)?;
        if !bool::from(mac.ct_eq(&key.of_line(body))) {
            return Err(Fault::Altered);
        }
        if let Ok(Versioned { v }) = serde_json::from_slice(line)
            && v > AUDIT_VERSION
        {
            return Err(Fault::Newer(v));
        }
        serde_json::from_slice(line).map_err(|_| Fault::Altered)
    }
}

/// The hash of a line without its line break.
pub(super) fn hash(line: &[u8]) -> Hash {
    Sha256::digest(line).into()
}
