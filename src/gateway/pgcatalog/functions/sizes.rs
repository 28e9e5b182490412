//! Sizes: relations are computed, so every size on disk is zero; and how PostgreSQL prints sizes.

use super::scalar::{Definition, Value, stable};

pub(super) const FUNCTIONS: &[Definition] = &[
    // Nothing is scanned by an index, and nothing is written.
    stable("pg_stat_get_numscans", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_stat_get_live_tuples", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_stat_get_dead_tuples", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_relation_size", (1, 2), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_table_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_total_relation_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_indexes_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_database_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_tablespace_size", (1, 1), "int8", |_, _| Ok(Value::Int(0))),
    stable("pg_size_pretty", (1, 1), "text", |_, arguments| {
        Ok(match arguments {
            [Value::Int(bytes)] => Value::Text(pretty(*bytes)),
            [Value::Float(bytes)] => Value::Text(pretty(*bytes as i64)),
            _ => Value::Null,
        })
    }),
];

/// `pg_size_pretty(bigint)`: a unit is used while fewer than 10 of the next would be shown (20480 of this one, halves rounded).
fn pretty(bytes: i64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut size = bytes;
    // From the second unit on the size is kept in halves, so that the last step can round half away from zero.
    let mut halves = false;
    for (index, unit) in UNITS.iter().enumerate() {
        let limit: u64 = if halves { 20 * 1024 - 1 } else { 10 * 1024 };
        let next_in_halves = index + 1 < UNITS.len();
        if size.unsigned_abs() < limit || !next_in_halves {
            let shown = if halves { size.saturating_add(size.signum()) / 2 } else { size };
            return format!("{shown} {unit}");
        }
        let shift = if halves { 1024 } else { 512 };
        size /= shift;
        halves = true;
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_printed_as_postgresql_prints_them() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (20_000, "20 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (1_234_567_890, "1177 MB"),
            (-20_000, "-20 kB"),
            (i64::MAX, "8192 PB"),
        ] {
            assert_eq!(pretty(bytes), shown);
        }
    }
}
