//! The first bytes of a connection: negotiation, cancel requests, the startup packet.

use std::collections::BTreeMap;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::cancel::CancelTable;
use super::conn::{Conn, client_gone};
use super::error::SqlError;
use super::frame::{FrameError, utf8};
use super::settings::Settings;

/// PostgreSQL's limit of a startup packet, in bytes.
const MAX_STARTUP: usize = 10_000;
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
/// The newest protocol grantd speaks.
const NEWEST: u32 = 3 << 16 | 2;
/// The only database.
pub(crate) const DATABASE: &str = "grantd";

/// What the startup packet asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The user.
    pub user: String,
    /// The database.
    pub database: String,
    /// Settings, in the order in which they apply.
    pub settings: Vec<(String, String)>,
}

/// What the client has asked for before its startup packet.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    ssl: bool,
    gss: bool,
}

/// What follows.
#[derive(Debug)]
pub(crate) enum Next {
    /// The client wants a session.
    Session(Wanted),
    /// The client was told to begin the TLS handshake now.
    Encrypt,
    /// The connection had another purpose, and is done.
    Done,
}

/// Reads until a startup packet, or until the connection is to be encrypted, which is possible when `tls` says so.
pub(crate) async fn negotiate(
    conn: &mut Conn,
    asked: &mut Asked,
    cancels: &CancelTable,
    tls: bool,
) -> Result<Next, SqlError> {
    let gone = |error| match error {
        FrameError::Gone => client_gone(),
        FrameError::Protocol(error) => error,
    };
    loop {
        // Exactly eight bytes: what follows a request for encryption must not be read before it is answered.
        let mut head = conn.reader.exact(8).await.map_err(gone)?;
        let length = head.get_u32() as usize;
        let code = head.get_u32();
        if !(8..=MAX_STARTUP).contains(&length) {
            return Err(SqlError::protocol("invalid length of startup packet"));
        }
        match code {
            SSL if length == 8 && !asked.ssl && !conn.is_encrypted() => {
                asked.ssl = true;
                conn.out.put_u8(if tls { b'S' } else { b'N' });
                conn.flush().await?;
                if tls {
                    return Ok(Next::Encrypt);
                }
            }
            GSS if length == 8 && !asked.gss && !conn.is_encrypted() => {
                asked.gss = true;
                conn.out.put_u8(b'N');
                conn.flush().await?;
            }
            SSL | GSS => return Err(SqlError::protocol("invalid length of startup packet")),
            CANCEL => {
                if !(16..=12 + 256).contains(&length) {
                    return Err(SqlError::protocol("invalid length of query cancel packet"));
                }
                let mut body = conn.reader.exact(length - 8).await.map_err(gone)?;
                let pid = body.get_i32();
                let found = cancels.cancel(pid, &body);
                let counter = if found { &conn.stats.cancels } else { &conn.stats.cancels_ignored };
                counter.increment();
                return Ok(Next::Done);
            }
            version if version >> 16 == 3 => {
                let body = conn.reader.exact(length - 8).await.map_err(gone)?;
                return packet(&mut conn.out, version, &body).map(Next::Session);
            }
            version => {
                return Err(SqlError::fatal(
                    "0A000",
                    format!(
                        "unsupported frontend protocol {}.{}: server supports 3.0 to 3.2",
                        version >> 16,
                        version & 0xffff
                    ),
                ));
            }
        }
    }
}

