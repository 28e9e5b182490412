//! The log in a backup.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::super::StoreError;
use super::super::segments::{create_private_dir, sync_dir};
use super::FOLDER;
use super::files::private;

/// Copies the log of a data directory that a daemon may be writing to; gives the bytes. A record that is just being
/// written is left out.
pub(in crate::store) fn copy(from: &Path, to: &Path) -> Result<u64, StoreError> {
    let (from, to) = (from.join(FOLDER), to.join(FOLDER));
    create_private_dir(&to)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(&from).map_err(StoreError::io("read", &from))? {
        names.push(entry.map_err(StoreError::io("read", &from))?.file_name());
    }
    // The newest segment last: what is written meanwhile is in it, or in one that is not copied.
    names.sort();
    let mut copied = 0u64;
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        let mut bytes = fs::read(&source).map_err(StoreError::io("read", &source))?;
        if Path::new(&name).extension().is_some_and(|extension| extension == "jsonl") {
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last.saturating_add(1));
            bytes.truncate(whole);
        }
        let written = private().write(true).create_new(true).open(&target).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.map_err(StoreError::io("write", &target))?;
        copied = copied.saturating_add(bytes.len() as u64);
    }
    sync_dir(&to)?;
    Ok(copied)
}
