//! The settings of a session: the names grantd knows, their defaults and checks, and what a transaction undoes.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use datafusion::arrow::array::timezone::Tz;

use super::error::SqlError;
use super::pgcatalog::user_settings;
use crate::config::{Limits, size};

mod shared;

pub use shared::SharedSettings;

/// The PostgreSQL release whose behaviour and catalog grantd shows.
pub const SERVER_VERSION: &str = concat!("15.18 (grantd ", env!("CARGO_PKG_VERSION"), ")");

/// How a value is checked and written.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    Milliseconds,
    /// A number of bytes.
    Size,
    OneOf(&'static [&'static str]),
    Encoding,
    DateStyle,
    TimeZone,
    /// Shown, never changed.
    ReadOnly,
    /// The server answers `on` and cannot do otherwise.
    AlwaysOn,
}

struct Known {
    name: &'static str,
    default: &'static str,
    kind: Kind,
    about: &'static str,
}

const fn known(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Known {
    Known { name, default, kind, about }
}

const MESSAGES: &[&str] = &["debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"];
const ISOLATION: &[&str] = &["read committed", "repeatable read", "serializable", "read uncommitted"];

/// Every setting, in lower case; [`shown_name`] gives PostgreSQL's spelling.
static KNOWN: &[Known] = &[
    known("application_name", "", Kind::Text, "The client's name for itself."),
    known("array_nulls", "on", Kind::Bool, "Accept NULL in array input."),
    known("backslash_quote", "safe_encoding", Kind::OneOf(&["safe_encoding", "on", "off"]), "Whether \\' is allowed."),
    known("block_size", "8192", Kind::ReadOnly, "PostgreSQL's page."),
    known("bytea_output", "hex", Kind::OneOf(&["hex", "escape"]), "Output format of bytea."),
    known("check_function_bodies", "on", Kind::Bool, "Check routine bodies."),
    known("client_connection_check_interval", "1s", Kind::ReadOnly, "A vanished client ends its statement."),
    known("client_encoding", "UTF8", Kind::Encoding, "The client's character set."),
    known("client_min_messages", "notice", Kind::OneOf(MESSAGES), "Which notices are sent."),
    known("constraint_exclusion", "partition", Kind::OneOf(&["partition", "on", "off"]), "Planner detail."),
    known("cursor_tuple_fraction", "0.1", Kind::Text, "Planner detail."),
    known("datestyle", "ISO, MDY", Kind::DateStyle, "Output format of dates."),
    known("default_text_search_config", "pg_catalog.simple", Kind::Text, "Text search configuration."),
    known("default_transaction_deferrable", "off", Kind::Bool, "Default of new transactions."),
    known("default_transaction_isolation", "read committed", Kind::OneOf(ISOLATION), "Default of new transactions."),
    known("default_transaction_read_only", "on", Kind::Bool, "Kept as asked; transactions read only all the same."),
    known("enable_bitmapscan", "on", Kind::Bool, "Planner detail."),
    known("enable_hashagg", "on", Kind::Bool, "Planner detail."),
    known("enable_hashjoin", "on", Kind::Bool, "Planner detail."),
    known("enable_indexscan", "on", Kind::Bool, "Planner detail."),
    known("enable_mergejoin", "on", Kind::Bool, "Planner detail."),
    known("enable_nestloop", "on", Kind::Bool, "Planner detail."),
    known("enable_seqscan", "on", Kind::Bool, "Planner detail."),
    known("enable_sort", "on", Kind::Bool, "Planner detail."),
    known("escape_string_warning", "on", Kind::Bool, "Warn about backslashes."),
    known("extra_float_digits", "1", Kind::Int { min: -15, max: 3 }, "Floats are always written shortest-exact."),
    known("geqo", "on", Kind::Bool, "Planner detail."),
    known("grantd.changeset", "", Kind::Text, "Look at the account as it would be with this changeset."),
    known("grantd.max_result_bytes", "0", Kind::Size, "Most bytes of one result; only lower than the server's."),
    known(
        "grantd.max_result_rows",
        "0",
        Kind::Int { min: 0, max: i64::MAX },
        "Most rows of one result; only lower than the server's.",
    ),
    known("grantd.roles", "all", Kind::Text, "Which roles count: all, default or primary."),
    known("idle_in_transaction_session_timeout", "0", Kind::Milliseconds, "Ends a session idle in a transaction."),
    known("idle_session_timeout", "0", Kind::Milliseconds, "Ends an idle session."),
    known("in_hot_standby", "off", Kind::ReadOnly, "Whether the server is a standby."),
    known("integer_datetimes", "on", Kind::ReadOnly, "Date-times are 64-bit integers."),
    known("intervalstyle", "postgres", Kind::OneOf(&["postgres"]), "Output format of intervals."),
    known("jit", "off", Kind::Bool, "Planner detail."),
    known("lc_collate", "C.UTF-8", Kind::ReadOnly, "Collation order."),
    known("lc_ctype", "C.UTF-8", Kind::ReadOnly, "Character classes."),
    known("lc_messages", "C.UTF-8", Kind::Text, "Language of messages."),
    known("lc_monetary", "C.UTF-8", Kind::Text, "Format of money."),
    known("lc_numeric", "C.UTF-8", Kind::Text, "Format of numbers."),
    known("lc_time", "C.UTF-8", Kind::Text, "Format of times."),
    known("local_preload_libraries", "", Kind::ReadOnly, "No libraries are loaded here."),
    known("lock_timeout", "0", Kind::Milliseconds, "grantd takes no locks."),
    known("log_destination", "stderr", Kind::ReadOnly, "Where the log of the server goes."),
    known("max_connections", "200", Kind::ReadOnly, "Most connections at a time."),
    known("max_function_args", "100", Kind::ReadOnly, "PostgreSQL's arguments of a function."),
    known("max_identifier_length", "63", Kind::ReadOnly, "PostgreSQL's identifier length."),
    known("max_index_keys", "32", Kind::ReadOnly, "PostgreSQL's index width."),
    known(
        "plan_cache_mode",
        "auto",
        Kind::OneOf(&["auto", "force_generic_plan", "force_custom_plan"]),
        "Planner detail.",
    ),
    known("quote_all_identifiers", "off", Kind::Bool, "Quote all identifiers when generating SQL."),
    known("row_security", "on", Kind::Bool, "Row security."),
    known("search_path", "\"$user\", public", Kind::Text, "Where unqualified names are looked for."),
    known("server_encoding", "UTF8", Kind::ReadOnly, "The server's character set."),
    known("server_version", SERVER_VERSION, Kind::ReadOnly, "The PostgreSQL release that grantd speaks as."),
    known("server_version_num", "150018", Kind::ReadOnly, "The same as a number."),
    known("is_superuser", "off", Kind::ReadOnly, "Whether the user is a superuser."),
    known("session_authorization", "", Kind::ReadOnly, "The user of the session."),
    known("ssl", "off", Kind::ReadOnly, "Whether the server offers TLS."),
    known("standard_conforming_strings", "on", Kind::AlwaysOn, "Backslashes in '...' are literal."),
    known(
        "statement_timeout",
        "0",
        Kind::Milliseconds,
        "Ends a statement that takes longer; only lower than the server's.",
    ),
    known("synchronize_seqscans", "on", Kind::Bool, "Planner detail."),
    known(
        "synchronous_commit",
        "on",
        Kind::OneOf(&["on", "off", "local", "remote_write", "remote_apply"]),
        "No writes here.",
    ),
    known("tcp_keepalives_idle", "0", Kind::Int { min: 0, max: i32::MAX as i64 }, "TCP keepalive."),
    known("temp_buffers", "8MB", Kind::Text, "No temporary tables here."),
    known("timezone", "UTC", Kind::TimeZone, "The zone that timestamptz is shown in."),
    known("transaction_deferrable", "off", Kind::Bool, "Of the current transaction."),
    known("transaction_isolation", "read committed", Kind::OneOf(ISOLATION), "Of the current transaction."),
    known("transaction_read_only", "on", Kind::AlwaysOn, "Of the current transaction."),
    known("work_mem", "4MB", Kind::Text, "Planner detail."),
    known("xmlbinary", "base64", Kind::OneOf(&["base64", "hex"]), "XML detail."),
    known("xmloption", "content", Kind::OneOf(&["content", "document"]), "XML detail."),
];

/// Settings whose value the client is told at the start and after each change, in PostgreSQL's spelling.
const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// The settings that belong to the catalog's side of a session.
const BACKENDS: &[&str] = &["grantd.changeset", "grantd.roles"];

fn is_backends(name: &str) -> bool {
    BACKENDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn find(name: &str) -> Option<&'static Known> {
    let name = match name.to_ascii_lowercase().as_str() {
        "time zone" => "timezone".to_owned(),
        other => other.to_owned(),
    };
    KNOWN.iter().chain(POSTGRES.iter()).find(|known| known.name == name)
}

/// The other settings that PostgreSQL lets any user change. Most tune its planner, and clients set them: they are checked and kept.
static POSTGRES: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let ours = |name: &str| KNOWN.iter().any(|known| known.name == name.to_ascii_lowercase());
    let all = user_settings().into_iter().filter(|setting| !ours(setting.name));
    all.map(|setting| {
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
        let kind = match (setting.kind, setting.unit) {
            ("bool", _) => Kind::Bool,
            ("enum", _) if !setting.values.is_empty() => Kind::OneOf(setting.values.leak()),
            ("integer", Some("ms")) => Kind::Milliseconds,
            ("integer", None) => Kind::Int {
                min: number(setting.least).unwrap_or(i64::MIN),
                max: number(setting.greatest).unwrap_or(i64::MAX),
            },
            _ => Kind::Text,
        };
        let default = with_unit(setting.default, setting.unit);
        Known { name: setting.name.to_ascii_lowercase().leak(), default: default.leak(), kind, about: setting.about }
    })
    .collect()
});

