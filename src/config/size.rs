//! Sizes as people write them: `64MiB`, `2GiB`, `0`. The units are powers of 1,024, in PostgreSQL's spelling too (`64MB`).

const UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1 << 10),
    ("KiB", 1 << 10),
    ("MB", 1 << 20),
    ("MiB", 1 << 20),
    ("GB", 1 << 30),
    ("GiB", 1 << 30),
    ("", 1),
];

/// Parses a size in bytes; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size: expected one such as \"64MiB\" or \"2GiB\", or \"0\" for none");
    let trimmed = text.trim();
    let split = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at_checked(split).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let (_, factor) = UNITS.iter().find(|(known, _)| known.eq_ignore_ascii_case(unit.trim())).ok_or_else(wrong)?;
    // What does not fit an i64 is a typing error, and no machine has it.
    number
        .checked_mul(*factor)
        .filter(|size| i64::try_from(*size).is_ok())
        .ok_or_else(|| format!("{text:?} is too large"))
}

/// A size in the largest unit that divides it, as PostgreSQL shows it.
pub(crate) fn shown(size: u64) -> String {
    let units = [("GB", 1u64 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
    match units.iter().find(|(_, factor)| size != 0 && size.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", size / factor),
        None => size.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_units() {
        for (text, size) in
            [("0", 0), ("512", 512), ("64MiB", 64 << 20), ("64 MB", 64 << 20), ("2gib", 2 << 30), ("3kB", 3072)]
        {
            assert_eq!(parse(text).unwrap(), size, "{text}");
            assert_eq!(parse(&shown(size)).unwrap(), size, "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "5 apples", "99999999999GiB", "18446744073709551615"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!((shown(1536).as_str(), shown(1 << 30).as_str(), shown(1).as_str()), ("1536", "1GB", "1"));
    }
}
