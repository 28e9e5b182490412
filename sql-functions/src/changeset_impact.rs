//! `changeset_impact(changeset)`: who would gain and who would lose what.

use crate::access_diff::{impact_columns, write_impacts};
use crate::{Argument, SqlFunction, required, unknown, value};
use datafusion::error::{DataFusionError, Result};
use grantd_catalog::graph::impact::access_diff;
use grantd_catalog::model::Change;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::sql::parse_changes;
use grantd_catalog::tables::{AccountView, BatchSource, Definition, Relation, ScanRequest, World, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct ChangesetImpact;

impl SqlFunction for ChangesetImpact {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("changeset")]
    }

    fn definition(&self) -> Definition {
        Definition::new(
            "changeset_impact",
            "Who would gain and who would lose which effective access if the changeset were applied now",
            impact_columns(),
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        Arc::new(Bound { changeset: value(&mut arguments.into_iter()) })
    }
}

#[derive(Debug)]
struct Bound {
    changeset: String,
}

impl Relation for Bound {
    fn definition(&self) -> Definition {
        ChangesetImpact.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let changeset = self.changeset.clone();
        once(move |out| {
            let (view, after) = applied(&request.world, &changeset)?;
            write_impacts(out, &view.name, &access_diff(&view.snapshot, &after, request.lens));
            Ok(())
        })
    }
}

/// The world with a changeset applied: what `SET grantd.changeset` looks at.
pub fn world_with_changeset(world: &World, changeset: &str) -> Result<World> {
    let (changed, after) = applied(world, changeset)?;
    let mut next = world.clone();
    for view in &mut next.accounts {
        if view.name == changed.name {
            *view = Arc::new(view.with_snapshot(Arc::clone(&after)));
        }
    }
    Ok(next)
}

/// The account of a changeset, and its newest state with the changeset applied.
pub(crate) fn applied<'w>(world: &'w World, changeset: &str) -> Result<(&'w Arc<AccountView>, Arc<Snapshot>)> {
    let set = crate::changeset(world, changeset)?;
    let view = world.account(&set.account).ok_or_else(|| unknown("account", &set.account, None))?;
    let rows = world.changes.iter().filter(|c| c.changeset == changeset);
    let script = rows.map(|c| c.sql.as_str()).collect::<Vec<_>>().join(";\n");
    let stale = |error: &dyn std::fmt::Display| {
        DataFusionError::Execution(format!("{changeset} no longer applies to {}: {error}", set.account))
    };
    let changes: Vec<Change> = parse_changes(&script, &view.snapshot.thaw()).map_err(|e| stale(&e))?;
    let at = view.snapshot.taken_at();
    let after = view.snapshot.apply(&changes, at).map_err(|(i, e)| stale(&format!("change {}: {e}", i + 1)))?;
    Ok((view, Arc::new(after)))
}
