//! What results look like: formats, parts, counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::record_batch::RecordBatch;
use serde_json::{Value, json};

use super::driver::{Running, small, start};
use grantd::sandbox::protocol::Settings;

pub(crate) fn decode(bytes: &[u8]) -> Vec<RecordBatch> {
    StreamReader::try_new(bytes, None).unwrap().map(Result::unwrap).collect()
}

fn inline(data: &Value) -> Vec<RecordBatch> {
    let bytes = STANDARD.decode(data["rowsetBase64"].as_str().unwrap()).unwrap();
    if bytes.is_empty() { Vec::new() } else { decode(&bytes) }
}

pub(crate) async fn chunk(sandbox: &Running, chunk: &Value) -> Vec<u8> {
    let response = sandbox.http.get(chunk["url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

fn ids(batches: &[RecordBatch]) -> Vec<i64> {
    let of = |batch: &RecordBatch| {
        cast(batch.column(0), &DataType::Int64).unwrap().as_primitive::<Int64Type>().values().to_vec()
    };
    batches.iter().flat_map(of).collect()
}

#[tokio::test]
async fn a_large_select_is_arrow_in_parts_whose_counts_are_exact() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let answer = sandbox.query(&session, "SELECT * FROM NUMBERS 333").await;
    let data = &answer["data"];
    assert_eq!((&data["queryResultFormat"], &data["statementTypeId"]), (&json!("arrow"), &json!(0x1000)));
    assert_eq!((&data["total"], &data["returned"]), (&json!(333), &json!(333)));
    let mut all = ids(&inline(data));
    assert_eq!(all.len(), 20);
    let chunks = data["chunks"].as_array().unwrap();
    assert_eq!(chunks.iter().map(|c| c["rowCount"].as_u64().unwrap()).collect::<Vec<_>>(), [100, 100, 100, 13]);
    for told in chunks {
        let bytes = chunk(&sandbox, told).await;
        assert_eq!(bytes.len() as u64, told["uncompressedSize"].as_u64().unwrap());
        assert!(bytes.ends_with(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]), "the end-of-stream marker");
        let batches = decode(&bytes);
        assert_eq!(batches[0].schema(), inline(data)[0].schema(), "every part has the same schema");
        all.extend(ids(&batches));
    }
    assert_eq!(all, (0..333).collect::<Vec<_>>(), "rows keep their order");
    assert_eq!(data["finalRoleName"], "ANALYST");
}

#[tokio::test]
async fn arrow_fields_carry_snowflakes_types_and_the_least_width() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let answer = sandbox.query(&session, "SELECT * FROM TYPES").await;
    let batch = &inline(&answer["data"])[0];
    for (name, logical, arrow, scale) in [
        ("T", "TEXT", "Utf8", None),
        ("I", "FIXED", "Int8", Some("0")),
        ("BIG", "FIXED", "Int64", Some("0")),
        ("D", "FIXED", "Int8", Some("2")),
        ("B", "BOOLEAN", "Boolean", None),
        ("R", "REAL", "Float64", None),
        ("DT", "DATE", "Date32", None),
        ("TI", "TIME", "Int64", Some("9")),
        ("LTZ6", "TIMESTAMP_LTZ", "Int64", Some("6")),
        ("VAR", "VARIANT", "Utf8", None),
        ("BIN", "BINARY", "Binary", None),
    ] {
        let field = batch.schema_ref().field_with_name(name).unwrap();
        let metadata = field.metadata();
        assert_eq!(metadata["logicalType"], logical, "{name}");
        assert_eq!(field.data_type().to_string(), arrow, "{name}");
        assert_eq!(metadata.get("scale").map(String::as_str), scale, "{name}");
    }
    for (name, fields) in [("LTZ9", 2), ("NTZ9", 2), ("TZ3", 2), ("TZ9", 3)] {
        let array = batch.column_by_name(name).unwrap().as_struct();
        assert_eq!(array.num_columns(), fields, "{name}");
        assert!(array.is_null(1) && array.columns().iter().all(|child| child.is_valid(1)), "{name}: the struct's NULL");
    }
    let types: Vec<&str> =
        answer["data"]["rowtype"].as_array().unwrap().iter().map(|c| c["type"].as_str().unwrap()).collect();
    assert_eq!(&types[..4], ["text", "fixed", "fixed", "fixed"]);
}

