//! The key of the keyed hashes: made at the first start, readable by its owner only.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use hmac::{Hmac, Mac as _};
use rand::Rng as _;
use sha2::Sha256;

use super::error::AuditError;
use super::{Hash, hex, unhex};

const FILE: &str = "key";

/// What records and texts are hashed with. Each purpose has a key of its own, so that no hash of one is one of another.
#[derive(Clone)]
pub struct Key {
    line: Hash,
    text: Hash,
    head: Hash,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key in the folder, if there is one.
    pub(super) fn read(folder: &Path) -> Result<Option<Key>, AuditError> {
        let path = folder.join(FILE);
        let mut text = String::new();
        let read = std::fs::File::open(&path).and_then(|file| file.take(1_024).read_to_string(&mut text));
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AuditError::Io { action: "read", path, source }),
        }
        let master = unhex(text.trim_end());
        master.map(|master| Some(Key::of(&master))).ok_or_else(|| AuditError::Io {
            action: "read",
            path,
            source: io::Error::new(io::ErrorKind::InvalidData, "it is not a key"),
        })
    }

    /// A new key in the folder.
    pub(super) fn make(folder: &Path) -> Result<Key, AuditError> {
        let path = folder.join(FILE);
        let master: Hash = rand::rng().random();
        let made = super::files::private().write(true).create_new(true).open(&path).and_then(|mut file| {
            file.write_all(format!("{}\n", hex(&master)).as_bytes())?;
            file.sync_all()
        });
        if let Err(source) = made {
            // A key that is not whole would be in the way of the next try.
            let _ = std::fs::remove_file(&path);
            return Err(AuditError::Io { action: "write", path, source });
        }
        super::files::flush(folder)?;
        Ok(Key::of(&master))
    }

    pub(super) fn of(master: &Hash) -> Key {
        let derive = |purpose: &[u8]| mac(master, purpose);
        Key {
            line: derive(b"grantd query log: line"),
            text: derive(b"grantd query log: text"),
            head: derive(b"grantd query log: head"),
        }
    }

    /// The keyed fingerprint of a statement's text.
    pub fn fingerprint(&self, text: &str) -> Hash {
        mac(&self.text, text.as_bytes())
    }

    pub(super) fn of_line(&self, line: &[u8]) -> Hash {
        mac(&self.line, line)
    }

    pub(super) fn of_head(&self, head: &str) -> Hash {
        mac(&self.head, head.as_bytes())
    }
}

fn mac(key: &Hash, bytes: &[u8]) -> Hash {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Hash::default() };
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}
