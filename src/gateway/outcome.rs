//! What a statement gives, and how it is sent.

use bytes::{BufMut as _, BytesMut};
use datafusion::arrow::record_batch::RecordBatch;
use pgwire::messages::copy::{CopyDone, CopyOutResponse};
use pgwire::messages::extendedquery::PortalSuspended;
use pgwire::messages::response::CommandComplete;

use super::conn::{Conn, Guard};
use super::encode::{self, Style};
use super::error::SqlError;
use super::front_door::{CopyFormat, CopyOptions, Forced};
use super::query::rows::Rows;
use super::query::shape::{Column, Formats};

/// Rows encoded between two looks at the buffer and the guard.
const STEP: usize = 256;

/// A statement's answer, not yet sent.
pub(crate) enum Outcome {
    /// Rows, then a tag with their number if `counted`.
    Rows {
        /// The rows.
        rows: Box<Rows>,
        /// `SELECT`, `SHOW`, ...
        tag: &'static str,
        /// Whether the tag has the number.
        counted: bool,
    },
    /// Rows of a cursor.
    Fetch {
        /// The cursor.
        cursor: String,
        /// Towards the first row.
        backward: bool,
        /// Rows wanted; `None` is all.
        left: Option<u64>,
        /// MOVE.
        only_move: bool,
    },
    /// COPY TO STDOUT.
    Copy(Box<Rows>, CopyOptions),
    /// Only a tag.
    Done(String),
}

impl Outcome {
    /// Whether it can be asked for more rows at its end, and gives none then.
    pub(crate) fn gives_rows(&self) -> bool {
        matches!(self, Self::Rows { .. } | Self::Fetch { only_move: false, .. })
    }
}

/// How a portal's execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// All is sent, with the tag.
    All,
    /// The row limit was reached.
    Suspended,
}

/// How rows are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passage {
    /// Towards the first row.
    pub backward: bool,
    /// They are only counted.
    pub only_count: bool,
}

/// Sends up to `most` rows; gives how many, and whether the rows are over.
pub(crate) async fn send_rows(
    conn: &mut Conn,
    guard: &Guard,
    rows: &mut Rows,
    (formats, style): (&Formats, &Style),
    most: Option<u64>,
    passage: Passage,
) -> Result<(u64, bool), SqlError> {
    let mut sent = 0u64;
    loop {
        let left = most.map_or(u64::MAX, |most| most.saturating_sub(sent));
        if left == 0 {
            // PostgreSQL looks for no further row here: the portal is suspended even at its end.
            return Ok((sent, false));
        }
        let step = usize::try_from(left).unwrap_or(STEP).min(STEP);
        let piece =
            if passage.backward { rows.previous(step)? } else { guard.run(&mut conn.reader, rows.next(step)).await? };
        let Some(piece) = piece else { return Ok((sent, true)) };
        if passage.only_count {
            sent = sent.saturating_add(piece.count as u64);
            continue;
        }
        for row in piece.start..piece.start.saturating_add(piece.count) {
            let start = conn.out.len();
            let encoded = encode::data_row(&mut conn.out, &piece.batch, row, &rows.columns, formats, style);
            let length = conn.out.len().saturating_sub(start);
            if let Err(error) = encoded.and_then(|()| rows.quota.charge(length)) {
                conn.out.truncate(start);
                return Err(error);
            }
            sent = sent.saturating_add(1);
            // After each row: a few wide ones are more than a client that does not read may keep here.
            if conn.is_full() {
                conn.flush_guarded(guard).await?;
            }
        }
    }
}

/// The end of rows: their tag, with their number where it has one.
pub(crate) fn complete(tag: &str, counted: bool, count: u64) -> CommandComplete {
    CommandComplete::new(if counted { format!("{tag} {count}") } else { tag.to_owned() })
}

/// Sends the rest of an outcome up to `most` rows, then the tag or `PortalSuspended`. Not for FETCH, whose rows belong to
/// another portal.
pub(crate) async fn send(
    conn: &mut Conn,
    guard: &Guard,
    outcome: &mut Outcome,
    formats: &Formats,
    style: &Style,
    most: Option<u64>,
) -> Result<(Sent, u64), SqlError> {
    match outcome {
        Outcome::Rows { rows, tag, counted } => {
            let (count, over) = send_rows(conn, guard, rows, (formats, style), most, Passage::default()).await?;
            if !over {
                conn.send(&PortalSuspended::new())?;
                return Ok((Sent::Suspended, count));
            }
            conn.send(&complete(tag, *counted, count))?;
            Ok((Sent::All, count))
        }
        Outcome::Copy(rows, options) => {
            let count = copy(conn, guard, rows, options, style).await?;
            conn.send(&CommandComplete::new(format!("COPY {count}")))?;
            Ok((Sent::All, count))
        }
        Outcome::Done(tag) => {
            conn.send(&CommandComplete::new(std::mem::take(tag)))?;
            Ok((Sent::All, 0))
        }
        Outcome::Fetch { .. } => Err(SqlError::internal()),
    }
}