/// A value in PostgreSQL's unit of the setting as SHOW gives it: `4096` of `kB` is `4MB`.
fn with_unit(value: &str, unit: Option<&str>) -> String {
    let (Some(unit), Ok(number)) = (unit, value.parse::<u64>()) else { return value.to_owned() };
    let kilobytes = match unit {
        "kB" => number,
        "8kB" => number.saturating_mul(8),
        "ms" => return shown_milliseconds(number),
        "s" => return shown_milliseconds(number.saturating_mul(1_000)),
        _ => return format!("{number}{unit}"),
    };
    for (unit, size) in [("GB", 1_048_576), ("MB", 1_024)] {
        if kilobytes != 0 && kilobytes.is_multiple_of(size) {
            return format!("{}{unit}", kilobytes / size);
        }
    }
    if kilobytes == 0 { "0".to_owned() } else { format!("{kilobytes}kB") }
}

fn unknown(name: &str) -> SqlError {
    SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\""))
}

fn invalid(name: &str, value: &str) -> SqlError {
    SqlError::new("22023", format!("invalid value for parameter \"{}\": \"{value}\"", shown_name(name)))
}

/// The spelling in which PostgreSQL shows a name.
pub fn shown_name(name: &str) -> &str {
    REPORTED.iter().find(|shown| shown.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

fn boolean(value: &str) -> Option<&'static str> {
    let value = value.trim().to_ascii_lowercase();
    let starts = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    if value == "1" || starts("true", 1) || starts("yes", 1) || value == "on" {
        Some("on")
    } else if value == "0" || starts("false", 1) || starts("no", 1) || starts("off", 2) {
        Some("off")
    } else {
        None
    }
}

/// `1500`, `1.5s`, `2min` to milliseconds.
fn milliseconds(value: &str) -> Option<u64> {
    let value = value.trim();
    let split = value.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(value.len());
    let (number, unit) = value.split_at_checked(split)?;
    let factor = match unit.trim() {
        "" | "ms" => 1.0,
        "us" => 0.001,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let total = (number.trim().parse::<f64>().ok()? * factor).round_ties_even();
    (total.is_finite() && (0.0..=f64::from(i32::MAX)).contains(&total)).then_some(total as u64)
}

/// `1500` as PostgreSQL shows it: the largest unit that divides it.
fn shown_milliseconds(ms: u64) -> String {
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)] {
        if ms != 0 && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    if ms == 0 { "0".to_owned() } else { format!("{ms}ms") }
}

fn date_style(value: &str, current: &str) -> Option<String> {
    let (mut style, mut order) = current.split_once(", ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
    for word in value.split([',', ' ']).filter(|word| !word.is_empty()) {
        match word.to_ascii_lowercase().as_str() {
            "iso" => "ISO".clone_into(&mut style),
            "mdy" | "us" | "noneuro" | "noneuropean" => "MDY".clone_into(&mut order),
            "dmy" | "euro" | "european" => "DMY".clone_into(&mut order),
            "ymd" => "YMD".clone_into(&mut order),
            "default" => {
                "ISO".clone_into(&mut style);
                "MDY".clone_into(&mut order);
            }
            _ => return None,
        }
    }
    Some(format!("{style}, {order}"))
}

/// A zone as arrow and chrono understand it, in their spelling.
pub(super) fn time_zone(value: &str) -> Option<String> {
    let value = value.trim().trim_matches('\'');
    let upper = value.to_ascii_uppercase();
    match upper.as_str() {
        "UTC" | "ZULU" | "UCT" | "DEFAULT" | "LOCAL" => return Some("UTC".to_owned()),
        "Z" => return None,
        "GMT" => return Some("GMT".to_owned()),
        _ => {}
    }
    let number = value.chars().next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '-' | '+'));
    if !number && Tz::from_str(value).is_ok() {
        return Some(value.to_owned());
    }
    if offset_of(value).is_some() {
        return Some(value.to_owned());
    }
    // Names are matched without regard to case: `europe/berlin`.
    let titled: String = value
        .split_inclusive(['/', '_', '-'])
        .map(|part| {
            let mut chars = part.chars();
            chars
                .next()
                .map(|c| c.to_ascii_uppercase())
                .into_iter()
                .chain(chars.map(|c| c.to_ascii_lowercase()))
                .collect::<String>()
        })
        .collect();
    if !number && Tz::from_str(&titled).is_ok() {
        return Some(titled);
    }
    // A bare number is hours east of UTC.
    let minutes = match value.split_once(':') {
        Some((hours, minutes)) => {
            let (hours, minutes): (f64, f64) = (hours.parse().ok()?, minutes.parse().ok()?);
            hours * 60.0 + minutes.copysign(hours)
        }
        None => value.parse::<f64>().ok()? * 60.0,
    };
    let minutes = minutes.round();
    if !(-14.0 * 60.0..=14.0 * 60.0).contains(&minutes) {
        return None;
    }
    let minutes = minutes as i32;
    let (east, west) = if minutes < 0 { ('-', '+') } else { ('+', '-') };
    let rest = if minutes % 60 == 0 { String::new() } else { format!(":{:02}", minutes.abs() % 60) };
    let hours = minutes.abs() / 60;
    Some(format!("<{east}{hours:02}{rest}>{west}{hours:02}{rest}"))
}

