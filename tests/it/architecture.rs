//! What `docs/architecture.md` draws is what the code does: dependencies point one way, files stay small, and nothing
//! names the machine it was written on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file has at most this many lines; most have far fewer.
const MAX_LINES: usize = 800;

/// The modules of the daemon and which of the others each may use. What is not here is refused: a new module gets a
/// line, and with it a place.
const MODULES: &[(&str, &[&str])] = &[
    ("cli", &["config", "daemon", "gateway", "monitoring", "playbook", "progress", "sandbox", "store", "sync"]),
    ("monitoring", &["config", "daemon", "gateway"]),
    ("daemon", &["config", "gateway", "playbook", "progress", "sandbox", "store", "sync"]),
    ("gateway", &["config", "heap", "progress"]),
    ("sync", &["config", "progress"]),
    ("playbook", &["config", "progress"]),
    ("sandbox", &["config", "progress"]),
    ("store", &["config", "progress"]),
    ("config", &[]),
    ("heap", &[]),
    ("progress", &[]),
];

/// The crates of the workspace and which of the others each may depend on.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("grantd", "Cargo.toml", &["grantd-catalog", "grantd-sql-functions"]),
    ("grantd-sql-functions", "sql-functions/Cargo.toml", &["grantd-catalog"]),
    ("grantd-catalog", "catalog/Cargo.toml", &[]),
];

/// What the catalog may not touch: it has no network, no clock and no disk.
const OUTSIDE_WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "Local::now",
    "tokio::fs",
    "tokio::net",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder, without what is built or belongs to git.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if name != ".git" {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

/// The code of a file: without comments, and without its tests.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let until_tests = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = until_tests.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The top modules that a text names after `crate::`, in paths and in `use crate::{a, b::c}`.
fn named_modules(code: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut named = BTreeSet::new();
    // `$crate::` is the crate of a macro: the same modules.
    for (start, found) in code.match_indices("crate::") {
        let is_word_end =
            code.get(..start).unwrap_or_default().chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        if is_word_end {
            continue;
        }
        let rest = code.get(start + found.len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 1;
                let mut item = String::new();
                for c in group.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && c == ',') {
                        named.insert(word(item.trim()));
                        item.clear();
                    } else {
                        item.push(c);
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            None => drop(named.insert(word(rest))),
        }
    }
    named.remove("");
    named
}

#[test]
fn named_modules_are_found_in_every_form() {
    let code = "use crate::store::Store;\nuse crate::{sync, config::{Config, x}, };\nlet a = crate::gateway::run();";
    let expected = ["config", "gateway", "store", "sync"];
    assert_eq!(named_modules(code).into_iter().collect::<Vec<_>>(), expected);
    assert!(named_modules("my_crate::store").is_empty());
}

#[test]
fn modules_of_the_daemon_use_only_what_is_below_them() {
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("src")) {
        let inside = file.strip_prefix(root().join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.strip_suffix(".rs").unwrap_or(first);
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{}: module {module} has no place in this test", shown(&file)));
            continue;
        };
        // A module's own paths, and items of the crate's root that are no modules, are not crossings.
        let known = |name: &String| MODULES.iter().any(|(module, _)| module == name);
        for used in named_modules(&code(&file)).into_iter().filter(known) {
            if used != module && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}: {module} may not use {used}", shown(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_of_modules_has_no_circle() {
    // From the bottom up: a module may be placed once all that it may use are placed.
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    while placed.len() < MODULES.len() {
        let next = MODULES
            .iter()
            .find(|(name, below)| !placed.contains(name) && below.iter().all(|used| placed.contains(used)))
            .expect("some modules use each other in a circle");
        placed.insert(next.0);
    }
}

#[test]
fn crates_depend_only_on_what_is_below_them() {
    for (name, manifest, allowed) in CRATES {
        let manifest: toml::Table = fs::read_to_string(root().join(manifest)).unwrap().parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(*name));
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = manifest.get(section).and_then(toml::Value::as_table);
            for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
                let is_ours = CRATES.iter().any(|(ours, ..)| ours == dependency);
                assert!(!is_ours || allowed.contains(&dependency.as_str()), "{name} may not depend on {dependency}");
            }
        }
    }
}

#[test]
fn the_catalog_has_no_network_no_clock_and_no_disk() {
    let mut wrong = Vec::new();
    for file in rust_files(&root().join("catalog/src")) {
        let code = code(&file);
        wrong.extend(
            OUTSIDE_WORLD.iter().filter(|name| code.contains(*name)).map(|name| format!("{}: {name}", shown(&file))),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rust_file_says_what_it_is_and_stays_small() {
    let mut wrong = Vec::new();
    for file in rust_files(root()) {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().count();
        if lines > MAX_LINES {
            wrong.push(format!("{}: {lines} lines, at most {MAX_LINES}", shown(&file)));
        }
        if !text.lines().next().is_some_and(|first| first.len() > "//! x".len() && first.starts_with("//! ")) {
            wrong.push(format!("{}: the first line does not say what it is (//! ...)", shown(&file)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not find itself.
    let folders = ["work", "root", "tmp"].map(|folder| format!("/{folder}/"));
    let mut wrong = Vec::new();
    for file in files(root()) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            let names_it = folders.iter().any(|folder| {
                line.match_indices(folder.as_str()).any(|(start, _)| {
                    // Part of a longer path or a URL is another folder.
                    let before = line.get(..start).unwrap_or_default();
                    !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '~'))
                })
            });
            if names_it {
                wrong.push(format!("{}:{number}: {}", shown(&file), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
