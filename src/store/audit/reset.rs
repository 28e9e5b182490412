//! Beginning a new log after one that is not whole, because nobody is let in without a log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::segments::create_private_dir;
use super::super::{Micros, Store};
use super::FOLDER;
use super::append::{Log, SEGMENT_BYTES};
use super::check::{Chain, RESET};
use super::error::AuditError;
use super::files::flush;
use super::head::Head;
use super::key::Key;
use super::line::Event;

/// Puts the log of a store that no daemon has open aside, and begins a new one, whose first record says why. Numbers go
/// on where the store knows the old log to end. Gives the folder of the old log and the new head.
///
/// # Errors
/// The disk refuses.
pub fn reset(store: &Store, reason: &str, now: Micros) -> Result<(PathBuf, Head), AuditError> {
    let (dir, folder) = (store.dir(), store.dir().join(FOLDER));
    let sealed = store.sealed_head()?;
    if !folder.exists() && sealed.is_none() {
        return Err(AuditError::None { dir: dir.to_path_buf() });
    }
    // Whether or not its seal fits: it only says where the numbers go on.
    let known = sealed.as_deref().and_then(|text| text.rsplit_once(':')?.0.parse::<Head>().ok()).unwrap_or_default();
    let key = Key::read(&folder).ok().flatten();
    let aside = free(dir, now);
    match fs::rename(&folder, &aside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(AuditError::Io { action: "move", path: folder, source }),
    }
    create_private_dir(&folder)?;
    if key.is_some() {
        // The same key: the old log can still be checked with it, and equal texts be found in both.
        let (from, to) = (aside.join("key"), folder.join("key"));
        fs::copy(&from, &to).map_err(AuditError::io("write", &to))?;
        fs::File::open(&to).and_then(|file| file.sync_all()).map_err(AuditError::io("flush", &to))?;
    }
    flush(dir)?;
    let key = match key {
        Some(key) => key,
        None => Key::make(&folder)?,
    };
    let mut log = Log::at_end(folder, key, Chain::start(known), None, SEGMENT_BYTES, Head::default())?;
    let event = Event {
        started: now,
        kind: RESET.to_owned(),
        outcome: "ok".to_owned(),
        detail: Some(format!(
            "{reason}; the log before is in {}, and the store knew its head as {known}",
            aside.file_name().unwrap_or_default().to_string_lossy()
        )),
        ..Event::default()
    };
    log.append(&[event], now)?;
    log.keep_head(store)?;
    Ok((aside, log.head()))
}

/// A name that nothing has.
fn free(dir: &Path, now: Micros) -> PathBuf {
    let mut number = now;
    loop {
        let path = dir.join(format!("{FOLDER}.before-{number}"));
        if !path.exists() {
            return path;
        }
        number = number.saturating_add(1);
    }
}
