//! The value of a subquery used as an expression: at most one row, as PostgreSQL checks it when the statement runs.

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

use crate::gateway::pgcatalog::errors::sql_error;

/// The aggregate's name.
pub(crate) const SINGLE_VALUE: &str = "single_value";

/// The aggregate: the only row's value, NULL without rows, an error with more.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SingleValue {
    signature: Signature,
}

impl SingleValue {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

fn missing() -> DataFusionError {
    DataFusionError::Internal("single_value takes one argument".to_owned())
}

impl AggregateUDFImpl for SingleValue {
    fn name(&self) -> &'static str {
        SINGLE_VALUE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        arguments.first().cloned().ok_or_else(missing)
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        let field = arguments.first().ok_or_else(missing)?;
        Ok(field.as_ref().clone().with_nullable(true).with_name(SINGLE_VALUE).into())
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Only { value: ScalarValue::try_from(args.return_field.data_type())?, rows: 0 }))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![
            Field::new(format!("{}[value]", args.name), args.return_field.data_type().clone(), true).into(),
            Field::new(format!("{}[rows]", args.name), DataType::UInt64, false).into(),
        ])
    }
}

#[derive(Debug)]
struct Only {
    value: ScalarValue,
    rows: u64,
}

impl Only {
    fn add(&mut self, value: ScalarValue) -> Result<()> {
        self.rows = self.rows.saturating_add(1);
        if self.rows > 1 {
            return Err(sql_error("21000", "more than one row returned by a subquery used as an expression"));
        }
        self.value = value;
        Ok(())
    }
}

impl Accumulator for Only {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values.first().ok_or_else(missing)?;
        (0..values.len()).try_for_each(|row| self.add(ScalarValue::try_from_array(values, row)?))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of::<Self>().saturating_add(self.value.size())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::UInt64(Some(self.rows))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, rows] = states else { return Err(missing()) };
        for index in 0..values.len() {
            if let ScalarValue::UInt64(Some(1)) = ScalarValue::try_from_array(rows, index)? {
                self.add(ScalarValue::try_from_array(values, index)?)?;
            }
        }
        Ok(())
    }
}
