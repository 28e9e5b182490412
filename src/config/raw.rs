//! The file as it is written: every key optional, so that the environment can complete it; then the finished
//! [`Config`](super::Config).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::access::{self, Network, RawAccess, RawCertificate, RawCertificateUser, RawPeer};
use super::error::{Place, nearest};
use super::operations::{LogFormat, MetricsAccess, RawOperations};
use super::{
    AccountConfig, Config, ConfigError, ConnectionLimits, CredentialFiles, DEFAULT_LISTEN, DEFAULT_SYNC_INTERVAL,
    Limits, LoginMode, Platform, ServerConfig, SocketAccess, SocketLogin, Spill, SyncConfig, TlsMode, duration, size,
    sync::LEAST_OVERLAP,
};

/// A duration as text.
#[derive(Clone, Copy)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration::parse(&text).map(Span).map_err(serde::de::Error::custom)
    }
}

/// A size as text.
#[derive(Clone, Copy)]
struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        let text = String::deserialize(deserializer)?;
        size::parse(&text).map(Size).map_err(serde::de::Error::custom)
    }
}

/// `HOST:PORT` where the host is an address.
#[derive(Clone, Copy)]
struct Listen(SocketAddr);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Listen, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Listen).map_err(|_| {
            serde::de::Error::custom(format!("{text:?} is not an address and port such as \"127.0.0.1:5433\""))
        })
    }
}

/// A share in percent.
#[derive(Clone, Copy)]
struct Percent(u8);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Percent, D::Error> {
        let number = i64::deserialize(deserializer)?;
        u8::try_from(number)
            .ok()
            .filter(|percent| *percent <= 100)
            .map(Percent)
            .ok_or_else(|| serde::de::Error::custom(format!("{number} is no share in percent, from 0 to 100")))
    }
}

