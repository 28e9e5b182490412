//! A result's envelope: checked against its own counts, and given to `snowflake-api` in a form that loses nothing.

use super::call::{Answer, ColumnType};
use super::session::text;
use super::transport::{Purpose, malformed};
use crate::sync::SourceError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

/// Host of the addresses under which the crate asks the layer for the parts of a result.
pub(super) const PARTS_HOST: &str = "parts.grantd.invalid";

/// Types that the crate's envelope knows; any other is shown to it as text. Decoding uses the real one.
const KNOWN: &[&str] = &[
    "array",
    "binary",
    "boolean",
    "date",
    "fixed",
    "object",
    "real",
    "text",
    "time",
    "timestamp_ltz",
    "timestamp_ntz",
    "timestamp_tz",
    "variant",
];

/// One chunk on cloud storage.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Its address, with credentials in the query.
    pub(super) url: Url,
    /// Rows that the server promised.
    pub(super) rows: u64,
}

/// The rows of a result as they came inline.
pub(super) enum Inline {
    /// Rows of a JSON result; chunks hold more JSON.
    Json(Vec<Value>),
    /// An Arrow stream, perhaps empty; chunks hold more streams.
    Arrow(Vec<u8>),
}

/// A final, successful answer, read.
pub(super) struct Reading {
    pub(super) answer: Answer,
    pub(super) inline: Inline,
    pub(super) chunks: Vec<Chunk>,
    pub(super) chunk_headers: HeaderMap,
    statement_type: i64,
}

