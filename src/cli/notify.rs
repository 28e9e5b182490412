//! What systemd is told, where it asked to be (`Type=notify`).

use sd_notify::NotifyState;

/// The port is open and questions are answered.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// The end has begun.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Without NOTIFY_SOCKET nobody asked, and this does nothing.
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
