//! Writing several new files: all of them or none, and never over one that exists.

use super::CliError;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file to write.
pub(super) struct File<'a> {
    pub(super) name: &'static str,
    pub(super) text: &'a str,
    /// Readable by its owner alone.
    pub(super) private: bool,
}

/// Writes the files into a folder, which is made; gives their paths. After an error none of them is there.
pub(super) fn write(folder: &Path, files: &[File]) -> Result<Vec<PathBuf>, CliError> {
    let failed = |path: &Path, error: &io::Error| {
        let told = CliError::new(format_args!("cannot write: {error}")).at(path.display());
        if error.kind() == io::ErrorKind::AlreadyExists {
            told.hint("nothing was changed; choose another folder with --out, or move the file away")
        } else {
            told.hint("nothing was left behind; choose another folder with --out")
        }
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut written = Vec::new();
    for file in files {
        let path = folder.join(file.name);
        if let Err(error) = create(&path, file, &mut written) {
            for path in &written {
                // What cannot be removed was made by this very call, and the error is told either way.
                let _ = fs::remove_file(path);
            }
            return Err(failed(&path, &error));
        }
    }
    Ok(written)
}

fn create(path: &Path, file: &File, written: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if file.private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut handle = options.open(path)?;
    written.push(path.to_path_buf());
    handle.write_all(file.text.as_bytes())?;
    handle.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_stays_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "mine").unwrap();
        let files = ["a", "b"].map(|name| File { name, text: "new", private: false });
        let error = write(folder.path(), &files).unwrap_err().to_string();
        assert!(error.contains("nothing was changed"), "{error}");
        assert_eq!(fs::read_to_string(folder.path().join("b")).unwrap(), "mine");
        assert!(!folder.path().join("a").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_is_readable_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("made/here");
        let paths = write(&inner, &[File { name: "key", text: "k", private: true }]).unwrap();
        assert_eq!(fs::metadata(&paths[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
