//! `encode` and `decode`: bytes as text in base64 (in lines, and filled up), in hexadecimal digits, or escaped.

use std::fmt::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{ArrayRef, AsArray as _, BinaryArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

use super::super::pgcatalog::errors::sql_error;
use super::bytea;

/// The longest line of base64 (RFC 2045).
const LINE: usize = 76;

pub(super) fn functions() -> Vec<ScalarUDF> {
    let new = |encodes| Coding { encodes, signature: Signature::user_defined(Volatility::Immutable) };
    [true, false].into_iter().map(|encodes| ScalarUDF::new_from_impl(new(encodes))).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coding {
    encodes: bool,
    signature: Signature,
}

fn unknown(format: &str) -> DataFusionError {
    sql_error("22023", format!("unrecognized encoding: \"{format}\""))
}

fn encoded(bytes: &[u8], format: &str) -> Result<String> {
    let mut out = String::new();
    match format.to_ascii_lowercase().as_str() {
        "base64" => {
            let all = STANDARD.encode(bytes);
            for (at, character) in all.chars().enumerate() {
                if at > 0 && at % LINE == 0 {
                    out.push('\n');
                }
                out.push(character);
            }
        }
        "hex" => {
            for byte in bytes {
                // Writing into memory does not fail.
                let _ = write!(out, "{byte:02x}");
            }
        }
        "escape" => {
            for byte in bytes {
                match byte {
                    b'\\' => out.push_str("\\\\"),
                    0 | 0x80.. => _ = write!(out, "\\{byte:03o}"),
                    other => out.push(char::from(*other)),
                }
            }
        }
        _ => return Err(unknown(format)),
    }
    Ok(out)
}

fn decoded(text: &str, format: &str) -> Result<Vec<u8>> {
    match format.to_ascii_lowercase().as_str() {
        "base64" => {
            let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\r')).collect();
            let odd = plain.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')));
            if let Some(odd) = odd {
                let text = format!("invalid symbol \"{odd}\" found while decoding base64 sequence");
                return Err(sql_error("22023", text));
            }
            STANDARD.decode(plain).map_err(|_| sql_error("22023", "invalid base64 end sequence"))
        }
        "hex" => {
            let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            bytea::parse(&format!("\\x{plain}")).map_err(|error| DataFusionError::External(Box::new(error)))
        }
        "escape" if !text.starts_with("\\x") => {
            bytea::parse(text).map_err(|error| DataFusionError::External(Box::new(error)))
        }
        _ => Err(unknown(format)),
    }
}

impl ScalarUDFImpl for Coding {
    fn name(&self) -> &'static str {
        if self.encodes { "encode" } else { "decode" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.encodes { DataType::Utf8 } else { DataType::Binary })
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let is_text = |kind: &DataType| kind.is_string() || *kind == DataType::Null;
        match arguments {
            [value, format] if is_text(format) && (is_text(value) || (self.encodes && value.is_binary())) => {
                Ok(vec![if value.is_binary() { DataType::Binary } else { DataType::Utf8 }, DataType::Utf8])
            }
            _ => Err(sql_error("42883", format!("no function {} takes such arguments", self.name()))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = args.args.iter().map(|value| value.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        let [values, formats] = columns.as_slice() else {
            return Err(DataFusionError::Internal("a value and its encoding".to_owned()));
        };
        let formats = cast(formats, &DataType::Utf8)?;
        let formats = formats.as_string::<i32>().iter();
        let found: ArrayRef = if let Some(bytes) = values.as_binary_opt::<i32>() {
            let texts = bytes.iter().zip(formats).map(|pair| match pair {
                (Some(bytes), Some(format)) => encoded(bytes, format).map(Some),
                _ => Ok(None),
            });
            Arc::new(texts.collect::<Result<StringArray>>()?)
        } else {
            let texts = cast(values, &DataType::Utf8)?;
            let pairs = texts.as_string::<i32>().iter().zip(formats);
            if self.encodes {
                // A literal is one of bytes.
                let read = |text| bytea::parse(text).map_err(|error| DataFusionError::External(Box::new(error)));
                let texts = pairs.map(|pair| match pair {
                    (Some(text), Some(format)) => encoded(&read(text)?, format).map(Some),
                    _ => Ok(None),
                });
                Arc::new(texts.collect::<Result<StringArray>>()?)
            } else {
                let bytes = pairs.map(|pair| match pair {
                    (Some(text), Some(format)) => decoded(text, format).map(Some),
                    _ => Ok(None),
                });
                Arc::new(BinaryArray::from_iter(bytes.collect::<Result<Vec<_>>>()?))
            }
        };
        Ok(ColumnarValue::Array(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 writes and reads them.
    #[test]
    fn bytes_have_three_texts() {
        assert_eq!(encoded(b"a", "base64").unwrap(), "YQ==");
        assert_eq!(encoded(&[b'x'; 60], "BASE64").unwrap().find('\n'), Some(76));
        assert_eq!(encoded(b"\x00a\\\xff", "escape").unwrap(), "\\000a\\\\\\377");
        assert_eq!(decoded("Y Q=\n=", "base64").unwrap(), b"a");
        assert_eq!(decoded("61 62", "hex").unwrap(), b"ab");
        for (text, format) in [("YQ", "base64"), ("Y!==", "base64"), ("6", "hex"), ("a", "rot13")] {
            assert!(decoded(text, format).is_err(), "{text} {format}");
        }
    }
}
