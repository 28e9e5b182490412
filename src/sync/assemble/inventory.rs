//! Objects from their inventories: what exists, of which type, whose it is.

use super::principals::ident;
use super::{AssembleError, Builder, signature, unplaceable};
use crate::sync::kind::SourceKind;
use crate::sync::table::{Column, Row, SourceTable, TableError};
use grantd_catalog::account::ObjectInfo;
use grantd_catalog::model::{Ident, ObjectRef, ObjectType, Properties, Property};

/// Columns of an inventory: name, schema, database, owner, and the type of its objects.
struct Shape {
    object_type: &'static str,
    database: Option<&'static str>,
    schema: Option<&'static str>,
    name: &'static str,
    owner: Option<&'static str>,
    created: &'static str,
}

/// How each inventory is read; `None` for what is no inventory of objects.
fn shape(kind: SourceKind) -> Option<Shape> {
    let shape = |object_type, database, schema, name, owner| Shape {
        object_type,
        database,
        schema,
        name,
        owner,
        created: "CREATED",
    };
    let show = |object_type, database, owner| Shape {
        object_type,
        database,
        schema: None,
        name: "NAME",
        owner,
        created: "CREATED_ON",
    };
    Some(match kind {
        SourceKind::Databases => shape("DATABASE", None, None, "DATABASE_NAME", Some("DATABASE_OWNER")),
        SourceKind::Schemata => shape("SCHEMA", Some("CATALOG_NAME"), None, "SCHEMA_NAME", Some("SCHEMA_OWNER")),
        SourceKind::Tables | SourceKind::Views => {
            let kind = if kind == SourceKind::Views { "VIEW" } else { "TABLE" };
            shape(kind, Some("TABLE_CATALOG"), Some("TABLE_SCHEMA"), "TABLE_NAME", Some("TABLE_OWNER"))
        }
        SourceKind::Stages => {
            shape("STAGE", Some("STAGE_CATALOG"), Some("STAGE_SCHEMA"), "STAGE_NAME", Some("STAGE_OWNER"))
        }
        SourceKind::Functions => shape(
            "FUNCTION",
            Some("FUNCTION_CATALOG"),
            Some("FUNCTION_SCHEMA"),
            "FUNCTION_NAME",
            Some("FUNCTION_OWNER"),
        ),
        SourceKind::Procedures => shape(
            "PROCEDURE",
            Some("PROCEDURE_CATALOG"),
            Some("PROCEDURE_SCHEMA"),
            "PROCEDURE_NAME",
            Some("PROCEDURE_OWNER"),
        ),
        SourceKind::FileFormats => shape(
            "FILE_FORMAT",
            Some("FILE_FORMAT_CATALOG"),
            Some("FILE_FORMAT_SCHEMA"),
            "FILE_FORMAT_NAME",
            Some("FILE_FORMAT_OWNER"),
        ),
        SourceKind::Sequences => shape(
            "SEQUENCE",
            Some("SEQUENCE_CATALOG"),
            Some("SEQUENCE_SCHEMA"),
            "SEQUENCE_NAME",
            Some("SEQUENCE_OWNER"),
        ),
        SourceKind::Pipes => shape("PIPE", Some("PIPE_CATALOG"), Some("PIPE_SCHEMA"), "PIPE_NAME", Some("PIPE_OWNER")),
        SourceKind::Streams => {
            shape("STREAM", Some("STREAM_CATALOG"), Some("STREAM_SCHEMA"), "STREAM_NAME", Some("OWNER"))
        }
        SourceKind::Tasks => shape("TASK", Some("TASK_DATABASE"), Some("TASK_SCHEMA"), "TASK_NAME", Some("TASK_OWNER")),
        SourceKind::SemanticViews => shape(
            "SEMANTIC_VIEW",
            Some("SEMANTIC_VIEW_DATABASE_NAME"),
            Some("SEMANTIC_VIEW_SCHEMA_NAME"),
            "SEMANTIC_VIEW_NAME",
            Some("OWNER"),
        ),
        SourceKind::ShowDatabases => show("DATABASE", None, Some("OWNER")),
        SourceKind::ShowSchemas => show("SCHEMA", Some("DATABASE_NAME"), Some("OWNER")),
        SourceKind::ShowWarehouses => show("WAREHOUSE", None, Some("OWNER")),
        SourceKind::ShowIntegrations => show("INTEGRATION", None, None),
        SourceKind::Users
        | SourceKind::Roles
        | SourceKind::GrantsToRoles
        | SourceKind::GrantsToUsers
        | SourceKind::GrantsToShares
        | SourceKind::ShowUsers
        | SourceKind::ShowRoles
        | SourceKind::ShowFutureGrants
        | SourceKind::SchemaObjects
        | SourceKind::ShowGrantsOf
        | SourceKind::ShowGrants
        | SourceKind::GrantablePrivileges
        | SourceKind::Fact => return None,
    })
}

