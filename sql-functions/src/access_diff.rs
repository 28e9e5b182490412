//! `access_diff(account, other)`: who gains and who loses what between two accounts' states.

use crate::{Argument, SqlFunction, required, unknown, value};
use datafusion::error::Result;
use grantd_catalog::graph::impact::{Impact, access_diff};
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{
    BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, World, Writer, once,
};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct AccessDiff;

/// The columns of a difference of effective access.
pub(crate) fn impact_columns() -> Vec<ColumnDef> {
    let column = |name, ty, comment| ColumnDef { name, ty, comment };
    vec![
        column("account", ColumnType::Text, "Account"),
        column("user_name", ColumnType::Text, "User"),
        column("effect", ColumnType::Text, "gains, loses, or changes (usable or grant option)"),
        column("privilege", ColumnType::Text, "Privilege"),
        column("object_type", ColumnType::Text, "Type of the object"),
        column("object", ColumnType::Text, "Full name of the object"),
        column("usable_before", ColumnType::Bool, "Usable before; NULL when the user did not have it"),
        column("usable_after", ColumnType::Bool, "Usable after; NULL when the user does not have it"),
        column("source", ColumnType::Text, "Why: grant, user, inherited, ownership or public"),
    ]
}

/// Writes differences of effective access.
pub(crate) fn write_impacts(out: &mut Writer, account: &str, impacts: &[Impact]) {
    for i in impacts {
        out.text(Some(account))
            .text(Some(i.user.name.as_str()))
            .text(Some(i.effect.as_str()))
            .text(Some(i.privilege.as_str()))
            .text(Some(i.object.object_type.as_str()))
            .text_with(|| Some(i.object.shown()))
            .bool(i.usable_before)
            .bool(i.usable_after)
            .text(Some(i.source.as_str()))
            .end();
    }
}

impl SqlFunction for AccessDiff {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("from_world"), required("to_world")]
    }

    fn definition(&self) -> Definition {
        Definition::new(
            "access_diff",
            "Who gains and who loses which effective access from one world to another: 'account', 'account@baseline' or a changeset id",
            impact_columns(),
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        let mut arguments = arguments.into_iter();
        let from = value(&mut arguments);
        Arc::new(Bound { from, to: value(&mut arguments) })
    }
}

#[derive(Debug)]
struct Bound {
    from: String,
    to: String,
}

impl Relation for Bound {
    fn definition(&self) -> Definition {
        AccessDiff.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let (from, to) = (self.from.clone(), self.to.clone());
        once(move |out| {
            let (account, a) = world_named(&request.world, &from)?;
            let (_, b) = world_named(&request.world, &to)?;
            write_impacts(out, &account, &access_diff(&a, &b, request.lens));
            Ok(())
        })
    }
}

/// The state that a name means, and the account it is of: an account's newest, its baseline, or a changeset applied.
pub(crate) fn world_named(world: &World, name: &str) -> Result<(String, Arc<Snapshot>)> {
    if let Some(set) = world.changesets.iter().find(|c| c.changeset == name) {
        let (view, after) = crate::changeset_impact::applied(world, &set.changeset)?;
        return Ok((view.name.clone(), after));
    }
    let (account, baseline) = match name.strip_suffix("@baseline") {
        Some(account) => (account, true),
        None => (name, false),
    };
    let view = crate::account(world, account)?;
    let snapshot = match (&view.baseline, baseline) {
        (Some(accepted), true) => Arc::clone(&accepted.snapshot),
        (None, true) => return Err(unknown("baseline of account", account, None)),
        (_, false) => Arc::clone(&view.snapshot),
    };
    Ok((view.name.clone(), snapshot))
}
