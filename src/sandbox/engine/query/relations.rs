//! Relations: each name completed, found, checked and made a table that DataFusion can scan.

use super::{QueryContext, error};
use crate::sandbox::engine::account_usage;
use crate::sandbox::protocol::engine::Failure;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::sql::sqlparser::ast::{
    Expr, Ident as SqlIdent, ObjectName, ObjectNamePart, Query, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};
use grantd_catalog::model::{Ident, ObjectRef, ObjectType};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Relations by database, schema and name.
pub(super) type Tables = BTreeMap<(String, String, String), Vec<RecordBatch>>;

/// The column of a relation none of whose columns the query names: the sandbox holds no columns.
const NO_COLUMNS: &str = "VALUE";

/// Completes the names of all relations in the query and gives their rows.
pub(super) fn resolve(query: &mut Query, context: &QueryContext<'_>) -> Result<Tables, Failure> {
    if let ControlFlow::Break(failure) = VisitMut::visit(query, &mut TableFunctions) {
        return Err(failure);
    }
    let mut seen = Seen::default();
    if let ControlFlow::Break(failure) = Visit::visit(query, &mut seen) {
        return Err(failure);
    }
    let mut resolver = Resolver { context, seen: &seen, tables: Tables::new() };
    match VisitMut::visit(query, &mut resolver) {
        ControlFlow::Continue(()) => Ok(resolver.tables),
        ControlFlow::Break(failure) => Err(failure),
    }
}

/// What the query names: its own common table expressions, and columns.
#[derive(Default)]
struct Seen {
    ctes: BTreeSet<String>,
    columns: BTreeSet<String>,
}

/// The table function of tags, with the columns that Snowflake gives it.
const TAG_REFERENCES: [&str; 3] = ["SNOWFLAKE", "INFORMATION_SCHEMA", "TAG_REFERENCES"];
const OF_TAGS: [&str; 11] = [
    "TAG_DATABASE",
    "TAG_SCHEMA",
    "TAG_NAME",
    "TAG_VALUE",
    "LEVEL",
    "OBJECT_DATABASE",
    "OBJECT_SCHEMA",
    "OBJECT_NAME",
    "DOMAIN",
    "COLUMN_NAME",
    "APPLY_METHOD",
];

/// `TABLE(SNOWFLAKE.INFORMATION_SCHEMA.TAG_REFERENCES(...))` becomes a relation of that name. The sandbox attaches no
/// tags, so it has no rows, whatever the object.
struct TableFunctions;