/// The type of the objects that a source lists; the general one for tables.
pub(in crate::sync) fn listed_type(kind: SourceKind) -> Option<&'static str> {
    shape(kind).map(|shape| shape.object_type)
}

impl Builder {
    pub(super) fn inventory(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        let Some(shape) = shape(table.kind()) else { return Ok(()) };
        self.inventoried.insert(ObjectType::new(shape.object_type).namespace().to_owned());
        let name = table.required(shape.name)?;
        let database = shape.database.map(|c| table.required(c)).transpose()?;
        let schema = shape.schema.map(|c| table.required(c)).transpose()?;
        let owner = shape.owner.and_then(|c| table.column(c));
        let owner_kind = table.column("OWNER_ROLE_TYPE");
        let created = table.column(shape.created);
        let deleted = table.kind().spec().deleted.and_then(|d| table.column(d));
        let arguments = table.column("ARGUMENT_SIGNATURE");
        let attributes = Attributes::of(table);
        for row in table.rows() {
            if row.timestamp(deleted)?.is_some() {
                continue;
            }
            let object_type = attributes.object_type(&row, shape.object_type);
            let own = ident(&row, name)?;
            let outer = |c: Option<Column>| c.map(|c| ident(&row, c)).transpose();
            let mut object = match (outer(database)?, outer(schema)?) {
                (Some(database), Some(schema)) => ObjectRef::in_schema(object_type, database, schema, own),
                (Some(database), None) => ObjectRef::in_database(object_type, database, own),
                _ => ObjectRef::top(object_type, own),
            };
            if object.object_type.has_signature() {
                let text = arguments.and_then(|c| row.text(c)).unwrap_or_default();
                object.signature = Some(signature::types(&text));
                self.functions.add(&object);
            }
            if self.is_left_out(table.kind(), &object) {
                continue;
            }
            let properties = attributes.properties(&row)?;
            let old = self.account.object(&object).map(|(_, info)| info);
            let created_on = row.timestamp(created)?.or(old.and_then(|i| i.created_on));
            let properties = match old {
                Some(old) => overlay(&old.properties, &properties, &attributes),
                None => properties,
            };
            let scope = object
                .database
                .clone()
                .or_else(|| (object.object_type == ObjectType::DATABASE).then(|| object.name.clone()));
            if let Some(owner) = self.owner(&row, owner, owner_kind, scope.as_ref()) {
                self.owners.push((object.clone(), owner));
            }
            self.account.put_object(object, ObjectInfo { properties, created_on, listed: true });
        }
        Ok(())
    }

    /// `INFORMATION_SCHEMA` is in no view and holds nothing that can be granted. VIEWS repeats what TABLES says, with
    /// fewer types.
    fn is_left_out(&self, kind: SourceKind, object: &ObjectRef) -> bool {
        match kind {
            SourceKind::ShowSchemas => object.name.as_str() == "INFORMATION_SCHEMA",
            SourceKind::Views => self.account.object(object).is_some(),
            _ => false,
        }
    }
}

