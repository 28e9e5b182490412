//! Templates of `to_char`, `to_timestamp` and `to_date`: `YYYY-MM-DD HH24:MI:SS` and their relatives.

use std::fmt::Write as _;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    Text(String),
    /// A pattern in upper case, how it was written, FM before it, and TH after it.
    Part {
        key: &'static str,
        written: String,
        fill: bool,
        ordinal: Option<bool>,
    },
}

/// Patterns, longer ones before their beginnings.
const KEYS: [&str; 42] = [
    "A.M.", "P.M.", "SSSSS", "SSSS", "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "AM", "PM", "Y,YYY", "YYYY", "YYY",
    "YY", "IYYY", "IDDD", "IW", "ID", "BC", "AD", "MONTH", "MON", "MM", "DAY", "DY", "DDD", "DD", "WW", "CC", "TZH",
    "TZM", "TZ", "OF", "W", "Q", "D", "J", "Y", "FM",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A template, read once and used for every row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template(Vec<Node>);

impl Template {
    pub(super) fn parse(text: &str) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        let mut fill = false;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let upper = |length: usize| rest.get(..length).map(str::to_ascii_uppercase);
            if let Some(after) = rest.strip_prefix('"') {
                let end = after.find('"').unwrap_or(after.len());
                push_text(&mut nodes, after.get(..end).unwrap_or_default());
                rest = after.get(end.saturating_add(1)..).unwrap_or_default();
                continue;
            }
            let key = KEYS.iter().copied().find(|key| upper(key.len()).as_deref() == Some(*key));
            let Some(key) = key else {
                push_text(&mut nodes, first.encode_utf8(&mut [0; 4]));
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
                continue;
            };
            let written = rest.get(..key.len()).unwrap_or_default().to_owned();
            rest = rest.get(key.len()..).unwrap_or_default();
            if key == "FM" {
                fill = true;
                continue;
            }
            let ordinal = match rest.get(..2) {
                Some("TH") => Some(true),
                Some("th") => Some(false),
                _ => None,
            };
            if ordinal.is_some() {
                rest = rest.get(2..).unwrap_or_default();
            }
            nodes.push(Node::Part { key, written, fill: std::mem::take(&mut fill), ordinal });
        }
        Self(nodes)
    }

    /// A moment as the template writes it. `zone` is its abbreviation and its seconds east of UTC.
    pub(super) fn write(&self, moment: NaiveDateTime, zone: Option<(&str, i32)>) -> String {
        let mut out = String::new();
        for node in &self.0 {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Part { key, written, fill, ordinal } => {
                    let part = part(key, written, *fill, moment, zone);
                    out.push_str(&part);
                    if let Some(upper) = ordinal {
                        let suffix = suffix(&part);
                        out.push_str(&if *upper { suffix.to_ascii_uppercase() } else { suffix.to_owned() });
                    }
                }
            }
        }
        out
    }

    /// The moment that a text means, with the seconds east of UTC when it says them; `None` when it does not fit.
    pub(super) fn read(&self, text: &str) -> Option<(NaiveDateTime, Option<i32>)> {
        let mut found = Found::default();
        let mut input = text;
        for (index, node) in self.0.iter().enumerate() {
            match node {
                Node::Text(text) => {
                    // A separator stands for any separator; letters stand for as many characters.
                    for character in text.chars() {
                        let next = input.chars().next();
                        match next {
                            Some(next)
                                if next == character || !character.is_alphanumeric() && !next.is_alphanumeric() =>
                            {
                                input = input.get(next.len_utf8()..)?;
                            }
                            Some(next) if character.is_alphanumeric() => input = input.get(next.len_utf8()..)?,
                            _ => {}
                        }
                    }
                }
                Node::Part { key, .. } => {
                    input = input.trim_start();
                    let last_of_digits = !matches!(self.0.get(index.saturating_add(1)), Some(Node::Part { .. }));
                    input = found.read(key, input, last_of_digits)?;
                }
            }
        }
        found.moment()
    }
}

fn push_text(nodes: &mut Vec<Node>, text: &str) {
    if let Some(Node::Text(last)) = nodes.last_mut() {
        last.push_str(text);
    } else {
        nodes.push(Node::Text(text.to_owned()));
    }
}

