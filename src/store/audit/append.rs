//! Writing the log: opening it where it ends, and appending groups of records durably.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;

use super::super::{Micros, Store};
use super::check::{Chain, cut_line, cut_off, found};
use super::error::AuditError;
use super::files::{Lines, Piece, Reversed, Segment, flush, private, segments};
use super::head::Head;
use super::key::Key;
use super::line::{AUDIT_VERSION, Event, Record, hash};
use super::{FOLDER, hex};

/// A segment that is this long is followed by another one.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// The log, open for writing. There is one writer.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    key: Key,
    chain: Chain,
    segment: Segment,
    file: File,
    /// Durable bytes of the segment. What lies beyond is the rest of a group that failed.
    length: u64,
    failed: bool,
    limit: u64,
    recovered: Option<String>,
}

impl Log {
    /// Opens the log of a store, or begins it. Its newest segment is checked, and everything up to the head that the
    /// store knows has to be there.
    ///
    /// # Errors
    /// Somebody changed it, a newer grantd wrote it, or the disk fails.
    pub fn open(store: &Store, limit: u64) -> Result<Log, AuditError> {
        let folder = store.dir().join(FOLDER);
        super::super::segments::create_private_dir(&folder)?;
        flush(store.dir())?;
        let all = segments(&folder)?;
        let (key, head) = match (Key::read(&folder)?, store.sealed_head()?) {
            (None, None) if all.is_empty() => (Key::make(&folder)?, None),
            (None, _) => return Err(found(1, "the key of the log is gone")),
            (Some(key), None) if all.is_empty() => (key, None),
            (Some(_), None) => return Err(found(1, "the store does not know the head of the log any more")),
            (Some(key), Some(sealed)) => {
                let head = Head::unseal(&sealed, &key)
                    .ok_or_else(|| found(1, "the head in the store was not written with this key"))?;
                (key, Some(head))
            }
        };
        let Some(head) = head else {
            // The store knows of the log before the log has a record.
            store.keep_sealed_head(&Head::default().seal(&key))?;
            return Log::at_end(folder, key, Chain::start(Head::default()), None, limit, Head::default());
        };
        if all.is_empty() && head.sequence > 0 {
            return Err(cut_off(0, head, "the store"));
        }
        // From the segment that has the head on; what is older was checked when it was the newest.
        let from = all.iter().rposition(|segment| segment.first <= head.sequence.max(1)).unwrap_or(0);
        let chain = match from.checked_sub(1).and_then(|before| all.get(before)) {
            Some(before) => last_of(before, &key)?,
            None => Chain::start(Head::default()),
        };
        Log::at_end(folder, key, chain, Some(all.get(from..).unwrap_or_default()), limit, head)
    }

    pub(super) fn at_end(
        folder: PathBuf,
        key: Key,
        mut chain: Chain,
        newest: Option<&[Segment]>,
        limit: u64,
        head: Head,
    ) -> Result<Log, AuditError> {
        let newest = newest.unwrap_or_default();
        let mut end = None;
        for (index, segment) in newest.iter().enumerate() {
            let is_last = index + 1 == newest.len();
            let length = read(segment, &mut chain, &key, head, is_last)?;
            end = Some((segment.clone(), length));
        }
        if chain.head().sequence < head.sequence {
            return Err(cut_off(chain.head().sequence, head, "the store"));
        }
        let (segment, length) = match end {
            Some(end) => end,
            None => (Segment::new(&folder, chain.next), 0),
        };
        let file =
            private().append(true).create(true).open(&segment.path).map_err(AuditError::io("open", &segment.path))?;
        flush(&folder)?;
        let mut log = Log { folder, key, chain, segment, file, length, failed: false, limit, recovered: None };
        log.recovered = log.put_aside()?;
        Ok(log)
    }

