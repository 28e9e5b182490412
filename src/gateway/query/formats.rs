//! A plan's nodes in the formats of EXPLAIN: JSON, XML and YAML, nested as PostgreSQL nests them.

use serde_json::{Map, Value, json};

use super::super::error::SqlError;
use super::super::front_door::ExplainFormat;

/// How many blocks were read and written. Everything is in memory: there are none.
fn blocks() -> Map<String, Value> {
    let buffers = ["Shared", "Local"].into_iter().flat_map(|of| {
        ["Hit", "Read", "Dirtied", "Written"].into_iter().map(move |what| format!("{of} {what} Blocks"))
    });
    let temporary = ["Read", "Written"].into_iter().map(|what| format!("Temp {what} Blocks"));
    buffers.chain(temporary).map(|name| (name, 0.into())).collect()
}

/// The whole answer, one text of several lines. `times` are the milliseconds of planning and of execution.
pub(super) fn write(
    format: ExplainFormat,
    mut node: Map<String, Value>,
    times: Option<(f64, f64)>,
    buffers: bool,
) -> Result<String, SqlError> {
    let mut text = String::new();
    let mut beside = Map::new();
    if buffers {
        node.extend(blocks());
        beside.insert("Planning".into(), Value::Object(blocks()));
    }
    if let Some((planning, execution)) = times {
        beside.insert("Planning Time".into(), planning.into());
        beside.insert("Triggers".into(), Value::Array(Vec::new()));
        beside.insert("Execution Time".into(), execution.into());
    }
    match format {
        ExplainFormat::Xml => {
            text.push_str("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n    <Plan>\n");
            xml(&node, 6, &mut text);
            text.push_str("    </Plan>\n");
            xml(&beside, 4, &mut text);
            text.push_str("  </Query>\n</explain>");
        }
        ExplainFormat::Yaml => {
            text.push_str("- Plan: \n");
            yaml(&node, 4, "    ", &mut text);
            yaml(&beside, 2, "  ", &mut text);
            text.truncate(text.trim_end().len());
        }
        ExplainFormat::Json | ExplainFormat::Text => {
            beside.insert("Plan".into(), Value::Object(node));
            text = serde_json::to_string_pretty(&json!([beside])).map_err(|_| SqlError::internal())?;
        }
    }
    Ok(text)
}

/// A value without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn xml(node: &Map<String, Value>, depth: usize, text: &mut String) {
    let escaped = |value: &Value| plain(value).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let indent = " ".repeat(depth);
    for (name, value) in node {
        let tag = name.replace(' ', "-");
        if let Value::Object(inner) = value {
            text.extend([&indent, "<", &tag, ">\n"]);
            xml(inner, depth.saturating_add(2), text);
            text.extend([&indent, "</", &tag, ">\n"]);
            continue;
        }
        let Value::Array(items) = value else {
            text.extend([&indent, "<", &tag, ">", &escaped(value), "</", &tag, ">\n"]);
            continue;
        };
        text.extend([&indent, "<", &tag, ">\n"]);
        for item in items {
            if let Value::Object(inner) = item {
                text.extend([&indent, "  <Plan>\n"]);
                xml(inner, depth.saturating_add(4), text);
                text.extend([&indent, "  </Plan>\n"]);
            } else {
                text.extend([&indent, "  <Item>", &escaped(item), "</Item>\n"]);
            }
        }
        text.extend([&indent, "</", &tag, ">\n"]);
    }
}

/// Texts of JSON are texts of YAML. The first property stands behind `first`, the others are indented by `depth`.
fn yaml(node: &Map<String, Value>, depth: usize, first: &str, text: &mut String) {
    let indent = " ".repeat(depth);
    for (number, (name, value)) in node.iter().enumerate() {
        text.push_str(if number == 0 { first } else { &indent });
        if let Value::Object(inner) = value {
            text.extend([name, ": \n"]);
            let deeper = depth.saturating_add(2);
            yaml(inner, deeper, &" ".repeat(deeper), text);
            continue;
        }
        let Value::Array(items) = value else {
            text.extend([name, ": ", &value.to_string(), "\n"]);
            continue;
        };
        text.extend([name, ": \n"]);
        for item in items {
            if let Value::Object(inner) = item {
                yaml(inner, depth.saturating_add(4), &format!("{indent}  - "), text);
            } else {
                text.extend([&indent, "  - ", &item.to_string(), "\n"]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_tells_the_same() {
        let node = json!({ "Node Type": "A<B", "Output": ["a"], "Plans": [{ "Node Type": "C", "Plan Rows": 1 }] });
        let written = |format| write(format, node.as_object().unwrap().clone(), None, false).unwrap();
        assert_eq!(
            written(ExplainFormat::Xml),
            r#"<explain xmlns="http://www.postgresql.org/2009/explain">
  <Query>
    <Plan>
      <Node-Type>A&lt;B</Node-Type>
      <Output>
        <Item>a</Item>
      </Output>
      <Plans>
        <Plan>
          <Node-Type>C</Node-Type>
          <Plan-Rows>1</Plan-Rows>
        </Plan>
      </Plans>
    </Plan>
  </Query>
</explain>"#
        );
        assert_eq!(
            written(ExplainFormat::Yaml),
            r#"- Plan: 
    Node Type: "A<B"
    Output: 
      - "a"
    Plans: 
      - Node Type: "C"
        Plan Rows: 1"#
        );
        assert!(written(ExplainFormat::Json).contains("\"Plan Rows\": 1"));
        let timed = write(ExplainFormat::Yaml, Map::new(), Some((0.5, 2.25)), false).unwrap();
        assert_eq!(timed, "- Plan: \n  Execution Time: 2.25\n  Planning Time: 0.5\n  Triggers:");
        let xml = write(ExplainFormat::Xml, Map::new(), None, true).unwrap();
        assert!(xml.contains("    <Planning>\n      <Local-Dirtied-Blocks>0</Local-Dirtied-Blocks>\n"), "{xml}");
        let yaml = write(ExplainFormat::Yaml, Map::new(), None, true).unwrap();
        assert!(yaml.contains("  Planning: \n    Local Dirtied Blocks: 0\n"), "{yaml}");
    }
}
