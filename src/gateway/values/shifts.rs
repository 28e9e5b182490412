//! A moment with an interval added or taken away, within the range of PostgreSQL's moments.

use datafusion::arrow::array::{AsArray as _, Datum};
use datafusion::arrow::compute::kernels::numeric;
use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit, TimestampMicrosecondType};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::super::pgcatalog::errors::sql_error;

/// 4714-11-24 BC, the first day that PostgreSQL counts, in microseconds.
const FIRST: i64 = -210_866_803_200_000_000;

/// The sum or difference of a moment and an interval.
pub(super) fn shifted(moment: Expr, interval: Expr, subtract: bool) -> Expr {
    ScalarUDF::new_from_impl(Shift { subtract, signature: Signature::user_defined(Volatility::Immutable) })
        .call(vec![moment, interval])
}

/// The planner's own fails with other errors, and its bounds of comparisons end in a panic where a moment overflows.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Shift {
    subtract: bool,
    signature: Signature,
}

fn beyond() -> DataFusionError {
    sql_error("22008", "timestamp out of range")
}

impl ScalarUDFImpl for Shift {
    fn name(&self) -> &'static str {
        if self.subtract { "timestamp_mi_interval" } else { "timestamp_pl_interval" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let zone = match arguments.first() {
            Some(DataType::Timestamp(_, zone)) => zone.clone(),
            _ => None,
        };
        Ok(DataType::Timestamp(TimeUnit::Microsecond, zone))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![self.return_type(arguments)?, DataType::Interval(IntervalUnit::MonthDayNano)])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [moments, intervals] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("a moment and an interval are needed".to_owned()));
        };
        let constant = [moments, intervals].into_iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let count = if constant { 1 } else { args.number_rows };
        let (moments, intervals) = (moments.to_array(count)?, intervals.to_array(count)?);
        let (moments, intervals): (&dyn Datum, &dyn Datum) = (&moments, &intervals);
        let shift = if self.subtract { numeric::sub } else { numeric::add };
        let found = shift(moments, intervals).map_err(|_| beyond())?;
        let micros = found.as_primitive_opt::<TimestampMicrosecondType>();
        let micros = micros.ok_or_else(|| DataFusionError::Internal("a moment of another unit".to_owned()))?;
        if micros.iter().flatten().any(|micros| micros < FIRST) {
            return Err(beyond());
        }
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(found))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::col;
    use datafusion::prelude::SessionContext;

    /// As PostgreSQL 15 answers.
    #[tokio::test]
    async fn moments_reach_as_far_as_postgresqls() {
        let context = SessionContext::new();
        crate::gateway::values::register(&context);
        let answer = |days: &str, compared: bool| {
            let (context, days) = (context.clone(), days.to_owned());
            async move {
                let plan = context.sql(&format!("SELECT now() AS a, INTERVAL '{days} day' AS b")).await.unwrap();
                let sum = super::shifted(col("a"), col("b"), false);
                let value = if compared { sum.lt(col("a")) } else { sum };
                let found = plan.select(vec![value]).unwrap().collect().await;
                found.map(|batches| batches[0].num_rows()).map_err(|error| error.to_string())
            }
        };
        assert_eq!(answer("-300000", false).await, Ok(1));
        assert_eq!(answer("-300000", true).await, Ok(1));
        for compared in [false, true] {
            let error = answer("-30000000", compared).await.unwrap_err();
            assert!(error.contains("timestamp out of range"), "{error}");
        }
    }
}