/// A text that says something.
#[derive(Clone)]
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.trim().is_empty() { Err(serde::de::Error::custom("it is empty")) } else { Ok(Word(text)) }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    #[serde(default)]
    server: RawServer,
    #[serde(default)]
    account: Vec<RawAccount>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawServer {
    listen: Option<Listen>,
    data_dir: Option<Word>,
    statement_timeout: Option<Span>,
    idle_session_timeout: Option<Span>,
    idle_in_transaction_session_timeout: Option<Span>,
    write_timeout: Option<Span>,
    max_result_rows: Option<u64>,
    max_result_bytes: Option<Size>,
    query_memory: Option<Size>,
    statement_memory: Option<Size>,
    memory_limit: Option<Size>,
    spill_limit: Option<Size>,
    statement_spill_limit: Option<Size>,
    max_connections: Option<std::num::NonZeroU32>,
    max_connections_per_address: Option<std::num::NonZeroU32>,
    max_starting_connections: Option<std::num::NonZeroU32>,
    max_starting_connections_per_address: Option<std::num::NonZeroU32>,
    login: Option<LoginMode>,
    tls: Option<TlsMode>,
    tls_certificate_file: Option<Word>,
    tls_key_file: Option<Word>,
    tls_client_ca_file: Option<Word>,
    tls_client_crl_file: Option<Word>,
    certificate_user: Option<RawCertificateUser>,
    #[serde(default)]
    certificate: Vec<RawCertificate>,
    socket_dir: Option<Word>,
    socket_access: Option<SocketAccess>,
    socket_login: Option<SocketLogin>,
    #[serde(default)]
    peer: Vec<RawPeer>,
    #[serde(default)]
    proxies: Vec<Network>,
    metrics_listen: Option<Listen>,
    metrics_access: Option<MetricsAccess>,
    log_format: Option<LogFormat>,
    shutdown_timeout: Option<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccount {
    name: Option<Word>,
    platform: Option<Platform>,
    account_identifier: Option<Word>,
    user: Option<Word>,
    role: Option<Word>,
    warehouse: Option<Word>,
    private_key_file: Option<Word>,
    private_key_passphrase_file: Option<Word>,
    access_token_file: Option<Word>,
    oauth_token_file: Option<Word>,
    ca_file: Option<Word>,
    /// Looked up before: here it only has to be a word.
    #[serde(rename = "connection")]
    _connection: Option<Word>,
    host: Option<Word>,
    sync_interval: Option<Span>,
    check_interval: Option<Span>,
    full_interval: Option<Span>,
    future_grants_interval: Option<Span>,
    incremental_overlap: Option<Span>,
    run_timeout: Option<Span>,
    repair_limit: Option<u32>,
    max_statements: Option<std::num::NonZeroU32>,
    max_warehouse_seconds: Option<std::num::NonZeroU32>,
    max_loss_users: Option<Percent>,
    max_loss_roles: Option<Percent>,
    max_loss_grants: Option<Percent>,
    max_loss_objects: Option<Percent>,
}

impl RawServer {
    /// The keys that say what clients may take, with their defaults.
    fn usage(&self, data_dir: &Path) -> Result<Limits, (String, Option<String>)> {
        let default = Limits::default();
        let span = |written: Option<Span>, default: Option<Duration>| limit(written, default.unwrap_or_default());
        let count = |written: Option<u64>, default: Option<u64>| written.or(default).filter(|most| *most > 0);
        let bytes = |written: Option<Size>, default: u64| written.map_or(default, |size| size.0);
        let spill = Spill::to(data_dir.join("spill"));
        let total = bytes(self.spill_limit, spill.limit);
        let spill = Spill {
            limit: total,
            statement_limit: bytes(self.statement_spill_limit, spill.statement_limit.min(total)),
            ..spill
        };
        let query_memory = bytes(self.query_memory, default.query_memory);
        let limits = Limits {
            statement_timeout: span(self.statement_timeout, default.statement_timeout),
            idle_session_timeout: span(self.idle_session_timeout, default.idle_session_timeout),
            idle_in_transaction_session_timeout: span(
                self.idle_in_transaction_session_timeout,
                default.idle_in_transaction_session_timeout,
            ),
            write_timeout: span(self.write_timeout, default.write_timeout),
            max_result_rows: count(self.max_result_rows, default.max_result_rows),
            max_result_bytes: count(self.max_result_bytes.map(|size| size.0), default.max_result_bytes),
            query_memory,
            statement_memory: bytes(self.statement_memory, default.statement_memory.min(query_memory)),
            memory_limit: self.memory_limit.map(|size| size.0).filter(|most| *most > 0),
            spill: Some(spill).filter(|spill| spill.limit > 0),
        };
        for (name, size) in [("query_memory", query_memory), ("statement_memory", limits.statement_memory)] {
            if size < LEAST_MEMORY {
                let what = format!("{name} is too small: no statement could be answered with less than 16MiB");
                return Err((what, Some(format!("{name} = \"512MiB\""))));
            }
        }
        if limits.statement_memory > query_memory {
            let what = "statement_memory is more than query_memory, which all statements share".to_owned();
            return Err((what, Some("statement_memory = \"512MiB\" and query_memory = \"2GiB\"".to_owned())));
        }
        if limits.spill.as_ref().is_some_and(|spill| spill.statement_limit > spill.limit) {
            let what = "statement_spill_limit is more than spill_limit, which all statements share".to_owned();
            return Err((what, Some("statement_spill_limit = \"2GiB\" and spill_limit = \"8GiB\"".to_owned())));
        }
        Ok(limits)
    }
}

impl RawAccount {
    /// The keys that say how the account is synced, with their defaults.
    fn sync(&self) -> Result<SyncConfig, (String, Option<String>)> {
        let default = SyncConfig::default();
        let span = |written: Option<Span>, default: Duration| written.map_or(default, |span| span.0);
        let percent = |written: Option<Percent>, default: u8| written.map_or(default, |percent| percent.0);
        let overlap = span(self.incremental_overlap, default.incremental_overlap);
        if overlap < LEAST_OVERLAP {
            return Err((
                "incremental_overlap is shorter than the two hours that ACCOUNT_USAGE may lag: grants would be missed"
                    .to_owned(),
                Some("incremental_overlap = \"6h\"".to_owned()),
            ));
        }
        let run_timeout = span(self.run_timeout, default.run_timeout);
        if run_timeout.is_zero() {
            return Err(("run_timeout cannot be 0".to_owned(), Some("run_timeout = \"1h\"".to_owned())));
        }
        Ok(SyncConfig {
            check_interval: Some(span(self.check_interval, default.check_interval.unwrap_or_default()))
                .filter(|interval| !interval.is_zero()),
            full_interval: span(self.full_interval, default.full_interval),
            future_grants_interval: span(self.future_grants_interval, default.future_grants_interval),
            incremental_overlap: overlap,
            run_timeout,
            repair_limit: self.repair_limit.unwrap_or(default.repair_limit),
            max_statements: self.max_statements.map(std::num::NonZeroU32::get),
            max_warehouse_seconds: self.max_warehouse_seconds.map(std::num::NonZeroU32::get),
            max_loss_users: percent(self.max_loss_users, default.max_loss_users),
            max_loss_roles: percent(self.max_loss_roles, default.max_loss_roles),
            max_loss_grants: percent(self.max_loss_grants, default.max_loss_grants),
            max_loss_objects: percent(self.max_loss_objects, default.max_loss_objects),
        })
    }
}

/// Below it not even small statements are answered.
const LEAST_MEMORY: u64 = 16 << 20;

/// Where the accounts stand in the text.
#[derive(Deserialize, Default)]
struct Positions {
    #[serde(default)]
    account: Vec<toml::Spanned<toml::Table>>,
}

/// Reads the text as TOML and checks every key and value that is there.
pub(super) fn parse(file: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    let located = |error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        ConfigError::File {
            what: first_line(error.message()),
            place: Place::of(file, text, offset),
            hint: did_you_mean(error.message()),
        }
    };
    toml::from_str::<RawConfig>(text).map_err(located)?;
    toml::from_str(text).map_err(located)
}

