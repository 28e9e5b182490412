//! What each format prints, character by character.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Int64Type;

use super::*;

fn column(name: &str, kind: Kind) -> Column {
    Column { name: name.to_owned(), kind }
}

fn print(format: Format, columns: &[Column], rows: &[&[Option<&str>]]) -> String {
    let mut out = Vec::new();
    let mut writer = RowWriter::new(format, &mut out);
    writer.begin(columns.to_vec()).unwrap();
    for row in rows {
        writer.row(row).unwrap();
    }
    writer.end().unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_table_looks_as_in_psql() {
    let columns = [column("user_name", Kind::Text), column("n", Kind::Number), column("ok", Kind::Bool)];
    let rows: [&[_]; 3] =
        [&[Some("ALICE"), Some("1"), Some("t")], &[Some("日本"), Some("100"), None], &[None, None, Some("f")]];
    assert_eq!(
        print(Format::Table, &columns, &rows),
        concat!(
            " user_name |  n  | ok \n",
            "-----------+-----+----\n",
            " ALICE     |   1 | t\n",
            " 日本      | 100 | \n",
            "           |     | f\n",
            "(3 rows)\n\n",
        )
    );
    assert_eq!(print(Format::Table, &columns[..1], &[]), " user_name \n-----------\n(0 rows)\n\n");
}

#[test]
fn a_line_break_continues_the_cell() {
    let columns = [column("a", Kind::Text), column("b", Kind::Text)];
    assert_eq!(
        print(Format::Table, &columns, &[&[Some("x\nlonger"), Some("1\n2\n3")]]),
        concat!("   a    | b \n", "--------+---\n", " x     +| 1+\n", " longer | 2+\n", "        | 3\n", "(1 row)\n\n")
    );
}

#[test]
fn no_value_can_steer_the_terminal() {
    let shown = print(Format::Table, &[column("a", Kind::Text)], &[&[Some("\x1b[2J\t\r\u{9b}1m\u{202e}x\0")]]);
    assert!(shown.contains(r" \x1B[2J\t\r\x9B1m\u202Ex\x00"), "{shown:?}");
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
    let columns = [column("a", Kind::Text), column("odd, \"name\"", Kind::Text)];
    assert_eq!(
        print(Format::Csv, &columns, &[&[None, Some("")], &[Some("x y"), Some("line\nbreak, \"q\"")]]),
        "a,\"odd, \"\"name\"\"\"\n,\"\"\nx y,\"line\nbreak, \"\"q\"\"\"\n"
    );
}

#[test]
fn csv_is_read_back_by_another_reader() {
    let cells = ["", "a,b", "\"", "x\r\ny", "é\u{1F600}", " lead"];
    let columns: Vec<_> = (0..cells.len()).map(|n| column(&format!("c{n}"), Kind::Text)).collect();
    let printed = print(Format::Csv, &columns, &[&cells.map(Some)]);
    let mut reader = ::csv::Reader::from_reader(printed.as_bytes());
    let record = reader.records().next().unwrap().unwrap();
    assert_eq!(record.iter().collect::<Vec<_>>(), cells);
}

#[test]
fn json_is_one_object_per_line_with_its_types() {
    let columns = [
        column("n", Kind::Number),
        column("ok", Kind::Bool),
        column("t", Kind::Text),
        column("l", Kind::List(Box::new(Kind::Number))),
        column("j", Kind::Json),
    ];
    let rows: [&[_]; 2] = [
        &[Some("12345678901234567"), Some("t"), Some("\"q\"\n"), Some("{1,NULL,{2}}"), Some("{\"a\":[1]}")],
        &[Some("NaN"), None, Some(""), Some("not an array"), Some("not json")],
    ];
    assert_eq!(
        print(Format::Json, &columns, &rows),
        concat!(
            "[\n",
            r#"{"n":12345678901234567,"ok":true,"t":"\"q\"\n","l":[1,null,[2]],"j":{"a":[1]}}"#,
            ",\n",
            r#"{"n":"NaN","ok":null,"t":"","l":"not an array","j":"not json"}"#,
            "\n]\n"
        )
    );
    assert_eq!(print(Format::Json, &columns, &[]), "[]\n");
}

#[test]
fn json_loses_no_column_to_a_name_that_comes_twice() {
    let columns = ["count", "count", "count_2", "count"].map(|name| column(name, Kind::Number));
    let printed = print(Format::Json, &columns, &[&[Some("1"), Some("2"), Some("3"), Some("4")]]);
    assert_eq!(printed, "[\n{\"count\":1,\"count_3\":2,\"count_2\":3,\"count_4\":4}\n]\n");
}

#[test]
fn several_results_follow_each_other_and_a_wrong_row_is_refused() {
    let mut out = Vec::new();
    let mut writer = RowWriter::new(Format::Csv, &mut out);
    writer.end().unwrap();
    for name in ["a", "b"] {
        writer.begin(vec![column(name, Kind::Text)]).unwrap();
        writer.row(&[Some("1")]).unwrap();
        assert!(writer.row(&[Some("1"), Some("2")]).is_err());
    }
    writer.end().unwrap();
    assert!(writer.row(&[Some("1")]).is_err());
    assert_eq!(String::from_utf8(out).unwrap(), "a\n1\nb\n1\n");
}

#[test]
fn record_batches_print_as_the_wire_would() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1), None]), None]);
    let at = TimestampMicrosecondArray::from(vec![Some(1_760_000_000_000_000), Some(1_760_000_000_500_000)]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None])) as ArrayRef, true),
        ("n", Arc::new(Int64Array::from(vec![1, -2])) as ArrayRef, true),
        ("f", Arc::new(Float64Array::from(vec![0.5, f64::NAN])) as ArrayRef, true),
        ("t", Arc::new(StringArray::from(vec![Some(""), None])) as ArrayRef, true),
        ("l", Arc::new(lists) as ArrayRef, true),
        ("at", Arc::new(at.with_timezone("UTC")) as ArrayRef, true),
    ])
    .unwrap();
    let mut out = Vec::new();
    write_batches(Format::Csv, &batch.schema(), std::slice::from_ref(&batch), &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "b,n,f,t,l,at\nt,1,0.5,\"\",\"{1,NULL}\",2025-10-09 08:53:20+00\n,-2,NaN,,,2025-10-09 08:53:20.500+00\n"
    );
    let mut out = Vec::new();
    write_batches(Format::Json, &batch.schema(), &[], &mut out).unwrap();
    assert_eq!(out, b"[]\n");
}
