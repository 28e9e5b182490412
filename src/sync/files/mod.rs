//! Offline exports: a folder of `<VIEW>.csv`, `.csv.gz`, `.parquet`, `.jsonl` or `.jsonl.gz`.
//!
//! For people who may not hand out a login. A file's stem is the name of its view or SHOW (`GRANTS_TO_ROLES`,
//! `SHOW_WAREHOUSES`), in any case; header names are in any case and order.

mod csv;
mod jsonl;
mod parquet;

use super::coverage::{CoverageRow, CoverageStatus};
use super::kind::{REQUIRED, SourceKind};
use super::table::{SourceTable, TableError};
use flate2::read::MultiGzDecoder;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// The exports of a folder.
#[derive(Debug)]
pub struct Exports {
    /// One table per file.
    pub tables: Vec<SourceTable>,
    /// Files that belong to no source.
    pub notices: Vec<CoverageRow>,
}

/// Why exports cannot be read. The previous snapshot stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder or a file cannot be opened or read.
    #[error("{}: {error}", path.display())]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Exports without which no account can be read are missing.
    #[error(
        "{}: no file for {}; export these views of SNOWFLAKE.ACCOUNT_USAGE as <VIEW>.csv, .csv.gz, .parquet or .jsonl",
        dir.display(), missing.iter().map(|k| k.name()).collect::<Vec<_>>().join(", ")
    )]
    Missing {
        /// The folder.
        dir: PathBuf,
        /// The views.
        missing: Vec<SourceKind>,
    },
    /// Two files for one view.
    #[error("{} and {} are both {kind}; keep one of them", first.display(), second.display())]
    Twice {
        /// The view.
        kind: SourceKind,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file is broken.
    #[error("{}{}: {problem}", path.display(), line.map(|l| format!(": line {l}")).unwrap_or_default())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where there is one.
        line: Option<u64>,
        /// What is wrong there.
        problem: String,
    },
    /// The rows do not make a table.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// How a file's rows are written.
#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
    Parquet,
}

/// Reads every export in `dir`.
///
/// # Errors
/// A needed view has no file, one has two, or a file cannot be read.
pub fn read_exports(dir: &Path) -> Result<Exports, ImportError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| ImportError::Io { path, error }
    };
    let mut found: BTreeMap<SourceKind, (PathBuf, Format, bool)> = BTreeMap::new();
    let mut notices = Vec::new();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
        paths.push(entry.map_err(failed(dir))?.path());
    }
    paths.sort();
    for path in paths {
        match recognise(&path) {
            Ok((kind, format, packed)) => {
                if let Some((first, ..)) = found.insert(kind, (path.clone(), format, packed)) {
                    return Err(ImportError::Twice { kind, first, second: path });
                }
            }
            Err(why) => notices.push(CoverageRow {
                source: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                status: CoverageStatus::Ignored,
                rows: 0,
                latency_minutes: 0,
                detail: why,
                database: None,
            }),
        }
    }
    let missing: Vec<SourceKind> = REQUIRED.iter().copied().filter(|kind| !found.contains_key(kind)).collect();
    if !missing.is_empty() {
        return Err(ImportError::Missing { dir: dir.to_owned(), missing });
    }
    let mut tables = Vec::with_capacity(found.len());
    for (kind, (path, format, packed)) in found {
        tables.push(match format {
            Format::Parquet => parquet::read(kind, &path)?,
            Format::Csv => csv::read(kind, &path, open(&path, packed)?)?,
            Format::JsonLines => jsonl::read(kind, &path, open(&path, packed)?)?,
        });
    }
    Ok(Exports { tables, notices })
}

/// The source, format and compression that a file name says.
fn recognise(path: &Path) -> Result<(SourceKind, Format, bool), String> {
    if path.is_dir() {
        return Err("a folder; only files directly in the export folder are read".to_owned());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let (name, packed) = match name.strip_suffix(".gz") {
        Some(inner) => (inner, true),
        None => (name.as_str(), false),
    };
    let (stem, format) = match name.rsplit_once('.') {
        Some((stem, "csv")) => (stem, Format::Csv),
        Some((stem, "jsonl")) => (stem, Format::JsonLines),
        Some((stem, "parquet")) if !packed => (stem, Format::Parquet),
        _ => return Err("neither .csv, .csv.gz, .jsonl, .jsonl.gz nor .parquet".to_owned()),
    };
    match SourceKind::parse(stem) {
        Some(kind) => Ok((kind, format, packed)),
        None => Err(format!("{} is no view or SHOW that grantd reads", stem.to_ascii_uppercase())),
    }
}

fn open(path: &Path, packed: bool) -> Result<Box<dyn Read>, ImportError> {
    let file = File::open(path).map_err(|error| ImportError::Io { path: path.to_owned(), error })?;
    let file = BufReader::with_capacity(1 << 16, file);
    Ok(if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Columns of text that grow row by row, cut into batches so that no array outgrows its 32-bit offsets.
struct TextColumns {
    builders: Vec<datafusion::arrow::array::StringBuilder>,
    batches: Vec<Vec<datafusion::arrow::array::ArrayRef>>,
    lines: Vec<u64>,
    bytes: usize,
}

/// Bytes of text in one batch; far below the 2 GiB that 32-bit offsets reach.
const BATCH_BYTES: usize = 64 << 20;
/// Longest single value. The longest that matters is a comment of 16 MB.
const VALUE_BYTES: usize = 32 << 20;

impl TextColumns {
    fn new(columns: usize) -> Self {
        let builders = (0..columns).map(|_| datafusion::arrow::array::StringBuilder::new()).collect();
        Self { builders, batches: Vec::new(), lines: Vec::new(), bytes: 0 }
    }

    /// Adds one row; says which value is too long, if one is.
    fn push<'v>(&mut self, line: u64, values: impl Iterator<Item = Option<&'v str>>) -> Result<(), usize> {
        for (index, (builder, value)) in self.builders.iter_mut().zip(values).enumerate() {
            if value.is_some_and(|v| v.len() > VALUE_BYTES) {
                return Err(index);
            }
            self.bytes += value.map_or(0, str::len);
            builder.append_option(value);
        }
        self.lines.push(line);
        if self.bytes >= BATCH_BYTES {
            self.cut();
        }
        Ok(())
    }

    fn cut(&mut self) {
        let columns = self.builders.iter_mut().map(|b| std::sync::Arc::new(b.finish()) as _).collect();
        self.batches.push(columns);
        self.bytes = 0;
    }

    fn finish(mut self, kind: SourceKind, path: &Path, names: Vec<String>) -> Result<SourceTable, ImportError> {
        self.cut();
        let place = super::table::Place::File { path: path.to_owned(), lines: Some(self.lines) };
        Ok(SourceTable::new(kind, place, names, self.batches)?)
    }
}
