//! The settings of a session: the names grantd knows, their defaults and checks, and what a transaction undoes.

use std::collections::BTreeMap;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::arrow::array::timezone::Tz;

use super::error::SqlError;

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
    known("default_transaction_read_only", "on", Kind::AlwaysOn, "grantd only reads."),
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
    known("grantd.roles", "all", Kind::Text, "Which roles count: all, default or primary."),
    known("idle_in_transaction_session_timeout", "0", Kind::Milliseconds, "Ends a session idle in a transaction."),
    known("idle_session_timeout", "0", Kind::Milliseconds, "Ends an idle session."),
    known("in_hot_standby", "off", Kind::ReadOnly, "Whether the server is a standby."),
    known("integer_datetimes", "on", Kind::ReadOnly, "Date-times are 64-bit integers."),
    known(
        "intervalstyle",
        "postgres",
        Kind::OneOf(&["postgres", "postgres_verbose", "sql_standard", "iso_8601"]),
        "Output format of intervals.",
    ),
    known("jit", "off", Kind::Bool, "Planner detail."),
    known("lc_collate", "C.UTF-8", Kind::ReadOnly, "Collation order."),
    known("lc_ctype", "C.UTF-8", Kind::ReadOnly, "Character classes."),
    known("lc_messages", "C.UTF-8", Kind::Text, "Language of messages."),
    known("lc_monetary", "C.UTF-8", Kind::Text, "Format of money."),
    known("lc_numeric", "C.UTF-8", Kind::Text, "Format of numbers."),
    known("lc_time", "C.UTF-8", Kind::Text, "Format of times."),
    known("lock_timeout", "0", Kind::Milliseconds, "grantd takes no locks."),
    known("max_connections", "200", Kind::ReadOnly, "Most connections at a time."),
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
    known("statement_timeout", "0", Kind::Milliseconds, "Ends a statement that takes longer; 0 is never."),
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
pub fn is_grantd(name: &str) -> bool {
    name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("grantd."))
}

fn find(name: &str) -> Option<&'static Known> {
    let name = match name.to_ascii_lowercase().as_str() {
        "time zone" => "timezone".to_owned(),
        other => other.to_owned(),
    };
    KNOWN.iter().find(|known| known.name == name)
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
    let total = (number.trim().parse::<f64>().ok()? * factor).round();
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
fn time_zone(value: &str) -> Option<String> {
    let value = value.trim().trim_matches('\'');
    let upper = value.to_ascii_uppercase();
    match upper.as_str() {
        "UTC" | "Z" | "ZULU" | "UCT" | "DEFAULT" | "LOCAL" => return Some("UTC".to_owned()),
        "GMT" => return Some("GMT".to_owned()),
        _ => {}
    }
    if Tz::from_str(value).is_ok() {
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
    if Tz::from_str(&titled).is_ok() {
        return Some(titled);
    }
    // A bare number is hours east of UTC.
    let hours: f64 = value.parse().ok()?;
    let minutes = (hours * 60.0).round();
    if !(-14.0 * 60.0..=14.0 * 60.0).contains(&minutes) {
        return None;
    }
    let minutes = minutes as i32;
    let sign = if minutes < 0 { '-' } else { '+' };
    Some(format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60))
}