fn suffix(number: &str) -> &'static str {
    if ["11", "12", "13"].iter().any(|teen| number.ends_with(teen)) {
        return "th";
    }
    match number.chars().next_back() {
        Some('1') => "st",
        Some('2') => "nd",
        Some('3') => "rd",
        _ => "th",
    }
}

/// A name in the case that the pattern is written in, padded to the longest unless FM.
fn name(name: &str, written: &str, width: usize, fill: bool) -> String {
    let mut letters = written.chars();
    let upper = |c: Option<char>| c.is_some_and(|c| c.is_ascii_uppercase());
    let cased = match (upper(letters.next()), upper(letters.next())) {
        (true, true) => name.to_uppercase(),
        (true, false) => name.to_owned(),
        _ => name.to_lowercase(),
    };
    if fill { cased } else { format!("{cased:width$}") }
}

fn part(key: &str, written: &str, fill: bool, at: NaiveDateTime, zone: Option<(&str, i32)>) -> String {
    let number = |value: i64, width: usize| if fill { value.to_string() } else { format!("{value:0width$}") };
    let twelve = || match at.hour() % 12 {
        0 => 12,
        hour => i64::from(hour),
    };
    let year = i64::from(at.year());
    let month = MONTHS.get(at.month0() as usize).copied().unwrap_or_default();
    let day = DAYS.get(at.weekday().num_days_from_sunday() as usize).copied().unwrap_or_default();
    let offset = zone.map_or(0, |(_, seconds)| seconds);
    match key {
        "HH24" => number(at.hour().into(), 2),
        "HH12" | "HH" => number(twelve(), 2),
        "MI" => number(at.minute().into(), 2),
        "SS" => number(at.second().into(), 2),
        "SSSS" | "SSSSS" => at.num_seconds_from_midnight().to_string(),
        "MS" => number((at.nanosecond() / 1_000_000).into(), 3),
        "US" => number((at.nanosecond() / 1_000).into(), 6),
        "AM" | "PM" | "A.M." | "P.M." => {
            let word = match (at.hour() < 12, key.contains('.')) {
                (true, false) => "AM",
                (false, false) => "PM",
                (true, true) => "A.M.",
                (false, true) => "P.M.",
            };
            if written.starts_with(|c: char| c.is_ascii_lowercase()) { word.to_lowercase() } else { word.to_owned() }
        }
        "BC" | "AD" => {
            let word = if year > 0 { "AD" } else { "BC" };
            if written.starts_with(|c: char| c.is_ascii_lowercase()) { word.to_lowercase() } else { word.to_owned() }
        }
        "Y,YYY" => format!("{},{:03}", year / 1_000, year % 1_000),
        "YYYY" => number(year, 4),
        "YYY" => number(year.rem_euclid(1_000), 3),
        "YY" => number(year.rem_euclid(100), 2),
        "Y" => number(year.rem_euclid(10), 1),
        "IYYY" => number(at.iso_week().year().into(), 4),
        "IW" => number(at.iso_week().week().into(), 2),
        "ID" => at.weekday().number_from_monday().to_string(),
        "IDDD" => number(i64::from(at.iso_week().week0() * 7 + at.weekday().number_from_monday()), 3),
        "MONTH" => name(month, written, 9, fill),
        "MON" => name(month.get(..3).unwrap_or_default(), written, 3, fill),
        "MM" => number(at.month().into(), 2),
        "DAY" => name(day, written, 9, fill),
        "DY" => name(day.get(..3).unwrap_or_default(), written, 3, fill),
        "DDD" => number(at.ordinal().into(), 3),
        "DD" => number(at.day().into(), 2),
        "D" => at.weekday().number_from_sunday().to_string(),
        "WW" => number(i64::from(at.ordinal0() / 7 + 1), 2),
        "W" => (at.day0() / 7 + 1).to_string(),
        "CC" => number((year + 99).div_euclid(100), 2),
        "Q" => (at.month0() / 3 + 1).to_string(),
        "J" => (i64::from(at.num_days_from_ce()) + 1_721_425).to_string(),
        "TZ" => {
            let word = zone.map_or("", |(word, _)| word);
            if written.starts_with('t') { word.to_lowercase() } else { word.to_owned() }
        }
        "TZH" => format!("{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3_600),
        "TZM" => format!("{:02}", offset.abs() / 60 % 60),
        "OF" => {
            let mut text = format!("{}{:02}", if offset < 0 { '-' } else { '+' }, offset.abs() / 3_600);
            if offset.abs() / 60 % 60 != 0 {
                // Writing into memory does not fail.
                let _ = write!(text, ":{:02}", offset.abs() / 60 % 60);
            }
            text
        }
        _ => String::new(),
    }
}

#[derive(Default)]
struct Iso {
    year: Option<i32>,
    week: Option<u32>,
    weekday: Option<u32>,
    ordinal: Option<u32>,
}

impl Iso {
    /// The day; a week without one begins on Monday. `None`: nothing of this calendar was read, or there is no such day.
    fn day(&self) -> Option<NaiveDate> {
        let start = NaiveDate::from_isoywd_opt(self.year?, 1, chrono::Weekday::Mon)?;
        let ordinal = match (self.ordinal, self.week) {
            (Some(ordinal), _) => ordinal,
            (None, Some(week)) => {
                let before = week.checked_sub(1).filter(|weeks| *weeks < 53)?;
                before * 7 + self.weekday.unwrap_or(1)
            }
            (None, None) => 1,
        };
        let after = ordinal.checked_sub(1).filter(|days| *days < 371)?;
        start.checked_add_days(chrono::Days::new(after.into()))
    }
}

/// What was read so far.
#[derive(Default)]
struct Found {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    ordinal: Option<u32>,
    /// Of the ISO calendar: its year, and the week, the day of the week and the day of that year.
    iso: Iso,
    /// The Julian day.
    julian: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

/// The digits at the start of a text, at most `most`, and what follows them.
fn digits(text: &str, most: usize) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()).min(most);
    text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())
}