impl Reading {
    /// Reads the envelope of a final answer and checks its counts.
    ///
    /// # Errors
    /// It has another form, or promises more rows than it holds.
    pub(super) fn of(mut envelope: Value, host: &Url) -> Result<Self, SourceError> {
        let odd = |detail: &str| malformed(Purpose::Query, host, detail);
        let data = envelope
            .get_mut("data")
            .and_then(Value::as_object_mut)
            .ok_or_else(|| odd("a successful answer without data"))?;
        let columns = columns(data).ok_or_else(|| odd("a column without name or type"))?;
        let chunks = chunks(data).ok_or_else(|| odd("a chunk without address or row count"))?;
        let chunk_headers = chunk_headers(data).ok_or_else(|| odd("chunk headers that are no headers"))?;
        let statement_type = data.get("statementTypeId").and_then(Value::as_i64).unwrap_or(0);
        // DML counts the rows it changed in `total`.
        let counts_rows = !(0x3000..0x3800).contains(&statement_type);
        let total = match data.get("total") {
            Some(Value::Number(n)) if counts_rows => {
                Some(n.as_u64().ok_or_else(|| odd("a negative or fractional row count"))?)
            }
            _ => None,
        };
        let in_chunks = chunks
            .iter()
            .try_fold(0_u64, |sum, c| sum.checked_add(c.rows))
            .ok_or_else(|| odd("chunk row counts beyond 64 bits"))?;
        let promised = match total {
            Some(total) => Some(total.checked_sub(in_chunks).ok_or_else(|| {
                SourceError::Incomplete(format!("the server counts {total} rows, its chunks {in_chunks}"))
            })?),
            None => None,
        };
        let inline = inline(data, host)?;
        let mut stream_rows = Vec::new();
        match &inline {
            Inline::Json(rows) => {
                if let Some(promised) = promised.filter(|p| *p != rows.len() as u64) {
                    return Err(SourceError::Incomplete(format!(
                        "the inline part holds {} of {promised} rows",
                        rows.len()
                    )));
                }
            }
            Inline::Arrow(bytes) => {
                let promised = promised.ok_or_else(|| odd("an Arrow result without a row count"))?;
                if bytes.is_empty() && promised > 0 {
                    return Err(SourceError::Incomplete(format!("the inline part is empty, {promised} rows promised")));
                }
                if !bytes.is_empty() {
                    stream_rows.push(promised);
                }
                stream_rows.extend(chunks.iter().map(|c| c.rows));
            }
        }
        let query_id = data.get("queryId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let answer = Answer { query_id, columns, total, stream_rows };
        Ok(Self { answer, inline, chunks, chunk_headers, statement_type })
    }

    /// The envelope for the crate. `returned` of -1 keeps it from dropping the schema of an empty result, and Arrow
    /// parts, the inline one first, are addresses that lead back to the layer: so they arrive in the server's order,
    /// and no credential reaches the crate's log.
    pub(super) fn for_crate(&self, json_rows: Option<Vec<Value>>) -> Value {
        let rowtype: Vec<Value> = self
            .answer
            .columns
            .iter()
            .map(|c| {
                let known = KNOWN.binary_search(&c.data_type.as_str()).is_ok();
                json!({"name": c.name, "type": if known { &c.data_type } else { "text" }, "nullable": true,
                       "scale": c.scale, "precision": null, "length": null, "byteLength": null})
            })
            .collect();
        let mut data = json!({
            "parameters": [], "rowtype": rowtype, "total": self.answer.total.unwrap_or(0), "returned": -1,
            "queryId": self.answer.query_id, "finalRoleName": "", "statementTypeId": self.statement_type, "version": 1,
            "chunkHeaders": {},
        });
        if let Some(data) = data.as_object_mut() {
            if let Some(rows) = json_rows {
                data.insert("rowset".into(), Value::Array(rows));
            } else {
                let parts: Vec<Value> = (0..self.answer.stream_rows.len())
                    .map(|i| json!({"url": format!("http://{PARTS_HOST}/{i}"), "rowCount": 0, "uncompressedSize": 0}))
                    .collect();
                data.insert("rowsetBase64".into(), json!(""));
                data.insert("chunks".into(), Value::Array(parts));
            }
        }
        json!({"success": true, "code": null, "message": null, "data": data})
    }
}

fn columns(data: &Map<String, Value>) -> Option<Vec<ColumnType>> {
    let Some(rowtype) = data.get("rowtype").and_then(Value::as_array) else { return Some(Vec::new()) };
    rowtype
        .iter()
        .map(|c| {
            let scale = c.get("scale").and_then(Value::as_i64).unwrap_or(0);
            Some(ColumnType {
                name: c.get("name")?.as_str()?.to_owned(),
                data_type: c.get("type")?.as_str()?.to_ascii_lowercase(),
                scale: i32::try_from(scale).ok().filter(|s| (0..=38).contains(s))?,
            })
        })
        .collect()
}

fn chunks(data: &Map<String, Value>) -> Option<Vec<Chunk>> {
    let Some(list) = data.get("chunks").and_then(Value::as_array) else { return Some(Vec::new()) };
    list.iter()
        .map(|c| Some(Chunk { url: Url::parse(text(c, "url")).ok()?, rows: c.get("rowCount")?.as_u64()? }))
        .collect()
}

/// Headers for the chunk downloads; without any, those of customer-key encryption made from `qrmk`.
fn chunk_headers(data: &Map<String, Value>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
        Some(())
    };
    match data.get("chunkHeaders").and_then(Value::as_object).filter(|h| !h.is_empty()) {
        Some(given) => {
            for (name, value) in given {
                add(name, value.as_str()?)?;
            }
        }
        None => {
            if let Some(key) = data.get("qrmk").and_then(Value::as_str) {
                add("x-amz-server-side-encryption-customer-algorithm", "AES256")?;
                add("x-amz-server-side-encryption-customer-key", key)?;
            }
        }
    }
    Some(headers)
}

fn inline(data: &mut Map<String, Value>, host: &Url) -> Result<Inline, SourceError> {
    if let Some(Value::Array(rows)) = data.remove("rowset") {
        return Ok(Inline::Json(rows));
    }
    match data.get("rowsetBase64").and_then(Value::as_str) {
        Some(text) => {
            let bytes = STANDARD
                .decode(text)
                .map_err(|e| malformed(Purpose::Query, host, &format!("the inline part is no base64 ({e})")))?;
            Ok(Inline::Arrow(bytes))
        }
        None => Ok(Inline::Json(Vec::new())),
    }
}

