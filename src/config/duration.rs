//! Durations as people write them: `30s`, `5m`, `1h`, `250ms`, `1d`, `1h30m`, `0`.

use std::time::Duration;

/// Longer ones are typing errors: 366 days.
const MAX: Duration = Duration::from_hours(366 * 24);

/// Parses a duration; the error says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as \"30s\", \"5m\" or \"1h30m\", or \"0\" for none";
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(format!("an empty duration: {expected}"));
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after, |c| c.is_ascii_alphabetic());
        let wrong = || format!("{text:?} is not a duration: {expected}");
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        total = number
            .checked_mul(milliseconds)
            .and_then(|milliseconds| total.checked_add(Duration::from_millis(milliseconds)))
            .filter(|total| *total <= MAX)
            .ok_or_else(|| format!("{text:?} is longer than a year"))?;
        rest = after;
    }
    Ok(total)
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !belongs(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [("0", 0.0), ("30s", 30.0), ("250ms", 0.25), ("1h30m", 5400.0), ("1d", 86400.0)] {
            assert_eq!(parse(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
        for text in ["", "5", "s", "5 m", "-1s", "1.5h", "5w", "99999999999999999999s", "400d", "1h-5m", "５s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
