//! CSV as RFC 4180 has it, with the two choices of psql: lines end in LF, and NULL is an empty field where an empty
//! text is `""`.

use std::io::{self, Write};

/// Writes one record.
pub(super) fn row<'a>(out: &mut dyn Write, cells: impl Iterator<Item = Option<&'a str>>) -> io::Result<()> {
    let mut separator: &[u8] = b"";
    for cell in cells {
        out.write_all(separator)?;
        separator = b",";
        match cell {
            None => {}
            Some(text) if text.is_empty() || text.contains([',', '"', '\n', '\r']) => {
                write!(out, "\"{}\"", text.replace('"', "\"\""))?;
            }
            Some(text) => out.write_all(text.as_bytes())?,
        }
    }
    out.write_all(b"\n")
}
