//! `to_char` of numbers.

use datafusion::error::Result;

use super::super::pgcatalog::errors::sql_error;

/// `to_char(number, template)` for the patterns 9, 0, comma, point, FM, S, MI and the currency-free rest of PostgreSQL's.
pub(super) fn to_char(value: f64, template: &str) -> Result<String> {
    let (fill, template) = match template.get(..2) {
        Some(start) if start.eq_ignore_ascii_case("fm") => (true, template.get(2..).unwrap_or_default()),
        _ => (false, template),
    };
    let upper = template.to_uppercase();
    if let Some(odd) = upper.chars().find(|c| !"90,.GDSMI \"-".contains(*c)) {
        return Err(sql_error("0A000", format!("to_char of a number does not know the pattern \"{odd}\"")));
    }
    let (whole, fraction) = upper.split_once(['.', 'D']).map_or((upper.as_str(), None), |(a, b)| (a, Some(b)));
    let count = |text: &str| text.chars().filter(|c| matches!(c, '9' | '0')).count();
    let decimals = fraction.map_or(0, count);
    let rounded = format!("{:.decimals$}", value.abs());
    let (digits, after) = rounded.split_once('.').unwrap_or((&rounded, ""));
    let places = count(whole);
    // Zeros are written from the first 0 of the template on.
    let zeros = whole.chars().filter(|c| matches!(c, '9' | '0')).position(|c| c == '0').map_or(0, |at| places - at);
    let negative = value < 0.0 && rounded.chars().any(|c| matches!(c, '1'..='9'));
    if digits.len() > places && digits != "0" {
        let hashes: String = upper
            .chars()
            .filter(|c| !matches!(c, 'S' | 'M' | 'I'))
            .map(|c| if matches!(c, '9' | '0') { '#' } else { c })
            .collect();
        return Ok(format!(" {hashes}"));
    }
    let digits = if digits == "0" && fraction.is_some() { "" } else { digits };
    let mut padded: Vec<char> = format!("{digits:0>zeros$}").chars().collect();
    let mut written: Vec<char> = Vec::new();
    for pattern in whole.chars().rev() {
        match pattern {
            '9' | '0' => written.push(padded.pop().unwrap_or(' ')),
            ',' | 'G' => written.push(if padded.is_empty() { ' ' } else { ',' }),
            ' ' | '-' => written.push(pattern),
            _ => {}
        }
    }
    written.reverse();
    let body: String = written.into_iter().collect();
    let blank = body.len() - body.trim_start().len();
    let sign = if negative { "-" } else { "" };
    let number = format!("{sign}{}", body.trim_start());
    let width = blank.saturating_add(number.len()).max(body.len().saturating_add(1));
    let mut text = if fill { number } else { format!("{number:>width$}") };
    if fraction.is_some() {
        text.push('.');
        let after = if fill { after.trim_end_matches('0') } else { after };
        text.push_str(after);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::to_char;

    #[test]
    fn numbers_are_written_as_postgresql_writes_them() {
        for (value, template, wanted) in [
            (1234.5, "9,999.99", " 1,234.50"),
            (12.0, "9999", "   12"),
            (-12.0, "9999", "  -12"),
            (12.0, "FM9999", "12"),
            (5.0, "000", " 005"),
            (0.5, "9.9", "  .5"),
            (0.5, "0.9", " 0.5"),
            (12345.0, "999", " ###"),
        ] {
            assert_eq!(to_char(value, template).unwrap(), wanted, "{value} {template}");
        }
        assert!(to_char(1.0, "RN").is_err());
    }
}
