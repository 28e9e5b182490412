//! The text forms of `bytea`, and the cast to it.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, BinaryArray, Int32Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::super::error::SqlError;
use super::super::pgcatalog::errors::sql_error;

/// The bytes of a text in the hex form (`\x01ff`) or the escape form (`\001`, `\\`).
pub(crate) fn parse(text: &str) -> Result<Vec<u8>, SqlError> {
    match text.strip_prefix("\\x") {
        Some(hex) => from_hex(hex),
        None => from_escapes(text).ok_or_else(|| SqlError::new("22P02", "invalid input syntax for type bytea")),
    }
}

fn from_hex(hex: &str) -> Result<Vec<u8>, SqlError> {
    let wrong = |message: String| SqlError::new("22023", message);
    let digit = |c: char| {
        let digit = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        digit.ok_or_else(|| wrong(format!("invalid hexadecimal digit: \"{c}\"")))
    };
    let mut out = Vec::with_capacity(hex.len() / 2);
    let mut chars = hex.chars();
    while let Some(c) = chars.next() {
        // White space may stand between bytes.
        if matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(c)?;
        let low = chars.next().ok_or_else(|| wrong("invalid hexadecimal data: odd number of digits".to_owned()))?;
        out.push(high << 4 | digit(low)?);
    }
    Ok(out)
}

fn from_escapes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    let octal = |byte: u8| matches!(byte, b'0'..=b'7').then(|| byte.wrapping_sub(b'0'));
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next()? {
            b'\\' => out.push(b'\\'),
            first @ b'0'..=b'3' => {
                let (first, second, third) = (octal(first)?, octal(bytes.next()?)?, octal(bytes.next()?)?);
                out.push(first << 6 | second << 3 | third);
            }
            _ => return None,
        }
    }
    Some(out)
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![ScalarUDF::new_from_impl(ToBytea { signature: Signature::user_defined(Volatility::Immutable) })]
}

/// `bytea`: a cast of a text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ToBytea {
    signature: Signature,
}

impl ScalarUDFImpl for ToBytea {
    fn name(&self) -> &'static str {
        "bytea"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [DataType::Binary | DataType::LargeBinary | DataType::BinaryView] => Ok(vec![DataType::Binary]),
            [DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View] => Ok(vec![DataType::Utf8]),
            _ => Err(sql_error("42846", "cannot cast this to bytea")),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let value = value.to_array(args.number_rows)?;
        if *value.data_type() == DataType::Binary {
            return Ok(ColumnarValue::Array(value));
        }
        let text = cast(&value, &DataType::Utf8)?;
        let read = |text| parse(text).map_err(|error| DataFusionError::External(Box::new(error)));
        let bytes = text.as_string::<i32>().iter().map(|text| text.map(read).transpose());
        let bytes = bytes.collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array(Arc::new(BinaryArray::from_iter(bytes))))
    }
}

/// How many bytes there are.
pub(super) fn length() -> ScalarUDF {
    ScalarUDF::new_from_impl(Length { signature: Signature::exact(vec![DataType::Binary], Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &'static str {
        "byteaoctetlen"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.first().ok_or_else(|| DataFusionError::Internal("no argument".to_owned()))?;
        let bytes = value.to_array(args.number_rows)?;
        let lengths =
            bytes.as_binary::<i32>().iter().map(|bytes| bytes.and_then(|bytes| i32::try_from(bytes.len()).ok()));
        Ok(ColumnarValue::Array(Arc::new(lengths.collect::<Int32Array>())))
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_forms_are_read() {
        for (text, wanted) in [
            ("\\x01ff", &[1, 255][..]),
            ("\\x", &[]),
            ("\\x 01 FF", &[1, 255]),
            ("\\001\\\\", &[1, b'\\']),
            ("ab", b"ab"),
            ("\\377", &[255]),
        ] {
            assert_eq!(parse(text).unwrap(), wanted, "{text}");
        }
        for (text, code, message) in [
            ("\\xz1", "22023", "invalid hexadecimal digit: \"z\""),
            ("\\x1", "22023", "invalid hexadecimal data: odd number of digits"),
            ("a\\b", "22P02", "invalid input syntax for type bytea"),
            ("\\400", "22P02", "invalid input syntax for type bytea"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.sqlstate, error.message.as_str()), (code, message), "{text}");
        }
    }
}
