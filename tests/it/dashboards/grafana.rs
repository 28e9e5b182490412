//! Grafana: a dashboard's JSON, and what Grafana makes of a panel's SQL before it sends it.
//!
//! The browser puts in the variables; the server expands the macros, those inside of values too. Sources:
//! <https://grafana.com/docs/grafana/latest/datasources/postgres/query-editor/>, `SqlDatasource.interpolateVariable` and
//! `macros.go` of its PostgreSQL data source.

use super::definition::{Dashboard, Kind, Panel, Unit, Variable, dollars, part};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The data source that `docker/grafana/provisioning` makes.
const SOURCE: &str = "grantd";

/// What Grafana puts in for `All`, as it is, without quotes of its own: an empty text, which is nobody's name.
const ALL: &str = "''";

/// What is chosen in a variable.
#[derive(Clone, Debug)]
pub(super) enum Chosen {
    All,
    /// Of a text or of a list with one choice.
    One(String),
    /// Of a list with several choices.
    Several(Vec<String>),
}

/// From and to, as Grafana writes times.
pub(super) struct Range {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// Everything chosen, and nothing.
pub(super) fn everything(dashboard: &Dashboard) -> BTreeMap<String, Chosen> {
    let chosen = |variable: &Variable| match (&variable.query, &variable.default) {
        (Some(_), Some(default)) if variable.single => Chosen::One(default.clone()),
        (Some(_), _) => Chosen::All,
        (None, _) => Chosen::One(String::new()),
    };
    dashboard.variables.iter().map(|variable| (variable.name.clone(), chosen(variable))).collect()
}

/// A text chosen in every variable.
pub(super) fn all_are(dashboard: &Dashboard, text: &str) -> BTreeMap<String, Chosen> {
    let chosen = |variable: &Variable| match variable.query {
        Some(_) if !variable.single => Chosen::Several(vec![text.to_owned(), format!("{text}2")]),
        _ => Chosen::One(text.to_owned()),
    };
    dashboard.variables.iter().map(|variable| (variable.name.clone(), chosen(variable))).collect()
}

/// The statement as it is sent.
pub(super) fn expand(sql: &str, chosen: &BTreeMap<String, Chosen>, range: &Range) -> String {
    macros(&interpolate(sql, chosen), range)
}

fn interpolate(sql: &str, chosen: &BTreeMap<String, Chosen>) -> String {
    let doubled = |text: &str| text.replace('\'', "''");
    let mut out = String::new();
    let mut rest = 0;
    for (at, name) in dollars(sql) {
        let text = match (name, chosen.get(name)) {
            ("__interval", _) => "1m".to_owned(),
            (_, None) => continue,
            (_, Some(Chosen::All)) => ALL.to_owned(),
            (_, Some(Chosen::One(text))) => doubled(text),
            (_, Some(Chosen::Several(texts))) => {
                texts.iter().map(|text| format!("'{}'", doubled(text))).collect::<Vec<_>>().join(",")
            }
        };
        out.push_str(part(sql, rest..at));
        out.push_str(&text);
        rest = at + 1 + name.len();
    }
    out + part(sql, rest..)
}

/// `$name(arguments)` without a `)` inside, as the expression of the data source has it.
fn macros(sql: &str, range: &Range) -> String {
    let mut out = String::new();
    let mut rest = 0;
    for (at, name) in dollars(sql) {
        let open = at + 1 + name.len();
        let Some(inside) = part(sql, open..).strip_prefix('(').and_then(|text| text.split(')').next()) else {
            continue;
        };
        if at < rest || !part(sql, open + 1 + inside.len()..).starts_with(')') {
            continue;
        }
        let end = open + inside.len() + 2;
        let arguments: Vec<&str> = inside.split(',').map(|argument| argument.trim_matches(' ')).collect();
        let group = || {
            let seconds = match arguments.get(1).map(|interval| interval.trim_matches('\'')) {
                Some("1m") => 60,
                other => panic!("the interval {other:?} in {sql}"),
            };
            format!("floor(extract(epoch from {})/{seconds})*{seconds}", arguments[0])
        };
        let column = arguments[0];
        let text = match name {
            "__time" => format!("{column} AS \"time\""),
            "__timeFilter" => format!("{column} BETWEEN '{}' AND '{}'", range.from, range.to),
            "__timeFrom" => format!("'{}'", range.from),
            "__timeTo" => format!("'{}'", range.to),
            // Before a comma it is named as well, as in old dashboards.
            "__timeGroup" if !part(sql, end..).starts_with(',') => group(),
            "__timeGroup" | "__timeGroupAlias" => format!("{} AS \"time\"", group()),
            other => panic!("no macro of Grafana's PostgreSQL data source: {other}"),
        };
        out.push_str(part(sql, rest..at));
        out.push_str(&text);
        rest = end;
    }
    out + part(sql, rest..)
}

/// The dashboard's file.
pub(super) fn json(dashboard: &Dashboard) -> String {
    let panels: Vec<Value> =
        dashboard.places().into_iter().zip(1..).map(|((panel, x, y), id)| panel_json(panel, x, y, id)).collect();
    let dashboard = json!({
        "uid": format!("grantd-{}", dashboard.name),
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["grantd"],
        "schemaVersion": 41,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": dashboard.range, "to": "now"},
        "annotations": {"list": []},
        "links": [{
            "type": "dashboards", "title": "grantd", "tags": ["grantd"], "asDropdown": false, "includeVars": false,
            "keepTime": true, "targetBlank": false
        }],
        "templating": {"list": dashboard.variables.iter().map(variable_json).collect::<Vec<_>>()},
        "panels": panels,
    });
    serde_json::to_string_pretty(&dashboard).unwrap() + "\n"
}

fn source() -> Value {
    json!({"type": "grafana-postgresql-datasource", "uid": SOURCE})
}

fn variable_json(variable: &Variable) -> Value {
    let Some(query) = &variable.query else {
        return json!({
            "type": "textbox", "name": variable.name, "label": variable.label, "description": variable.description,
            "hide": 0, "query": "", "current": {"text": "", "value": ""},
            "options": [{"selected": true, "text": "", "value": ""}],
        });
    };
    let mut json = json!({
        "type": "query", "name": variable.name, "label": variable.label, "description": variable.description,
        "hide": 0, "datasource": source(), "query": query, "definition": query, "refresh": 1, "sort": 0, "regex": "",
        "options": [], "multi": !variable.single, "includeAll": !variable.single,
    });
    if !variable.single {
        json["allValue"] = ALL.into();
        json["current"] = json!({"text": ["All"], "value": ["$__all"]});
    }
    json
}

fn panel_json(panel: &Panel, x: u32, y: u32, id: u32) -> Value {
    let (kind, format, options, custom) = match panel.kind {
        Kind::Stat => (
            "stat",
            "table",
            json!({
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
                "colorMode": "value", "graphMode": "none", "textMode": "value", "justifyMode": "auto",
                "orientation": "auto"
            }),
            json!({}),
        ),
        Kind::Bars => (
            "barchart",
            "table",
            json!({
                "orientation": "horizontal", "showValue": "auto", "stacking": "none", "barWidth": 0.9, "groupWidth": 0.7,
                "xTickLabelRotation": 0, "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "multi", "sort": "none"}
            }),
            json!({"fillOpacity": 80, "lineWidth": 0}),
        ),
        Kind::Table => (
            "table",
            "table",
            json!({"showHeader": true, "cellHeight": "sm"}),
            json!({"align": "auto", "cellOptions": {"type": "auto"}, "filterable": true, "inspect": true}),
        ),
        Kind::Columns | Kind::Points => (
            "timeseries",
            "time_series",
            json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
                "tooltip": {"mode": "multi", "sort": "none"}
            }),
            match panel.kind {
                Kind::Columns => json!({"drawStyle": "bars", "fillOpacity": 80, "lineWidth": 0}),
                _ => json!({"drawStyle": "points", "pointSize": 6}),
            },
        ),
    };
    let mut steps = vec![json!({"color": "green", "value": null})];
    steps.extend(panel.warn.map(|from| json!({"color": "orange", "value": from})));
    steps.extend(panel.bad.map(|from| json!({"color": "red", "value": from})));
    let coloured = if panel.kind == Kind::Stat { "thresholds" } else { "palette-classic" };
    let seconds = json!([{"id": "unit", "value": "s"}]);
    let overrides: Vec<Value> = ["age", "seconds"]
        .iter()
        .map(|name| json!({"matcher": {"id": "byName", "options": name}, "properties": seconds}))
        .collect();
    json!({
        "id": id,
        "type": kind,
        "title": panel.title,
        "description": panel.description,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "datasource": source(),
        "targets": [{
            "refId": "A", "datasource": source(), "editorMode": "code", "format": format, "rawQuery": true,
            "rawSql": panel.query
        }],
        "options": options,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit.map_or("short", |Unit::Seconds| "s"),
                "color": {"mode": coloured},
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": custom,
            },
            "overrides": if panel.kind == Kind::Table { overrides } else { Vec::new() },
        },
    })
}

