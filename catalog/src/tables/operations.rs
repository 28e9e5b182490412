//! What grantd did and what was proposed: `sync_runs`, `sync_steps`, `coverage`, `drift`, `changesets`, `changes`.

use super::definition::{ACCOUNT, Definition, OBJECT, columns, int, text, time};
use super::provider::{BatchSource, Relation, ScanRequest, once};
use super::world::ObjectColumns;
use super::writer::Writer;
use crate::model::Principal;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![
        Arc::new(SyncRuns),
        Arc::new(SyncSteps),
        Arc::new(Coverage),
        Arc::new(Drift),
        Arc::new(Changesets),
        Arc::new(Changes),
    ]
}

#[derive(Debug)]
struct SyncRuns;
#[derive(Debug)]
struct SyncSteps;
#[derive(Debug)]
struct Coverage;
#[derive(Debug)]
struct Drift;
#[derive(Debug)]
struct Changesets;
#[derive(Debug)]
struct Changes;

/// The columns that name an object, and who is concerned.
fn write_object(out: &mut Writer, object: &[Option<String>; 5], grantee: Option<&str>) {
    for part in object {
        out.text(part.as_deref());
    }
    out.text(grantee);
}

impl Relation for SyncRuns {
    fn definition(&self) -> Definition {
        Definition::new(
            "sync_runs",
            "Every sync and import: when, how it ended, what it made",
            columns([
                &[ACCOUNT],
                &[
                    text("run_id", "Name of the run"),
                    text(
                        "kind",
                        "full, incremental, check (nothing new), repair (a check that found something) or import",
                    ),
                    text("source", "Where its rows came from: sync, import or sandbox"),
                    time("started_at", "When it began"),
                    time("finished_at", "When it ended"),
                    text("status", "succeeded or failed"),
                    text("error", "Why it failed; a failed run changes nothing"),
                    int("statements", "Statements sent or files read"),
                    int("rows", "Rows read"),
                    int("snapshot_id", "Snapshot it made; for a check, the one that it found as it is"),
                    time("as_of", "What had happened until then was seen for sure: views are up to three hours old"),
                    int("dangling", "Rows that name something no inventory lists (yet); they are kept, see coverage"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for run in &request.world.sync_runs {
                out.text(Some(&run.account))
                    .text(Some(&run.run_id))
                    .text(Some(&run.kind))
                    .text(run.source.as_deref())
                    .time(Some(run.started_at))
                    .time(run.finished_at)
                    .text(Some(&run.status))
                    .text(run.error.as_deref())
                    .int(Some(run.statements))
                    .int(Some(run.rows))
                    .int(run.snapshot_id)
                    .time(run.as_of)
                    .int(Some(run.dangling))
                    .end();
            }
            Ok(())
        })
    }
}

impl Relation for SyncSteps {
    fn definition(&self) -> Definition {
        Definition::new(
            "sync_steps",
            "The statements or files of every run",
            columns([
                &[ACCOUNT],
                &[
                    text("run_id", "Name of the run"),
                    int("step", "Position in the run, from 1"),
                    text("source", "What was read: GRANTS_TO_ROLES, SHOW WAREHOUSES, ..."),
                    text("query_id", "The platform's id of the statement; NULL for files"),
                    int("rows", "Rows read"),
                    time("started_at", "When it began"),
                    int("millis", "Milliseconds it took"),
                    text(
                        "part",
                        "Group of the plan: A (SHOW), B (views), C (future grants), D (a second look); NULL for files",
                    ),
                    time("as_of", "What had happened until then is in its rows for sure"),
                    text("status", "succeeded; or skipped, when the source could not be read and can be done without"),
                    text("error", "Why it was skipped"),
                    text("statement", "The text that was sent; NULL for files"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for step in &request.world.sync_steps {
                out.text(Some(&step.account))
                    .text(Some(&step.run_id))
                    .int(Some(step.step))
                    .text(Some(&step.source))
                    .text(step.query_id.as_deref())
                    .int(Some(step.rows))
                    .time(Some(step.started_at))
                    .int(Some(step.millis))
                    .text(step.part.as_deref())
                    .time(step.as_of)
                    .text(Some(&step.status))
                    .text(step.error.as_deref())
                    .text(step.statement.as_deref())
                    .end();
            }
            Ok(())
        })
    }
}

impl Relation for Coverage {
    fn definition(&self) -> Definition {
        Definition::new(
            "coverage",
            "What the newest run could not see, and why: nothing is left out without a row here. A row concerns an answer \
             about an object when account matches, affects is what is asked (effective_privileges stands for every answer \
             about who may do what), and object_database is NULL or the object's",
            columns([
                &[ACCOUNT],
                &[
                    text("source", "Where it would have been seen: a view, a SHOW command or a file"),
                    text("object", "What it is about, when it is one thing: full name, quoted only where needed"),
                    text("object_database", "Database it is about, as stored; NULL when it is about the whole account"),
                    text(
                        "reason",
                        "Why it was not seen: absent, not_authorized, older_columns, capped, lag, unread, imported or ignored",
                    ),
                    text("detail", "The same in words, with an example and what follows"),
                    text(
                        "affects",
                        "Relation that may lack rows or have too many; effective_privileges where it could change who may \
                         do what, and then also effective_grants, effective_roles and the functions; NULL for none",
                    ),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for row in &request.world.coverage {
                out.text(Some(&row.account))
                    .text(Some(&row.source))
                    .text(row.object.as_deref())
                    .text(row.object_database.as_deref())
                    .text(Some(&row.reason))
                    .text(Some(&row.detail))
                    .text(row.affects.as_deref())
                    .end();
            }
            Ok(())
        })
    }
}

impl Relation for Drift {
    fn definition(&self) -> Definition {
        Definition::new(
            "drift",
            "What differs between the accepted state (baseline) and the newest one; whoever granted it does not count",
            columns([
                &[ACCOUNT],
                &[
                    text("drift_id", "Name of the difference, the same in every sync that shows it"),
                    text("change", "What happened: grant privilege, revoke role, create user, ..."),
                ],
                &OBJECT,
                &[
                    text("grantee", "Who gained or lost"),
                    text("previous_state", "How it was when accepted; NULL when it was not there"),
                    text("current_state", "How it is; NULL when it is gone"),
                    time("detected_at", "When the newest state was seen"),
                    text("revert_sql", "What brings the accepted state back"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for view in &request.world.accounts {
                for row in view.drift() {
                    out.text(Some(&view.name)).text(Some(&row.drift_id)).text(Some(row.change.kind()));
                    let about = ObjectColumns { object: row.object.clone(), grantee: row.grantee.clone() };
                    write_object(out, &about.texts(), about.grantee.as_ref().map(Principal::shown).as_deref());
                    out.text(row.previous_state.as_deref())
                        .text(row.current_state.as_deref())
                        .time(Some(row.detected_at))
                        .text(Some(&row.revert_sql))
                        .end();
                }
            }
            Ok(())
        })
    }
}

impl Relation for Changesets {
    fn definition(&self) -> Definition {
        Definition::new(
            "changesets",
            "Proposed changes; grantd renders them, people apply them with their own login",
            columns([
                &[ACCOUNT],
                &[
                    text("changeset", "Its id, for changeset_sql() and changeset_impact()"),
                    text("title", "Title"),
                    text("status", "draft, pending_review, approved, applied, failed or cancelled"),
                    text("created_by", "Who proposed it"),
                    time("created_at", "When"),
                    int("changes", "Number of changes"),
                    text("sql", "The SQL as it was proposed"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for set in &request.world.changesets {
                let count = request.world.changes.iter().filter(|c| c.changeset == set.changeset).count();
                out.text(Some(&set.account))
                    .text(Some(&set.changeset))
                    .text(Some(&set.title))
                    .text(Some(&set.status))
                    .text(Some(&set.created_by))
                    .time(Some(set.created_at))
                    .int(Some(count as i64))
                    .text(Some(&set.sql))
                    .end();
            }
            Ok(())
        })
    }
}

impl Relation for Changes {
    fn definition(&self) -> Definition {
        Definition::new(
            "changes",
            "The steps of every changeset, in order",
            columns([
                &[ACCOUNT],
                &[
                    text("changeset", "Changeset it belongs to"),
                    int("position", "Position in the changeset, from 1"),
                    text("change", "Kind of change: grant privilege, revoke role, create user, ..."),
                ],
                &OBJECT,
                &[
                    text("grantee", "Who gains or loses"),
                    text("sql", "The statement, every identifier quoted"),
                    text("inverse_sql", "What undoes it"),
                ],
            ]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        once(move |out| {
            for row in &request.world.changes {
                out.text(Some(&row.account)).text(Some(&row.changeset)).int(Some(row.position)).text(Some(&row.change));
                write_object(out, &row.object, row.grantee.as_deref());
                out.text(Some(&row.sql)).text(Some(&row.inverse_sql)).end();
            }
            Ok(())
        })
    }
}
