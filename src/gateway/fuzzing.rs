//! What holds for any bytes that a client sends, as functions that fuzzing and the tests call: the door is asked, and the
//! error says what did not hold. A panic is one by itself.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::executor::block_on;
use tokio::io::{AsyncRead, ReadBuf};

use super::error::SqlError;
use super::frame::{Frame, FrameError, FrameReader, Message, Target, decode};
use super::front_door;
use super::login::scram::{self, Keys, Salting};
use super::settings::Settings;
use super::startup;

/// Bytes that arrive so many at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    most: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let count = self.rest.len().min(self.most).min(buf.remaining());
        if let Some((now, rest)) = self.rest.split_at_checked(count) {
            buf.put_slice(now);
            self.rest = rest;
        }
        Poll::Ready(Ok(()))
    }
}

/// The frames of a conversation, and how it ended.
fn frames_of(bytes: &[u8], most: usize) -> (Vec<(u8, Bytes)>, Option<SqlError>) {
    let mut reader = FrameReader::new(Pieces { rest: bytes, most });
    let mut frames = Vec::new();
    loop {
        match block_on(reader.next()) {
            Ok(frame) => frames.push((frame.tag, frame.body)),
            Err(FrameError::Gone) => return (frames, None),
            Err(FrameError::Protocol(error)) => return (frames, Some(error)),
        }
    }
}

/// The frame guard: bytes after the login.
///
/// # Errors
/// Frames that are not the bytes that arrived, that depend on how they arrived, or a message whose bytes are not those
/// of its frame.
pub fn frames(bytes: &[u8]) -> Result<(), String> {
    let (frames, ended) = frames_of(bytes, usize::MAX);
    // A conversation is cut into pieces at random by the network.
    for most in [1, 7] {
        if frames_of(bytes, most) != (frames.clone(), ended.clone()) {
            return Err(format!("other frames when {most} bytes arrive at a time"));
        }
    }
    if let Some(error) = ended
        && !error.fatal
    {
        return Err(format!("the conversation goes on after {error}"));
    }
    let mut whole = Vec::new();
    for (tag, body) in frames {
        whole.push(tag);
        whole.put_u32(u32::try_from(body.len() + 4).map_err(|_| "a frame beyond 4 GiB")?);
        whole.put_slice(&body);
        match decode(Frame { tag, body: body.clone() }) {
            Err(error) => is_told(&error, None)?,
            Ok(message) => {
                if let Some(again) = encoded(&message)
                    && again != body
                {
                    return Err(format!("{message:?} has other bytes than its frame"));
                }
            }
        }
    }
    if bytes.starts_with(&whole) { Ok(()) } else { Err("the frames are not the bytes".to_owned()) }
}

/// The body that a message has; `None` where nothing of it is kept.
fn encoded(message: &Message) -> Option<Bytes> {
    let mut out = BytesMut::new();
    let text = |out: &mut BytesMut, text: &str| {
        out.put_slice(text.as_bytes());
        out.put_u8(0);
    };
    let formats = |out: &mut BytesMut, formats: &[i16]| {
        out.put_u16(formats.len() as u16);
        formats.iter().for_each(|code| out.put_i16(*code));
    };
    match message {
        Message::Query(sql) => text(&mut out, sql),
        Message::Parse { name, sql, oids } => {
            text(&mut out, name);
            text(&mut out, sql);
            out.put_u16(oids.len() as u16);
            oids.iter().for_each(|oid| out.put_u32(*oid));
        }
        Message::Bind(bind) => {
            text(&mut out, &bind.portal);
            text(&mut out, &bind.statement);
            formats(&mut out, &bind.formats);
            out.put_u16(bind.values.len() as u16);
            for value in &bind.values {
                match value {
                    None => out.put_i32(-1),
                    Some(value) => {
                        out.put_u32(value.len() as u32);
                        out.put_slice(value);
                    }
                }
            }
            formats(&mut out, &bind.result_formats);
        }
        Message::Describe(target, name) | Message::Close(target, name) => {
            out.put_u8(if *target == Target::Statement { b'S' } else { b'P' });
            text(&mut out, name);
        }
        Message::Execute { portal, max_rows } => {
            text(&mut out, portal);
            out.put_i32(*max_rows);
        }
        Message::Sync | Message::Flush => {}
        Message::Terminate | Message::Ignored | Message::FunctionCall => return None,
    }
    Some(out.freeze())
}

