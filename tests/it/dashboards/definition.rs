//! What a dashboard is: `docker/dashboards/<name>/dashboard.toml` and one SQL file per panel.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::slice::SliceIndex;

/// The names of the dashboards, in the order in which people look at them.
pub(super) const NAMES: [&str; 4] = ["who-has-access", "drift-and-changes", "role-hygiene", "sync-health"];

/// Both tools lay panels out on a grid that is this wide.
pub(super) const GRID: u32 = 24;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dashboard {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Where the range of time begins, as Grafana says it.
    pub(super) range: String,
    #[serde(rename = "variable")]
    pub(super) variables: Vec<Variable>,
    #[serde(rename = "panel")]
    pub(super) panels: Vec<Panel>,
}

/// A filter above the panels: a list of values, or a text where there is no query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) description: Option<String>,
    pub(super) query: Option<String>,
    /// One value has to be chosen: panels ask a function about it.
    #[serde(default)]
    pub(super) single: bool,
    /// What is chosen at first in a tool that does not take it from the query.
    pub(super) default: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// One number.
    Stat,
    /// A bar per row: a name, then numbers.
    Bars,
    /// Rows.
    Table,
    /// Columns over time.
    Columns,
    /// Points over time, a series per `metric`.
    Points,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Panel {
    /// The file, without `.sql`.
    #[serde(rename = "sql")]
    pub(super) file: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) kind: Kind,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) unit: Option<Unit>,
    /// From this number on it is worth a look.
    pub(super) warn: Option<u32>,
    /// From this number on something is wrong.
    pub(super) bad: Option<u32>,
    #[serde(skip)]
    pub(super) query: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unit {
    Seconds,
}

/// The folder of everything that is generated and mounted.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docker")
}

pub(super) fn dashboards() -> Vec<Dashboard> {
    NAMES.into_iter().map(read).collect()
}

fn read(name: &str) -> Dashboard {
    let folder = folder().join("dashboards").join(name);
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut dashboard: Dashboard = toml::from_str(&file("dashboard.toml")).unwrap_or_else(|e| panic!("{name}: {e}"));
    name.clone_into(&mut dashboard.name);
    for panel in &mut dashboard.panels {
        file(&format!("{}.sql", panel.file)).trim_end().clone_into(&mut panel.query);
    }
    let used: BTreeSet<String> = dashboard.panels.iter().map(|panel| format!("{}.sql", panel.file)).collect();
    assert_eq!(used.len(), dashboard.panels.len(), "{name}: a panel is there twice");
    let there = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> =
        there.filter(|file| Path::new(file).extension().is_some_and(|e| e == "sql")).collect();
    assert_eq!(there, used, "{name}: files of panels");
    dashboard
}

impl Dashboard {
    /// Panels with their places, row by row.
    pub(super) fn places(&self) -> Vec<(&Panel, u32, u32)> {
        let (mut x, mut y, mut tallest) = (0, 0, 0);
        let mut places = Vec::new();
        for panel in &self.panels {
            if x + panel.width > GRID {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            places.push((panel, x, y));
            x += panel.width;
            tallest = tallest.max(panel.height);
        }
        places
    }
}

/// A part of a text, by bytes.
pub(super) fn part(text: &str, range: impl SliceIndex<str, Output = str>) -> &str {
    text.get(range).unwrap()
}

/// The names after `$` in a text that are followed by no other letter, digit or `_`, each with where its `$` is.
pub(super) fn dollars(sql: &str) -> Vec<(usize, &str)> {
    let name = |(at, _): (usize, &str)| {
        let rest = part(sql, at + 1..);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        (at, part(rest, ..end))
    };
    sql.match_indices('$').map(name).filter(|(_, name)| !name.is_empty()).collect()
}

/// A generated file is what it would be now; with `GRANTD_UPDATE_DASHBOARDS` it is written.
pub(super) fn is_generated(file: &Path, wanted: &str) {
    if std::env::var_os("GRANTD_UPDATE_DASHBOARDS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, wanted).unwrap();
    }
    let found = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is out of date: GRANTD_UPDATE_DASHBOARDS=1 cargo test --workspace --test it -- dashboards::generated",
        file.display()
    );
}
