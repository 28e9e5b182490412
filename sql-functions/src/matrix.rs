//! `matrix(role_pattern)`: what each role can do, its own privileges and those it includes.

use crate::{Argument, SqlFunction, required, value};
use datafusion::error::DataFusionError;
use grantd_catalog::model::Privilege;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, Writer, once};
use std::collections::BTreeSet;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Matrix;

impl SqlFunction for Matrix {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("role_pattern")]
    }

    fn definition(&self) -> Definition {
        let column = |name, ty, comment| ColumnDef { name, ty, comment };
        Definition::new(
            "matrix",
            "What roles can do: one row per role, privilege, object and role that carries it; roles it includes show as USAGE on a ROLE",
            vec![
                column("account", ColumnType::Text, "Account"),
                column("role_name", ColumnType::Text, "Role, matched by the pattern (% and _ as in LIKE)"),
                column("privilege", ColumnType::Text, "Privilege, or USAGE for a role that is included"),
                column("object_type", ColumnType::Text, "Type of the object"),
                column("object_database", ColumnType::Text, "Database of the object"),
                column("object_schema", ColumnType::Text, "Schema of the object"),
                column("object_name", ColumnType::Text, "Last part of the object's name"),
                column("object", ColumnType::Text, "Full name of the object"),
                column("via_role", ColumnType::Text, "Role that carries it; the role itself when it is its own"),
                column("direct", ColumnType::Bool, "Whether it is the role's own"),
                column("source", ColumnType::Text, "grant, inherited, ownership or member"),
                column("grant_option", ColumnType::Bool, "Whether the role may grant it on"),
            ],
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        Arc::new(Bound { pattern: value(&mut arguments.into_iter()) })
    }
}

#[derive(Debug)]
struct Bound {
    pattern: String,
}

impl Relation for Bound {
    fn definition(&self) -> Definition {
        Matrix.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let pattern = self.pattern.clone();
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                for (principal, role) in s.principals().iter().zip(0..).filter(|(p, _)| p.kind.is_role()) {
                    if like(&principal.shown(), &pattern)? {
                        write_role(out, &view.name, s, role);
                    }
                }
            }
            Ok(())
        })
    }
}

fn like(text: &str, pattern: &str) -> Result<bool, DataFusionError> {
    use datafusion::arrow::array::StringArray;
    let (text, pattern) = (StringArray::from(vec![text]), StringArray::from(vec![pattern]));
    Ok(datafusion::arrow::compute::like(&text, &pattern)?.value(0))
}

fn write_role(out: &mut Writer, account: &str, s: &Snapshot, role: u32) {
    let graph = s.graph();
    let included = graph.closure().includes(role);
    let name = s.principals().at(role).shown();
    for via in included.iter().filter(|r| **r != role) {
        let principal = s.principals().at(*via);
        let direct = graph.granted_to(role).contains(via);
        // The role through which it comes: the role itself, or one that it is granted to directly.
        let through = graph.members_of(*via).iter().find(|m| included.contains(m)).copied().unwrap_or(role);
        let through = if direct { role } else { through };
        out.text(Some(account))
            .text(Some(&name))
            .text(Some(Privilege::USAGE.as_str()))
            .text(Some(principal.kind.as_str()))
            .text(principal.scope.first().map(grantd_catalog::model::Ident::as_str))
            .text(None)
            .text(Some(principal.name.as_str()))
            .text_with(|| Some(principal.as_object().shown()))
            .text_with(|| Some(s.principals().at(through).shown()))
            .bool(Some(direct))
            .text(Some("member"))
            .bool(Some(false))
            .end();
    }
    let carriers: BTreeSet<u32> = included.iter().copied().collect();
    let mut ways = Vec::new();
    for object in s.objects_touched_by(included) {
        s.ways_on(object, &mut ways);
        for way in ways.iter().filter(|w| carriers.contains(&w.carrier)) {
            let via = s.principals().at(way.carrier);
            out.text(Some(account))
                .text(Some(&name))
                .text(Some(s.privileges().at(u32::from(way.privilege)).as_str()))
                .object(s, object)
                .text_with(|| Some(via.shown()))
                .bool(Some(way.carrier == role))
                .text(Some(way.kind.as_str()))
                .bool(Some(way.grant_option))
                .end();
        }
    }
}