/// The offset that PostgreSQL's form of a number of hours says: `<+03>-03` is `+03:00`.
pub(super) fn offset_of(zone: &str) -> Option<String> {
    let (offset, other) = zone.strip_prefix('<')?.split_once('>')?;
    let mirrored =
        matches!((offset.get(..1)?, other.get(..1)?), ("+", "-") | ("-", "+")) && offset.get(1..)? == other.get(1..)?;
    let digits = offset.get(1..)?;
    let whole = if digits.contains(':') { offset.to_owned() } else { format!("{offset}:00") };
    (mirrored && Tz::from_str(&whole).is_ok()).then_some(whole)
}

/// PostgreSQL keeps names that others see, as in a log, to printable ASCII: each other byte becomes a question mark.
fn printable(value: &str) -> String {
    value.bytes().map(|byte| if (b' '..=b'~').contains(&byte) { char::from(byte) } else { '?' }).collect()
}

/// Most bytes of a text setting: a savepoint remembers all settings.
const MAX_TEXT: usize = 1024;
/// PostgreSQL cuts the client's name for itself to this many bytes.
const MAX_NAME: usize = 63;

/// `text` without what is beyond `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

fn check(known: &Known, value: &str, current: &str) -> Result<String, SqlError> {
    let name;
    let value = match known.name {
        "application_name" => {
            name = printable(value);
            &name
        }
        // Accepted, and not shown among the values.
        "client_min_messages" if value.trim().eq_ignore_ascii_case("debug") => "debug2",
        "client_min_messages" if value.trim().eq_ignore_ascii_case("info") => return Ok("info".to_owned()),
        _ => value,
    };
    let bad = || invalid(known.name, value);
    match known.kind {
        Kind::Text if known.name == "application_name" => Ok(cut(value, MAX_NAME).to_owned()),
        Kind::Text if value.len() > MAX_TEXT => {
            let text = format!("the value of parameter \"{}\" is longer than {MAX_TEXT} bytes", known.name);
            Err(SqlError::new("22023", text))
        }
        Kind::Text => Ok(value.to_owned()),
        Kind::Size => size::parse(value)
            .map(size::shown)
            .map_err(|_| bad().with_hint("Valid units for this parameter are \"B\", \"kB\", \"MB\", and \"GB\".")),
        Kind::Bool => boolean(value)
            .map(ToOwned::to_owned)
            .ok_or_else(|| SqlError::new("22023", format!("parameter \"{}\" requires a Boolean value", known.name))),
        Kind::Int { min, max } => {
            let number: i64 = value.trim().parse().map_err(|_| bad())?;
            if (min..=max).contains(&number) {
                Ok(number.to_string())
            } else {
                Err(SqlError::new(
                    "22023",
                    format!("{number} is outside the valid range for parameter \"{}\" ({min} .. {max})", known.name),
                ))
            }
        }
        Kind::Milliseconds => milliseconds(value).map(shown_milliseconds).ok_or_else(|| {
            bad().with_hint("Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".")
        }),
        Kind::OneOf(values) => {
            let found = values.iter().find(|allowed| allowed.eq_ignore_ascii_case(value.trim()));
            found
                .map(|found| (*found).to_owned())
                .ok_or_else(|| bad().with_hint(format!("Available values: {}.", values.join(", "))))
        }
        // Some drivers quote the name in the startup packet, which PostgreSQL's lookup of it passes over too.
        Kind::Encoding => match value.to_ascii_uppercase().replace(['-', '_', '\'', ' '], "").as_str() {
            "UTF8" | "UNICODE" => Ok("UTF8".to_owned()),
            _ => Err(bad().with_hint("grantd sends and reads UTF8 only.")),
        },
        Kind::DateStyle => {
            date_style(value, current).ok_or_else(|| bad().with_hint("grantd writes dates in the ISO style only."))
        }
        Kind::TimeZone => time_zone(value).ok_or_else(bad),
        Kind::ReadOnly => Err(SqlError::new("55P02", format!("parameter \"{}\" cannot be changed", known.name))),
        Kind::AlwaysOn => match boolean(value) {
            Some("on") => Ok("on".to_owned()),
            Some(_) if known.name == "standard_conforming_strings" => {
                Err(SqlError::unsupported("parameter \"standard_conforming_strings\" cannot be turned off"))
            }
            Some(_) => Err(SqlError::new("25006", "cannot set transaction read-write mode: grantd only reads")),
            None => Err(SqlError::new("22023", format!("parameter \"{}\" requires a Boolean value", known.name))),
        },
    }
}

/// The number that a setting's shown value stands for.
fn number(kind: Kind, shown: &str) -> Option<u64> {
    match kind {
        Kind::Milliseconds => milliseconds(shown),
        Kind::Size => size::parse(shown).ok(),
        Kind::Int { .. } => shown.parse().ok(),
        _ => None,
    }
}

/// What the server allows at most, in its shown form; a session starts with it.
type Ceilings = BTreeMap<&'static str, String>;

fn ceilings(limits: &Limits) -> Ceilings {
    let milliseconds = |time: Option<Duration>| {
        time.map(|time| shown_milliseconds(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(i32::MAX as u64)))
    };
    [
        ("statement_timeout", milliseconds(limits.statement_timeout)),
        ("idle_session_timeout", milliseconds(limits.idle_session_timeout)),
        ("idle_in_transaction_session_timeout", milliseconds(limits.idle_in_transaction_session_timeout)),
        ("grantd.max_result_rows", limits.max_result_rows.map(|rows| rows.to_string())),
        ("grantd.max_result_bytes", limits.max_result_bytes.map(size::shown)),
    ]
    .into_iter()
    .filter_map(|(name, most)| Some((name, most?)))
    .collect()
}

/// One session's settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the server allows at most.
    ceilings: Arc<Ceilings>,
    /// Defaults that the startup packet changed; RESET goes back to them.
    startup: BTreeMap<&'static str, String>,
    /// SET.
    session: BTreeMap<&'static str, String>,
    /// SET LOCAL.
    local: BTreeMap<&'static str, String>,
    /// `set_config` of a `grantd.*` name by a function: told to the backend when the statement is over.
    deferred: Vec<(String, String)>,
}

