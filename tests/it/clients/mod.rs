//! Real clients against grantd and, step by step, against a real PostgreSQL 15 that holds a schema of the same shape: names, types,
//! rows and SQLSTATEs must be equal. What differs is in [`differences`], with its reason; a difference that is gone has to go
//! from there, too. `docs/clients/README.md` is made from what is found here.

mod differences;
mod list;
mod page;
mod twin;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::demo;
use differences::{Difference, Kind};
use list::Client;

/// What a driver said about one step.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    name: String,
    outcome: String,
    columns: Value,
    rows: Value,
    message: String,
}

/// What a driver said about a server.
#[derive(Debug, Default)]
struct Run {
    version: String,
    steps: Vec<Step>,
}

/// One client's steps by how they came out.
#[derive(Debug, Default)]
struct Tally {
    version: String,
    steps: usize,
    equal: usize,
    by_kind: BTreeMap<Kind, Vec<(String, &'static str)>>,
}

fn run(client: &Client, program: &[String], url: &str) -> Run {
    let mut command = Command::new(&program[0]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(&name);
        }
    }
    let arguments = program[1..].iter().map(|argument| argument.replace("URL", url));
    let output = command.args(arguments).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{} does not start: {error}", program[0]));
    let said = String::from_utf8_lossy(&output.stdout);
    let mut run = Run::default();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", client.name));
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        if line["client"].is_string() {
            run.version = text("client");
        } else {
            run.steps.push(Step {
                name: text("step"),
                // The class is what a program sees of an error that has no SQLSTATE.
                outcome: [text("outcome"), text("class")].join(" ").trim_end().to_owned(),
                columns: line["columns"].clone(),
                rows: line["rows"].clone(),
                message: text("message"),
            });
        }
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!run.steps.is_empty(), "the driver of {} said nothing: {errors}", client.name);
    assert!(output.status.success(), "the driver of {} ended with {}: {errors}", client.name, output.status);
    run
}

/// Compares two runs; appends what is wrong.
fn compare(client: &Client, theirs: &Run, ours: &Run, wrong: &mut Vec<String>) -> Tally {
    let mut tally = Tally { version: theirs.version.clone(), steps: theirs.steps.len(), ..Tally::default() };
    let known: Vec<&Difference> = differences::of(client.name).collect();
    let mut used = vec![false; known.len()];
    for (index, step) in theirs.steps.iter().enumerate() {
        let place = format!("{}: {}", client.name, step.name);
        let Some(answer) = ours.steps.get(index).filter(|answer| answer.name == step.name) else {
            wrong.push(format!("{place}: the drivers took other steps: {:?}", ours.steps.get(index)));
            break;
        };
        let same = (&step.outcome, &step.columns, &step.rows) == (&answer.outcome, &answer.columns, &answer.rows);
        let entry = known.iter().position(|known| known.is_about(&step.name));
        match (same, entry) {
            (true, _) => tally.equal += 1,
            (false, Some(entry)) => {
                used[entry] = true;
                let known = known[entry];
                if let Kind::Refused(code) = known.kind
                    && !answer.outcome.starts_with(code)
                    && !answer.rows.to_string().contains(code)
                {
                    wrong.push(format!("{place}: refused with {}, not {code}: {}", answer.outcome, answer.message));
                }
                tally.by_kind.entry(known.kind.plain()).or_default().push((step.name.clone(), known.why));
            }
            (false, None) => wrong.push(format!("{place}\n{}", shown(step, answer))),
        }
    }
    for (known, used) in known.iter().zip(used) {
        if !used {
            wrong.push(format!(
                "{}: no step like {:?} differs any more: take it from the list",
                client.name, known.step
            ));
        }
    }
    tally
}

/// The parts that differ, short enough to read.
fn shown(theirs: &Step, ours: &Step) -> String {
    let mut text = String::new();
    let mut part = |name: &str, theirs: String, ours: String| {
        if theirs != ours {
            let cut = |text: String| text.chars().take(1_500).collect::<String>();
            writeln!(text, "  {name}\n    PostgreSQL: {}\n    grantd:     {}", cut(theirs), cut(ours)).unwrap();
        }
    };
    part("outcome", theirs.outcome.clone(), ours.outcome.clone());
    part("columns", theirs.columns.to_string(), ours.columns.to_string());
    match (theirs.rows.get("out"), ours.rows.get("out")) {
        (Some(_), Some(_)) => part("printed", lines(theirs, ours), lines(ours, theirs)),
        _ => part("rows", rest(&theirs.rows, &ours.rows), rest(&ours.rows, &theirs.rows)),
    }
    part("message", theirs.message.clone(), ours.message.clone());
    text
}

/// The rows that the other one has not; all, where they only have another order. Of an object, the properties that differ.
fn rest(of: &Value, other: &Value) -> String {
    if let (Some(of), Some(others)) = (of.as_object(), other.as_object()) {
        let differ = of.iter().filter(|(name, value)| others.get(*name) != Some(value));
        return differ.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
    }
    let (Some(of), Some(others)) = (of.as_array(), other.as_array()) else { return of.to_string() };
    let rest: Vec<&Value> = of.iter().filter(|row| !others.contains(row)).collect();
    if rest.is_empty() { Value::from(of.clone()).to_string() } else { serde_json::to_string(&rest).unwrap() }
}

/// The printed lines of a step that the other one has not.
fn lines(of: &Step, other: &Step) -> String {
    let all = |step: &Step| -> Vec<String> {
        let list = |name: &str| step.rows[name].as_array().cloned().unwrap_or_default();
        list("out").into_iter().chain(list("err")).map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    };
    let others = all(other);
    all(of).into_iter().filter(|line| !others.contains(line)).collect::<Vec<_>>().join("\n                ")
}

/// Runs the clients that are `chosen` against both servers.
fn driven(chosen: impl Fn(&str) -> bool) -> Vec<(&'static str, Tally)> {
    let grantd = demo();
    let twin = twin::of(&grantd.url);
    let mut wrong = Vec::new();
    let mut tallies = Vec::new();
    for client in list::CLIENTS.iter().filter(|client| chosen(client.name)) {
        let program = (client.program)();
        let (theirs, ours) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| run(client, &program, &twin.url));
            let ours = run(client, &program, &grantd.url);
            (theirs.join().unwrap(), ours)
        });
        tallies.push((client.name, compare(client, &theirs, &ours, &mut wrong)));
    }
    assert!(wrong.is_empty(), "{} steps differ:\n{}", wrong.len(), wrong.join("\n"));
    tallies
}

/// Those that need no more than the rest of the suite.
#[test]
fn clients_from_pypi_and_published_statements_see_what_postgresql_shows_them() {
    driven(|name| list::QUICK.contains(&name));
}

#[test]
#[ignore = "takes minutes and every client of tests/clients: docs/testing.md has the command"]
fn clients_see_what_postgresql_shows_them() {
    let wanted = std::env::var("GRANTD_CLIENTS").ok();
    let chosen = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|one| one == name));
    let tallies = driven(chosen);
    if wanted.is_none() {
        page::check(&tallies);
    }
}