/// The newer source's properties over the older one's, for the columns that it has.
fn overlay(old: &Properties, new: &Properties, attributes: &Attributes) -> Properties {
    old.iter()
        .filter(|(property, _)| !attributes.has(*property))
        .map(|(property, value)| (property, value.to_owned()))
        .chain(new.iter().map(|(property, value)| (property, value.to_owned())))
        .collect()
}

/// The columns of an inventory that describe its objects.
struct Attributes {
    comment: Option<Column>,
    managed: Option<Column>,
    options: Option<Column>,
    kind: Option<Column>,
    size: Option<Column>,
    table_type: Option<Column>,
    dynamic: Option<Column>,
    iceberg: Option<Column>,
}

impl Attributes {
    fn of(table: &SourceTable) -> Self {
        let databases = matches!(table.kind(), SourceKind::Databases | SourceKind::ShowDatabases);
        let kind = if table.kind() == SourceKind::Databases { "TYPE" } else { "KIND" };
        Self {
            comment: table.column("COMMENT"),
            managed: table.column("IS_MANAGED_ACCESS"),
            options: table.column("OPTIONS").filter(|_| table.kind() == SourceKind::ShowSchemas),
            kind: table.column(kind).filter(|_| databases),
            size: table.column("SIZE").filter(|_| table.kind() == SourceKind::ShowWarehouses),
            table_type: table.column("TABLE_TYPE").filter(|_| table.kind() == SourceKind::Tables),
            dynamic: table.column("IS_DYNAMIC"),
            iceberg: table.column("IS_ICEBERG"),
        }
    }

    fn has(&self, property: Property) -> bool {
        match property {
            Property::Comment => self.comment.is_some(),
            Property::ManagedAccess => self.managed.is_some() || self.options.is_some(),
            Property::Kind => self.kind.is_some(),
            Property::Size => self.size.is_some(),
            _ => false,
        }
    }

    /// The type that the inventory knows: `BASE TABLE` with flags, `VIEW`, `EXTERNAL TABLE`. Hybrid and temporary
    /// tables are granted on as tables.
    fn object_type(&self, row: &Row<'_>, general: &'static str) -> ObjectType {
        let yes = |c: Option<Column>| matches!(row.boolean(c), Ok(Some(true)));
        if yes(self.dynamic) {
            return ObjectType::new("DYNAMIC_TABLE");
        }
        if yes(self.iceberg) {
            return ObjectType::new("ICEBERG_TABLE");
        }
        match row.filled(self.table_type).as_deref().map(str::trim) {
            None | Some("BASE TABLE" | "TEMPORARY TABLE" | "TRANSIENT TABLE" | "HYBRID TABLE" | "LOCAL TEMPORARY") => {
                ObjectType::new(general)
            }
            Some(text) => ObjectType::new(text),
        }
    }

    fn properties(&self, row: &Row<'_>) -> Result<Properties, TableError> {
        let mut properties = Properties::default();
        properties.set(Property::Comment, row.filled(self.comment).map(Into::into));
        let managed = match row.boolean(self.managed)? {
            None => self.options.and_then(|c| row.text(c)).map(|o| o.to_ascii_uppercase().contains("MANAGED ACCESS")),
            known => known,
        };
        properties.set(Property::ManagedAccess, managed.map(|m| if m { "true" } else { "false" }.to_owned()));
        let kind = row.filled(self.kind).map(|k| k.trim().replace('_', " ").to_ascii_uppercase());
        properties.set(Property::Kind, kind);
        properties.set(Property::Size, row.filled(self.size).map(Into::into));
        Ok(properties)
    }
}

/// Reads a database or schema name of a grant row; `None` when it is empty.
pub(super) fn outer(row: &Row<'_>, column: Option<Column>) -> Result<Option<Ident>, TableError> {
    let (Some(column), Some(text)) = (column, row.filled(column)) else { return Ok(None) };
    Ident::new(&*text).map(Some).map_err(|e| row.problem(column, unplaceable(&e)))
}
