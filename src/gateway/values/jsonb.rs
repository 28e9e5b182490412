//! `jsonb`: the one form that a value has, and `||`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::planner::RawBinaryExpr;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::super::pgcatalog::errors::sql_error;
use super::super::pgcatalog::types;

/// How deep values may be nested.
const DEPTH: usize = 128;
/// The largest exponent of a number: its zeros are written out.
const EXPONENT: i64 = 1_000;

/// A value. Keys are ordered as `jsonb` orders them: by length, then by their bytes.
enum Json {
    /// `null`, `true`, `false`, or a number.
    Plain(String),
    Text(String),
    Array(Vec<Json>),
    Object(BTreeMap<(usize, String), Json>),
}

fn invalid() -> DataFusionError {
    sql_error("22P02", "invalid input syntax for type json")
}

/// A text as the value that it is.
fn parse(text: &str) -> Result<Json> {
    let mut reader = Reader { text, chars: text.char_indices().peekable() };
    let value = reader.value(DEPTH)?;
    reader.space();
    if reader.chars.next().is_some() { Err(invalid()) } else { Ok(value) }
}

/// A text in the form that `jsonb` shows: keys once and in order, one space after colons and commas.
pub(super) fn normal(text: &str) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    parse(text)?.write(&mut out);
    Ok(out)
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.chars.next_if(|(_, c)| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    /// The next character after white space, if it is `wanted`.
    fn takes(&mut self, wanted: char) -> bool {
        self.space();
        self.chars.next_if(|(_, c)| *c == wanted).is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Json> {
        let within = || {
            depth.checked_sub(1).ok_or_else(|| sql_error("54001", format!("json is nested deeper than {DEPTH} levels")))
        };
        self.space();
        match self.chars.peek().copied() {
            Some((_, '"')) => self.string().map(Json::Text),
            Some((_, '[')) => {
                let depth = within()?;
                self.chars.next();
                let mut items = Vec::new();
                if self.takes(']') {
                    return Ok(Json::Array(items));
                }
                loop {
                    items.push(self.value(depth)?);
                    if self.takes(']') {
                        return Ok(Json::Array(items));
                    }
                    if !self.takes(',') {
                        return Err(invalid());
                    }
                }
            }
            Some((_, '{')) => {
                let depth = within()?;
                self.chars.next();
                let mut members = BTreeMap::new();
                if self.takes('}') {
                    return Ok(Json::Object(members));
                }
                loop {
                    self.space();
                    let key = self.string()?;
                    if !self.takes(':') {
                        return Err(invalid());
                    }
                    // The last of equal keys counts.
                    members.insert((key.len(), key), self.value(depth)?);
                    if self.takes('}') {
                        return Ok(Json::Object(members));
                    }
                    if !self.takes(',') {
                        return Err(invalid());
                    }
                }
            }
            Some((start, _)) => self.plain(start),
            None => Err(invalid()),
        }
    }

    /// A string, with its quotes still to come.
    fn string(&mut self) -> Result<String> {
        let Some((start, _)) = self.chars.next_if(|(_, c)| *c == '"') else { return Err(invalid()) };
        loop {
            match self.chars.next() {
                Some((_, '\\')) => {
                    self.chars.next();
                }
                Some((end, '"')) => {
                    let quoted = self.text.get(start..=end).unwrap_or_default();
                    let text: String = serde_json::from_str(quoted).map_err(|_| invalid())?;
                    if text.contains('\0') {
                        return Err(sql_error("22P05", "unsupported Unicode escape sequence"));
                    }
                    return Ok(text);
                }
                Some(_) => {}
                None => return Err(invalid()),
            }
        }
    }

    /// A word or a number that begins at `start`.
    fn plain(&mut self, start: usize) -> Result<Json> {
        let mut end = start;
        while let Some((at, c)) = self.chars.next_if(|(_, c)| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'))
        {
            end = at.saturating_add(c.len_utf8());
        }
        let text = self.text.get(start..end).unwrap_or_default();
        match text {
            "null" | "true" | "false" => Ok(Json::Plain(text.to_owned())),
            number => numeric(number).map(Json::Plain),
        }
    }
}

/// A JSON number as `numeric` shows it: without an exponent, with its digits after the point.
fn numeric(text: &str) -> Result<String> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !digits(whole) || leading_zero || !fraction.is_none_or(digits) {
        return Err(invalid());
    }
    let exponent = match exponent {
        None => 0,
        Some(text) if digits(text.strip_prefix(['-', '+']).unwrap_or(text)) => match text.parse::<i64>() {
            Ok(exponent) if exponent.abs() <= EXPONENT => exponent,
            _ => return Err(sql_error("0A000", format!("numbers with exponents beyond {EXPONENT} are not supported"))),
        },
        Some(_) => return Err(invalid()),
    };
    let fraction = fraction.unwrap_or_default();
    let mut all: Vec<char> = whole.chars().chain(fraction.chars()).collect();
    // Where the point stands among the digits.
    let point = i64::try_from(whole.len()).unwrap_or(0).saturating_add(exponent);
    let zeros = usize::try_from(point.saturating_neg()).unwrap_or(0);
    all.splice(0..0, std::iter::repeat_n('0', zeros));
    let point = usize::try_from(point).unwrap_or(0);
    while all.len() < point {
        all.push('0');
    }
    let (before, after) = all.split_at_checked(point).unwrap_or((&all, &[]));
    let before: String = before.iter().collect();
    let after: String = after.iter().collect();
    let before = match before.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let zero = before == "0" && after.bytes().all(|byte| byte == b'0');
    let sign = if negative && !zero { "-" } else { "" };
    let dot = if after.is_empty() { "" } else { "." };
    Ok(format!("{sign}{before}{dot}{after}"))
}

impl Json {
    fn write(&self, out: &mut String) {
        match self {
            Self::Plain(text) => out.push_str(text),
            Self::Text(text) => quote(text, out),
            Self::Array(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, ((_, key), value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    quote(key, out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// `self || other`: members of both objects, else the elements of both, a value that is no array being one element.
    fn concat(self, other: Self) -> Self {
        let elements = |value| match value {
            Self::Array(items) => items,
            single => vec![single],
        };
        match (self, other) {
            (Self::Object(mut left), Self::Object(right)) => {
                left.extend(right);
                Self::Object(left)
            }
            (left, right) => {
                let mut items = elements(left);
                items.extend(elements(right));
                Self::Array(items)
            }
        }
    }
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                // Writing into memory does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

pub(super) fn functions() -> Vec<ScalarUDF> {
    vec![concatenation()]
}

fn concatenation() -> ScalarUDF {
    let both = vec![DataType::Utf8, DataType::Utf8];
    ScalarUDF::new_from_impl(Concat { signature: Signature::exact(both, Volatility::Immutable) })
}

/// `||` where a side is `jsonb` and the other one too, or untyped; `None` to leave it.
pub(crate) fn operator(expr: &RawBinaryExpr, schema: &DFSchema) -> Option<Expr> {
    if expr.op != BinaryOperator::StringConcat {
        return None;
    }
    let is_jsonb = |side: &Expr| side.to_field(schema).is_ok_and(|(_, field)| types::name_of(&field) == "jsonb");
    let is_untyped = |side: &Expr| {
        matches!(
            side,
            Expr::Literal(ScalarValue::Utf8(_) | ScalarValue::Utf8View(_) | ScalarValue::Null, _)
                | Expr::Placeholder(_)
        )
    };
    let (left, right) = (is_jsonb(&expr.left), is_jsonb(&expr.right));
    let joins = (left && (right || is_untyped(&expr.right))) || (right && is_untyped(&expr.left));
    joins.then(|| concatenation().call(vec![expr.left.clone(), expr.right.clone()]))
}

/// `jsonb_concat`: the function of `||`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Concat {
    signature: Signature,
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &'static str {
        "jsonb_concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(types::field("jsonb_concat", "jsonb"))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = args.args.as_slice() else {
            return Err(DataFusionError::Internal("two arguments".to_owned()));
        };
        let left = cast(&left.to_array(args.number_rows)?, &DataType::Utf8)?;
        let right = cast(&right.to_array(args.number_rows)?, &DataType::Utf8)?;
        let joined = left.as_string::<i32>().iter().zip(right.as_string::<i32>()).map(|pair| {
            let (Some(left), Some(right)) = pair else { return Ok(None) };
            let mut out = String::new();
            parse(left)?.concat(parse(right)?).write(&mut out);
            Ok(Some(out))
        });
        Ok(ColumnarValue::Array(Arc::new(joined.collect::<Result<StringArray>>()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{normal, parse};

    #[test]
    fn values_have_one_form() {
        for (text, wanted) in [
            (r#"{"bb":1,"a":[ 2,"x"], "a":3}"#, r#"{"a": 3, "bb": 1}"#),
            (" [ ] ", "[]"),
            ("{}", "{}"),
            (r#""\u00e9\n\u0001""#, "\"é\\n\\u0001\""),
            ("[1.50,-0,1e2,1.5E-3,1.25e1,-0.0,12e-1]", "[1.50, 0, 100, 0.0015, 12.5, 0.0, 1.2]"),
            ("[true, false,null]", "[true, false, null]"),
        ] {
            assert_eq!(normal(text).unwrap(), wanted, "{text}");
        }
        let deep = "[".repeat(200_000);
        for text in ["", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "+1", "nul", "\"a", "1 2", "'a'", &deep] {
            assert!(normal(text).is_err(), "{text}");
        }
    }

    #[test]
    fn objects_merge_and_anything_else_joins() {
        for (left, right, wanted) in [
            (r#"{"a":1}"#, "{}", r#"{"a": 1}"#),
            (r#"{"a":1}"#, r#"{"b":2,"a":3}"#, r#"{"a": 3, "b": 2}"#),
            ("[1]", r#"{"b":2}"#, r#"[1, {"b": 2}]"#),
            ("1", "2", "[1, 2]"),
            ("[1]", "[2,[3]]", "[1, 2, [3]]"),
        ] {
            let mut out = String::new();
            parse(left).unwrap().concat(parse(right).unwrap()).write(&mut out);
            assert_eq!(out, wanted, "{left} {right}");
        }
    }
}
