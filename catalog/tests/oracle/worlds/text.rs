//! Worlds as text: an account as SQL, and assertions of who can and who cannot (format: `tests/worlds/README.md`).
//!
//! The tests of the wire read the same files by this module.

use grantd_catalog::model::{ObjectType, qualified};
use std::path::{Path, PathBuf};

/// One line after the `---`.
pub(crate) struct Assertion {
    pub(crate) line: String,
    /// `all`, `default` or `primary`.
    pub(crate) lens: &'static str,
    /// `can`, `granted-but-unusable` or `cannot`.
    pub(crate) expected: &'static str,
    pub(crate) user: String,
    pub(crate) privilege: String,
    pub(crate) object_type: String,
    pub(crate) object: String,
    pub(crate) with: Vec<(String, String)>,
}

/// One file.
pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) sql: String,
    pub(crate) assertions: Vec<Assertion>,
}

/// Every world in a folder, by name; for one that cannot be read, why.
pub(crate) fn worlds_in(folder: &Path) -> Vec<Result<World, String>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "world"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        world(name, &std::fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

fn world(name: String, text: &str) -> Result<World, String> {
    let (sql, lines) = text.split_once("\n---\n").ok_or_else(|| format!("{name}: no line ---"))?;
    let mut lens = "all";
    let mut assertions = Vec::new();
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        match line {
            "lens all" => lens = "all",
            "lens default" => lens = "default",
            "lens primary" => lens = "primary",
            _ => assertions.push(assertion(line, lens).ok_or_else(|| format!("{name}: not an assertion: {line}"))?),
        }
    }
    if assertions.is_empty() {
        return Err(format!("{name} asserts nothing"));
    }
    Ok(World { name, sql: sql.to_owned(), assertions })
}

/// `can ALICE SELECT ON TABLE DB1.S.T with source=grant`
fn assertion(line: &str, lens: &'static str) -> Option<Assertion> {
    let words = words(line);
    let on = words.iter().position(|word| word == "ON")?;
    let with = words.iter().position(|word| word == "with").unwrap_or(words.len());
    let first = words.first()?;
    let expected = ["can", "granted-but-unusable", "cannot"].into_iter().find(|word| first == word)?;
    let user = qualified(words.get(1)?).ok()?.pop()?.as_str().to_owned();
    let privilege = words.get(2..on)?.join(" ");
    let (object, object_type) = words.get(on + 1..with)?.split_last()?;
    let object_type = ObjectType::new(&object_type.join(" ")).as_str().to_owned();
    let pair = |word: &String| word.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
    let with = words.get(with..)?.iter().skip(1).map(pair).collect::<Option<_>>()?;
    let (line, object) = (line.to_owned(), object.clone());
    Some(Assertion { line, lens, expected, user, privilege, object_type, object, with })
}

/// Splits at spaces outside of quotes and parentheses.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut depth) = (Vec::new(), String::new(), false, 0);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
