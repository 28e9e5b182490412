//! Reading the log from its newest record back, a block at a time. What does not fit ends it with an error.

use std::path::Path;

use super::check::RESET;
use super::error::{AuditError, Finding};
use super::files::{Reversed, Segment, segments};
use super::head::Head;
use super::key::Key;
use super::line::{Fault, Record, hash};
use super::{FOLDER, unhex};

/// The records of a log up to a head, the newest first.
#[derive(Debug)]
pub struct Backwards {
    key: Key,
    /// Not opened yet, the newest last.
    left: Vec<Segment>,
    open: Option<Opened>,
    /// The next record, and its hash.
    expected: Head,
}

struct Opened(Reversed);

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opened")
    }
}

impl Backwards {
    /// The records of a data directory up to `head`, which is durable.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(data_dir: &Path, key: Key, head: Head) -> Result<Backwards, AuditError> {
        let folder = data_dir.join(FOLDER);
        let mut left = segments(&folder)?;
        left.retain(|segment| segment.first <= head.sequence);
        Ok(Backwards { key, left, open: None, expected: head })
    }

    /// The record before.
    ///
    /// # Errors
    /// It is not what was written, or cannot be read.
    pub fn before(&mut self) -> Result<Option<Record>, AuditError> {
        if self.expected.sequence == 0 {
            return Ok(None);
        }
        loop {
            let Some(opened) = &mut self.open else {
                let Some(segment) = self.left.pop() else { return Err(self.wrong("it is missing")) };
                self.open = Some(Opened(Reversed::open(&segment)?));
                continue;
            };
            let Some(line) = opened.0.next()? else {
                self.open = None;
                continue;
            };
            match Record::decode(&line, &self.key) {
                // Written after the head was asked for.
                Ok(record) if record.seq > self.expected.sequence => {}
                Ok(record) if record.seq == self.expected.sequence && hash(&line) == self.expected.hash => {
                    let prev = unhex(&record.prev).unwrap_or_default();
                    self.expected = if record.event.kind == RESET && self.left.is_empty() {
                        Head::default()
                    } else {
                        Head { sequence: record.seq.saturating_sub(1), hash: prev }
                    };
                    return Ok(Some(record));
                }
                Ok(_) => return Err(self.wrong("another one stands in its place")),
                Err(Fault::Newer(found)) => {
                    return Err(AuditError::Newer { sequence: self.expected.sequence, found });
                }
                Err(Fault::Altered) => return Err(self.wrong("it is not what was written")),
            }
        }
    }

    fn wrong(&self, what: &str) -> AuditError {
        let place = None;
        AuditError::Broken(Finding { sequence: self.expected.sequence, what: what.to_owned(), place })
    }
}
