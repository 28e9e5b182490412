//! Functions of ranges: the casts, which also make ranges of bounds and multiranges of ranges, and what a range tells of itself.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, BooleanArray, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use postgres_types::Type;

use super::super::super::error::SqlError;
use super::super::super::pgcatalog::errors::sql_error;
use super::super::super::pgcatalog::{casts, type_oid, types};
use super::super::super::query::params::arrow_type;
use super::super::super::query::shape::ANY_NUMERIC;
use super::super::numerics;
use super::super::zones::session_zone;
use super::elements::Element;
use super::span::{Bound, Span, joined};
use super::{RANGE_TYPES, is_multirange, named, print, spans};

pub(in super::super) fn functions() -> Vec<ScalarUDF> {
    let casts = RANGE_TYPES.into_iter().filter_map(cast_function);
    let asks = ASKS.iter().map(|(name, ask)| {
        ScalarUDF::new_from_impl(Ask { name, ask: *ask, signature: Signature::any(1, Volatility::Immutable) })
    });
    casts.chain(asks).collect()
}

pub(super) fn failed(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The texts of an argument.
pub(super) fn texts(value: &ColumnarValue, rows: usize) -> Result<StringArray> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let text = cast_with_options(&value.to_array(rows)?, &DataType::Utf8, &options)?;
    let text = text.as_any().downcast_ref::<StringArray>();
    text.cloned().ok_or_else(|| DataFusionError::Internal("a text is none".to_owned()))
}

/// A text of a row.
fn cell(texts: &StringArray, row: usize) -> Option<&str> {
    (row < texts.len() && !texts.is_null(row)).then(|| texts.value(row))
}

/// The range type of an argument.
pub(super) fn range_type(fields: &[FieldRef], at: usize) -> Option<(Type, Type)> {
    fields.get(at).and_then(|field| named(&types::name_of(field)))
}

/// The function that is called like a type.
pub(super) fn cast_function(name: &'static str) -> Option<ScalarUDF> {
    let (pg, subtype) = named(name)?;
    // A moment without a zone is one of the session's.
    let volatility = if subtype == Type::TIMESTAMPTZ { Volatility::Stable } else { Volatility::Immutable };
    Some(ScalarUDF::new_from_impl(Cast { name, pg, subtype, signature: Signature::user_defined(volatility) }))
}

/// A cast of one value; a range of two bounds and flags, or a multirange of ranges.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cast {
    name: &'static str,
    pg: Type,
    subtype: Type,
    signature: Signature,
}

impl Cast {
    /// What a bound is brought to before it is read.
    fn bound_type(&self, given: &DataType) -> Option<DataType> {
        match given {
            DataType::Null | DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Some(DataType::Utf8),
            exact @ DataType::Decimal128(..) if self.subtype == Type::NUMERIC => Some(exact.clone()),
            whole if whole.is_integer() => match self.subtype {
                Type::INT4 | Type::INT8 => Some(arrow_type(&self.subtype)),
                Type::NUMERIC => Some(DataType::Decimal128(20, 0)),
                _ => None,
            },
            moment if moment.is_temporal() => {
                let to = arrow_type(&self.subtype);
                to.is_temporal().then_some(to)
            }
            _ => None,
        }
    }