#[tokio::test]
async fn json_cells_are_texts_in_snowflakes_forms() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let more = json!({"parameters": {"go_query_result_format": "json"}});
    let answer = sandbox.query_as(&session, "SELECT * FROM TYPES", "r1", more).await;
    let expected = json!([
        "héllo",
        "42",
        "4611686018427387904",
        "1.25",
        "1",
        "1.5",
        "20000",
        "3723.000004000",
        "1767323045.678901",
        "1767323045.678901000",
        "1767323045.678",
        "1767323045.678901000",
        "1767323045.678 1440",
        "1767323045.678901000 1440",
        "{\n  \"b\": 1,\n  \"a\": [\n    1.50,\n    null\n  ]\n}",
        "01FF"
    ]);
    assert_eq!(answer["data"]["rowset"][0], expected);
    assert!(answer["data"]["rowset"][1].as_array().unwrap().iter().all(Value::is_null));
}

#[tokio::test]
async fn the_format_follows_statement_client_and_parameters() {
    let sandbox = start(small());
    let format = |answer: &Value| answer["data"]["queryResultFormat"].as_str().unwrap().to_owned();
    let python = sandbox.login().await;
    assert_eq!(format(&sandbox.query(&python, "SELECT * FROM NUMBERS 1").await), "arrow");
    for sql in ["SHOW THINGS 1", "CREATE ROLE R", "INSERT 1", "USE ROLE R"] {
        assert_eq!(format(&sandbox.query(&python, sql).await), "json", "{sql}");
    }
    sandbox.query(&python, "ALTER SESSION SET PYTHON_CONNECTOR_QUERY_RESULT_FORMAT = JSON").await;
    assert_eq!(format(&sandbox.query(&python, "SELECT * FROM NUMBERS 1").await), "json");
    for (field, value) in [
        ("CLIENT_APP_ID", json!("Stranger")),
        ("SESSION_PARAMETERS", json!({"X_QUERY_RESULT_FORMAT": "json"})),
        ("SESSION_PARAMETERS", json!({"GO_QUERY_RESULT_FORMAT": "JSON"})),
    ] {
        let login = sandbox.login_with(|data| data[field] = value.clone()).await;
        let token = login["data"]["token"].as_str().unwrap().to_owned();
        let session = super::driver::Session { token, master: String::new() };
        assert_eq!(format(&sandbox.query(&session, "SELECT * FROM NUMBERS 1").await), "json", "{value}");
    }
}

