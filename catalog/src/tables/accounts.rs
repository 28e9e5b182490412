//! `accounts`: what grantd looks at, how fresh it is.

use super::definition::{ACCOUNT, Definition, columns, int, text, time};
use super::provider::{BatchSource, Relation, ScanRequest, once};
use crate::model::PrincipalKind;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![Arc::new(Accounts)]
}

#[derive(Debug)]
struct Accounts;

impl Relation for Accounts {
    fn definition(&self) -> Definition {
        Definition::new(
            "accounts",
            "The accounts that grantd knows, and how fresh each is",
            columns([
                &[ACCOUNT],
                &[
                    text("platform", "Platform of the account: snowflake"),
                    text("source", "Where its data comes from: sync, import or sandbox"),
                    int("users", "Number of users"),
                    int("roles", "Number of roles of every kind, PUBLIC among them"),
                    int("objects", "Number of objects"),
                    int("grants", "Number of grants, ownerships among them"),
                    int("role_cycles", "Number of circles in the memberships; a real account has none"),
                    time("snapshot_at", "When the state that is shown was seen"),
                    time("last_sync_at", "When the last sync or import ended"),
                    text("last_sync_status", "How it ended: succeeded or failed"),
                    text("last_sync_error", "Why it failed; the state before it stays"),
                    time("baseline_at", "When the accepted state was accepted"),
                    text("baseline_by", "Who accepted it"),
                    text("baseline_note", "Why"),
                    int("drift", "Number of differences from the accepted state"),
                    time("last_success_at", "When a sync or import last succeeded"),
                    time("as_of", "What had happened until then was seen for sure; now() - as_of is how stale it is"),
                    int("failed_syncs", "Syncs that failed since the last that succeeded"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                let roles = s.principals().iter().filter(|p| p.kind.is_role()).count();
                let users = s.principals().iter().filter(|p| p.kind == PrincipalKind::User).count();
                let owned = (0..s.object_count()).filter(|o| s.owner_of(*o).is_some()).count();
                let last = view.last_run.as_ref();
                let baseline = view.baseline.as_ref();
                out.text(Some(&view.name))
                    .text(Some(&view.platform))
                    .text(Some(&view.source))
                    .int(Some(users as i64))
                    .int(Some(roles as i64))
                    .int(Some(i64::from(s.object_count())))
                    .int(Some((s.grants().len() + owned) as i64))
                    .int(Some(s.graph().closure().cycles().len() as i64))
                    .time(Some(s.taken_at()))
                    .time(last.map(|(at, ..)| *at))
                    .text(last.map(|(_, status, _)| status.as_str()))
                    .text(last.and_then(|(.., error)| error.as_deref()))
                    .time(baseline.map(|b| b.accepted_at))
                    .text(baseline.map(|b| b.accepted_by.as_str()))
                    .text(baseline.map(|b| b.note.as_str()))
                    .int(Some(view.drift().len() as i64))
                    .time(view.health.last_success_at)
                    .time(view.health.as_of)
                    .int(Some(view.health.failures))
                    .end();
            }
            Ok(())
        })
    }
}