impl Found {
    fn read<'a>(&mut self, key: &str, text: &'a str, last: bool) -> Option<&'a str> {
        let number = |most: usize| {
            let (digits, rest) = digits(text, most)?;
            Some((digits.parse::<u32>().ok()?, digits.len(), rest))
        };
        let word = |words: &[&str], length: Option<usize>| {
            words.iter().position(|word| {
                let word = length.and_then(|length| word.get(..length)).unwrap_or(word);
                text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
            })
        };
        match key {
            "YYYY" | "IYYY" => {
                let (year, _, rest) = number(if last { 9 } else { 4 })?;
                let year = i32::try_from(year).ok();
                *(if key == "YYYY" { &mut self.year } else { &mut self.iso.year }) = year;
                return Some(rest);
            }
            "J" | "SSSS" | "SSSSS" => {
                let (value, _, rest) = number(9)?;
                if key == "J" {
                    self.julian = Some(value);
                } else {
                    (self.hour, self.minute, self.second) = (value / 3_600, value / 60 % 60, value % 60);
                }
                return Some(rest);
            }
            "YYY" | "YY" | "Y" => {
                let (year, _, rest) = number(key.len())?;
                // Nearest to 2020, as PostgreSQL has it.
                self.year = i32::try_from(if year < 70 { year + 2_000 } else { year + 1_900 }).ok();
                return Some(rest);
            }
            "MONTH" | "MON" => {
                let length = if key == "MON" { Some(3) } else { None };
                let month = word(&MONTHS, length)?;
                self.month = u32::try_from(month.saturating_add(1)).ok();
                let length = length.unwrap_or(MONTHS.get(month)?.len());
                return text.get(length..);
            }
            "DAY" | "DY" => {
                let length = if key == "DY" { Some(3) } else { None };
                let day = word(&DAYS, length)?;
                return text.get(length.unwrap_or(DAYS.get(day)?.len())..);
            }
            "AM" | "PM" | "A.M." | "P.M." => {
                let start = text.chars().next()?.to_ascii_uppercase();
                self.afternoon = Some(start == 'P');
                return text.get(key.len()..);
            }
            "MS" | "US" => {
                let most = if key == "MS" { 3 } else { 6 };
                let (value, length, rest) = number(most)?;
                self.micros =
                    value.checked_mul(10_u32.checked_pow(u32::try_from(6_usize.checked_sub(length)?).ok()?)?)?;
                return Some(rest);
            }
            "TZ" | "OF" | "TZH" => {
                let (sign, rest) = match text.strip_prefix('-') {
                    Some(rest) => (-1, rest),
                    None => (1, text.strip_prefix('+').unwrap_or(text)),
                };
                let (hours, rest) = digits(rest, 2)?;
                self.offset = Some(sign * hours.parse::<i32>().ok()? * 3_600);
                return Some(rest);
            }
            _ => {}
        }
        let most = match key {
            "DDD" | "IDDD" => 3,
            "ID" | "D" | "W" | "Q" => 1,
            _ => 2,
        };
        let (value, _, rest) = number(most)?;
        match key {
            "MM" => self.month = Some(value),
            "DD" => self.day = Some(value),
            "DDD" => self.ordinal = Some(value),
            "HH24" | "HH12" | "HH" => self.hour = value,
            "MI" => self.minute = value,
            "SS" => self.second = value,
            "IW" => self.iso.week = Some(value),
            "ID" => self.iso.weekday = Some(value).filter(|day| (1..=7).contains(day)),
            "IDDD" => self.iso.ordinal = Some(value),
            "WW" => self.ordinal = Some(value.checked_sub(1)?.saturating_mul(7).saturating_add(1)),
            "W" => self.day = Some(value.checked_sub(1)?.saturating_mul(7).saturating_add(1)),
            // PostgreSQL reads and ignores these, too.
            "D" | "Q" => {}
            // What is not understood must not be left out in silence.
            _ => return None,
        }
        Some(rest)
    }

    fn moment(&self) -> Option<(NaiveDateTime, Option<i32>)> {
        let year = self.year.unwrap_or(1);
        let day = match (self.julian, self.iso.year, self.ordinal) {
            // The Julian day before the first one of our calendar is 1,721,425.
            (Some(julian), ..) => NaiveDate::from_num_days_from_ce_opt(i32::try_from(julian).ok()? - 1_721_425)?,
            (None, Some(_), _) => self.iso.day()?,
            (None, None, Some(ordinal)) => NaiveDate::from_yo_opt(year, ordinal)?,
            (None, None, None) => NaiveDate::from_ymd_opt(year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let hour = match self.afternoon {
            Some(true) => self.hour % 12 + 12,
            Some(false) => self.hour % 12,
            None => self.hour,
        };
        let time = NaiveTime::from_hms_micro_opt(hour, self.minute, self.second, self.micros)?;
        Some((day.and_time(time), self.offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_micro_opt(15, 4, 5, 678_900).unwrap()
    }

    #[test]
    fn templates_write_what_postgresql_writes() {
        for (template, wanted) in [
            ("YYYY-MM-DD HH24:MI:SS.US", "2024-02-29 15:04:05.678900"),
            ("yyyy-mm-dd hh12:mi am", "2024-02-29 03:04 pm"),
            ("Month|FMMonth|MON|mon", "February |February|FEB|feb"),
            ("Day, DDth", "Thursday , 29th"),
            ("FMDDth \"of\" Month", "29th of February "),
            ("IYYY-IW-ID", "2024-09-4"),
            ("Q D DDD J", "1 5 060 2460370"),
            ("FMHH24", "15"),
        ] {
            assert_eq!(Template::parse(template).write(moment(), None), wanted, "{template}");
        }
        assert_eq!(Template::parse("TZ OF").write(moment(), Some(("CET", 3_600))), "CET +01");
    }

    #[test]
    fn templates_read_what_they_write() {
        let read = |template: &str, text: &str| Template::parse(template).read(text).map(|(moment, _)| moment);
        assert_eq!(read("YYYY-MM-DD HH24:MI:SS.US", "2024-02-29 15:04:05.6789"), Some(moment()));
        let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap().and_hms_opt(0, 0, 0);
        assert_eq!(read("DD Mon YYYY", "29 Feb 2024"), day);
        assert_eq!(read("YYYYMMDD", "20240229"), day);
        assert_eq!(read("YYYY-MM-DD", "2024-02-30"), None);
        assert_eq!(read("YYYY-MM-DD", "soon"), None);
        let at = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap().and_hms_opt(0, 0, 0);
        assert_eq!(read("IYYY-IW", "2026-40"), at(2026, 9, 28));
        assert_eq!(read("IYYY-IW", "2026-01"), at(2025, 12, 29));
        assert_eq!(read("IYYY-IW-ID", "2024-09-4"), day);
        assert_eq!(read("J", "2460370"), day);
        assert_eq!(read("CC", "21"), None);
    }
}