impl VisitorMut for TableFunctions {
    type Break = Failure;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Failure> {
        if let TableFactor::TableFunction { expr: Expr::Function(function), alias } = factor {
            let parts = function.name.0.iter().map(|part| part.as_ident().map(|ident| ident.value.as_str()));
            if parts.collect::<Option<Vec<_>>>().as_deref() == Some(&TAG_REFERENCES) {
                *factor = TableFactor::Table {
                    name: function.name.clone(),
                    alias: alias.clone(),
                    args: None,
                    with_hints: Vec::new(),
                    version: None,
                    with_ordinality: false,
                    partitions: Vec::new(),
                    json_path: None,
                    sample: None,
                    index_hints: Vec::new(),
                };
            }
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Seen {
    type Break = Failure;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Failure> {
        if let Some(with) = &query.with {
            self.ctes.extend(with.cte_tables.iter().map(|cte| cte.alias.name.value.clone()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Failure> {
        match factor {
            TableFactor::Table { args: None, version: None, sample: None, .. }
            | TableFactor::Derived { sample: None, .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break(Failure::unsupported("a table function or a modifier in FROM")),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Failure> {
        match expr {
            Expr::Identifier(name) => self.columns.insert(name.value.clone()),
            Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|name| self.columns.insert(name.value.clone())),
            _ => false,
        };
        ControlFlow::Continue(())
    }
}

struct Resolver<'a> {
    context: &'a QueryContext<'a>,
    seen: &'a Seen,
    tables: Tables,
}

impl VisitorMut for Resolver<'_> {
    type Break = Failure;

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Failure> {
        match self.relation(relation) {
            Ok(Some(full)) => {
                *relation = full;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(failure),
        }
    }
}

impl Resolver<'_> {
    /// The full name; `None` for a common table expression.
    fn relation(&mut self, relation: &ObjectName) -> Result<Option<ObjectName>, Failure> {
        let shown = shown(relation);
        let unknown = || error::unknown_object(&shown);
        let mut parts = Vec::with_capacity(3);
        for part in &relation.0 {
            let ObjectNamePart::Identifier(ident) = part else { return Err(unknown()) };
            parts.push(ident.value.clone());
        }
        let names = self.context.names;
        let database = || names.database.clone().ok_or_else(no_database);
        let schema = || names.schema.clone().ok_or_else(no_schema);
        let (database, schema, name) = match parts.as_slice() {
            [name] if self.seen.ctes.contains(name) => return Ok(None),
            [name] => (database()?, schema()?, name.clone()),
            [schema, name] => (database()?, schema.clone(), name.clone()),
            [database, schema, name] => (database.clone(), schema.clone(), name.clone()),
            _ => return Err(unknown()),
        };
        let full = vec![database.clone(), schema.clone(), name.clone()];
        let key = (database, schema, name);
        if !self.tables.contains_key(&key) {
            let rows = self.rows(&key)?.ok_or_else(unknown)?;
            self.tables.insert(key, rows);
        }
        Ok(Some(ObjectName::from(full.into_iter().map(|part| SqlIdent::with_quote('"', part)).collect::<Vec<_>>())))
    }

    /// The rows of a relation that exists and may be read.
    fn rows(&self, (database, schema, name): &(String, String, String)) -> Result<Option<Vec<RecordBatch>>, Failure> {
        let context = self.context;
        let (Ok(d), Ok(s), Ok(n)) = (Ident::new(database), Ident::new(schema), Ident::new(name)) else {
            return Ok(None);
        };
        if database == "SNOWFLAKE" && schema == "ACCOUNT_USAGE" {
            let Some(view) = account_usage::views().find(|view| view == name) else { return Ok(None) };
            (context.may_read)(&ObjectRef::in_schema(ObjectType::VIEW, d, s, n))?;
            let seen = account_usage::Seen::new(context.account, context.removed, (context.horizon)(view));
            let rows = account_usage::batches(view, &seen);
            return rows.transpose().map_err(Failure::internal);
        }
        if [database, schema, name] == TAG_REFERENCES {
            let fields: Vec<Field> = OF_TAGS.iter().map(|c| Field::new(*c, DataType::Utf8, true)).collect();
            return Ok(Some(vec![RecordBatch::new_empty(Arc::new(Schema::new(fields)))]));
        }
        let wanted = ObjectRef::in_schema(ObjectType::TABLE, d, s, n);
        let Some((found, _)) = context.account.object(&wanted) else { return Ok(None) };
        (context.may_read)(found)?;
        let named = self.seen.columns.iter().map(String::as_str);
        let columns: Vec<&str> = if self.seen.columns.is_empty() { vec![NO_COLUMNS] } else { named.collect() };
        let fields: Vec<Field> = columns.into_iter().map(|c| Field::new(c, DataType::Utf8, true)).collect();
        Ok(Some(vec![RecordBatch::new_empty(Arc::new(Schema::new(fields)))]))
    }
}

/// The name for messages: the parts as they are stored, quoted where SQL needs it.
fn shown(relation: &ObjectName) -> String {
    let part = |part: &ObjectNamePart| match part.as_ident().map(|i| Ident::new(&i.value)) {
        Some(Ok(ident)) => ident.shown().to_string(),
        _ => part.to_string(),
    };
    relation.0.iter().map(part).collect::<Vec<_>>().join(".")
}

fn no_database() -> Failure {
    let text = "Cannot perform SELECT. This session does not have a current database. Call 'USE DATABASE', or use a \
                qualified name.";
    Failure::new("090105", "22000", text)
}

fn no_schema() -> Failure {
    let text = "Cannot perform SELECT. This session does not have a current schema. Call 'USE SCHEMA', or use a \
                qualified name.";
    Failure::new("090106", "22000", text)
}