impl Settings {
    /// Settings that clients cannot raise beyond the server's limits.
    pub fn within(limits: &Limits) -> Self {
        Self { ceilings: Arc::new(ceilings(limits)), ..Self::default() }
    }

    /// A value in its shown form, unless it is refused. Where the server has a limit, 0 means that limit.
    fn checked(&self, known: &Known, value: &str) -> Result<String, SqlError> {
        let shown = check(known, value, self.value(known))?;
        let Some(most) = self.ceilings.get(known.name) else { return Ok(shown) };
        let (wanted, allowed) = (number(known.kind, &shown), number(known.kind, most));
        match wanted {
            Some(0) => Ok(most.clone()),
            wanted if wanted > allowed => {
                let text =
                    format!("{shown} is outside the valid range for parameter \"{}\" (up to {most})", known.name);
                Err(SqlError::new("22023", text).with_hint(
                    "The server's limit can only be lowered; 0 goes back to it. It is set in [server] of grantd.toml.",
                ))
            }
            _ => Ok(shown),
        }
    }

    fn value(&self, known: &Known) -> &str {
        let own = self
            .local
            .get(known.name)
            .or_else(|| self.session.get(known.name))
            .or_else(|| self.startup.get(known.name))
            .or_else(|| self.ceilings.get(known.name));
        // A statement outside of a block is a transaction of its own.
        let default = match known.name {
            "transaction_isolation" => find("default_transaction_isolation"),
            "transaction_deferrable" => find("default_transaction_deferrable"),
            _ => None,
        };
        own.map(String::as_str).or_else(|| default.map(|default| self.value(default))).unwrap_or(known.default)
    }