#[tokio::test]
async fn json_chunks_are_rows_without_brackets() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let answer = sandbox.query(&session, "SHOW THINGS 130").await;
    let data = &answer["data"];
    let mut rows = data["rowset"].as_array().unwrap().clone();
    assert_eq!((rows.len(), &data["total"]), (20, &json!(130)));
    for told in data["chunks"].as_array().unwrap() {
        let text = String::from_utf8(chunk(&sandbox, told).await).unwrap();
        let more: Vec<Value> = serde_json::from_str(&format!("[{text}]")).unwrap();
        assert_eq!(more.len() as u64, told["rowCount"].as_u64().unwrap());
        rows.extend(more);
    }
    let names: Vec<&str> = rows.iter().map(|row| row[1].as_str().unwrap()).collect();
    assert_eq!(names, (0..130).map(|n| format!("v{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_per_resultset_and_the_show_limit_cut_with_a_matching_total() {
    let sandbox = start(Settings { chunk_rows: 20_000, ..small() });
    let session = sandbox.login().await;
    for (sql, parameters, expected) in [
        ("SELECT * FROM NUMBERS 50", json!({"ROWS_PER_RESULTSET": 7}), 7),
        ("SELECT * FROM NUMBERS 50", json!({"ROWS_PER_RESULTSET": "7"}), 7),
        ("SELECT * FROM NUMBERS 50", json!({"ROWS_PER_RESULTSET": 0}), 50),
        ("SHOW THINGS 10001", json!({}), 10_000),
        ("SHOW THINGS 10000", json!({}), 10_000),
        ("SELECT * FROM NUMBERS 10001", json!({}), 10_001),
    ] {
        let id = uuid::Uuid::new_v4().to_string();
        let answer = sandbox.query_as(&session, sql, &id, json!({"parameters": parameters})).await;
        assert_eq!(answer["data"]["total"], expected, "{sql} {parameters}");
    }
}

#[tokio::test]
async fn statements_without_rows_keep_their_columns_and_dml_counts_what_it_changed() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let empty = sandbox.query(&session, "SELECT * FROM NUMBERS 0").await;
    assert_eq!((&empty["data"]["rowsetBase64"], &empty["data"]["total"]), (&json!(""), &json!(0)));
    assert_eq!(empty["data"]["rowtype"].as_array().unwrap().len(), 2);
    let described = sandbox.query_as(&session, "SELECT * FROM NUMBERS 5", "d", json!({"describeOnly": true})).await;
    assert_eq!((&described["data"]["total"], described["data"]["rowtype"][1]["name"].as_str()), (&json!(0), Some("V")));
    let insert = sandbox.query(&session, "INSERT 3").await;
    let data = &insert["data"];
    assert_eq!((&data["total"], &data["returned"], &data["rowset"]), (&json!(3), &json!(1), &json!([["3"]])));
    assert_eq!((&data["stats"]["numRowsInserted"], &data["statementTypeId"]), (&json!(3), &json!(0x3100)));
}

#[tokio::test]
async fn failures_carry_code_sqlstate_and_query_id_and_a_panic_is_one() {
    let sandbox = start(small());
    let session = sandbox.login().await;
    let missing = sandbox.query(&session, "SELECT * FROM MISSING").await;
    assert_eq!((&missing["success"], &missing["code"]), (&json!(false), &json!("002003")));
    let data = &missing["data"];
    assert_eq!((&data["sqlState"], &data["errorCode"], &data["age"]), (&json!("02000"), &json!("002003"), &json!(0)));
    assert_eq!(data["queryId"].as_str().unwrap().len(), 36);
    for sql in ["PANIC", "RAGGED"] {
        assert_eq!(sandbox.query(&session, sql).await["code"], "000603", "{sql}");
    }
    let bound = json!({"bindings": {"1": {"type": "TEXT", "value": "x"}}});
    assert_eq!(sandbox.query_as(&session, "SELECT * FROM TYPES", "b", bound).await["code"], "000002");
    assert_eq!(sandbox.query(&session, "CREATE ROLE R").await["success"], true, "the session works on");
}

#[tokio::test]
async fn chunks_have_unguessable_names_and_end_with_their_time_or_room() {
    let sandbox = start(Settings { chunk_lifetime: std::time::Duration::from_millis(200), ..small() });
    let session = sandbox.login().await;
    let answer = sandbox.query(&session, "SELECT * FROM NUMBERS 333").await;
    let url = answer["data"]["chunks"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(url.rsplit('/').next().unwrap().len(), 43, "256 bits");
    assert_eq!(sandbox.http.get(&url).send().await.unwrap().status(), 200);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let late = sandbox.http.get(&url).send().await.unwrap();
    assert_eq!(late.status(), 403);
    assert!(late.text().await.unwrap().contains("<Code>AccessDenied</Code>"));

    let tight = start(Settings { chunk_store_bytes: 5_000, ..small() });
    let session = tight.login().await;
    let first = tight.query(&session, "SELECT * FROM NUMBERS 150").await["data"]["chunks"][0].clone();
    chunk(&tight, &first).await;
    let second = tight.query(&session, "SELECT * FROM NUMBERS 300").await;
    assert_eq!(second["success"], true, "{second}");
    assert_eq!(tight.http.get(first["url"].as_str().unwrap()).send().await.unwrap().status(), 403, "made room");
    assert_eq!(tight.query(&session, "SELECT * FROM NUMBERS 9000").await["code"], "000603", "never partly stored");
}
