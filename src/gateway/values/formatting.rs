//! `to_char`, `to_timestamp` and `to_date` with PostgreSQL's templates.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use datafusion::arrow::array::{ArrayRef, AsArray as _, Date32Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Field, FieldRef, Float64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::templates::Template;
use super::zones::{global, local, session_zone};

/// `to_char`, `to_timestamp` and `to_date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Function {
    Char,
    Timestamp,
    Date,
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    [Function::Char, Function::Timestamp, Function::Date]
        .into_iter()
        .map(|function| {
            ScalarUDF::new_from_impl(Formatting { function, signature: Signature::user_defined(Volatility::Stable) })
        })
        .collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Formatting {
    function: Function,
    signature: Signature,
}

fn zoned(zone: &str) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(zone.into()))
}

fn out_of_range() -> DataFusionError {
    sql_error("22008", "timestamp out of range")
}

impl Formatting {
    fn to_char(&self, args: &ScalarFunctionArgs, values: &ArrayRef, templates: &ArrayRef) -> Result<ArrayRef> {
        let zone = session_zone(args);
        let (number, with_zone) = match values.data_type() {
            DataType::Timestamp(_, zone) => (false, zone.is_some()),
            _ => (true, false),
        };
        let write = |row: usize, template: &str| -> Result<String> {
            if number {
                let value = values.as_primitive::<Float64Type>().value(row);
                return super::numbers::to_char(value, template);
            }
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            let template = Template::parse(template);
            if with_zone {
                let (at, word, seconds) = local(micros, zone).ok_or_else(out_of_range)?;
                return Ok(template.write(at, Some((&word, seconds))));
            }
            let at = DateTime::from_timestamp_micros(micros).ok_or_else(out_of_range)?.naive_utc();
            Ok(template.write(at, None))
        };
        let rows = templates.as_string::<i32>().iter().enumerate().map(|(row, template)| match template {
            Some(template) if !values.is_null(row) => write(row, template).map(Some),
            _ => Ok(None),
        });
        Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
    }

    fn read(text: &str, template: &str) -> Result<(NaiveDateTime, Option<i32>)> {
        Template::parse(template)
            .read(text)
            .ok_or_else(|| sql_error("22007", format!("invalid value \"{text}\" for \"{template}\"")))
    }
}

impl ScalarUDFImpl for Formatting {
    fn name(&self) -> &'static str {
        match self.function {
            Function::Char => "to_char",
            Function::Timestamp => "to_timestamp",
            Function::Date => "to_date",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.function {
            Function::Char => DataType::Utf8,
            Function::Timestamp => zoned("+00:00"),
            Function::Date => DataType::Date32,
        })
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Field::new(self.name(), self.return_type(&[])?, true).into())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let none = || {
            let shown: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            sql_error("42883", format!("function {}({}) does not exist", self.name(), shown.join(", ")))
        };
        Ok(match (self.function, arguments) {
            (Function::Timestamp, [number]) if number.is_numeric() => vec![DataType::Float64],
            (Function::Timestamp | Function::Date, [_, _]) => vec![DataType::Utf8, DataType::Utf8],
            (Function::Char, [value, _]) => {
                let value = match value {
                    DataType::Timestamp(_, Some(_)) => zoned("+00:00"),
                    DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => {
                        DataType::Timestamp(TimeUnit::Microsecond, None)
                    }
                    number if number.is_numeric() => DataType::Float64,
                    DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
                    _ => return Err(none()),
                };
                vec![value, DataType::Utf8]
            }
            _ => return Err(none()),
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns =
            args.args.iter().map(|argument| argument.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let result: ArrayRef = match (self.function, columns.as_slice()) {
            (Function::Char, [values, templates]) => self.to_char(&args, values, &cast(templates, &DataType::Utf8)?)?,
            (Function::Timestamp, [seconds]) => {
                let seconds = cast(seconds, &DataType::Float64)?;
                let micros = seconds.as_primitive::<Float64Type>().iter().map(|seconds| match seconds {
                    Some(seconds) if (seconds * 1e6).abs() < 9.2e18 => Ok(Some((seconds * 1e6).round() as i64)),
                    Some(_) => Err(out_of_range()),
                    None => Ok(None),
                });
                Arc::new(micros.collect::<Result<TimestampMicrosecondArray>>()?.with_timezone("+00:00"))
            }
            (_, [texts, templates]) => {
                let (texts, templates) = (cast(texts, &DataType::Utf8)?, cast(templates, &DataType::Utf8)?);
                let pairs = texts.as_string::<i32>().iter().zip(templates.as_string::<i32>());
                let zone = session_zone(&args);
                if self.function == Function::Date {
                    let days = pairs.map(|pair| match pair {
                        (Some(text), Some(template)) => {
                            Self::read(text, template).map(|(at, _)| Some(Date32Type::from_naive_date(at.date())))
                        }
                        _ => Ok(None),
                    });
                    Arc::new(days.collect::<Result<Date32Array>>()?)
                } else {
                    let micros = pairs.map(|pair| match pair {
                        (Some(text), Some(template)) => {
                            let (at, offset) = Self::read(text, template)?;
                            global(at, offset, zone).map(Some).ok_or_else(out_of_range)
                        }
                        _ => Ok(None),
                    });
                    Arc::new(micros.collect::<Result<TimestampMicrosecondArray>>()?.with_timezone("+00:00"))
                }
            }
            _ => return Err(DataFusionError::Internal("no arguments".to_owned())),
        };
        Ok(ColumnarValue::Array(result))
    }
}
