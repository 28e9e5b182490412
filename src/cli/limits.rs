//! What the process denies itself.

/// No core dumps: the memory of the process holds everything that grantd knows, and keys.
#[cfg(unix)]
pub(super) fn no_core_dumps() {
    if let Err(error) = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}

#[cfg(not(unix))]
pub(super) fn no_core_dumps() {}
