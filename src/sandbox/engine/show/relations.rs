//! SHOW of tables and views.

use super::View;
use super::table::{Cell, Table};
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::ObjectInfo;
use grantd_catalog::model::{ObjectRef, Property};
use grantd_catalog::sql::ast::Within;

/// The columns that SHOW TABLES and SHOW OBJECTS begin with.
const BEGINNING: [&str; 11] = [
    "created_on",
    "name",
    "database_name",
    "schema_name",
    "kind",
    "comment",
    "cluster_by",
    "rows",
    "bytes",
    "owner",
    "retention_time",
];

impl View<'_> {
    /// The cells of [`BEGINNING`].
    fn beginning(&self, object: &ObjectRef, info: &ObjectInfo, kind: &str, comment: Cell) -> Vec<Cell> {
        vec![
            Cell::Time(info.created_on),
            Cell::text(object.name.as_str()),
            Cell::option(object.database.as_ref()),
            Cell::option(object.schema.as_ref()),
            Cell::text(kind),
            comment,
            Cell::text(""),
            Cell::text("0"),
            Cell::text("0"),
            self.owner(object),
            Cell::text("1"),
        ]
    }

    /// SHOW TABLES: hybrid, Iceberg and dynamic ones are among them.
    pub(super) fn tables(&self, within: Option<&Within>) -> Result<Table, Failure> {
        let container = self.container(within)?;
        let mut table = Table::beginning(
            &BEGINNING,
            &[
                "automatic_clustering",
                "change_tracking",
                "search_optimization",
                "search_optimization_progress",
                "search_optimization_bytes",
                "is_external",
                "enable_schema_evolution",
                "owner_role_type",
                "is_event",
                "budget",
                "is_hybrid",
                "is_iceberg",
                "is_dynamic",
                "is_immutable",
            ],
        );
        let is_table = |kind: &str| matches!(kind, "TABLE" | "HYBRID_TABLE" | "ICEBERG_TABLE" | "DYNAMIC_TABLE");
        for (object, info) in self.listed(|o| is_table(o.object_type.as_str()) && container.contains(o)) {
            let kind = object.object_type.as_str();
            let comment = Cell::text(info.properties.get(Property::Comment).unwrap_or_default());
            let mut row = self.beginning(object, info, "TABLE", comment);
            row.extend([
                Cell::text("OFF"),
                Cell::text("OFF"),
                Cell::text("OFF"),
                Cell::Null,
                Cell::Null,
                Cell::yes(false),
                Cell::yes(false),
                self.owner_type(object),
                Cell::yes(false),
                Cell::Null,
                Cell::yes(kind == "HYBRID_TABLE"),
                Cell::yes(kind == "ICEBERG_TABLE"),
                Cell::yes(kind == "DYNAMIC_TABLE"),
                Cell::yes(false),
            ]);
            table.row(row);
        }
        Ok(table)
    }

    /// SHOW VIEWS: materialized ones are among them.
    pub(super) fn views(&self, within: Option<&Within>) -> Result<Table, Failure> {
        let container = self.container(within)?;
        let mut table = Table::new(&[
            "created_on",
            "name",
            "reserved",
            "database_name",
            "schema_name",
            "owner",
            "comment",
            "text",
            "is_secure",
            "is_materialized",
            "owner_role_type",
            "change_tracking",
        ]);
        let is_view = |kind: &str| matches!(kind, "VIEW" | "MATERIALIZED_VIEW");
        for (object, info) in self.listed(|o| is_view(o.object_type.as_str()) && container.contains(o)) {
            table.row(vec![
                Cell::Time(info.created_on),
                Cell::text(object.name.as_str()),
                Cell::text(""),
                Cell::option(object.database.as_ref()),
                Cell::option(object.schema.as_ref()),
                self.owner(object),
                Cell::text(info.properties.get(Property::Comment).unwrap_or_default()),
                // The sandbox keeps no text of views.
                Cell::text(""),
                Cell::bool(false),
                Cell::bool(object.object_type.as_str() == "MATERIALIZED_VIEW"),
                self.owner_type(object),
                Cell::text("OFF"),
            ]);
        }
        Ok(table)
    }

    /// SHOW OBJECTS: tables and views of every kind; materialized and semantic views say VIEW.
    pub(super) fn relations(&self, within: Option<&Within>) -> Result<Table, Failure> {
        let container = self.container(within)?;
        let mut table = Table::beginning(&BEGINNING, &["owner_role_type", "is_hybrid", "is_dynamic", "is_iceberg"]);
        for (object, info) in self.listed(|o| o.object_type.is_relation() && container.contains(o)) {
            let kind = object.object_type.as_str();
            let shown = if kind.ends_with("VIEW") { "VIEW" } else { "TABLE" };
            let mut row = self.beginning(object, info, shown, Cell::option(info.properties.get(Property::Comment)));
            row.extend([
                self.owner_type(object),
                Cell::yes(kind == "HYBRID_TABLE"),
                Cell::yes(kind == "DYNAMIC_TABLE"),
                Cell::yes(kind == "ICEBERG_TABLE"),
            ]);
            table.row(row);
        }
        Ok(table)
    }
}
