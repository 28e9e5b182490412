//! `changeset_sql(changeset)`: the statements of a changeset, ordered, with what undoes each.

use crate::{Argument, SqlFunction, required, value};
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct ChangesetSql;

impl SqlFunction for ChangesetSql {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("changeset")]
    }

    fn definition(&self) -> Definition {
        let column = |name, ty, comment| ColumnDef { name, ty, comment };
        Definition::new(
            "changeset_sql",
            "The script of a changeset: statements in the order to run them, every identifier quoted, with their inverse",
            vec![
                column("position", ColumnType::Int, "Position in the script, from 1"),
                column("sql", ColumnType::Text, "The statement"),
                column("inverse_sql", ColumnType::Text, "What undoes it; to undo all, run these in reverse order"),
            ],
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
        ChangesetSql.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let changeset = self.changeset.clone();
        once(move |out| {
            let world = &request.world;
            let set = crate::changeset(world, &changeset)?;
            for change in world.changes.iter().filter(|c| c.changeset == set.changeset) {
                out.int(Some(change.position)).text(Some(&change.sql)).text(Some(&change.inverse_sql)).end();
            }
            Ok(())
        })
    }
}
