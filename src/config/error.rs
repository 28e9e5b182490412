//! [`ConfigError`]: a mistake in the configuration, with its place and the next step.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with the configuration. Never shows a value of the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file does not say what a configuration may say.
    #[error("{what} ({place})")]
    File {
        /// What is wrong.
        what: String,
        /// Where.
        place: Place,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A variable of the environment does not say what a configuration may say.
    #[error("{what} (environment variable {variable})")]
    Environment {
        /// What is wrong.
        what: String,
        /// Which variable.
        variable: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A file that holds a secret is not one to trust.
    #[error("{} cannot be used as a secret: {why}", file.display())]
    SecretFile {
        /// Which file.
        file: PathBuf,
        /// Why not.
        why: String,
    },
}

impl ConfigError {
    /// The next step, where there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            ConfigError::Read { .. } => Some("check the path and who may read it".to_owned()),
            ConfigError::File { hint, .. } | ConfigError::Environment { hint, .. } => hint.clone(),
            ConfigError::SecretFile { file, .. } => {
                Some(format!("chmod 600 {}, and check its content", file.display()))
            }
        }
    }
}

/// A place in a text file; lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    file: PathBuf,
    line: usize,
    column: usize,
}

impl Place {
    /// The place of a byte offset.
    pub(super) fn of(file: &std::path::Path, text: &str, offset: usize) -> Place {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Place { file: file.to_path_buf(), line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// "did you mean": the known word nearest to an unknown one, if it is near enough to be a slip.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, row by row.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for ((to, diagonal), above) in b.chars().zip(&row).zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(from != to));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_does_not() {
        let known = ["listen", "data_dir", "statement_timeout"];
        assert_eq!(nearest("lisen", known), Some("listen"));
        assert_eq!(nearest("datadir", known), Some("data_dir"));
        assert_eq!(nearest("statement-timeout", known), Some("statement_timeout"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "")), (3, 3, 3));
    }

    #[test]
    fn a_place_counts_characters_from_one() {
        let file = std::path::Path::new("f");
        assert_eq!(Place::of(file, "ä=1\nöö=2", 9).to_string(), "f:2:3");
        assert_eq!(Place::of(file, "", 0).to_string(), "f:1:1");
    }
}
