//! `databases`, `schemas`, `objects` and `warehouses`: the inventory.

use super::definition::{ACCOUNT, Definition, OBJECT, bool, columns, text, time};
use super::provider::{BatchSource, Relation, ScanRequest, once};
use super::writer::Writer;
use crate::model::{ObjectType, Principal, Property};
use datafusion::error::Result;
use std::sync::Arc;

pub(super) fn relations() -> Vec<Arc<dyn Relation>> {
    vec![
        Arc::new(Inventory { kind: ObjectType::DATABASE }),
        Arc::new(Inventory { kind: ObjectType::SCHEMA }),
        Arc::new(Objects),
        Arc::new(Inventory { kind: ObjectType::WAREHOUSE }),
    ]
}

/// The relation of one type: databases, schemas or warehouses.
#[derive(Debug)]
struct Inventory {
    kind: ObjectType,
}

#[derive(Debug)]
struct Objects;

const OWNED: [super::ColumnDef; 4] = [
    text("owner", "Role that owns it"),
    text("comment", "Comment on it"),
    time("created_on", "When it was created"),
    bool("listed", "Whether the inventory lists it; false when only a grant mentions it"),
];

impl Relation for Inventory {
    fn definition(&self) -> Definition {
        match self.kind.as_str() {
            "DATABASE" => Definition::new(
                "databases",
                "Databases of the account",
                columns([
                    &[
                        ACCOUNT,
                        text("database_name", "Name, as stored"),
                        text("kind", "STANDARD, IMPORTED DATABASE, APPLICATION, ..."),
                    ],
                    &OWNED,
                ]),
            ),
            "SCHEMA" => Definition::new(
                "schemas",
                "Schemas of the account",
                columns([
                    &[
                        ACCOUNT,
                        text("database_name", "Database it lies in"),
                        text("schema_name", "Name, as stored"),
                        bool("managed_access", "Whether only the schema's owner grants on what is in it"),
                    ],
                    &OWNED,
                ]),
            ),
            _ => Definition::new(
                "warehouses",
                "Warehouses of the account",
                columns([
                    &[
                        ACCOUNT,
                        text("warehouse_name", "Name, as stored"),
                        text("size", "Size, as the platform says it"),
                    ],
                    &OWNED,
                ]),
            ),
        }
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let kind = self.kind.clone();
        once(move |out| {
            for view in &request.world.accounts {
                let s = &view.snapshot;
                for id in (0..s.object_count()).filter(|id| *s.object_type(*id) == kind) {
                    let get = |p| s.object_properties(id).and_then(|properties| properties.get(p));
                    out.text(Some(&view.name));
                    match kind.as_str() {
                        "DATABASE" => {
                            out.text(Some(s.object_name(id))).text(get(Property::Kind));
                        }
                        "SCHEMA" => {
                            out.text(s.database_of(id).map(|d| s.object_name(d)))
                                .text(Some(s.object_name(id)))
                                .bool(Some(s.is_managed(id)));
                        }
                        _ => {
                            out.text(Some(s.object_name(id))).text(get(Property::Size));
                        }
                    }
                    write_owned(out, s, id);
                }
            }
            Ok(())
        })
    }
}

fn write_owned(out: &mut Writer, s: &crate::snapshot::Snapshot, id: u32) {
    out.text_with(|| s.owner(id).map(Principal::shown))
        .text(s.object_properties(id).and_then(|p| p.get(Property::Comment)))
        .time(s.object_created_on(id))
        .bool(Some(s.object_listed(id)))
        .end();
}

impl Relation for Objects {
    fn definition(&self) -> Definition {
        Definition::new(
            "objects",
            "Everything that privileges can be granted on: databases, schemas, tables, views, warehouses, ...",
            columns([&[ACCOUNT], &OBJECT, &OWNED]),
        )
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        Box::new(ObjectRows { request, account: 0, object: 0 })
    }
}

struct ObjectRows {
    request: ScanRequest,
    account: usize,
    object: u32,
}

impl BatchSource for ObjectRows {
    fn fill(&mut self, out: &mut Writer) -> Result<bool> {
        let Some(view) = self.request.world.accounts.get(self.account) else { return Ok(false) };
        let s = &view.snapshot;
        while self.object < s.object_count() && out.rows() < super::BATCH_ROWS {
            out.text(Some(&view.name)).object(s, self.object);
            write_owned(out, s, self.object);
            self.object += 1;
        }
        if self.object >= s.object_count() {
            self.object = 0;
            self.account += 1;
        }
        Ok(true)
    }
}
