//! `docs/clients`: what the pages say to type is typed. SQL is asked in the demo with its story, Python and shell run, the
//! data source of ODBC is used, and the example of dbt finds what its page says.

use crate::support::wire::{connect, told};
use crate::support::{Running, demo, demo_with, environments, outcome};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tokio_postgres::SimpleQueryMessage;

/// Where the pages say that grantd answers.
const ADDRESS: &str = "127.0.0.1:5433";

/// Commands of shell blocks that tests do not run: they build, install, need an engine or run on.
const NOT_RUN: &[&str] = &["cargo", "docker", "pip", "cd", "dbt"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients")
}

/// The pages, with their names. `README.md` is a table that other tests make.
fn pages() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "md") && !file.ends_with("README.md"));
    files.sort();
    let page = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        (file.file_stem().unwrap().to_str().unwrap().to_owned(), text)
    };
    files.into_iter().map(page).collect()
}

/// The blocks of a language in a page, without the indentation of lists.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(found) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
        if found == language {
            blocks.push(block.iter().map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

/// `HOST:PORT` of a demo.
fn address(running: &Running) -> &str {
    running.url.split(['@', '/']).nth(3).unwrap()
}

fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("GRANTD") || text.starts_with("DBT") {
            command.env_remove(&name);
        }
    }
    command
}

/// What a program said, if it ended well.
fn good(output: &Output, what: &str) -> String {
    let (code, said, errors) = outcome(output);
    assert_eq!(code, Some(0), "{what}: {said}{errors}");
    assert!(!errors.contains("ERROR"), "{what}: {errors}");
    said
}

#[test]
fn every_page_is_there_and_says_how_to_log_in() {
    let pages = pages();
    for wanted in ["dbt", "grafana", "metabase", "odbc", "psql", "python", "superset"] {
        let page = pages.iter().find(|page| page.0 == wanted).unwrap_or_else(|| panic!("no page about {wanted}"));
        for word in ["CALL create_token(", "verify-full"] {
            assert!(page.1.contains(word), "{wanted} does not say {word}");
        }
    }
    // Links to files of the project lead somewhere.
    for (name, text) in &pages {
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            let is_inside = !link.is_empty() && !link.starts_with("http");
            assert!(!is_inside || folder().join(link).exists(), "{name}: {link} is not there");
        }
    }
}