/// The startup packet: its version in the first four bytes, then what it says.
///
/// # Errors
/// A packet that is accepted without a user, or whose error would leave the connection open.
pub fn startup_packet(bytes: &[u8]) -> Result<(), String> {
    let Some((version, body)) = bytes.split_first_chunk::<4>() else { return Ok(()) };
    let version = (u32::from_be_bytes(*version) & 0xffff) | 3 << 16;
    let mut out = BytesMut::new();
    let fatal = |error: &SqlError| {
        if error.fatal { is_told(error, None) } else { Err(format!("the connection stays open after {error}")) }
    };
    let wanted = match startup::packet(&mut out, version, &Bytes::copy_from_slice(body)) {
        Ok(wanted) => wanted,
        Err(error) => return fatal(&error),
    };
    if wanted.user.is_empty() || wanted.user.len() > 255 || wanted.database.is_empty() {
        return Err(format!("accepted: {wanted:?}"));
    }
    match startup::apply(&mut Settings::default(), &wanted) {
        Err(error) => fatal(&error),
        Ok(()) if wanted.database != startup::DATABASE => Err(format!("accepted: {wanted:?}")),
        Ok(()) => Ok(()),
    }
}

/// The messages of a SCRAM exchange: the client's first, a zero byte, its last. The nonce is always the same, so that an
/// exchange can be found that goes on.
///
/// # Errors
/// A proof that is accepted though nobody knows the password.
pub fn sasl(bytes: &[u8]) -> Result<(), String> {
    const NONCE: &str = "server-nonce";
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (first, last) = bytes.split_at_checked(end).unwrap_or_default();
    let last = last.get(1..).unwrap_or_default();
    let salting = Salting { salt: vec![7; 16], rounds: 4_096 };
    let keys = Keys { stored: [1; 32], server: [2; 32] };
    for (plus, binding) in [(false, None), (false, Some(&b"certificate"[..])), (true, Some(&b"certificate"[..]))] {
        let Ok(exchange) = scram::begin_with(first, plus, binding, &salting, NONCE) else { continue };
        if !exchange.server_first.contains(NONCE) {
            return Err(format!("an answer without our nonce: {}", exchange.server_first));
        }
        if exchange.finish(last, &[keys.clone(), Keys::of_nobody()]).is_ok() {
            return Err("a proof without the password is accepted".to_owned());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Ok((salting, keys)) = scram::parse_verifier(text) {
        let again = scram::parse_verifier(&scram::verifier(&salting, &keys));
        if !again.is_ok_and(|(s, k)| s == salting && k == keys) {
            return Err("a verifier reads back as another one".to_owned());
        }
    }
    Ok(())
}

/// The front door: text of a statement. Needs a big stack, as the query threads have.
///
/// # Errors
/// An error without a SQLSTATE or with a place outside of the text.
pub fn sql(text: &str) -> Result<(), String> {
    match front_door::parse(text) {
        Ok(statements) => {
            let wrong =
                statements.iter().find(|statement| &*statement.sql != text || statement.command.kind().is_empty());
            wrong.map_or(Ok(()), |statement| Err(format!("{statement:?} is not of this text")))
        }
        Err(error) => is_told(&error, Some(text)),
    }
}

/// Whether an error says what PostgreSQL's say, in a place that there is.
fn is_told(error: &SqlError, text: Option<&str>) -> Result<(), String> {
    let code = error.sqlstate;
    let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    if !is_code || code == "XX000" || error.message.is_empty() {
        return Err(format!("not an error for a client: {error:?}"));
    }
    // The end of the text is a place too.
    let most = text.map_or(0, |text| text.chars().count() + 1);
    match error.position {
        Some(position) if position == 0 || position > most => Err(format!("at {position} of {most}: {error}")),
        _ => Ok(()),
    }
}