/// Checks a table that was changed; the error is what is wrong and what was probably meant.
pub(super) fn check(table: &toml::Table) -> Result<(), (String, Option<String>)> {
    read(table).map(|_| ())
}

fn read(table: &toml::Table) -> Result<RawConfig, (String, Option<String>)> {
    RawConfig::deserialize(table.clone()).map_err(|error| (first_line(error.message()), did_you_mean(error.message())))
}

/// Adds the defaults and refuses what is missing.
pub(super) fn finish(file: &Path, text: &str, table: &toml::Table) -> Result<Config, ConfigError> {
    let positions: Positions = toml::from_str(text).unwrap_or_default();
    let place = |offset| Place::of(file, text, offset);
    let refuse =
        |what: String, offset: usize, hint: Option<String>| ConfigError::File { what, place: place(offset), hint };
    let raw = read(table).map_err(|(what, hint)| refuse(what, 0, hint))?;
    let folder = file.parent().unwrap_or(Path::new(""));

    let data_dir = raw.server.data_dir.as_ref().map(|word| folder.join(&word.0)).ok_or_else(|| {
        refuse("data_dir is missing in [server]".to_owned(), 0, Some("data_dir = \"/var/lib/grantd\"".to_owned()))
    })?;
    let usage = raw.server.usage(&data_dir).map_err(|(what, hint)| refuse(what, 0, hint))?;
    let listen = raw.server.listen.map_or(DEFAULT_LISTEN, |listen| listen.0);
    let path = |word: Option<Word>| word.map(|word| PathBuf::from(word.0));
    let access = RawAccess {
        login: raw.server.login,
        tls: raw.server.tls,
        certificate: path(raw.server.tls_certificate_file),
        key: path(raw.server.tls_key_file),
        client_ca: path(raw.server.tls_client_ca_file),
        client_crl: path(raw.server.tls_client_crl_file),
        certificate_user: raw.server.certificate_user,
        certificates: raw.server.certificate,
        socket_dir: path(raw.server.socket_dir),
        socket_access: raw.server.socket_access,
        socket_login: raw.server.socket_login,
        peers: raw.server.peer,
        proxies: raw.server.proxies,
    };
    let access = access::choose(listen, folder, access).map_err(|(what, hint)| refuse(what, 0, hint))?;
    let operations = RawOperations {
        metrics_listen: raw.server.metrics_listen.map(|listen| listen.0),
        metrics_access: raw.server.metrics_access,
        log_format: raw.server.log_format,
        shutdown_timeout: raw.server.shutdown_timeout.map(|span| span.0),
    };
    let operations = operations.finish().map_err(|(what, hint)| refuse(what, 0, hint))?;
    let server = ServerConfig {
        listen,
        data_dir,
        usage,
        limits: ConnectionLimits::of(
            raw.server.max_connections,
            raw.server.max_connections_per_address,
            raw.server.max_starting_connections,
            raw.server.max_starting_connections_per_address,
        ),
        access,
        operations,
    };

    let mut names = BTreeSet::new();
    let mut accounts = Vec::with_capacity(raw.account.len());
    for (index, account) in raw.account.into_iter().enumerate() {
        let offset = positions.account.get(index).map_or(0, |account| account.span().start);
        let account = finish_account(folder, account).map_err(|(what, hint)| refuse(what, offset, hint))?;
        if !names.insert(account.name.clone()) {
            return Err(refuse(format!("there are two accounts named {:?}", account.name), offset, None));
        }
        accounts.push(account);
    }
    Ok(Config { server, accounts })
}