    fn constructed(&self, args: &ScalarFunctionArgs) -> Result<StringArray> {
        let [lower, upper, flags @ ..] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("a range has two bounds".to_owned()));
        };
        let rows = args.number_rows;
        let flags = flags.first().map(|flags| texts(flags, rows)).transpose()?;
        let (lower, upper) = (lower.to_array(rows)?, upper.to_array(rows)?);
        let zone = Some(session_zone(args));
        let value = |array: &ArrayRef, row: usize| -> Result<Option<Element>> {
            let read = |text: &str| Element::read(text, &self.subtype, zone).map(Some).map_err(failed);
            match ScalarValue::try_from_array(array, row)? {
                value if value.is_null() => Ok(None),
                ScalarValue::Utf8(Some(text)) => read(&text),
                ScalarValue::Decimal128(Some(value), precision, scale) => {
                    read(&numerics::shown(value, precision, scale))
                }
                value => Ok(Element::of_scalar(&value)),
            }
        };
        let row = |row: usize| -> Result<String> {
            let flags = match &flags {
                None => "[)",
                Some(flags) => cell(flags, row)
                    .ok_or_else(|| sql_error("22000", "range constructor flags argument must not be null"))?,
            };
            let (from, to) = match flags {
                "[]" => (true, true),
                "[)" => (true, false),
                "(]" => (false, true),
                "()" => (false, false),
                _ => return Err(sql_error("42601", "invalid range bound flags")),
            };
            let lower = Bound { value: value(&lower, row)?, inclusive: from, lower: true };
            let upper = Bound { value: value(&upper, row)?, inclusive: to, lower: false };
            let span = Span::new(lower, upper, &self.subtype).map_err(failed)?;
            print(span.as_slice(), &self.pg, None).map_err(failed)
        };
        (0..rows).map(|at| row(at).map(Some)).collect()
    }
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let oid = |name: &str| type_oid(name).and_then(|oid| u32::try_from(oid).ok());
        if let [value] = args.arg_fields
            && let Some(from) = oid(&types::name_of(value))
            && !casts::allowed(from, self.pg.oid())
        {
            return Err(sql_error("42846", casts::refusal(from, self.pg.oid())));
        }
        Ok(types::field(self.name, self.name))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let missing = || sql_error("42883", format!("no function {} takes such arguments", self.name));
        let is_text = |kind: &DataType| kind.is_string() || *kind == DataType::Null;
        match arguments {
            [one] if is_text(one) => Ok(vec![DataType::Utf8]),
            // Its type's name says more, and is looked at with the field.
            [one] => Ok(vec![one.clone()]),
            many if is_multirange(&self.pg) && many.iter().all(is_text) => Ok(vec![DataType::Utf8; many.len()]),
            [lower, upper, flags @ ..] if flags.len() <= 1 && !is_multirange(&self.pg) => {
                let bounds = self.bound_type(lower).zip(self.bound_type(upper)).ok_or_else(missing)?;
                let flags = flags.iter().map(|_| DataType::Utf8);
                Ok([bounds.0, bounds.1].into_iter().chain(flags).collect())
            }
            _ => Err(missing()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.args.len() > 1 && !is_multirange(&self.pg) {
            return Ok(ColumnarValue::Array(Arc::new(self.constructed(&args)?)));
        }
        let zone = session_zone(&args);
        let columns = args.args.iter().map(|value| texts(value, args.number_rows)).collect::<Result<Vec<_>>>()?;
        // A text is one of this type; a range is a multirange of it alone.
        let from = |at: usize| match range_type(&args.arg_fields, at) {
            Some((from, _)) => (from, None),
            None if columns.len() == 1 => (self.pg.clone(), Some(zone)),
            None => (self.range_of(), Some(zone)),
        };
        let row = |row: usize| -> Result<Option<String>> {
            let mut all = Vec::new();
            for (at, column) in columns.iter().enumerate() {
                let Some(text) = cell(column, row) else { return Ok(None) };
                let (from, zone) = from(at);
                all.extend(spans(text, &from, zone).map_err(failed)?);
            }
            let all = if is_multirange(&self.pg) { joined(all) } else { all };
            print(&all, &self.pg, None).map(Some).map_err(failed)
        };
        let kept = (0..args.number_rows).map(row).collect::<Result<StringArray>>()?;
        Ok(ColumnarValue::Array(Arc::new(kept)))
    }
}

impl Cast {
    /// The type of the ranges of a multirange.
    fn range_of(&self) -> Type {
        let name = self.name.replace("multirange", "range");
        named(&name).map_or_else(|| self.pg.clone(), |(range, _)| range)
    }
}