    /// The value that SHOW gives; 42704 for a name that is not known.
    pub fn show(&self, name: &str) -> Result<String, SqlError> {
        find(name).map(|known| self.value(known).to_owned()).ok_or_else(|| unknown(name))
    }

    /// Name, value and description of every setting.
    pub fn all(&self) -> Vec<(&'static str, String, &'static str)> {
        let known = KNOWN.iter().chain(POSTGRES.iter());
        known.map(|known| (shown_name(known.name), self.value(known).to_owned(), known.about)).collect()
    }

    /// Checks a value; gives it in its shown form.
    pub fn check(&self, name: &str, value: &str) -> Result<String, SqlError> {
        let known = find(name).ok_or_else(|| unknown(name))?;
        self.checked(known, value)
    }

    /// SET (or SET LOCAL) to a value; `None` is DEFAULT.
    pub fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<(), SqlError> {
        let known = find(name).ok_or_else(|| unknown(name))?;
        let Some(value) = value else {
            if matches!(known.kind, Kind::ReadOnly) {
                return Err(SqlError::new("55P02", format!("parameter \"{}\" cannot be changed", known.name)));
            }
            let own = self.session.remove(known.name);
            self.local.remove(known.name);
            if local && let Some(own) = own {
                // SET LOCAL hides the session's value, and does not forget it.
                self.local.insert(known.name, self.value(known).to_owned());
                self.session.insert(known.name, own);
            }
            return Ok(());
        };
        let value = self.checked(known, value)?;
        if local {
            self.local.insert(known.name, value);
        } else {
            self.local.remove(known.name);
            self.session.insert(known.name, value);
        }
        Ok(())
    }