fn check(known: &Known, value: &str, current: &str) -> Result<String, SqlError> {
    let bad = || invalid(known.name, value);
    match known.kind {
        Kind::Text => Ok(value.to_owned()),
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
        Kind::Encoding => match value.trim().to_ascii_uppercase().replace(['-', '_'], "").as_str() {
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

/// One session's settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
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
    fn value(&self, known: &Known) -> &str {
        self.local
            .get(known.name)
            .or_else(|| self.session.get(known.name))
            .or_else(|| self.startup.get(known.name))
            .map_or(known.default, String::as_str)
    }

    /// The value that SHOW gives; 42704 for a name that is not known.
    pub fn show(&self, name: &str) -> Result<String, SqlError> {
        find(name).map(|known| self.value(known).to_owned()).ok_or_else(|| unknown(name))
    }

    /// Name, value and description of every setting.
    pub fn all(&self) -> Vec<(&'static str, String, &'static str)> {
        KNOWN.iter().map(|known| (shown_name(known.name), self.value(known).to_owned(), known.about)).collect()
    }

    /// Checks a value; gives it in its shown form.
    pub fn check(&self, name: &str, value: &str) -> Result<String, SqlError> {
        let known = find(name).ok_or_else(|| unknown(name))?;
        check(known, value, self.value(known))
    }

    /// SET (or SET LOCAL) to a value; `None` is DEFAULT.
    pub fn set(&mut self, name: &str, value: Option<&str>, local: bool) -> Result<(), SqlError> {
        let known = find(name).ok_or_else(|| unknown(name))?;
        let Some(value) = value else {
            if matches!(known.kind, Kind::ReadOnly) {
                return Err(SqlError::new("55P02", format!("parameter \"{}\" cannot be changed", known.name)));
            }
            self.session.remove(known.name);
            self.local.remove(known.name);
            return Ok(());
        };
        let value = check(known, value, self.value(known))?;
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
        let value = check(known, value, self.value(known))?;
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
    pub fn end_local(&mut self) {
        self.local.clear();
    }

    /// What the client is told: name in PostgreSQL's spelling and value.
    pub fn reported(&self) -> Vec<(&'static str, String)> {
        REPORTED.iter().filter_map(|name| Some((*name, self.show(name).ok()?))).collect()
    }

    /// The values of the `grantd.*` settings: name and value, `None` at the built-in default.
    pub fn grantd(&self) -> Vec<(&'static str, Option<String>)> {
        let own = KNOWN.iter().filter(|known| is_grantd(known.name));
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

    fn duration(&self, name: &str) -> Option<Duration> {
        let ms = milliseconds(&self.show(name).ok()?)?;
        (ms > 0).then(|| Duration::from_millis(ms))
    }

    /// The session's zone: its name, and the zone itself unless it is UTC.
    pub fn time_zone(&self) -> (String, Option<Tz>) {
        let name = self.show("timezone").unwrap_or_default();
        let zone = if name == "UTC" { None } else { Tz::from_str(&name).ok() };
        (name, zone)
    }

    /// Takes the `grantd.*` changes that functions made.
    pub fn take_deferred(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.deferred)
    }
}

/// A session's settings as functions and the backend see them.
#[derive(Debug, Clone, Default)]
pub struct SharedSettings(Arc<Mutex<Settings>>);

impl SharedSettings {
    /// The settings themselves.
    pub fn lock(&self) -> MutexGuard<'_, Settings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `current_setting(name)`.
    pub fn show(&self, name: &str) -> Result<String, SqlError> {
        self.lock().show(name)
    }

    /// `set_config(name, value, local)`; gives the value in its shown form. A `grantd.*` setting reaches the backend when
    /// the statement is over.
    pub fn set_config(&self, name: &str, value: &str, local: bool) -> Result<String, SqlError> {
        let mut settings = self.lock();
        settings.set(name, Some(value), local)?;
        if is_grantd(name) {
            settings.deferred.push((name.to_ascii_lowercase(), value.to_owned()));
        }
        settings.show(name)
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
    fn unknown_names_and_bad_values_are_refused() {
        let mut settings = Settings::default();
        assert_eq!(settings.set("no_such", Some("1"), false).unwrap_err().sqlstate, "42704");
        assert_eq!(settings.set("client_encoding", Some("LATIN1"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("TimeZone", Some("Mars/Base"), false).unwrap_err().sqlstate, "22023");
        assert_eq!(settings.set("default_transaction_read_only", Some("off"), false).unwrap_err().sqlstate, "25006");
        assert_eq!(settings.set("server_version", Some("1"), false).unwrap_err().sqlstate, "55P02");
    }

    #[test]
    fn zones_are_found_without_regard_to_case() {
        let mut settings = Settings::default();
        settings.set("timezone", Some("europe/berlin"), false).unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "Europe/Berlin");
        settings.set("timezone", Some("-3"), false).unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "-03:00");
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
