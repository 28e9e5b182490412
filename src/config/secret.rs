//! [`Secret`]: a value that does not show itself, and the files that hold one.

use std::fmt;
use std::path::Path;

use super::ConfigError;

/// Keys and passphrases are small; a larger file is a mistake.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A value that must not reach a log or an error: `Debug` hides it and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Reads a file that holds a secret.
///
/// Refuses one that others could replace (group or other may write it), and anything but a regular file of UTF-8 text.
/// One that others can read is read, with a warning.
pub fn read_secret(file: &Path) -> Result<Secret<String>, ConfigError> {
    let unreadable = |source| ConfigError::Read { file: file.to_path_buf(), source };
    let refuse = |why: String| ConfigError::SecretFile { file: file.to_path_buf(), why };
    // Before it is opened: opening a pipe waits for its writer.
    let metadata = std::fs::metadata(file).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(refuse("it is not a regular file".to_owned()));
    }
    if metadata.len() > MAX_SECRET_BYTES {
        return Err(refuse(format!("it has {} bytes; a secret has at most {MAX_SECRET_BYTES}", metadata.len())));
    }
    check_mode(file, &metadata)?;
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| refuse("it is not UTF-8 text".to_owned()))?;
    if text.trim().is_empty() {
        return Err(refuse("it is empty".to_owned()));
    }
    Ok(Secret::new(text))
}

#[cfg(unix)]
fn check_mode(file: &Path, metadata: &std::fs::Metadata) -> Result<(), ConfigError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        return Err(ConfigError::SecretFile {
            file: file.to_path_buf(),
            why: format!("others may write to it (mode {mode:03o})"),
        });
    }
    if mode & 0o044 != 0 {
        tracing::warn!(file = %file.display(), mode = format!("{mode:03o}"), "others can read this secret: chmod 600");
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &std::fs::Metadata) -> Result<(), ConfigError> {
    Ok(())
}