    /// What a crash left behind the last record goes to a file of its own, named after the record that tells of it.
    fn put_aside(&mut self) -> Result<Option<String>, AuditError> {
        let aside = self.folder.join(format!("torn-{:012}", self.chain.next));
        let now = self.file.metadata().map_err(AuditError::io("read", &self.segment.path))?.len();
        if now > self.length {
            let mut bytes = std::fs::read(&self.segment.path).map_err(AuditError::io("read", &self.segment.path))?;
            let torn = bytes.split_off(usize::try_from(self.length).unwrap_or(usize::MAX).min(bytes.len()));
            let written = private().write(true).create(true).truncate(true).open(&aside).and_then(|mut file| {
                file.write_all(&torn)?;
                file.sync_all()
            });
            written.map_err(AuditError::io("write", &aside))?;
            flush(&self.folder)?;
            self.cut()?;
        }
        // Also when the crash came between putting it aside and saying so.
        match std::fs::read(&aside) {
            Ok(torn) => Ok(Some(format!(
                "a crash left {} bytes of records that were not written whole; they are in {}, SHA-256 {}",
                torn.len(),
                aside.file_name().unwrap_or_default().to_string_lossy(),
                hex(&hash(&torn))
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AuditError::Io { action: "read", path: aside, source }),
        }
    }

    fn cut(&mut self) -> Result<(), AuditError> {
        self.file
            .set_len(self.length)
            .and_then(|()| self.file.sync_data())
            .map_err(AuditError::io("cut", &self.segment.path))
    }

    /// What was put aside when the log was opened; it is to be the next record.
    pub fn recovered(&self) -> Option<&str> {
        self.recovered.as_deref()
    }

    /// The key, for fingerprints and for reading.
    pub fn key(&self) -> Key {
        self.key.clone()
    }

    /// The newest record that is durable.
    pub fn head(&self) -> Head {
        self.chain.head()
    }

    /// The head as the store keeps it.
    ///
    /// # Errors
    /// The store cannot keep it.
    pub fn keep_head(&self, store: &Store) -> Result<(), AuditError> {
        Ok(store.keep_sealed_head(&self.head().seal(&self.key))?)
    }

    /// Appends a group, all of it or nothing. When it returns, the records are on the disk.
    ///
    /// # Errors
    /// The disk failed; the log is as it was, and the same group may be tried again.
    pub fn append(&mut self, events: &[Event], now: Micros) -> Result<(), AuditError> {
        if events.is_empty() {
            return Ok(());
        }
        if self.failed {
            self.cut()?;
            self.failed = false;
        }
        if self.length >= self.limit {
            self.rotate()?;
        }
        let mut chain = self.chain.clone();
        let mut group = Vec::new();
        for event in events {
            let at = now.max(chain.at).max(event.started);
            let record = Record { v: AUDIT_VERSION, seq: chain.next, prev: hex(&chain.prev), at, event: event.clone() };
            let encoded = record.encode(&self.key).map_err(std::io::Error::from);
            let (line, hash) = encoded.map_err(AuditError::io("write", &self.segment.path))?;
            group.extend_from_slice(&line);
            chain = Chain::behind(Head { sequence: chain.next, hash }, at);
        }
        let written = self.file.write_all(&group).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // What got there is not to be read as records; if it cannot be cut now, it is before the next group.
            self.failed = self.cut().is_err();
            return Err(AuditError::Io { action: "write", path: self.segment.path.clone(), source });
        }
        self.length = self.length.saturating_add(group.len() as u64);
        self.chain = chain;
        self.recovered = None;
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), AuditError> {
        let segment = Segment::new(&self.folder, self.chain.next);
        let file = private()
            .append(true)
            .create_new(true)
            .open(&segment.path)
            .map_err(AuditError::io("create", &segment.path))?;
        (self.file, self.segment, self.length) = (file, segment, 0);
        flush(&self.folder)
    }
}

/// The end of a segment that is not the newest.
fn last_of(segment: &Segment, key: &Key) -> Result<Chain, AuditError> {
    let line = Reversed::open(segment)?.next()?.unwrap_or_default();
    let wrong = || found(segment.first, format!("the file {} does not end as it was written", segment.name()));
    let record = Record::decode(&line, key).map_err(|_| wrong())?;
    Ok(Chain::behind(Head { sequence: record.seq, hash: hash(&line) }, record.at))
}

/// Checks a segment, and gives the bytes of it that are records.
fn read(segment: &Segment, chain: &mut Chain, key: &Key, head: Head, is_last: bool) -> Result<u64, AuditError> {
    let mut lines = Lines::open(segment)?;
    let mut number = 0u64;
    loop {
        let whole = lines.offset;
        let Some(piece) = lines.next()? else { return Ok(whole) };
        number += 1;
        // Beyond the head: nobody was told that it is there.
        let beyond = is_last && chain.next > head.sequence;
        let line = match piece {
            Piece::Line(line) => line,
            Piece::Rest(_) if beyond => return Ok(whole),
            Piece::Rest(_) => return Err(cut_line(chain.next).at(segment, number)),
        };
        match chain.take(&line, key) {
            Ok(record) if record.seq == head.sequence && chain.prev != head.hash => {
                return Err(found(record.seq, "it is another one than the store knows"));
            }
            Ok(_) => {}
            Err(_) if beyond && line.contains(&0) => return Ok(whole),
            Err(wrong) => return Err(wrong.at(segment, number)),
        }
    }
}