    /// A value from the startup packet: what RESET goes back to.
    pub fn set_startup(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let known = find(name).ok_or_else(|| unknown(name))?;
        let value = self.checked(known, value)?;
        self.startup.insert(known.name, value);
        Ok(())
    }

    /// The session's user, shown by `SHOW session_authorization`.
    pub fn set_user(&mut self, user: &str) {
        self.startup.insert("session_authorization", user.to_owned());
    }

    /// RESET ALL.
    pub fn reset_all(&mut self) {
        self.session.clear();
        self.local.clear();
    }

    /// The end of a transaction: SET LOCAL is over.
    /// Gives the settings before, if there was one.
    pub fn end_local(&mut self) -> Option<Self> {
        let before = (!self.local.is_empty()).then(|| self.clone());
        self.local.clear();
        before
    }

    /// What the client is told: name in PostgreSQL's spelling and value.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        REPORTED.iter().filter_map(|name| Some((*name, self.show(name).ok()?))).collect()
    }

    /// The values of the settings that belong to the catalog's side: name and value, `None` at the built-in default.
    pub fn grantd(&self) -> Vec<(&'static str, Option<String>)> {
        let own = KNOWN.iter().filter(|known| is_backends(known.name));
        own.map(|known| {
            let value = self.value(known);
            (known.name, (value != known.default).then(|| value.to_owned()))
        })
        .collect()
    }

    /// `statement_timeout`; `None` when off.
    pub fn statement_timeout(&self) -> Option<Duration> {
        self.duration("statement_timeout")
    }

    /// `idle_in_transaction_session_timeout` or `idle_session_timeout`; `None` when off.
    pub fn idle_timeout(&self, in_transaction: bool) -> Option<Duration> {
        self.duration(if in_transaction { "idle_in_transaction_session_timeout" } else { "idle_session_timeout" })
    }

    /// Most rows and most bytes of a result.
    pub fn result_limits(&self) -> (Option<u64>, Option<u64>) {
        let number = |name: &str| {
            let known = find(name)?;
            number(known.kind, self.value(known)).filter(|most| *most > 0)
        };
        (number("grantd.max_result_rows"), number("grantd.max_result_bytes"))
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        let ms = milliseconds(&self.show(name).ok()?)?;
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// The session's zone: its name, and the zone itself unless it is UTC.
    pub fn time_zone(&self) -> (String, Option<Tz>) {
        let name = self.show("timezone").unwrap_or_default();
        let name = offset_of(&name).unwrap_or(name);
        let zone = if name == "UTC" { None } else { Tz::from_str(&name).ok() };
        (name, zone)
    }

    /// The schema that `search_path` looks for names in. `pg_catalog` is always looked in, and before the others.
    pub fn schema(&self) -> &'static str {
        let path = self.show("search_path").unwrap_or_default();
        let names: Vec<&str> = path.split(',').map(|name| name.trim().trim_matches('"')).collect();
        ["public", "information_schema"].into_iter().find(|schema| names.contains(schema)).unwrap_or("pg_catalog")
    }

    /// Takes the `grantd.*` changes that functions made.
    pub fn take_deferred(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.deferred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let mut settings = Settings::default();
        settings.set("statement_timeout", Some("1500"), false).unwrap();
        assert_eq!(settings.show("statement_timeout").unwrap(), "1500ms");
        settings.set("statement_timeout", Some("2min"), false).unwrap();
        assert_eq!(settings.statement_timeout(), Some(Duration::from_mins(2)));
        assert_eq!(settings.set("statement_timeout", Some("soon"), false).unwrap_err().sqlstate, "22023");
    }

    #[test]
    fn the_servers_limits_can_only_be_lowered() {
        let limits = Limits { statement_timeout: Some(Duration::from_secs(30)), ..Limits::default() };
        let mut settings = Settings::within(&limits);
        let show = |settings: &Settings| settings.show("statement_timeout").unwrap();
        assert_eq!((show(&settings).as_str(), settings.statement_timeout()), ("30s", Some(Duration::from_secs(30))));
        settings.set("statement_timeout", Some("10s"), false).unwrap();
        assert_eq!(show(&settings), "10s");
        assert_eq!(settings.set("statement_timeout", Some("31s"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set_startup("statement_timeout", "1h").unwrap_err().sqlstate, "22023");
        settings.set("statement_timeout", Some("0"), false).unwrap();
        assert_eq!(show(&settings), "30s", "0 is the server's limit");
        settings.set("grantd.max_result_bytes", Some("64kB"), false).unwrap();
        settings.set("grantd.max_result_rows", Some("10"), true).unwrap();
        assert_eq!(settings.result_limits(), (Some(10), Some(65_536)));
        settings.end_local();
        settings.reset_all();
        assert_eq!(settings.result_limits(), (limits.max_result_rows, limits.max_result_bytes));
        assert_eq!(settings.set("grantd.max_result_rows", Some("10000001"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("grantd.max_result_bytes", Some("1TB"), false).unwrap_err().sqlstate, "22023");
    }

    #[test]
    fn a_session_keeps_no_long_texts() {
        let mut settings = Settings::default();
        settings.set("application_name", Some(&"ä".repeat(40)), false).unwrap();
        assert_eq!(settings.show("application_name").unwrap(), "?".repeat(63));
        assert_eq!(settings.set("search_path", Some(&"x".repeat(2_000)), false).unwrap_err().sqlstate, "22023");
    }

    #[test]
    fn unknown_names_and_bad_values_are_refused() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("no_such", Some("1"), false).unwrap_err().sqlstate, "42704");
        assert_eq!(settings.set("client_encoding", Some("LATIN1"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("TimeZone", Some("Mars/Base"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("transaction_read_only", Some("off"), false).unwrap_err().sqlstate, "25006");
        // As on a standby of PostgreSQL, the default may be asked for; it changes nothing.
        settings.set("default_transaction_read_only", Some("off"), false).unwrap();
        assert_eq!(settings.set("server_version", Some("1"), false).unwrap_err().sqlstate, "55P02");
    }

    #[test]
    fn zones_are_found_without_regard_to_case() {
        let mut settings = Settings::default();
        settings.set("timezone", Some("europe/berlin"), false).unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "Europe/Berlin");
        settings.set("timezone", Some("-3"), false).unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "<-03>+03");
        assert_eq!(settings.time_zone().0, "-03:00");
        settings.set("timezone", Some("<+05:30>-05:30"), false).unwrap();
        assert_eq!(settings.time_zone().0, "+05:30");
        assert!(settings.set("timezone", Some("<+05:30>+05:30"), false).is_err());
    }

    #[test]
    fn reset_goes_back_to_the_startup_value() {
        let mut settings = Settings::default();
        settings.set_startup("application_name", "psql").unwrap();
        settings.set("application_name", Some("x"), false).unwrap();
        settings.set("application_name", None, false).unwrap();
        assert_eq!(settings.show("application_name").unwrap(), "psql");
    }
}
