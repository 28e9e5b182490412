//! Whether the log is what was written: record by record, from the first to the head.

use std::path::Path;

use super::error::{AuditError, Finding};
use super::files::{Lines, Piece, Segment, segments};
use super::head::{Head, head_in};
use super::key::Key;
use super::line::{Fault, Record, hash};
use super::{FOLDER, Hash};

/// Records between two signs of life.
const PROGRESS_EVERY: u64 = 10_000;
/// The kind of a record that begins a log after a broken one.
pub(super) const RESET: &str = "reset";

/// A log that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The first record that is there.
    pub first: u64,
    /// The newest record.
    pub head: Head,
    /// Segments.
    pub segments: usize,
    /// Bytes of a record that is being written, or that a crash cut.
    pub unfinished: u64,
    /// Why the log was begun anew, if it was.
    pub reset: Option<String>,
}

/// What the next line has to be.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) next: u64,
    pub(super) prev: Hash,
    pub(super) at: i64,
    /// Whether the next record is the first that is there; a reset may stand there.
    begins: bool,
}

impl Chain {
    /// Before the first record of a log that has everything, or begins with a reset.
    pub(super) fn start(behind: Head) -> Chain {
        Chain { next: behind.sequence.saturating_add(1), prev: behind.hash, at: i64::MIN, begins: true }
    }

    /// Behind a record.
    pub(super) fn behind(head: Head, at: i64) -> Chain {
        Chain { next: head.sequence.saturating_add(1), prev: head.hash, at, begins: false }
    }

    pub(super) fn head(&self) -> Head {
        Head { sequence: self.next.saturating_sub(1), hash: self.prev }
    }

    /// The record of a line that fits; otherwise what is wrong with it.
    pub(super) fn take(&mut self, line: &[u8], key: &Key) -> Result<Record, Wrong> {
        let wrong = |sequence, what: String| Wrong::Found(Finding { sequence, what, place: None });
        let record = Record::decode(line, key).map_err(|fault| match fault {
            Fault::Altered => wrong(self.next, "it is not what was written: its keyed hash does not fit".to_owned()),
            Fault::Newer(found) => Wrong::Newer { sequence: self.next, found },
        })?;
        let is_reset = self.begins && record.event.kind == RESET;
        if record.seq > self.next && !is_reset {
            let missing = match record.seq - self.next {
                1 => "it is missing".to_owned(),
                _ => format!("it is missing, and all up to record {}", record.seq - 1),
            };
            return Err(wrong(self.next, missing));
        }
        if record.seq < self.next {
            return Err(wrong(record.seq, format!("it stands where record {} belongs", self.next)));
        }
        if record.prev != super::hex(&self.prev) && !is_reset {
            let what = "it was not written after the record that stands in front of it";
            return Err(wrong(record.seq, what.to_owned()));
        }
        self.next = record.seq.saturating_add(1);
        self.prev = hash(line);
        self.at = record.at;
        self.begins = false;
        Ok(record)
    }
}

/// Why a line does not fit.
#[derive(Debug)]
pub(super) enum Wrong {
    Found(Finding),
    Newer { sequence: u64, found: u32 },
}

impl Wrong {
    pub(super) fn at(self, segment: &Segment, line: u64) -> AuditError {
        match self {
            Wrong::Found(finding) => AuditError::Broken(Finding { place: Some((segment.name(), line)), ..finding }),
            Wrong::Newer { sequence, found } => AuditError::Newer { sequence, found },
        }
    }
}

pub(super) fn found(sequence: u64, what: impl Into<String>) -> AuditError {
    AuditError::Broken(Finding { sequence, what: what.into(), place: None })
}

/// A line without its end, where one has to be whole.
pub(super) fn cut_line(sequence: u64) -> Wrong {
    Wrong::Found(Finding { sequence, what: "its line is cut off".to_owned(), place: None })
}

/// The log does not reach the head, or has another record there.
pub(super) fn cut_off(reached: u64, head: Head, who: &str) -> AuditError {
    let missing = reached.saturating_add(1);
    let what = match head.sequence.saturating_sub(missing) {
        0 => format!("it is missing at the end of the log: {who} knows it"),
        _ => format!("it is missing at the end of the log, and all up to record {}: {who} knows them", head.sequence),
    };
    found(missing, what)
}