#[tokio::test]
async fn sql_of_the_pages_finds_something_in_the_demo() {
    let running = demo_with(&["--story"]);
    let client = connect(&running.url).await;
    let mut wrong = String::new();
    let mut asked = 0;
    for (name, text) in pages() {
        for sql in blocks(&text, "sql") {
            asked += 1;
            let answer = client.simple_query(&sql).await;
            let rows =
                answer.map(|messages| messages.iter().filter(|m| matches!(m, SimpleQueryMessage::Row(_))).count());
            match rows {
                Ok(1..) => {}
                Ok(0) => writeln!(wrong, "{name}: nothing is found by {sql}").unwrap(),
                Err(error) => writeln!(wrong, "{name}: {}: {sql}", told(&error)).unwrap(),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(asked >= 10, "{asked} blocks");
}

#[test]
fn shell_of_the_pages_runs() {
    let running = demo_with(&["--story"]);
    let work = tempfile::tempdir().unwrap();
    let mut ran = 0;
    for (name, text) in pages() {
        for block in blocks(&text, "sh") {
            let words = block.lines().filter_map(|line| line.split_whitespace().next());
            if words.into_iter().all(|word| NOT_RUN.contains(&word)) {
                continue;
            }
            assert!(block.contains(ADDRESS), "{name}: {block}");
            let script = block.replace(ADDRESS, address(&running));
            let output =
                bare("sh").args(["-euc", &script]).current_dir(work.path()).env("PSQLRC", "/dev/null").output();
            good(&output.unwrap(), &block);
            ran += 1;
        }
    }
    assert!(ran >= 3, "{ran} blocks");
    let csv = std::fs::read_to_string(work.path().join("access.csv")).unwrap();
    assert!(csv.starts_with("account,user_name,") && csv.lines().count() > 100, "{csv}");
}

#[test]
fn python_of_the_pages_runs_and_draws_the_first_chart() {
    let running = demo_with(&["--story"]);
    let python = format!("{}/bin/python", environments("guides").remove(0));
    let mut ran = 0;
    for (name, text) in pages() {
        let script = blocks(&text, "python").join("\n\n");
        if script.is_empty() {
            continue;
        }
        let script = script.replace(ADDRESS, address(&running));
        let said = good(&bare(&python).args(["-c", &script]).output().unwrap(), &name);
        assert!(
            said.contains("did you mean RAW_DB.BUDGET_BOOK.TRANSACTIONS?") && said.contains("not accepted: "),
            "{said}"
        );
        ran += 1;
    }
    assert_eq!(ran, 1);
    let work = tempfile::tempdir().unwrap();
    for file in ["chart.png", "chart.svg"] {
        let file = work.path().join(file);
        let output = bare(&python).arg(folder().join("first_chart.py")).arg(&running.url).arg(&file).output().unwrap();
        assert!(good(&output, "first_chart.py").contains("9 cells of 3 users and 4 databases"));
        assert!(std::fs::metadata(&file).unwrap().len() > 10_000);
    }
}

#[test]
fn the_data_source_of_odbc_answers() {
    let running = demo_with(&["--story"]);
    let (_, text) = pages().into_iter().find(|page| page.0 == "odbc").unwrap();
    let [ini] = blocks(&text, "ini").try_into().unwrap();
    let work = tempfile::tempdir().unwrap();
    let port = address(&running).split(':').nth(1).unwrap();
    std::fs::write(work.path().join("odbc.ini"), ini.replace("5433", port)).unwrap();
    let mut isql = bare("isql");
    isql.args(["-b", "-d|", "grantd"]).env("ODBCINI", work.path().join("odbc.ini"));
    let mut child = isql.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let question =
        "SELECT user_name, usable FROM who_can('INSERT', 'SANDBOX_DB.WORK.NOTES') WHERE user_name = 'MAIN'\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), question.as_bytes()).unwrap();
    let said = good(&child.wait_with_output().unwrap(), "isql");
    assert!(said.lines().any(|line| line.trim() == "MAIN|1"), "{said}");
}

/// `dbt` on the example project; what it said.
fn dbt(running: &Running, command: &[&str]) -> (Option<i32>, String) {
    let venv = environments("guides").remove(1);
    let target = tempfile::tempdir().unwrap();
    let (host, port) = address(running).split_once(':').unwrap();
    let project = folder().join("dbt");
    let mut program = bare(format!("{venv}/bin/dbt"));
    program.args(command).arg("--no-use-colors").arg("--project-dir").arg(&project).arg("--profiles-dir").arg(&project);
    program.env("DBT_TARGET_PATH", target.path().join("target")).env("DBT_LOG_PATH", target.path().join("logs"));
    program.env("GRANTD_HOST", host).env("GRANTD_PORT", port);
    let (code, said, errors) = outcome(&program.output().unwrap());
    (code, said + &errors)
}

#[test]
fn the_example_of_dbt_passes_until_somebody_goes_around_the_agreed_way() {
    let running = demo();
    let (code, said) = dbt(&running, &["test"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("PASS=11 WARN=0 ERROR=0"), "{said}");
    let (code, said) = dbt(&running, &["source", "freshness"]);
    assert_eq!(code, Some(0), "{said}");
    drop(running);
    let (code, said) = dbt(&demo_with(&["--story"]), &["test"]);
    assert_eq!(code, Some(1), "{said}");
    let (_, page) = pages().into_iter().find(|page| page.0 == "dbt").unwrap();
    let found = blocks(&page, "text").into_iter().find(|block| block.starts_with("FAIL")).unwrap();
    assert_eq!(found.lines().count(), 6);
    for line in found.lines() {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.contains("PASS=5 WARN=1 ERROR=5"), "{said}");
}
