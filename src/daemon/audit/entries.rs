//! From what the gateway says to what is kept.

use crate::gateway::Entry;
use crate::gateway::recorder::OK;
use crate::store::audit::{Event, Key};
use std::time::{SystemTime, UNIX_EPOCH};

/// Clients choose their names: longer ones are cut.
const MAX_NAME: usize = 255;

pub(super) fn event(entry: Entry, key: Option<&Key>) -> Event {
    let is_statement = entry.route.is_some();
    let [roles, changeset] = entry.world;
    let text = &entry.text;
    let has_text = text.bytes > 0 && key.is_some();
    Event {
        started: micros(entry.started_at),
        kind: entry.kind.to_owned(),
        user: filled(&entry.user),
        address: filled(&entry.address),
        application: filled(&entry.application),
        session: (entry.session != 0).then_some(entry.session),
        route: entry.route.map(|route| route.as_str().to_owned()),
        text: has_text.then(|| text.masked.to_string()),
        fingerprint: has_text.then(|| hex(&text.fingerprint)),
        text_bytes: has_text.then_some(text.bytes as u64),
        roles,
        changeset: changeset.as_deref().and_then(filled),
        snapshots: entry.snapshots.iter().cloned().collect(),
        rows: is_statement.then_some(entry.rows),
        bytes: is_statement.then_some(entry.bytes),
        micros: u64::try_from(entry.took.as_micros()).unwrap_or(u64::MAX),
        outcome: entry.outcome.to_owned(),
        detail: entry.detail.map(|detail| cut(&detail).to_owned()),
    }
}

/// Something that the server itself does.
pub(super) fn own(kind: &str, detail: String) -> Event {
    Event {
        started: super::super::now(),
        kind: kind.to_owned(),
        outcome: OK.to_owned(),
        detail: Some(detail),
        ..Event::default()
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| cut(text).to_owned())
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_NAME)).unwrap_or(text)
}

fn micros(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
