//! Texts as numbers that are only shown: with the digits that they are written with, and as many as there are. The decimals that
//! statements compute with have 38.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, ListArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::super::pgcatalog::errors::sql_error;
use super::digits::overflow;

/// Digits that PostgreSQL's `numeric` has before the point, and behind it.
const MOST_BEFORE: usize = 131_072;
const MOST_BEHIND: usize = 16_383;

/// The text of the number that a text is, or of those that a list of texts is.
pub(super) fn read_from(text: Expr) -> Expr {
    ScalarUDF::new_from_impl(Read { signature: Signature::any(1, Volatility::Immutable) }).call(vec![text])
}

/// Whether [`read_from`] takes values of the type.
pub(super) fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::List(element) => is_readable(element.data_type()),
        kind => kind.is_string(),
    }
}

/// A text as PostgreSQL's `numeric_in` and `numeric_out` together change it.
pub(super) fn read(text: &str) -> Result<String> {
    let wrong = || sql_error("22P02", format!("invalid input syntax for type numeric: \"{text}\""));
    let trimmed = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let (negative, unsigned) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len().saturating_add(behind.len()) == 0 || !are_digits(whole) || !are_digits(behind) {
        return Err(wrong());
    }
    let exponent: i32 = match exponent {
        Some(text) => {
            let number = text.strip_prefix(['-', '+']).unwrap_or(text);
            if number.is_empty() || !are_digits(number) {
                return Err(wrong());
            }
            text.parse().map_err(|_| overflow())?
        }
        None => 0,
    };
    let shift = usize::try_from(exponent.unsigned_abs()).map_err(|_| overflow())?;
    if shift > MOST_BEFORE {
        return Err(overflow());
    }
    let (whole, behind) = if exponent >= 0 {
        let moved = behind.get(..shift.min(behind.len())).unwrap_or_default();
        let zeros = "0".repeat(shift.saturating_sub(behind.len()));
        (format!("{whole}{moved}{zeros}"), behind.get(shift.min(behind.len())..).unwrap_or_default().to_owned())
    } else {
        let at = whole.len().saturating_sub(shift);
        let zeros = "0".repeat(shift.saturating_sub(whole.len()));
        let (kept, moved) = whole.split_at_checked(at).unwrap_or((whole, ""));
        (kept.to_owned(), format!("{zeros}{moved}{behind}"))
    };
    let whole = whole.trim_start_matches('0');
    if whole.len() > MOST_BEFORE || behind.len() > MOST_BEHIND {
        return Err(overflow());
    }
    let zero = whole.is_empty() && behind.bytes().all(|byte| byte == b'0');
    let sign = if negative && !zero { "-" } else { "" };
    let (whole, point) = (if whole.is_empty() { "0" } else { whole }, if behind.is_empty() { "" } else { "." });
    Ok(format!("{sign}{whole}{point}{behind}"))
}

fn read_all(array: &ArrayRef) -> Result<ArrayRef> {
    if let DataType::List(_) = array.data_type() {
        let lists = array.as_list::<i32>();
        let values = read_all(lists.values())?;
        let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
        return Ok(Arc::new(ListArray::try_new(field, lists.offsets().clone(), values, lists.nulls().cloned())?));
    }
    let texts = cast(array, &DataType::Utf8)?;
    let numbers = texts.as_string::<i32>().iter().map(|text| text.map(read).transpose());
    Ok(Arc::new(numbers.collect::<Result<StringArray>>()?))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Read {
    signature: Signature,
}

impl ScalarUDFImpl for Read {
    fn name(&self) -> &'static str {
        "numeric_in_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(match arguments {
            [DataType::List(element)] => {
                DataType::List(Arc::new(Field::new_list_field(self.return_type(&[element.data_type().clone()])?, true)))
            }
            _ => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts] = args.args.as_slice() else { return Err(overflow()) };
        Ok(ColumnarValue::Array(read_all(&texts.to_array(args.number_rows)?)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_with_their_digits() {
        for (text, wanted) in [
            ("1.50", "1.50"),
            (" +007 ", "7"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("-0.00", "0.00"),
            ("1.5e3", "1500"),
            ("1.2345e2", "123.45"),
            ("12e-3", "0.012"),
            ("1.50E-2", "0.0150"),
            ("0e10", "0"),
        ] {
            assert_eq!(read(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(read("1.79769e+308").unwrap(), format!("179769{}", "0".repeat(303)));
        for wrong in ["", " ", ".", "1e", "1e+", "x", "1 2", "--1", "1e5.5", "é"] {
            assert!(read(wrong).unwrap_err().to_string().contains("invalid input syntax"), "{wrong}");
        }
        assert!(read("1e131072").is_err() && read("1e-16384").is_err() && read("1e99999999999").is_err());
    }
}
