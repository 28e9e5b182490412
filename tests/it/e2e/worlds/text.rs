//! Worlds as text: an account as SQL, and assertions of who can and who cannot (format: `catalog/tests/worlds/README.md`).

use grantd_catalog::model::ObjectType;
use std::path::{Path, PathBuf};

/// One line after the `---`.
pub(super) struct Assertion {
    pub(super) line: String,
    pub(super) lens: String,
    pub(super) expected: &'static str,
    pub(super) user: String,
    pub(super) privilege: String,
    pub(super) object_type: String,
    pub(super) object: String,
    pub(super) with: Vec<(String, String)>,
}

/// One file.
pub(super) struct World {
    pub(super) name: String,
    pub(super) sql: String,
    pub(super) assertions: Vec<Assertion>,
}

/// Every world of the catalog, by name.
pub(super) fn worlds() -> Vec<World> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog/tests/worlds");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "world"));
    paths.sort();
    let read =
        |path: &PathBuf| world(&path.file_stem().unwrap().to_string_lossy(), &std::fs::read_to_string(path).unwrap());
    paths.iter().map(read).collect()
}

fn world(name: &str, text: &str) -> World {
    let (sql, lines) = text.split_once("\n---\n").unwrap_or_else(|| panic!("{name}: no line ---"));
    let mut lens = "all".to_owned();
    let mut assertions = Vec::new();
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        match line.strip_prefix("lens ") {
            Some(other) => other.clone_into(&mut lens),
            None => assertions.push(assertion(line, &lens).unwrap_or_else(|| panic!("{name}: {line}"))),
        }
    }
    assert!(!assertions.is_empty(), "{name} asserts nothing");
    World { name: name.to_owned(), sql: sql.to_owned(), assertions }
}

fn assertion(line: &str, lens: &str) -> Option<Assertion> {
    let words = words(line);
    let on = words.iter().position(|word| word == "ON")?;
    let with = words.iter().position(|word| word == "with").unwrap_or(words.len());
    let expected = ["can", "granted-but-unusable", "cannot"].into_iter().find(|word| words[0] == *word)?;
    let (object, object_type) = words.get(on + 1..with)?.split_last()?;
    let unquoted = |name: &str| name.trim_matches('"').replace("\"\"", "\"");
    Some(Assertion {
        line: line.to_owned(),
        lens: lens.to_owned(),
        expected,
        user: unquoted(&words[1]),
        privilege: words[2..on].join(" "),
        object_type: ObjectType::new(&object_type.join(" ")).as_str().to_owned(),
        object: object.clone(),
        with: words
            .iter()
            .skip(with + 1)
            .map(|w| w.split_once('=').map(|(k, v)| (k.into(), v.into())))
            .collect::<Option<_>>()?,
    })
}

/// Splits at spaces outside of quotes and parentheses.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted, mut depth) = (vec![String::new()], false, 0);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(String::new());
                continue;
            }
            _ => {}
        }
        words.last_mut().unwrap().push(c);
    }
    words.retain(|word| !word.is_empty());
    words
}
