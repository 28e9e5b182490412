//! `changeset_impact(changeset)`: who would gain and who would lose what.

use crate::access_diff::{impact_columns, write_impacts};
use crate::{Argument, SqlFunction, required, unknown, value};
use datafusion::error::{DataFusionError, Result};
use grantd_catalog::graph::impact::access_diff;
use grantd_catalog::model::Change;
use grantd_catalog::snapshot::{Snapshot, nearest};
use grantd_catalog::sql::parse_changes;
use grantd_catalog::tables::{BatchSource, Definition, Relation, ScanRequest, World, once};
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
            let (account, after) = applied(&request.world, &changeset)?;
            let before = request.world.account(&account).map(|view| Arc::clone(&view.snapshot));
            let Some(before) = before else { return Err(unknown("account", &account, None)) };
            write_impacts(out, &account, &access_diff(&before, &after, request.lens));
            Ok(())
        })
    }
}

/// The world with a changeset applied: what `SET grantd.changeset` looks at.
pub fn world_with_changeset(world: &World, changeset: &str) -> Result<World> {
    let (account, after) = applied(world, changeset)?;
    let mut next = world.clone();
    for view in &mut next.accounts {
        if view.name == account {
            *view = Arc::new(view.with_snapshot(Arc::clone(&after)));
        }
    }
    Ok(next)
}

/// The account of a changeset, and its newest state with the changeset applied.
pub(crate) fn applied(world: &World, changeset: &str) -> Result<(String, Arc<Snapshot>)> {
    let Some(set) = world.changesets.iter().find(|c| c.changeset == changeset) else {
        let ids = world.changesets.iter().map(|c| c.changeset.clone());
        return Err(unknown("changeset", changeset, nearest(&changeset.to_ascii_uppercase(), ids)));
    };
    let view = world.account(&set.account).ok_or_else(|| unknown("account", &set.account, None))?;
    let rows = world.changes.iter().filter(|c| c.changeset == changeset);
    let script = rows.map(|c| c.sql.as_str()).collect::<Vec<_>>().join(";\n");
    let stale = |error: &dyn std::fmt::Display| {
        DataFusionError::Execution(format!("{changeset} no longer applies to {}: {error}", set.account))
    };
    let changes: Vec<Change> = parse_changes(&script, &view.snapshot.thaw()).map_err(|e| stale(&e))?;
    let at = view.snapshot.taken_at();
    let after = view.snapshot.apply(&changes, at).map_err(|(i, e)| stale(&format!("change {}: {e}", i + 1)))?;
    Ok((set.account.clone(), Arc::new(after)))
}
