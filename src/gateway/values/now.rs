//! `now()` and its relatives, in microseconds as PostgreSQL counts time.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

pub(super) fn functions() -> Vec<ScalarUDF> {
    let clock = Clock { signature: Signature::nullary(Volatility::Volatile) };
    vec![ScalarUDF::new_from_impl(Now::in_zone(None)), ScalarUDF::new_from_impl(clock)]
}

/// `clock_timestamp`: the moment of the call, which goes on while a statement runs.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Clock {
    signature: Signature,
}

impl ScalarUDFImpl for Clock {
    fn name(&self) -> &'static str {
        "clock_timestamp"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("+00:00".into())))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let now = chrono::Utc::now().timestamp_micros();
        Ok(ColumnarValue::Scalar(ScalarValue::TimestampMicrosecond(Some(now), Some("+00:00".into()))))
    }
}

/// When the statement began. The planner's own counts nanoseconds, which reach back to 1677 only.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Now {
    zone: Option<Arc<str>>,
    aliases: Vec<String>,
    signature: Signature,
}

impl Now {
    fn in_zone(zone: Option<Arc<str>>) -> Self {
        let aliases = ["current_timestamp", "transaction_timestamp", "statement_timestamp"].map(str::to_owned).to_vec();
        Self { zone, aliases, signature: Signature::nullary(Volatility::Stable) }
    }
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &'static str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        Some(ScalarUDF::new_from_impl(Self::in_zone(config.execution.time_zone.as_deref().map(Arc::from))))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, self.zone.clone()))
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Field::new("now", self.return_type(&[])?, false).into())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal("a moment that was not simplified".to_owned()))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(match info.query_execution_start_time() {
            Some(now) => ExprSimplifyResult::Simplified(Expr::Literal(
                ScalarValue::TimestampMicrosecond(Some(now.timestamp_micros()), self.zone.clone()),
                None,
            )),
            None => ExprSimplifyResult::Original(args),
        })
    }
}
