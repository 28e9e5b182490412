//! Filters that a scan of effective access takes over, exactly.
//!
//! A filter over the columns of one dimension (user, object or privilege) is evaluated once per member of that
//! dimension with DataFusion's own expressions; what is left are id sets. Equality on names goes through the name
//! index first, so a question about one object or user does not look at the others.

use super::definition::{ACCOUNT, OBJECT};
use crate::model::{Ident, Principal, Property};
use crate::snapshot::Snapshot;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray, StringViewBuilder,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_plan::PhysicalExpr;
use std::sync::Arc;

/// The dimension that a filter is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dimension {
    /// `account`, `user_name`, `user_disabled`.
    User,
    /// `account`, `role_name`, `role_type`.
    Role,
    /// The columns that name an object.
    Object,
    /// `privilege`.
    Privilege,
}

impl Dimension {
    fn fields(self) -> Vec<(&'static str, DataType)> {
        match self {
            Self::User => vec![
                (ACCOUNT.name, DataType::Utf8View),
                ("user_name", DataType::Utf8View),
                ("user_disabled", DataType::Boolean),
            ],
            Self::Role => {
                [ACCOUNT.name, "role_name", "role_type"].into_iter().map(|name| (name, DataType::Utf8View)).collect()
            }
            Self::Object => OBJECT.iter().map(|c| (c.name, DataType::Utf8View)).collect(),
            Self::Privilege => vec![("privilege", DataType::Utf8View)],
        }
    }

    fn schema(self) -> Arc<Schema> {
        let fields = self.fields().into_iter().map(|(name, ty)| Field::new(name, ty, true));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    }
}

/// The dimension, among those of a relation, of a filter that can be taken over; `None` leaves it to DataFusion.
pub(super) fn dimension(filter: &Expr, of_relation: &[Dimension]) -> Option<Dimension> {
    let refused = |e: &Expr| {
        Ok(matches!(
            e,
            Expr::ScalarSubquery(_)
                | Expr::InSubquery(_)
                | Expr::Exists(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::Placeholder(_)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        ))
    };
    if filter.is_volatile() || filter.exists(refused).unwrap_or(true) {
        return None;
    }
    let columns = filter.column_refs();
    let within = |d: &Dimension| {
        let fields = d.fields();
        !columns.is_empty() && columns.iter().all(|c| fields.iter().any(|(name, _)| *name == c.name))
    };
    of_relation.iter().copied().find(within)
}

/// One filter of a dimension, ready to be evaluated.
#[derive(Clone, Debug)]
struct Ready {
    dimension: Dimension,
    expr: Arc<dyn PhysicalExpr>,
    /// `(column, value)` when the filter is an equality with a literal.
    equals: Option<(String, String)>,
}

/// The filters that a scan took over.
#[derive(Clone, Debug, Default)]
pub struct Pushed(Vec<Ready>);

/// The ids that pass, per dimension; `None` when nothing restricts it.
#[derive(Debug, Default)]
pub(super) struct Passing {
    pub users: Option<Vec<u32>>,
    pub roles: Option<Vec<u32>>,
    pub objects: Option<Vec<u32>>,
    pub privileges: Option<Vec<u16>>,
}

impl Pushed {
    pub(super) fn plan(state: &dyn Session, filters: Vec<Expr>, of_relation: &[Dimension]) -> Result<Self> {
        let mut ready = Vec::new();
        for filter in filters {
            let Some(dimension) = dimension(&filter, of_relation) else { continue };
            let filter = filter.transform(|e| Ok(unqualified(e)))?.data;
            let schema = DFSchema::try_from(dimension.schema().as_ref().clone())?;
            let equals = equality(&filter);
            ready.push(Ready { dimension, expr: state.create_physical_expr(filter, &schema)?, equals });
        }
        Ok(Self(ready))
    }

    /// Evaluates the filters on an account.
    pub(super) fn passing(&self, account: &str, snapshot: &Snapshot) -> Result<Passing> {
        let users: Vec<u32> = match self.equal_to(Dimension::User, "user_name") {
            Some(name) => user_named(snapshot, name).into_iter().collect(),
            None => snapshot.graph().users().collect(),
        };
        let objects: Vec<u32> =
            match (self.equal_to(Dimension::Object, "object"), self.equal_to(Dimension::Object, "object_name")) {
                (Some(object), _) => snapshot.objects_named(object),
                (None, Some(name)) => snapshot.objects_with_name(name).to_vec(),
                (None, None) if self.restricts(Dimension::Object) => (0..snapshot.object_count()).collect(),
                (None, None) => Vec::new(),
            };
        let roles: Vec<u32> = if self.restricts(Dimension::Role) { snapshot.role_ids().collect() } else { Vec::new() };
        Ok(Passing {
            roles: self.pass(Dimension::Role, &roles, |ids| role_batch(account, snapshot, ids))?,
            users: self.pass(Dimension::User, &users, |ids| user_batch(account, snapshot, ids))?,
            objects: self.pass(Dimension::Object, &objects, |ids| object_batch(snapshot, ids))?,
            privileges: self
                .pass(Dimension::Privilege, &(0..snapshot.privileges().len() as u32).collect::<Vec<_>>(), |ids| {
                    vec![texts(ids.iter().map(|p| snapshot.privileges().get(*p).map(crate::model::Privilege::as_str)))]
                })?
                .map(|list| list.into_iter().map(|p| p as u16).collect()),
        })
    }

    fn restricts(&self, dimension: Dimension) -> bool {
        self.0.iter().any(|r| r.dimension == dimension)
    }

    fn equal_to(&self, dimension: Dimension, column: &str) -> Option<&str> {
        let mut equalities = self.0.iter().filter(|r| r.dimension == dimension).filter_map(|r| r.equals.as_ref());
        equalities.find(|(name, _)| name == column).map(|(_, value)| value.as_str())
    }

    fn pass(
        &self,
        dimension: Dimension,
        ids: &[u32],
        columns: impl Fn(&[u32]) -> Vec<ArrayRef>,
    ) -> Result<Option<Vec<u32>>> {
        if !self.restricts(dimension) {
            return Ok(None);
        }
        let mut passing = Vec::new();
        for chunk in ids.chunks(super::BATCH_ROWS) {
            let batch = RecordBatch::try_new(dimension.schema(), columns(chunk))?;
            let mut keep: Option<BooleanArray> = None;
            for ready in self.0.iter().filter(|r| r.dimension == dimension) {
                let value = ready.expr.evaluate(&batch)?.into_array(batch.num_rows())?;
                let mask = value.as_boolean().clone();
                keep = Some(match keep {
                    None => mask,
                    Some(before) => datafusion::arrow::compute::and_kleene(&before, &mask)?,
                });
            }
            if let Some(keep) = keep {
                let passes = |i: usize| keep.is_valid(i) && keep.value(i);
                passing.extend(chunk.iter().enumerate().filter(|(i, _)| passes(*i)).map(|(_, id)| *id));
            }
        }
        Ok(Some(passing))
    }
}

/// A column without its relation, so that it is found in the dimension's schema.
fn unqualified(expr: Expr) -> datafusion::common::tree_node::Transformed<Expr> {
    use datafusion::common::tree_node::Transformed;
    match expr {
        Expr::Column(c) if c.relation.is_some() => {
            Transformed::yes(Expr::Column(datafusion::common::Column::new_unqualified(c.name)))
        }
        other => Transformed::no(other),
    }
}

fn equality(filter: &Expr) -> Option<(String, String)> {
    let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
    let (column, literal) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(c), Expr::Literal(v, _)) | (Expr::Literal(v, _), Expr::Column(c)) => (c, v),
        _ => return None,
    };
    match literal {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) | ScalarValue::LargeUtf8(Some(text)) => {
            Some((column.name.clone(), text.clone()))
        }
        _ => None,
    }
}