/// What a range says of itself.
type Asked = fn(&[Span]) -> bool;

const ASKS: &[(&str, Asked)] = &[
    ("isempty", <[Span]>::is_empty),
    ("lower_inc", |spans| spans.first().is_some_and(|span| span.lower.inclusive)),
    ("upper_inc", |spans| spans.last().is_some_and(|span| span.upper.inclusive)),
    ("lower_inf", |spans| spans.first().is_some_and(|span| span.lower.value.is_none())),
    ("upper_inf", |spans| spans.last().is_some_and(|span| span.upper.value.is_none())),
];

#[derive(Debug)]
struct Ask {
    name: &'static str,
    ask: Asked,
    signature: Signature,
}

impl PartialEq for Ask {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Ask {}

impl std::hash::Hash for Ask {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Ask {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if range_type(args.arg_fields, 0).is_none() {
            return Err(sql_error("42883", format!("no function {} takes such arguments", self.name)));
        }
        Ok(Arc::new(Field::new(self.name, DataType::Boolean, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let of = range_type(&args.arg_fields, 0).zip(args.args.first());
        let ((pg, _), value) = of.ok_or_else(|| DataFusionError::Internal("no range".to_owned()))?;
        let ask = |text: &str| spans(text, &pg, None).map(|spans| (self.ask)(&spans)).map_err(failed);
        let texts = texts(value, args.number_rows)?;
        let answers = texts.iter().map(|text| text.map(ask).transpose()).collect::<Result<BooleanArray>>()?;
        Ok(ColumnarValue::Array(Arc::new(answers)))
    }
}

/// `lower` or `upper` of a range, where the type of the argument is one; they are functions of texts, too.
pub(in super::super) fn bound(function: &str, argument: &Field) -> Option<ScalarUDF> {
    let upper = match function {
        "lower" => false,
        "upper" => true,
        _ => return None,
    };
    let (pg, subtype) = named(&types::name_of(argument))?;
    Some(ScalarUDF::new_from_impl(BoundOf { upper, pg, subtype, signature: Signature::any(1, Volatility::Immutable) }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct BoundOf {
    upper: bool,
    pg: Type,
    subtype: Type,
    signature: Signature,
}

impl ScalarUDFImpl for BoundOf {
    fn name(&self) -> &str {
        if self.upper { "upper" } else { "lower" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(arrow_type(&self.subtype))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let null = ScalarValue::try_from(&arrow_type(&self.subtype))?;
        let bound = |text: &str| -> Result<Option<ScalarValue>> {
            let spans = spans(text, &self.pg, None).map_err(failed)?;
            let found =
                if self.upper { spans.last().map(|span| span.upper) } else { spans.first().map(|span| span.lower) };
            let Some(value) = found.and_then(|bound| bound.value) else { return Ok(None) };
            let scalar = value.scalar(&self.subtype).map_err(failed)?;
            Ok(Some(if self.subtype == Type::NUMERIC { short(&scalar)? } else { scalar }))
        };
        let values = texts(value, args.number_rows)?
            .iter()
            .map(|text| Ok(text.map(bound).transpose()?.flatten().unwrap_or_else(|| null.clone())))
            .collect::<Result<Vec<_>>>()?;
        if values.is_empty() {
            return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(&arrow_type(&self.subtype))));
        }
        Ok(ColumnarValue::Array(ScalarValue::iter_to_array(values)?))
    }
}

/// A number with the digits of a column of numbers; 0A000 where it has more.
fn short(value: &ScalarValue) -> Result<ScalarValue> {
    let short = value.cast_to(&ANY_NUMERIC).ok();
    let same = short.as_ref().and_then(|short| short.cast_to(&value.data_type()).ok());
    short.filter(|_| same.as_ref() == Some(value)).ok_or_else(|| {
        sql_error("0A000", "bounds of more than 28 digits before the point or 10 behind it are not supported here")
    })
}
