//! Batches of a bounded size for the operators that multiply what they get: a join copies a row as often as it finds a
//! partner, and unnesting makes a row of every entry of a list, in one step and outside of what is accounted for.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::bounds::{bytes_at, too_much};

/// Bytes of the lists that are unnested in one step.
const UNNESTED: usize = 1 << 20;

/// The same plan, whose leaves give at most `rows` rows at a time, and whose joins copy at most `step` bytes.
pub(super) fn narrowed(plan: Arc<dyn ExecutionPlan>, rows: usize, step: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let given = Measure { rows, copied: None, lists: None, beside: None };
    let measured = plan.transform_up(|node| {
        let is_leaf = node.children().is_empty();
        let is_unnest = node.is::<UnnestExec>();
        let node = if node.children().len() > 1 && node.name().contains("Join") {
            with_inputs(node, Measure { copied: Some(step), ..given })?
        } else if is_unnest {
            with_inputs(node, Measure { lists: Some(UNNESTED), beside: Some(step), ..given })?
        } else {
            node
        };
        // These give as many rows at a time as they have: a table's batch, a long list, a partition of a window.
        Ok(if is_leaf || is_unnest || node.name().contains("Window") {
            Transformed::yes(Arc::new(NarrowExec { input: node, measure: given }) as _)
        } else {
            Transformed::yes(node)
        })
    })?;
    Ok(measured.data)
}

fn with_inputs(node: Arc<dyn ExecutionPlan>, measure: Measure) -> Result<Arc<dyn ExecutionPlan>> {
    let measured = |input: &Arc<dyn ExecutionPlan>| -> Arc<dyn ExecutionPlan> {
        Arc::new(NarrowExec { input: Arc::clone(input), measure })
    };
    let inputs = node.children().into_iter().map(measured).collect();
    node.replace_children(inputs, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
}

/// What passes.
#[derive(Debug, Clone, Copy)]
struct Measure {
    /// Rows of a batch.
    rows: usize,
    /// Bytes that `rows` copies of the widest row may have; `None` where rows are not copied.
    copied: Option<usize>,
    /// Bytes of lists in a batch.
    lists: Option<usize>,
    /// Bytes that the values beside a list may have, copied for each of its entries.
    beside: Option<usize>,
}

/// Passes its input on, measured.
#[derive(Debug)]
struct NarrowExec {
    input: Arc<dyn ExecutionPlan>,
    measure: Measure,
}

impl DisplayAs for NarrowExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NarrowExec")
    }
}

impl ExecutionPlan for NarrowExec {
    fn name(&self) -> &'static str {
        "NarrowExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = <[_; 1]>::try_from(children)
            .map_err(|given| DataFusionError::Internal(format!("{} inputs for one", given.len())))?;
        Ok(Arc::new(Self { input, measure: self.measure }))
    }

    fn execute(&self, partition: usize, task: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let measure = self.measure;
        let measured =
            move |batch: Result<RecordBatch>| batch.and_then(|batch| pieces(batch, measure)).map(stream::iter);
        let batches = self.input.execute(partition, task)?.map(measured);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.input.schema(), batches.try_flatten())))
    }
}

/// A batch in pieces, each made when it is asked for, or the error that a row is too wide.
fn pieces(batch: RecordBatch, measure: Measure) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let columns: Vec<&ArrayRef> = batch.columns().iter().filter(|column| is_copied(column.data_type())).collect();
    // No row is wider than all of them together.
    let all =
        columns.iter().map(datafusion::arrow::array::Array::get_buffer_memory_size).fold(0, usize::saturating_add);
    let width = |row| columns.iter().map(|column| bytes_at(column, row)).fold(0, usize::saturating_add);
    let widest = |matters: bool| if matters { (0..batch.num_rows()).map(width).max().unwrap_or(0) } else { 0 };
    if let Some(most) = measure.copied {
        let copies = widest(all.saturating_mul(measure.rows) > most).saturating_mul(measure.rows);
        if copies > most {
            return Err(too_much("joining rows as wide as these", copies as u128, measure.rows, most));
        }
    }
    let mut rows = measure.rows;
    if let Some(most) = measure.lists {
        let widest = widest(all > most);
        rows = most.checked_div(widest).map_or(rows, |fit| fit.clamp(1, rows));
    }
    if let Some(most) = measure.beside {
        let copies = (0..batch.num_rows()).map(|row| copied_beside(&batch, row)).max().unwrap_or(0);
        if copies > most {
            return Err(too_much("unnesting a list beside values as wide as these", copies as u128, rows, most));
        }
        rows = most.checked_div(copies).map_or(rows, |fit| fit.clamp(1, rows));
    }
    let all = batch.num_rows();
    let is_whole = all <= rows;
    let is_cut = !is_whole || batch.columns().iter().any(is_a_cut);
    // An empty batch is passed on, too.
    let starts = (0..all.max(1)).step_by(rows.max(1));
    Ok(starts.map(move |start| match (is_cut, is_whole) {
        (false, _) => Ok(batch.clone()),
        (true, true) => of_its_own(&batch),
        (true, false) => of_its_own(&batch.slice(start, rows.min(all - start))),
    }))
}

/// The bytes that the values beside the longest list of a row have when they are copied for each of its entries.
fn copied_beside(batch: &RecordBatch, row: usize) -> usize {
    let entries = |column: &ArrayRef| match column.data_type() {
        DataType::List(_) if column.is_valid(row) => column.as_list::<i32>().value_length(row) as usize,
        DataType::LargeList(_) if column.is_valid(row) => column.as_list::<i64>().value_length(row) as usize,
        _ => 0,
    };
    let longest = batch.columns().iter().map(entries).max().unwrap_or(0);
    let beside = batch.columns().iter().filter(|column| !column.data_type().is_nested());
    beside.map(|column| bytes_at(column, row)).fold(0, usize::saturating_add).saturating_mul(longest)
}

/// Whether a column holds far more than its rows: it was cut from a larger one.
fn is_a_cut(column: &ArrayRef) -> bool {
    let held = column.get_buffer_memory_size();
    if held <= 64 << 10 {
        return false;
    }
    let own = match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used() + 16 * column.len(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used() + 16 * column.len(),
        other => other.primitive_width().map_or(held, |width| width * column.len()),
    };
    held / 4 > own
}

/// The same rows without the rest of the batch that they were cut from: whoever keeps them would keep, and account for, all
/// of it.
fn of_its_own(slice: &RecordBatch) -> Result<RecordBatch> {
    let rows = UInt32Array::from_iter_values(0..slice.num_rows() as u32);
    let column = |column: &ArrayRef| -> Result<ArrayRef> {
        Ok(match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => take(column, &rows, None)?,
        })
    };
    let columns = slice.columns().iter().map(column).collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(slice.num_rows()));
    Ok(RecordBatch::try_new_with_options(slice.schema(), columns, &options)?)
}

/// Whether a join copies the bytes of a value: a view is copied without them.
fn is_copied(ty: &DataType) -> bool {
    !(ty.is_primitive() || matches!(ty, DataType::Utf8View | DataType::BinaryView | DataType::Boolean | DataType::Null))
}