async fn copy(
    conn: &mut Conn,
    guard: &Guard,
    rows: &mut Rows,
    options: &CopyOptions,
    style: &Style,
) -> Result<u64, SqlError> {
    // An error that comes before the first row is an error of the statement, not of the copy.
    guard.run(&mut conn.reader, rows.peek()).await?;
    let binary = options.format == CopyFormat::Binary;
    let width = rows.columns.len();
    conn.send(&CopyOutResponse::new(i8::from(binary), width as i16, vec![i16::from(binary); width]))?;
    let mut head = BytesMut::new();
    if binary {
        // PostgreSQL sends it with the first row.
        head.put_slice(b"PGCOPY\n\xff\r\n\0");
        head.put_u64(0);
    } else if options.header {
        let mut line = BytesMut::new();
        for (index, column) in rows.columns.iter().enumerate() {
            if index > 0 {
                line.put_u8(options.delimiter);
            }
            put_field(&mut line, column.name.as_bytes(), options, false, width == 1);
        }
        line.put_u8(b'\n');
        copy_data(conn, &line);
    }
    let mut count = 0u64;
    while let Some(piece) = guard.run(&mut conn.reader, rows.next(STEP)).await? {
        for row in piece.start..piece.start.saturating_add(piece.count) {
            let mut line = std::mem::take(&mut head);
            if binary {
                encode::copy_row_binary(&mut line, &piece.batch, row, &rows.columns)?;
            } else {
                copy_line(&mut line, &piece.batch, row, &rows.columns, options, style)?;
            }
            rows.quota.charge(line.len())?;
            copy_data(conn, &line);
            count = count.saturating_add(1);
            if conn.is_full() {
                conn.flush_guarded(guard).await?;
            }
        }
    }
    if binary {
        head.put_i16(-1);
        copy_data(conn, &head);
    }
    conn.send(&CopyDone::new())?;
    Ok(count)
}

fn copy_data(conn: &mut Conn, data: &[u8]) {
    conn.out.put_u8(b'd');
    // A row is smaller than 1 GB: the encoder refuses larger ones.
    conn.out.put_u32(u32::try_from(data.len().saturating_add(4)).unwrap_or(u32::MAX));
    conn.out.put_slice(data);
}

fn copy_line(
    line: &mut BytesMut,
    batch: &RecordBatch,
    row: usize,
    columns: &[Column],
    options: &CopyOptions,
    style: &Style,
) -> Result<(), SqlError> {
    let mut text = BytesMut::new();
    for (index, (array, column)) in batch.columns().iter().zip(columns).enumerate() {
        if index > 0 {
            line.put_u8(options.delimiter);
        }
        text.clear();
        if encode::text_value(&mut text, array, row, column, style)? {
            let forced = match &options.forced {
                Forced::All => true,
                Forced::Columns(names) => names.contains(&column.name),
            };
            put_field(line, &text, options, forced, columns.len() == 1);
        } else {
            line.put_slice(options.null.as_bytes());
        }
    }
    line.put_u8(b'\n');
    Ok(())
}

/// 42703 when `FORCE_QUOTE` names a column that is not there.
pub(crate) fn check_forced(options: &CopyOptions, columns: &[Column]) -> Result<(), SqlError> {
    let Forced::Columns(names) = &options.forced else { return Ok(()) };
    match names.iter().find(|name| !columns.iter().any(|column| column.name == **name)) {
        Some(name) => Err(SqlError::new("42703", format!("column \"{name}\" does not exist"))),
        None => Ok(()),
    }
}

/// A value; `alone` is the only one of its line, where `\.` would end the copy.
fn put_field(line: &mut BytesMut, text: &[u8], options: &CopyOptions, forced: bool, alone: bool) {
    if options.format == CopyFormat::Csv {
        let special = |byte: &u8| *byte == options.delimiter || *byte == options.quote || matches!(byte, b'\n' | b'\r');
        let end = alone && text == b"\\.";
        if forced || end || text == options.null.as_bytes() || text.iter().any(special) {
            line.put_u8(options.quote);
            for byte in text {
                if *byte == options.quote || *byte == options.escape {
                    line.put_u8(options.escape);
                }
                line.put_u8(*byte);
            }
            line.put_u8(options.quote);
        } else {
            line.put_slice(text);
        }
        return;
    }
    for byte in text {
        match byte {
            b'\\' => line.put_slice(b"\\\\"),
            b'\n' => line.put_slice(b"\\n"),
            b'\r' => line.put_slice(b"\\r"),
            b'\t' => line.put_slice(b"\\t"),
            0x08 => line.put_slice(b"\\b"),
            0x0b => line.put_slice(b"\\v"),
            0x0c => line.put_slice(b"\\f"),
            byte if *byte == options.delimiter => {
                line.put_u8(b'\\');
                line.put_u8(*byte);
            }
            byte => line.put_u8(*byte),
        }
    }
}
