//! The Unix socket: made with its mode before anybody sees it, in the place of one that nobody answers on, and taken
//! away at the end.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// A socket that is listened on. Its file goes with this value.
#[derive(Debug)]
pub(super) struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file, so that a later daemon's is not taken away.
    file: (u64, u64),
}

/// Where libpq looks for the socket of a port.
pub(super) fn path_of(folder: &Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

impl UnixSocket {
    /// Listens at the path.
    pub(super) fn bind(path: &Path, mode: u32) -> io::Result<Self> {
        if is_answered(path)? {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "somebody answers on it"));
        }
        let folder = path.parent().ok_or(io::ErrorKind::NotFound)?;
        // In a folder of our own until it has its mode: nobody can open it before.
        let hidden = folder.join(format!(".grantd-{}-{:08x}", std::process::id(), rand::random::<u32>()));
        DirBuilder::new().mode(0o700).create(&hidden)?;
        let made = (|| {
            let inside = hidden.join("s");
            let listener = UnixListener::bind(&inside)?;
            listener.set_nonblocking(true)?;
            fs::set_permissions(&inside, Permissions::from_mode(mode))?;
            let found = fs::symlink_metadata(&inside)?;
            fs::rename(&inside, path)?;
            Ok(Self { listener, path: path.to_owned(), file: (found.dev(), found.ino()) })
        })();
        if made.is_err() {
            // Of the folder only what was made above is left; there is no more to do than to try.
            let _ = fs::remove_file(hidden.join("s"));
        }
        fs::remove_dir(&hidden)?;
        made
    }
}

impl UnixSocket {
    /// For the runtime that accepts.
    pub(super) fn listener(&self) -> io::Result<tokio::net::UnixListener> {
        tokio::net::UnixListener::from_std(self.listener.try_clone()?)
    }
}

/// Whether there is a server at the path. What is there and is no socket stays.
fn is_answered(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt as _;
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there, and is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(target: "grantd::gateway", path = %self.path.display(), %error, "the Unix socket was not taken away");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_dead_is_replaced_and_one_that_lives_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_of(folder.path(), 5433);
        assert!(path.ends_with(".s.PGSQL.5433"));
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let socket = UnixSocket::bind(&path, 0o700).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(UnixSocket::bind(&path, 0o700).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        drop(socket);
        assert!(!path.exists());
        fs::write(&path, "text").unwrap();
        assert_eq!(UnixSocket::bind(&path, 0o700).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }

    #[test]
    fn a_later_daemons_socket_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_of(folder.path(), 1);
        let first = UnixSocket::bind(&path, 0o770).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = UnixSocket::bind(&path, 0o770).unwrap();
        drop(first);
        assert!(path.exists());
    }
}
