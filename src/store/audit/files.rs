//! The files of the log: segments by number, lines of a segment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::AuditError;

const SUFFIX: &str = ".jsonl";
/// A line is shorter: texts are cut before they get here.
pub(super) const MAX_LINE: u64 = 1 << 20;

/// A segment: the number of its first record, and its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl Segment {
    pub(super) fn new(folder: &Path, first: u64) -> Segment {
        Segment { first, path: folder.join(format!("{first:012}{SUFFIX}")) }
    }

    /// The file's name, for messages.
    pub(super) fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The segments of a folder, the oldest first; none where there is no folder.
pub(super) fn segments(folder: &Path) -> Result<Vec<Segment>, AuditError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(AuditError::Io { action: "read", path: folder.to_path_buf(), source }),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(AuditError::io("read", folder))?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(SUFFIX)?.parse().ok());
        found.extend(number.map(|first| Segment { first, path }));
    }
    found.sort_by_key(|segment: &Segment| segment.first);
    Ok(found)
}

/// Makes the entries of a folder durable.
pub(super) fn flush(folder: &Path) -> Result<(), AuditError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(AuditError::io("flush", folder))
}

/// How files of the log are made: for their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A piece of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole line, without its line break.
    Line(Vec<u8>),
    /// What follows the last line break.
    Rest(Vec<u8>),
}

/// Reads a segment from its start.
pub(super) struct Lines<'a> {
    reader: BufReader<File>,
    segment: &'a Segment,
    /// Where the next line begins.
    pub(super) offset: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn open(segment: &'a Segment) -> Result<Lines<'a>, AuditError> {
        let file = File::open(&segment.path).map_err(AuditError::io("open", &segment.path))?;
        Ok(Lines { reader: BufReader::with_capacity(1 << 16, file), segment, offset: 0 })
    }

    /// The next line or the rest; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, AuditError> {
        let mut line = Vec::new();
        let read = self.reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(AuditError::io("read", &self.segment.path))?;
        Ok(match line.pop() {
            None => None,
            Some(b'\n') => {
                self.offset = self.offset.saturating_add(read as u64);
                Some(Piece::Line(line))
            }
            Some(last) => {
                line.push(last);
                Some(Piece::Rest(line))
            }
        })
    }
}

/// The whole lines before `end`, the last one first.
pub(super) struct Reversed {
    file: File,
    path: PathBuf,
    /// What is not read yet ends here.
    end: u64,
    /// The beginning of it is not known to be a line's.
    ready: Vec<u8>,
    /// Whether what follows the last line break was left out.
    trimmed: bool,
}

/// Read at once.
const BLOCK: u64 = 1 << 16;

impl Reversed {
    pub(super) fn open(segment: &Segment) -> Result<Reversed, AuditError> {
        let path = segment.path.clone();
        let file = File::open(&path).map_err(AuditError::io("open", &path))?;
        let end = file.metadata().map_err(AuditError::io("read", &path))?.len();
        Ok(Reversed { file, path, end, ready: Vec::new(), trimmed: false })
    }

    /// The line before, without its line break.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, AuditError> {
        loop {
            let last = self.ready.iter().rposition(|byte| *byte == b'\n');
            if !self.trimmed {
                if let Some(last) = last {
                    self.ready.truncate(last);
                    self.trimmed = true;
                    continue;
                }
            } else if let Some(last) = last {
                let line = self.ready.split_off(last.saturating_add(1));
                self.ready.truncate(last);
                return Ok(Some(line));
            }
            if self.end == 0 {
                let line = std::mem::take(&mut self.ready);
                return Ok((self.trimmed && !line.is_empty()).then_some(line));
            }
            self.block()?;
        }
    }

    fn block(&mut self) -> Result<(), AuditError> {
        let start = self.end.saturating_sub(BLOCK);
        let mut block = Vec::new();
        self.file
            .seek(SeekFrom::Start(start))
            .and_then(|_| self.file.by_ref().take(self.end - start).read_to_end(&mut block))
            .map_err(AuditError::io("read", &self.path))?;
        if block.len() as u64 != self.end - start || self.ready.len() as u64 > MAX_LINE {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it became shorter, or has a line without end");
            return Err(AuditError::Io { action: "read", path: self.path.clone(), source });
        }
        block.append(&mut self.ready);
        self.ready = block;
        self.end = start;
        Ok(())
    }
}