/// Reads the rows of a JSON chunk: arrays with commas between them and no brackets around.
pub(super) fn json_chunk(body: &[u8], promised: u64, host: &Url) -> Result<Vec<Value>, SourceError> {
    let mut text = Vec::with_capacity(body.len() + 2);
    text.push(b'[');
    text.extend_from_slice(body);
    text.push(b']');
    let rows: Vec<Value> = serde_json::from_slice(&text)
        .map_err(|e| malformed(Purpose::Chunk, host, &format!("a chunk is no JSON ({e})")))?;
    if rows.len() as u64 != promised {
        return Err(SourceError::Incomplete(format!("a chunk holds {} of {promised} rows", rows.len())));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: Value) -> Result<Reading, SourceError> {
        let envelope: Value = [("success".to_owned(), json!(true)), ("data".to_owned(), data)].into_iter().collect();
        Reading::of(envelope, &Url::parse("http://h").unwrap())
    }

    fn column(name: &str, data_type: &str) -> Value {
        json!({"name": name, "type": data_type, "scale": null, "nullable": true})
    }

    #[test]
    fn counts_that_do_not_add_up_are_errors() {
        let one = json!([column("A", "text")]);
        for (data, want) in [
            (json!({"rowtype": one, "rowset": [], "total": 5}), "the inline part holds 0 of 5 rows"),
            (json!({"rowtype": one, "rowsetBase64": "", "total": 5}), "the inline part is empty, 5 rows promised"),
            (
                json!({"rowtype": one, "rowset": [], "total": 5, "chunks": [{"url": "http://c/1", "rowCount": 7}]}),
                "the server counts 5 rows, its chunks 7",
            ),
        ] {
            let error = read(data).err().unwrap();
            assert!(matches!(&error, SourceError::Incomplete(text) if text == want), "{error}");
        }
    }

    #[test]
    fn dml_counts_something_else() {
        let data = json!({"rowtype": [column("n", "fixed")], "rowset": [["3"]], "total": 3, "statementTypeId": 0x3100});
        assert_eq!(read(data).unwrap().answer.total, None);
    }

    #[test]
    fn an_empty_arrow_result_keeps_its_columns_and_unknown_types_do_not_break_it() {
        let reading = read(json!({"rowtype": [column("V", "vector")], "rowsetBase64": "", "total": 0})).unwrap();
        assert_eq!(reading.answer.columns[0].data_type, "vector");
        let envelope = reading.for_crate(None);
        assert_eq!(envelope["data"]["rowtype"][0]["type"], "text");
        assert_eq!(envelope["data"]["returned"], -1);
    }

    #[test]
    fn hostile_envelopes_are_refused() {
        for data in [
            json!(null),
            json!({"rowtype": [{"name": "A"}]}),
            json!({"rowtype": [{"name": "A", "type": "fixed", "scale": 4000}]}),
            json!({"rowtype": [], "rowset": [], "total": -1}),
            json!({"rowtype": [], "rowset": [], "total": 1, "chunks": [{"url": "::", "rowCount": 1}]}),
            json!({"rowtype": [], "rowset": [], "total": 0, "chunkHeaders": {"a b": "c"}}),
            json!({"rowtype": [], "rowsetBase64": "!", "total": 0}),
        ] {
            assert!(matches!(read(data.clone()), Err(SourceError::Malformed { .. })), "{data}");
        }
        let huge = json!({"url": "http://c/1", "rowCount": u64::MAX});
        assert!(read(json!({"rowtype": [], "rowset": [], "total": 0, "chunks": [huge, huge]})).is_err());
    }

    #[test]
    fn json_chunks_have_no_brackets_and_are_counted() {
        let host = Url::parse("http://h").unwrap();
        assert_eq!(json_chunk(b"[\"a\"],[null]", 2, &host).unwrap().len(), 2);
        assert!(matches!(json_chunk(b"[\"a\"]", 2, &host), Err(SourceError::Incomplete(_))));
        assert!(matches!(json_chunk(b"[\"a\"", 1, &host), Err(SourceError::Malformed { .. })));
    }
}