fn user_named(snapshot: &Snapshot, name: &str) -> Option<u32> {
    snapshot.principal_id(&Principal::user(Ident::new(name).ok()?))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

fn user_batch(account: &str, snapshot: &Snapshot, ids: &[u32]) -> Vec<ArrayRef> {
    let names = texts(ids.iter().map(|id| Some(snapshot.principals().at(*id).name.as_str())));
    let disabled: BooleanArray =
        ids.iter().map(|id| Some(snapshot.principal_info(*id).properties.is_true(Property::Disabled))).collect();
    vec![texts(ids.iter().map(|_| Some(account))), names, Arc::new(disabled)]
}

fn role_batch(account: &str, snapshot: &Snapshot, ids: &[u32]) -> Vec<ArrayRef> {
    let mut names = StringViewBuilder::new();
    for id in ids {
        names.append_value(snapshot.principals().at(*id).shown());
    }
    let kinds = texts(ids.iter().map(|id| Some(snapshot.principals().at(*id).kind.as_str())));
    vec![texts(ids.iter().map(|_| Some(account))), Arc::new(names.finish()), kinds]
}

fn object_batch(snapshot: &Snapshot, ids: &[u32]) -> Vec<ArrayRef> {
    let mut full = StringViewBuilder::new();
    for id in ids {
        full.append_value(snapshot.object(*id).shown());
    }
    vec![
        texts(ids.iter().map(|id| Some(snapshot.object_type(*id).as_str()))),
        texts(ids.iter().map(|id| snapshot.database_of(*id).map(|d| snapshot.object_name(d)))),
        texts(ids.iter().map(|id| snapshot.schema_of(*id).map(|s| snapshot.object_name(s)))),
        texts(ids.iter().map(|id| Some(snapshot.object_name(*id)))),
        Arc::new(full.finish()),
    ]
}