#[test]
fn macros_and_variables_expand_as_grafana_expands_them() {
    let range = Range { from: "2026-01-02T03:04:05Z", to: "2026-01-03T03:04:05.5Z" };
    let chosen: BTreeMap<String, Chosen> = [
        ("all", Chosen::All),
        ("text", Chosen::One("O'Brien".to_owned())),
        ("list", Chosen::Several(vec!["a".to_owned(), "b\"'".to_owned()])),
        ("sly", Chosen::One("$__timeFrom()".to_owned())),
    ]
    .map(|(name, chosen)| (name.to_owned(), chosen))
    .into();
    for (sql, wanted) in [
        ("$__time(t), x", "t AS \"time\", x"),
        ("$__timeFilter(s.at) AND y", "s.at BETWEEN '2026-01-02T03:04:05Z' AND '2026-01-03T03:04:05.5Z' AND y"),
        ("t > $__timeFrom() OR t < $__timeTo()", "t > '2026-01-02T03:04:05Z' OR t < '2026-01-03T03:04:05.5Z'"),
        ("$__timeGroupAlias(at, $__interval),", "floor(extract(epoch from at)/60)*60 AS \"time\","),
        ("$__timeGroup(at, '1m')) + 1", "floor(extract(epoch from at)/60)*60) + 1"),
        ("$__timeGroup(at, 1m), 1", "floor(extract(epoch from at)/60)*60 AS \"time\", 1"),
        ("'' IN ($all) OR a IN ($list)", "'' IN ('') OR a IN ('a','b\"''')"),
        ("ILIKE '%$text%'", "ILIKE '%O''Brien%'"),
        // The server expands what a value says, too: it ends the text that it stands in.
        ("ILIKE '%$sly%'", "ILIKE '%'2026-01-02T03:04:05Z'%'"),
        ("$unknown and 1$", "$unknown and 1$"),
    ] {
        assert_eq!(expand(sql, &chosen, &range), wanted, "{sql}");
    }
}
