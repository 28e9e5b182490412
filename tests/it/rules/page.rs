//! `docs/rules.md` names a test or a world for every rule, and each of them is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found
}

/// The functions of a Rust text that are tests: the `fn` after an attribute `#[test]` or `#[tokio::test]`.
fn tests_of(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test) {
            found.insert(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            is_test = false;
        }
    }
    found
}

/// Every name that a rule may give: tests by their function, worlds and pages of the manual by their file.
fn known() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["src", "catalog/src", "catalog/tests", "sql-functions/src", "tests/it"] {
        for file in files(&root().join(folder), "rs") {
            names.extend(tests_of(&fs::read_to_string(file).unwrap()));
        }
    }
    for (folder, extension) in [("catalog/tests/worlds", "world"), ("tests/sql", "slt")] {
        let file_name = |file: PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
        names.extend(files(&root().join(folder), extension).into_iter().map(file_name));
    }
    names
}

/// The rows of the page's tables: the rule, and the names between backticks in its last cell.
fn rules() -> Vec<(String, Vec<String>)> {
    let page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let mut rules = Vec::new();
    let is_rule = |line: &&str| line.starts_with("| ") && !line.starts_with("| rule |") && !line.starts_with("| ---");
    for line in page.lines().filter(is_rule) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [rule, tests] = cells.as_slice() else { panic!("a row has a rule and its tests: {line}") };
        let names = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        rules.push(((*rule).to_owned(), names));
    }
    rules
}

#[test]
fn tests_are_found_by_their_attribute() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n#[tokio::test(flavor = \"x\")]\nasync fn two() {}";
    assert_eq!(tests_of(text).into_iter().collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn every_rule_names_tests_that_exist() {
    let (known, rules) = (known(), rules());
    assert!(rules.len() > 60, "only {} rules were found", rules.len());
    let mut wrong = Vec::new();
    for (rule, names) in &rules {
        if names.is_empty() {
            wrong.push(format!("{rule}: no test"));
        }
        wrong.extend(names.iter().filter(|name| !known.contains(*name)).map(|name| format!("{rule}: no {name}")));
    }
    let distinct: BTreeSet<&String> = rules.iter().map(|(rule, _)| rule).collect();
    assert_eq!(distinct.len(), rules.len(), "a rule is there twice");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_world_shows_a_rule() {
    let named: BTreeSet<String> = rules().into_iter().flat_map(|(_, names)| names).collect();
    let worlds = known().into_iter().filter(|name| name.ends_with(".world"));
    let unnamed: Vec<String> = worlds.filter(|world| !named.contains(world)).collect();
    assert!(unnamed.is_empty(), "docs/rules.md has no rule for {unnamed:?}");
}
