//! Drift: the differences between an accepted and the newest state, in words and with what reverts them.

use crate::model::Change;
use crate::snapshot::Snapshot;
use crate::tables::{DriftRow, ObjectColumns};

/// The rows of `drift` for the changes from the accepted to the newest state.
pub fn rows(_account: &str, _before: &Snapshot, after: &Snapshot, changes: Vec<Change>) -> Vec<DriftRow> {
    changes
        .into_iter()
        .map(|change| {
            let about = ObjectColumns::of(&change);
            DriftRow {
                drift_id: String::new(),
                object: about.object,
                grantee: about.grantee,
                previous_state: None,
                current_state: None,
                detected_at: after.taken_at(),
                revert_sql: String::new(),
                change,
            }
        })
        .collect()
}
