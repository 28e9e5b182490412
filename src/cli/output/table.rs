//! Aligned columns, as psql prints them by default.
//!
//! A value may hold anything: line breaks continue the cell on the next line (marked `+`), and other control
//! characters are shown as `\x1B`, so that no name can steer the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

use super::{Column, Kind};

/// A result whose widths are not known yet.
pub(super) struct Table {
    columns: Vec<TableColumn>,
    /// Every cell as its lines.
    rows: Vec<Vec<Vec<String>>>,
}

struct TableColumn {
    title: Vec<String>,
    is_right: bool,
    width: usize,
}

impl Table {
    pub(super) fn new(columns: Vec<Column>) -> Table {
        let columns = columns.into_iter().map(|column| {
            let title = lines(&column.name);
            TableColumn { width: width(&title), title, is_right: column.kind == Kind::Number }
        });
        Table { columns: columns.collect(), rows: Vec::new() }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn row(&mut self, cells: &[Option<&str>]) {
        let row: Vec<_> = cells.iter().map(|cell| lines(cell.unwrap_or_default())).collect();
        for (column, cell) in self.columns.iter_mut().zip(&row) {
            column.width = column.width.max(width(cell));
        }
        self.rows.push(row);
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles: Vec<&[String]> = self.columns.iter().map(|column| column.title.as_slice()).collect();
        self.print_row(out, &titles, true)?;
        let rules: Vec<String> = self.columns.iter().map(|column| "-".repeat(column.width + 2)).collect();
        writeln!(out, "{}", rules.join("+"))?;
        for row in &self.rows {
            let cells: Vec<&[String]> = row.iter().map(Vec::as_slice).collect();
            self.print_row(out, &cells, false)?;
        }
        let rows = self.rows.len();
        writeln!(out, "({rows} row{})\n", if rows == 1 { "" } else { "s" })
    }

    fn print_row(&self, out: &mut dyn Write, cells: &[&[String]], is_header: bool) -> io::Result<()> {
        let height = cells.iter().map(|cell| cell.len()).max().unwrap_or(0);
        for line in 0..height {
            let mut text = String::new();
            for (index, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
                let shown = cell.get(line).map_or("", String::as_str);
                let space = column.width.saturating_sub(shown.width());
                let left = match (is_header, column.is_right) {
                    (true, _) => space / 2,
                    (false, true) => space,
                    (false, false) => 0,
                };
                text.push_str(if index > 0 { "| " } else { " " });
                text.extend(std::iter::repeat_n(' ', left));
                text.push_str(shown);
                let goes_on = line + 1 < cell.len();
                let is_last = index + 1 == self.columns.len();
                // As psql: only a title, or a line that goes on, is filled up at the end.
                if !is_last || is_header || goes_on {
                    text.extend(std::iter::repeat_n(' ', space - left));
                    text.push(if goes_on { '+' } else { ' ' });
                }
            }
            writeln!(out, "{text}")?;
        }
        Ok(())
    }
}

fn lines(text: &str) -> Vec<String> {
    text.split('\n').map(visible).collect()
}

fn width(lines: &[String]) -> usize {
    lines.iter().map(|line| line.width()).max().unwrap_or(0)
}

/// What can be shown: control characters and those that change the direction of text become escapes.
fn visible(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            // Writing to a String does not fail.
            c if c.is_control() => drop(write!(shown, "\\x{:02X}", u32::from(c))),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => drop(write!(shown, "\\u{:04X}", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}