fn finish_account(folder: &Path, raw: RawAccount) -> Result<AccountConfig, (String, Option<String>)> {
    let sync = raw.sync()?;
    let name = required(raw.name, "name", None, "\"prod\"")?.0;
    let named = name.as_str();
    let of = Some(named);
    let path = |word: Word| -> PathBuf { folder.join(word.0) };
    Ok(AccountConfig {
        platform: raw.platform.unwrap_or_default(),
        account_identifier: required(raw.account_identifier, "account_identifier", of, "\"myorg-myaccount\"")?.0,
        user: required(raw.user, "user", of, "\"GRANTD\"")?.0,
        role: raw.role.map(|word| word.0),
        warehouse: raw.warehouse.map(|word| word.0),
        credential: CredentialFiles::choose(
            named,
            raw.private_key_file.map(path),
            raw.private_key_passphrase_file.map(path),
            raw.access_token_file.map(path),
            raw.oauth_token_file.map(path),
        )?,
        ca_file: raw.ca_file.map(path),
        host: raw.host.map(|word| word.0),
        sync_interval: limit(raw.sync_interval, DEFAULT_SYNC_INTERVAL),
        sync,
        name,
    })
}

fn required<T>(
    value: Option<T>,
    key: &str,
    account: Option<&str>,
    example: &str,
) -> Result<T, (String, Option<String>)> {
    value.ok_or_else(|| {
        let of = account.map(|name| format!(" of account {name:?}")).unwrap_or_default();
        (format!("{key} is missing in [[account]]{of}"), Some(format!("{key} = {example}")))
    })
}

/// `"0"` means none.
fn limit(written: Option<Span>, default: Duration) -> Option<Duration> {
    Some(written.map_or(default, |span| span.0)).filter(|limit| !limit.is_zero())
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or(message).to_owned()
}

/// From serde's "unknown field `a`, expected one of `b`, `c`", also for variants.
fn did_you_mean(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = words.next()?;
    let known: Vec<&str> = words.collect();
    Some(match nearest(unknown, known.iter().copied()) {
        Some(word) => format!("did you mean {word}?"),
        None => format!("known here: {}", known.join(", ")),
    })
}
