//! `who_can(privilege, object)`: the users who have a privilege on an object.

use crate::{Argument, SqlFunction, required, unknown_object, value};
use grantd_catalog::graph::effective::{Scan, Wanted};
use grantd_catalog::model::{Principal, Privilege, Property};
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct WhoCan;

impl SqlFunction for WhoCan {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("privilege"), required("object")]
    }

    fn definition(&self) -> Definition {
        let column = |name, ty, comment| ColumnDef { name, ty, comment };
        Definition::new(
            "who_can",
            "The users who have a privilege on an object, under the session's grantd.roles. Where coverage could change the \
             answer, caveat says so; when nobody is known to have it, in one row without a user",
            vec![
                column("account", ColumnType::Text, "Account"),
                column("user_name", ColumnType::Text, "User"),
                column("user_disabled", ColumnType::Bool, "Whether the user is disabled"),
                column("privilege", ColumnType::Text, "The privilege asked for"),
                column("object_type", ColumnType::Text, "Type of the object"),
                column("object", ColumnType::Text, "Full name of the object"),
                column("usable", ColumnType::Bool, "Whether the user also reaches the database and schema"),
                column("grant_option", ColumnType::Bool, "Whether the user may grant it on"),
                column("source", ColumnType::Text, "Why: grant, user, inherited, ownership or public"),
                column("role_count", ColumnType::Int, "Number of the user's roles that carry it"),
                column(
                    "caveat",
                    ColumnType::Text,
                    "Which rows of coverage could change the answer; NULL when it is complete",
                ),
            ],
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        let mut arguments = arguments.into_iter();
        let privilege = Privilege::new(&value(&mut arguments));
        Arc::new(Bound { privilege, object: value(&mut arguments) })
    }
}

#[derive(Debug)]
struct Bound {
    privilege: Privilege,
    object: String,
}

impl Relation for Bound {
    fn definition(&self) -> Definition {
        WhoCan.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let (privilege, object) = (self.privilege.clone(), self.object.clone());
        once(move |out| {
            let mut known = false;
            for view in &request.world.accounts {
                let s = &view.snapshot;
                let objects = s.resolve_objects(&object);
                known |= !objects.is_empty();
                let caveats: Vec<(u32, String)> = objects
                    .iter()
                    .filter_map(|id| Some((*id, request.world.caveat(&view.name, s.database_name(*id))?)))
                    .collect();
                let caveat = |object: u32| caveats.iter().find(|(id, _)| *id == object).map(|(_, text)| text.as_str());
                let privileges = s.privilege_id(privilege.as_str()).into_iter().collect();
                let wanted =
                    Wanted { users: None, objects: Some(objects), privileges: Some(privileges), lens: request.lens };
                let mut rows = Vec::new();
                let mut scan = Scan::new(Arc::clone(s), wanted);
                while scan.rows(usize::MAX, &mut rows) {}
                let unanswered = caveats.iter().filter(|(id, _)| rows.iter().all(|row| row.object != *id));
                for (id, caveat) in unanswered {
                    out.text(Some(&view.name))
                        .text(None)
                        .bool(None)
                        .text(Some(privilege.as_str()))
                        .text(Some(s.object_type(*id).as_str()))
                        .text_with(|| Some(s.object(*id).shown()))
                        .bool(None)
                        .bool(None)
                        .text(None)
                        .int(None)
                        .text(Some(caveat))
                        .end();
                }
                for row in rows {
                    let user: &Principal = s.principals().at(row.user);
                    out.text(Some(&view.name))
                        .text(Some(user.name.as_str()))
                        .bool(Some(s.principal_info(row.user).properties.is_true(Property::Disabled)))
                        .text(Some(privilege.as_str()))
                        .text(Some(s.object_type(row.object).as_str()))
                        .text_with(|| Some(s.object(row.object).shown()))
                        .bool(Some(row.usable))
                        .bool(Some(row.grant_option))
                        .text(Some(row.source.as_str()))
                        .int(Some(i64::from(row.role_count)))
                        .text(caveat(row.object))
                        .end();
                }
            }
            if known {
                return Ok(());
            }
            Err(unknown_object(&request.world.accounts, &object))
        })
    }
}
