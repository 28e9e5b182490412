//! An event as one line, for people or as a JSON object.

use std::fmt::{self, Write as _};

use chrono::{SecondsFormat, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::{escape, is_json};

/// The format of lines. `{"ts":…,"level":…,"target":…,"message":…,FIELDS}` or `ts LEVEL target: message FIELD=VALUE`.
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let ts = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let meta = event.metadata();
        let line = if is_json() {
            as_json(&ts, meta.level().as_str(), meta.target(), &fields)
        } else {
            as_text(&ts, meta.level().as_str(), meta.target(), &fields)
        };
        writer.write_str(&line)
    }
}

/// A field's value.
enum Value {
    /// What is a number or a boolean in JSON too.
    Bare(String),
    /// Everything else.
    Text(String),
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::Bare(text) | Value::Text(text)) => self.message = text,
            (name, value) => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Bare(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON knows no infinity.
        let text = value.to_string();
        self.put(field, if value.is_finite() { Value::Bare(text) } else { Value::Text(text) });
    }
}

/// Names of an object's own, which no field may take.
const OWN: &[&str] = &["ts", "level", "target", "message"];

fn as_json(ts: &str, level: &str, target: &str, fields: &Fields) -> String {
    let mut line = String::from("{");
    for (name, value) in OWN.iter().zip([ts, level, target, &fields.message]) {
        if line.len() > 1 {
            line.push(',');
        }
        pair(&mut line, name, value);
    }
    for (name, value) in &fields.others {
        line.push(',');
        let name = if OWN.contains(name) { format!("field.{name}") } else { (*name).to_owned() };
        match value {
            Value::Bare(text) => {
                escape::json(&mut line, &name);
                line.push(':');
                line.push_str(text);
            }
            Value::Text(text) => pair(&mut line, &name, text),
        }
    }
    line.push_str("}\n");
    line
}

fn pair(line: &mut String, name: &str, value: &str) {
    escape::json(line, name);
    line.push(':');
    escape::json(line, &shortened(name, value));
}

fn as_text(ts: &str, level: &str, target: &str, fields: &Fields) -> String {
    let mut line = format!("{ts} {level:>5} {target}: ");
    escape::message(&mut line, &shortened("message", &fields.message));
    for (name, value) in &fields.others {
        // Writing to a string does not fail.
        let _ = write!(line, " {name}=");
        match value {
            Value::Bare(text) => line.push_str(text),
            Value::Text(text) => escape::text(&mut line, &shortened(name, text)),
        }
    }
    line.push('\n');
    line
}

/// The value, and how much of it is not there.
fn shortened<'a>(name: &str, value: &'a str) -> std::borrow::Cow<'a, str> {
    match escape::cut(name, value) {
        (kept, 0) => kept.into(),
        (kept, left_out) => format!("{kept}… ({left_out} bytes more)").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let text = |text: &str| Value::Text(text.to_owned());
        Fields {
            message: "query\nINFO forged".to_owned(),
            others: vec![
                ("user", text(&"u\u{1b}".repeat(60))),
                ("rows", Value::Bare("3".to_owned())),
                ("level", text("INFO")),
                ("error", text("two words")),
            ],
        }
    }

    #[test]
    fn json_lines_are_whole_objects() {
        let line = as_json("2026-11-27T20:00:00.000000Z", "INFO", "grantd::query", &fields());
        assert_eq!(line.matches('\n').count(), 1);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["message"], "query\nINFO forged");
        assert_eq!(object["rows"], 3);
        assert_eq!((&object["level"], &object["field.level"]), (&"INFO".into(), &"INFO".into()));
        let user = object["user"].as_str().unwrap();
        assert!(user.starts_with("u\u{1b}u") && user.ends_with("(57 bytes more)"), "{user:?}");
    }

    #[test]
    fn lines_for_people_have_fields_after_the_message() {
        let line = as_text("T", "INFO", "grantd::query", &fields());
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.starts_with("T  INFO grantd::query: query\\nINFO forged user=\"u\\u{1b}u"), "{line}");
        assert!(line.ends_with(" rows=3 level=INFO error=\"two words\"\n"), "{line}");
    }
}
