//! Metabase: the cards that `docker/metabase/provision.py` makes, and what Metabase makes of their SQL.
//!
//! A card has variables (`{{name}}`) in optional parts (`[[...]]`), so Grafana's conditions are written anew. Metabase
//! sends variables as parameters of the extended protocol, by JDBC:
//! <https://www.metabase.com/docs/latest/questions/native-editor/sql-parameters>.

use super::definition::{Dashboard, Kind, Panel, Variable};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Filters of time, which Grafana has above every dashboard.
const FROM: &str = "from";
const TO: &str = "to";

/// A panel's SQL for Metabase.
pub(super) fn query(panel: &Panel) -> String {
    let lines: Vec<String> = panel.query.lines().map(line).collect();
    let query = lines.join("\n");
    assert!(!query.contains('$'), "{}: what becomes of this in Metabase? {query}", panel.file);
    query
}

fn line(line: &str) -> String {
    let trimmed = line.trim_start();
    let indent = line.strip_suffix(trimmed).unwrap();
    if let Some(alternatives) = trimmed.strip_prefix("AND ('' IN ($") {
        let (name, rest) = alternatives.split_once(") OR ").unwrap();
        let alternatives = rest.strip_suffix(')').unwrap().split(" OR ").map(|alternative| {
            let chosen = alternative.strip_suffix(&format!(" IN (${name})"));
            chosen.map_or_else(|| alternative.to_owned(), |column| format!("{column} = {{{{{name}}}}}"))
        });
        let alternatives: Vec<String> = alternatives.collect();
        let condition = alternatives.join(" OR ");
        let condition = if alternatives.len() == 1 { condition } else { format!("({condition})") };
        return format!("{indent}[[AND {condition}]]");
    }
    if let Some((column, name)) = trimmed.strip_suffix("%'").and_then(|text| text.split_once(" ILIKE '%$")) {
        return format!("{indent}[[{column} ILIKE '%' || {{{{{name}}}}} || '%']]");
    }
    if let Some(column) = trimmed.strip_prefix("AND $__timeFilter(").and_then(|text| text.strip_suffix(')')) {
        return format!(
            "{indent}[[AND CAST({column} AS date) >= {{{{{FROM}}}}}]]\n{indent}[[AND CAST({column} AS date) <= {{{{{TO}}}}}]]"
        );
    }
    let named = |line: &str, start: &str, end: &str, say: &dyn Fn(&str) -> String| match line.split_once(start) {
        Some((before, rest)) => {
            let (column, after) = rest.split_once(end).unwrap();
            format!("{before}{}{after}", say(column))
        }
        None => line.to_owned(),
    };
    let line = named(line, "$__timeGroupAlias(", ", $__interval)", &|column| {
        format!("date_trunc('minute', {column}) AS \"time\"")
    });
    let line = named(&line, "$__time(", ")", &|column| format!("{column} AS \"time\""));
    line.replace("'$account@baseline'", "{{account}} || '@baseline'").replace("'$account'", "{{account}}")
}

/// The names of the variables in a query.
pub(super) fn variables(query: &str) -> BTreeSet<&str> {
    query.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0).collect()
}

/// The statement that JDBC is given, with `$n` for its `?`, and the parameters: those of a variable are as many as its uses.
pub(super) fn statement(query: &str, values: &BTreeMap<&str, String>) -> (String, Vec<(String, bool)>) {
    let mut text = String::new();
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("[[") {
        let (inside, after) = after.split_once("]]").unwrap();
        text.push_str(before);
        if variables(inside).iter().all(|name| values.contains_key(name)) {
            text.push_str(inside);
        }
        rest = after;
    }
    text.push_str(rest);
    let mut parameters = Vec::new();
    let mut pieces = text.split("{{");
    let mut out = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (name, after) = piece.split_once("}}").unwrap();
        parameters.push((values[name].clone(), is_date(name)));
        write!(out, "${}{after}", parameters.len()).unwrap();
    }
    (out, parameters)
}

fn is_date(name: &str) -> bool {
    [FROM, TO].contains(&name)
}

/// All dashboards, as the provisioner reads them.
pub(super) fn json(dashboards: &[Dashboard]) -> String {
    let all: Vec<Value> = dashboards.iter().map(dashboard_json).collect();
    serde_json::to_string_pretty(&json!({ "dashboards": all })).unwrap() + "\n"
}

struct Filter<'a> {
    name: &'a str,
    label: &'a str,
    default: Option<&'a str>,
}

impl Filter<'_> {
    fn of(variable: &Variable) -> Filter<'_> {
        Filter { name: &variable.name, label: &variable.label, default: variable.default.as_deref() }
    }
}

fn filters(dashboard: &Dashboard) -> Vec<Filter<'_>> {
    let mut filters: Vec<Filter<'_>> = dashboard.variables.iter().map(Filter::of).collect();
    filters.push(Filter { name: FROM, label: "From", default: None });
    filters.push(Filter { name: TO, label: "To", default: None });
    filters
}

fn dashboard_json(dashboard: &Dashboard) -> Value {
    let queries: Vec<String> = dashboard.panels.iter().map(query).collect();
    let used: BTreeSet<&str> = queries.iter().flat_map(|query| variables(query)).collect();
    let filters: Vec<Filter<'_>> = filters(dashboard).into_iter().filter(|f| used.contains(f.name)).collect();
    let parameter = |filter: &Filter<'_>| {
        let mut json = json!({
            "id": format!("grantd-{}", filter.name), "name": filter.label, "slug": filter.name,
            "type": if is_date(filter.name) { "date/single" } else { "string/=" },
            "sectionId": if is_date(filter.name) { "date" } else { "string" },
        });
        if let Some(default) = filter.default {
            json["default"] = json!([default]);
        }
        json
    };
    let cards: Vec<Value> = dashboard
        .places()
        .iter()
        .zip(&queries)
        .map(|((panel, x, y), query)| card_json(panel, *x, *y, query, &filters))
        .collect();
    json!({
        "name": dashboard.title,
        "description": dashboard.description,
        "parameters": filters.iter().map(parameter).collect::<Vec<_>>(),
        "cards": cards,
    })
}

fn card_json(panel: &Panel, x: u32, y: u32, query: &str, filters: &[Filter<'_>]) -> Value {
    let used = variables(query);
    let tag = |filter: &&Filter<'_>| {
        let mut json = json!({
            "id": format!("grantd-tag-{}", filter.name), "name": filter.name, "display-name": filter.label,
            "type": if is_date(filter.name) { "date" } else { "text" },
        });
        if let Some(default) = filter.default {
            json["required"] = true.into();
            json["default"] = default.into();
        }
        (filter.name.to_owned(), json)
    };
    let tags: Map<String, Value> =
        filters.iter().filter(|filter| used.contains(filter.name)).map(|f| tag(&f)).collect();
    let (display, settings) = match panel.kind {
        Kind::Stat if panel.unit.is_some() => {
            ("scalar", json!({"column_settings": {"[\"name\",\"age\"]": {"suffix": " s"}}}))
        }
        Kind::Stat => ("scalar", json!({})),
        Kind::Bars => ("row", json!({})),
        Kind::Table => ("table", json!({})),
        Kind::Columns => ("bar", json!({"graph.dimensions": ["time"]})),
        Kind::Points => ("line", json!({"graph.dimensions": ["time", "metric"], "graph.metrics": ["seconds"]})),
    };
    json!({
        "name": panel.title,
        "description": panel.description,
        "display": display,
        "visualization_settings": settings,
        "query": query,
        "template_tags": tags,
        "row": y, "col": x, "size_x": panel.width, "size_y": panel.height,
    })
}
