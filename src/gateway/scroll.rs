//! Where FETCH and MOVE begin to read, as `DoPortalRunFetch` of PostgreSQL has it.

use super::conn::{Conn, Guard};
use super::encode::Style;
use super::error::SqlError;
use super::front_door::Fetch;
use super::outcome::{Passage, send_rows};
use super::query::rows::Rows;
use super::query::shape::Formats;

/// What is left to do, once the cursor stands where reading begins.
pub(super) enum Approach {
    /// So many rows; `None` is all.
    Read {
        /// Towards the first row.
        backward: bool,
        /// How many; `None` is all.
        rows: Option<u64>,
    },
    /// Nothing: the answer is this number of rows.
    Stay(u64),
}

/// Moves the cursor to where `what` begins.
pub(super) async fn approach(
    conn: &mut Conn,
    guard: &Guard,
    rows: &mut Rows,
    what: Fetch,
    only_move: bool,
) -> Result<Approach, SqlError> {
    let read = |backward, rows| Ok(Approach::Read { backward, rows });
    match what {
        Fetch::Forward(count) => read(false, count),
        Fetch::Backward(None) if only_move && rows.place() == 0 => Ok(Approach::Stay(0)),
        Fetch::Backward(Some(0)) | Fetch::Relative(0) if only_move => Ok(Approach::Stay(u64::from(rows.is_on_row()))),
        Fetch::Backward(Some(0)) | Fetch::Relative(0) if rows.is_on_row() => {
            rows.seek(rows.place() - 1)?;
            read(false, Some(1))
        }
        Fetch::Backward(count) => {
            rows.check_scrolls()?;
            read(true, count)
        }
        Fetch::Relative(0) => read(false, Some(0)),
        Fetch::Relative(by) if by > 0 => {
            skip(conn, guard, rows, Some(by.unsigned_abs() - 1)).await?;
            read(false, Some(1))
        }
        Fetch::Relative(by) => {
            back(rows, by.unsigned_abs() - 1)?;
            read(true, Some(1))
        }
        Fetch::Absolute(0) => {
            rows.seek(0)?;
            read(false, Some(0))
        }
        Fetch::Absolute(number) if number > 0 => {
            let before = number.unsigned_abs() - 1;
            match before.checked_sub(rows.place()) {
                Some(between) => skip(conn, guard, rows, Some(between)).await?,
                None => rows.seek(before)?,
            }
            read(false, Some(1))
        }
        Fetch::Absolute(number) => {
            rows.check_scrolls()?;
            skip(conn, guard, rows, None).await?;
            back(rows, number.unsigned_abs() - 1)?;
            read(true, Some(1))
        }
    }
}

async fn skip(conn: &mut Conn, guard: &Guard, rows: &mut Rows, count: Option<u64>) -> Result<(), SqlError> {
    let passage = Passage { only_count: true, ..Passage::default() };
    send_rows(conn, guard, rows, (&Formats::default(), &Style::default()), count, passage).await.map(|_| ())
}

fn back(rows: &mut Rows, count: u64) -> Result<(), SqlError> {
    rows.check_scrolls()?;
    if count > 0 {
        rows.seek(rows.place().saturating_sub(count))?;
    }
    Ok(())
}