/// Checks the log of a data directory, which a daemon may be writing to. `expected` is a head that somebody kept.
///
/// # Errors
/// [`AuditError::Broken`] names the first record that is not as it was written; the others say why nothing can be said.
pub fn verify(data_dir: &Path, expected: Option<Head>, progress: &dyn Fn(u64)) -> Result<Checked, AuditError> {
    // The head first: what is written meanwhile lies beyond it.
    let sealed = head_in(data_dir)?;
    let folder = data_dir.join(FOLDER);
    let key = Key::read(&folder)?;
    let all = segments(&folder)?;
    let (key, head) = match (key, sealed) {
        (None, None) if all.is_empty() => return Err(AuditError::None { dir: data_dir.to_path_buf() }),
        (None, _) => {
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(AuditError::Io { action: "read", path: folder.join("key"), source });
        }
        (Some(_), None) => return Err(found(1, "the store does not know the head of the log any more")),
        (Some(key), Some(sealed)) => {
            let head = Head::unseal(&sealed, &key)
                .ok_or_else(|| found(1, "the head in the store was not written with this key"))?;
            (key, head)
        }
    };
    let mut checked = walk(&all, &key, head, expected, progress)?;
    checked.segments = all.len();
    Ok(checked)
}

fn walk(
    all: &[Segment],
    key: &Key,
    head: Head,
    expected: Option<Head>,
    progress: &dyn Fn(u64),
) -> Result<Checked, AuditError> {
    let mut chain = Chain::start(Head::default());
    let mut checked = Checked { first: 1, head, segments: 0, unfinished: 0, reset: None };
    for (index, segment) in all.iter().enumerate() {
        let is_last = index + 1 == all.len();
        let mut number = 0u64;
        let mut lines = Lines::open(segment)?;
        while let Some(piece) = lines.next()? {
            number += 1;
            let line = match piece {
                Piece::Line(line) => line,
                Piece::Rest(rest) if is_last && chain.next > head.sequence => {
                    checked.unfinished = rest.len() as u64;
                    break;
                }
                Piece::Rest(_) => return Err(cut_line(chain.next).at(segment, number)),
            };
            let begins = chain.begins;
            let record = match chain.take(&line, key) {
                Ok(record) => record,
                Err(_) if is_last && chain.next > head.sequence && line.contains(&0) => {
                    // Pages that a crash left unwritten; the next start puts them aside.
                    checked.unfinished = line.len() as u64;
                    return finish(&chain, checked, head, expected);
                }
                Err(wrong) => return Err(wrong.at(segment, number)),
            };
            if begins {
                checked.first = record.seq;
                checked.reset = (record.event.kind == RESET).then(|| record.event.detail.unwrap_or_default());
            }
            if number == 1 && record.seq != segment.first {
                let what = format!("it begins the file of record {}", segment.first);
                return Err(Wrong::Found(Finding { sequence: record.seq, what, place: None }).at(segment, number));
            }
            for (kept, who) in [(Some(head), "the store"), (expected, "the head that was given")] {
                if kept.is_some_and(|kept| kept.sequence == record.seq && kept.hash != chain.prev) {
                    let what = format!("it is another one than {who} knows");
                    return Err(Wrong::Found(Finding { sequence: record.seq, what, place: None }).at(segment, number));
                }
            }
            if record.seq % PROGRESS_EVERY == 0 {
                progress(record.seq);
            }
        }
    }
    finish(&chain, checked, head, expected)
}

fn finish(chain: &Chain, mut checked: Checked, head: Head, expected: Option<Head>) -> Result<Checked, AuditError> {
    let reached = chain.next.saturating_sub(1);
    for (kept, who) in [(Some(head), "the store"), (expected, "the head that was given")] {
        if let Some(kept) = kept.filter(|kept| kept.sequence > reached) {
            return Err(cut_off(reached, kept, who));
        }
    }
    if let Some(kept) = expected.filter(|kept| kept.sequence > 0 && kept.sequence < checked.first) {
        return Err(found(kept.sequence, format!("it is not there: the log begins with record {}", checked.first)));
    }
    checked.head = chain.head();
    Ok(checked)
}