/// The startup packet behind its length and version; what is to be answered at once goes to `out`.
pub(super) fn packet(out: &mut BytesMut, version: u32, body: &Bytes) -> Result<Wanted, SqlError> {
    let layout = || SqlError::protocol("invalid startup packet layout: expected terminator as last byte");
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    let mut protocol_options = Vec::new();
    let mut parts = body.split(|byte| *byte == 0);
    loop {
        let name = utf8(parts.next().ok_or_else(layout)?).map_err(|error| SqlError { fatal: true, ..error })?;
        if name.is_empty() {
            break;
        }
        let value = utf8(parts.next().ok_or_else(layout)?).map_err(|error| SqlError { fatal: true, ..error })?;
        if name.starts_with("_pq_.") {
            protocol_options.push(name);
        } else {
            parameters.insert(name, value);
        }
    }
    // After the empty name there is exactly the end.
    if parts.next() != Some(&[]) || parts.next().is_some() || body.last() != Some(&0) {
        return Err(layout());
    }
    if version > NEWEST || !protocol_options.is_empty() {
        negotiate_version(out, version.min(NEWEST), &protocol_options);
    }
    let Some(user) = parameters.remove("user").filter(|user| !user.is_empty()) else {
        return Err(SqlError::fatal("28000", "no PostgreSQL user name specified in startup packet"));
    };
    // Names in the log and in `pg_stat_activity` are as long as PostgreSQL's.
    if user.len() > 255 {
        return Err(SqlError::fatal("28000", "the user name is longer than 255 bytes"));
    }
    let database = parameters.remove("database").filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
    if parameters.remove("replication").is_some_and(|value| !matches!(value.as_str(), "false" | "off" | "no" | "0")) {
        return Err(SqlError::fatal("0A000", "replication connections are not supported"));
    }
    let mut settings = Vec::new();
    if let Some(options) = parameters.remove("options") {
        settings.extend(parse_options(&options)?);
    }
    settings.extend(parameters);
    Ok(Wanted { user, database, settings })
}

/// `NegotiateProtocolVersion`: the newest version of both sides, and the options we do not know.
fn negotiate_version(out: &mut BytesMut, version: u32, options: &[String]) {
    let length = 12 + options.iter().map(|option| option.len() + 1).sum::<usize>();
    out.put_u8(b'v');
    // Bounded by the startup packet's length.
    out.put_u32(length as u32);
    out.put_u32(version);
    out.put_u32(options.len() as u32);
    for option in options {
        out.put_slice(option.as_bytes());
        out.put_u8(0);
    }
}

/// `-c name=value`, `-cname=value` and `--name=value`, separated by spaces; a backslash keeps the next character.
fn parse_options(text: &str) -> Result<Vec<(String, String)>, SqlError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => word.extend(chars.next()),
            c if c.is_ascii_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    let mut settings = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let assignment = if word == "-c" {
            words.next()
        } else if let Some(rest) = word.strip_prefix("--") {
            Some(rest.to_owned())
        } else {
            word.strip_prefix("-c").map(ToOwned::to_owned)
        };
        let pair = assignment.as_deref().and_then(|text| text.split_once('='));
        let Some((name, value)) = pair else {
            return Err(SqlError::fatal("42601", format!("invalid command-line argument for server process: {word}"))
                .with_hint("Use -c name=value or --name=value."));
        };
        settings.push((name.trim().replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

/// Puts the packet's settings into the session's.
pub(crate) fn apply(settings: &mut Settings, wanted: &Wanted) -> Result<(), SqlError> {
    settings.set_user(&wanted.user);
    for (name, value) in &wanted.settings {
        settings.set_startup(name, value).map_err(|error| SqlError { fatal: true, ..error })?;
    }
    if wanted.database != DATABASE {
        return Err(SqlError::fatal("3D000", format!("database \"{}\" does not exist", wanted.database))
            .with_hint(format!("The only database is \"{DATABASE}\".")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_apart() {
        let options =
            parse_options(r"-c statement_timeout=5s --search-path=a -cgrantd.changeset=2026-10-01\ 00:00").unwrap();
        assert_eq!(
            options,
            [
                ("statement_timeout".to_owned(), "5s".to_owned()),
                ("search_path".to_owned(), "a".to_owned()),
                ("grantd.changeset".to_owned(), "2026-10-01 00:00".to_owned()),
            ]
        );
        assert!(parse_options("-x").is_err() && parse_options("-c").is_err());
    }
}
