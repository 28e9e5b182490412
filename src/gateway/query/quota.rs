//! How much one result may be: rows and bytes as they are sent. More is an error, never a silent cut.

use super::super::error::SqlError;
use crate::config::size;

/// What is left of a result's limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quota {
    rows: Option<Left>,
    bytes: Option<Left>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    most: u64,
    left: u64,
}

impl Quota {
    /// At most so many rows and bytes; `None` is without limit.
    pub(crate) fn new((rows, bytes): (Option<u64>, Option<u64>)) -> Self {
        let full = |most: u64| Left { most, left: most };
        Self { rows: rows.map(full), bytes: bytes.map(full) }
    }

    /// One more row of so many bytes; 54000 when it is one too many.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), SqlError> {
        take(&mut self.rows, 1, "max_result_rows", |most| format!("the result has more than {most} rows"))?;
        take(&mut self.bytes, bytes as u64, "max_result_bytes", |most| {
            format!("the result is larger than {}", size::shown(most))
        })
    }
}

fn take(left: &mut Option<Left>, amount: u64, name: &str, what: impl Fn(u64) -> String) -> Result<(), SqlError> {
    let Some(limit) = left else { return Ok(()) };
    let rest = limit.left.checked_sub(amount);
    limit.left = rest.ok_or_else(|| {
        SqlError::new("54000", what(limit.most)).with_hint(format!(
            "Ask for less (conditions, LIMIT, an aggregate), or in parts. The limit is grantd.{name} of the session, which \
             can be raised to {name} in [server] of grantd.toml and no further."
        ))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_that_is_too_many_is_an_error() {
        let mut quota = Quota::new((Some(2), Some(100)));
        assert!(quota.charge(50).is_ok() && quota.charge(50).is_ok());
        let error = quota.charge(0).unwrap_err();
        assert_eq!((error.sqlstate, error.message.as_str()), ("54000", "the result has more than 2 rows"));
        let error = Quota::new((None, Some(2_048))).charge(2_049).unwrap_err();
        assert_eq!((error.sqlstate, error.message.as_str()), ("54000", "the result is larger than 2kB"));
        assert!(Quota::default().charge(usize::MAX).is_ok());
    }
}
