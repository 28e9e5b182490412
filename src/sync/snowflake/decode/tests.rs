//! Every encoding of the protocol's type table, and what must be refused.

use super::*;
use bytes::Bytes;
use datafusion::arrow::array::{
    BooleanArray, Decimal128Array, Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, StructArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{Field, Fields, TimestampMicrosecondType};
use datafusion::arrow::ipc::writer::StreamWriter;
use serde_json::json;

const T: i64 = 1_767_323_045_678_901;

fn column(name: &str, data_type: &str, scale: i32) -> ColumnType {
    ColumnType { name: name.to_owned(), data_type: data_type.to_owned(), scale }
}

fn stream(array: ArrayRef) -> Bytes {
    let batch = RecordBatch::try_from_iter_with_nullable([("C", array, true)]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    Bytes::from(writer.into_inner().unwrap())
}

fn decode_arrow(data_type: &str, scale: i32, array: ArrayRef) -> Result<ArrayRef, SourceError> {
    let rows = array.len() as u64;
    let answer = Answer {
        columns: vec![column("C", data_type, scale)],
        total: Some(rows),
        stream_rows: vec![rows],
        ..Answer::default()
    };
    result(RawQueryResult::Bytes(vec![stream(array)]), &answer).map(|b| b[0][0].clone())
}

fn parts(fields: Vec<(&str, ArrayRef)>, valid: Vec<bool>) -> ArrayRef {
    let (names, arrays): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let fields: Fields = names.iter().zip(&arrays).map(|(n, a)| Field::new(*n, a.data_type().clone(), true)).collect();
    Arc::new(StructArray::new(fields, arrays, Some(NullBuffer::from(valid))))
}

fn micros(array: &ArrayRef) -> Vec<Option<i64>> {
    array.as_primitive::<TimestampMicrosecondType>().iter().collect()
}

#[test]
fn timestamps_follow_their_scale_and_their_own_validity() {
    let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(T), None]));
    assert_eq!(micros(&decode_arrow("timestamp_ltz", 6, number).unwrap()), [Some(T), None]);
    let millis: ArrayRef = Arc::new(Int64Array::from(vec![T / 1000]));
    assert_eq!(micros(&decode_arrow("timestamp_ntz", 3, millis).unwrap()), [Some(T / 1000 * 1000)]);
    let epoch: ArrayRef = Arc::new(Int64Array::from(vec![T / 1_000_000, 0]));
    let fraction: ArrayRef = Arc::new(Int32Array::from(vec![678_901_234, 0]));
    let zone: ArrayRef = Arc::new(Int32Array::from(vec![1440 - 480, 0]));
    let nanos = parts(vec![("epoch", epoch), ("fraction", fraction), ("timezone", zone.clone())], vec![true, false]);
    assert_eq!(micros(&decode_arrow("timestamp_tz", 9, nanos).unwrap()), [Some(T), None]);
    let short: ArrayRef = Arc::new(Int64Array::from(vec![T / 1000, 0]));
    let tz3 = parts(vec![("epoch", short), ("timezone", zone)], vec![true, false]);
    assert_eq!(micros(&decode_arrow("timestamp_tz", 3, tz3).unwrap()), [Some(T / 1000 * 1000), None]);
    let huge: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
    assert!(matches!(decode_arrow("timestamp_ltz", 0, huge), Err(SourceError::Value { .. })));
}

#[test]
fn numbers_of_any_width_are_integers_and_scaled_ones_keep_their_point() {
    for array in [
        Arc::new(Int8Array::from(vec![Some(34), None])) as ArrayRef,
        Arc::new(Int16Array::from(vec![Some(34), None])),
        Arc::new(Decimal128Array::from(vec![Some(34), None]).with_precision_and_scale(38, 0).unwrap()),
    ] {
        let decoded = decode_arrow("fixed", 0, array).unwrap();
        assert_eq!(decoded.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(34), None]);
    }
    let big = Arc::new(Decimal128Array::from(vec![10_i128.pow(30)]).with_precision_and_scale(38, 0).unwrap());
    assert_eq!(decode_arrow("fixed", 0, big).unwrap().as_string::<i32>().value(0), format!("1{}", "0".repeat(30)));
    let scaled = Arc::new(Int16Array::from(vec![125, -5]));
    let text = decode_arrow("fixed", 2, scaled).unwrap();
    assert_eq!((text.as_string::<i32>().value(0), text.as_string::<i32>().value(1)), ("1.25", "-0.05"));
}

#[test]
fn text_and_truth_stay_what_they_are_and_foreign_types_are_named() {
    let text = decode_arrow("variant", 0, Arc::new(StringArray::from(vec![Some("{\n}"), None]))).unwrap();
    assert_eq!(text.as_string::<i32>().value(0), "{\n}");
    let truth = decode_arrow("boolean", 0, Arc::new(BooleanArray::from(vec![Some(true), None]))).unwrap();
    assert!(truth.as_boolean().value(0) && truth.is_null(1));
    let error = decode_arrow("vector", 0, Arc::new(Int64Array::from(vec![1]))).unwrap_err();
    assert_eq!(error.to_string(), "column C has the type vector, which grantd does not read");
}

#[test]
fn parts_that_are_short_or_missing_are_errors() {
    let array: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let answer = |total, stream_rows| Answer {
        columns: vec![column("C", "fixed", 0)],
        total: Some(total),
        stream_rows,
        ..Answer::default()
    };
    let one = || RawQueryResult::Bytes(vec![stream(array.clone())]);
    assert!(result(one(), &answer(2, vec![2])).is_ok());
    for wrong in [answer(3, vec![3]), answer(3, vec![2]), answer(4, vec![2, 2])] {
        assert!(matches!(result(one(), &wrong), Err(SourceError::Incomplete(_))), "{wrong:?}");
    }
    let cut = stream(array.clone());
    let cut = RawQueryResult::Bytes(vec![cut.slice(..cut.len() - 8)]);
    assert!(matches!(result(cut, &answer(2, vec![2])), Err(SourceError::Incomplete(_))));
}

#[test]
fn json_cells_are_read_by_type() {
    let columns = vec![
        column("N", "text", 0),
        column("B", "boolean", 0),
        column("I", "fixed", 0),
        column("L", "timestamp_ltz", 3),
        column("Z", "timestamp_tz", 9),
    ];
    let answer = Answer { columns, total: Some(3), ..Answer::default() };
    let targets: Vec<Target> = answer.columns.iter().map(|c| target(c).unwrap()).collect();
    let rows = [
        json!(["x", "1", "42", "1767323045.678901", "1767323045.678901000 960"]),
        json!(["", false, 42, "1767323045.678901", "1767323045.678901 1440"]),
        json!([null, null, null, null, null]),
    ];
    let columns = json_rows(&rows, &answer, &targets).unwrap();
    assert_eq!(columns[0].as_string::<i32>().iter().collect::<Vec<_>>(), [Some("x"), Some(""), None]);
    assert_eq!(columns[1].as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), None]);
    assert_eq!(columns[2].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(42), Some(42), None]);
    assert_eq!(micros(&columns[3]), [Some(T), Some(T), None]);
    assert_eq!(micros(&columns[4]), [Some(T), Some(T), None]);
    let bad = [json!(["x", "maybe", "1", "1", "1"])];
    let error = json_rows(&bad, &answer, &targets).unwrap_err().to_string();
    assert_eq!(error, "column B, row 1: \"maybe\" is no boolean");
    assert!(matches!(json_rows(&[json!(["x"])], &answer, &targets), Err(SourceError::Incomplete(_))));
}
