//! Incoming bytes to messages. Every length, count and terminator is checked here before anything else looks at a
//! frame, and memory grows only with bytes that arrived, never with a number that the client announced.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::error::SqlError;

/// Largest frame of a message that is neither a statement nor a Bind.
pub const SMALL_FRAME: usize = 16 * 1024;
/// Largest query text, in bytes.
pub const MAX_QUERY_TEXT: usize = 1024 * 1024;
/// Largest Parse: a query text and 65,535 type oids.
const PARSE_FRAME: usize = MAX_QUERY_TEXT + 4 * 65_536 + SMALL_FRAME;
/// Largest Bind.
pub const BIND_FRAME: usize = 16 * 1024 * 1024;
/// What is read ahead while a statement runs; beyond it the client has to wait.
const READ_AHEAD: usize = 256 * 1024;
const CHUNK: usize = 16 * 1024;

/// A complete frame: its type byte and its body.
#[derive(Debug)]
pub struct Frame {
    /// The type byte.
    pub tag: u8,
    /// What follows the length.
    pub body: Bytes,
}

/// What Describe and Close name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A prepared statement.
    Statement,
    /// A portal.
    Portal,
}

/// A frontend message after the startup.
#[derive(Debug)]
pub enum Message {
    /// A simple query.
    Query(String),
    /// Prepare a statement.
    Parse {
        /// Empty for the unnamed statement.
        name: String,
        /// The text.
        sql: String,
        /// The parameter types that the client chose; 0 leaves one open.
        oids: Vec<u32>,
    },
    /// Give a prepared statement its parameters.
    Bind(Bind),
    /// Ask for parameters and columns.
    Describe(Target, String),
    /// Run a portal.
    Execute {
        /// Empty for the unnamed portal.
        portal: String,
        /// Rows wanted; zero or less means all.
        max_rows: i32,
    },
    /// Forget a statement or portal.
    Close(Target, String),
    /// End of an extended-protocol series.
    Sync,
    /// Send what there is.
    Flush,
    /// The client leaves.
    Terminate,
    /// Copy messages outside of a copy: dropped, as PostgreSQL does.
    Ignored,
    /// The old function call, which PostgreSQL keeps for its own libraries.
    FunctionCall,
}

/// The parts of a Bind message.
#[derive(Debug)]
pub struct Bind {
    /// Empty for the unnamed portal.
    pub portal: String,
    /// Empty for the unnamed statement.
    pub statement: String,
    /// None, one for all, or one per parameter; `true` is binary.
    pub formats: Vec<i16>,
    /// The values; `None` is NULL.
    pub values: Vec<Option<Bytes>>,
    /// None, one for all, or one per column; `true` is binary.
    pub result_formats: Vec<i16>,
}

/// Why no further frame comes.
#[derive(Debug)]
pub enum FrameError {
    /// The client closed the connection, or it broke.
    Gone,
    /// The client broke the protocol.
    Protocol(SqlError),
}

/// Reads frames from one connection.
#[derive(Debug)]
pub struct FrameReader<R> {
    stream: R,
    buffer: BytesMut,
    gone: bool,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// A reader that has read nothing yet.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: BytesMut::new(), gone: false }
    }

    /// Exactly `count` bytes and not one more, for the negotiation that precedes the startup packet.
    /// `count` is bounded by the caller.
    pub async fn exact(&mut self, count: usize) -> Result<Bytes, FrameError> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await.map_err(|_| FrameError::Gone)?;
        Ok(Bytes::from(bytes))
    }

    /// The stream, if nothing was read ahead.
    pub fn into_unread(self) -> Option<R> {
        self.buffer.is_empty().then_some(self.stream)
    }

    /// The body of a password message. Before the login nothing else is read, and nothing longer than [`SMALL_FRAME`].
    pub async fn next_password(&mut self) -> Result<Bytes, FrameError> {
        while self.buffer.is_empty() {
            if !self.fill().await {
                return Err(FrameError::Gone);
            }
        }
        match self.buffer.first() {
            Some(b'p') => Ok(self.next().await?.body),
            other => {
                let tag = other.copied().unwrap_or_default();
                let text = format!("expected SASL response, got message type {tag}");
                Err(FrameError::Protocol(SqlError::protocol(text)))
            }
        }
    }

    async fn fill(&mut self) -> bool {
        if self.gone {
            return false;
        }
        self.buffer.reserve(CHUNK);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) | Err(_) => {
                self.gone = true;
                false
            }
            Ok(_) => true,
        }
    }

    /// The next frame. Cancel-safe: what was read stays.
    pub async fn next(&mut self) -> Result<Frame, FrameError> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            if !self.fill().await {
                return Err(FrameError::Gone);
            }
        }
    }

    fn take(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((&tag, rest)) = self.buffer.split_first() else { return Ok(None) };
        let limit = match tag {
            b'Q' => MAX_QUERY_TEXT + 5,
            b'P' => PARSE_FRAME,
            b'B' => BIND_FRAME,
            b'd' => CHUNK * 8,
            b'D' | b'E' | b'C' | b'S' | b'H' | b'X' | b'c' | b'f' | b'F' | b'p' => SMALL_FRAME,
            _ => {
                return Err(FrameError::Protocol(SqlError::protocol(format!("invalid frontend message type {tag}"))));
            }
        };
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        let body = usize::try_from(length).ok().and_then(|length| length.checked_sub(4));
        let Some(body) = body.filter(|body| *body <= limit) else {
            return Err(FrameError::Protocol(SqlError::protocol(format!(
                "invalid message length {length} (limit {limit} bytes)"
            ))));
        };
        if self.buffer.len() < body + 5 {
            return Ok(None);
        }
        self.buffer.advance(5);
        Ok(Some(Frame { tag, body: self.buffer.split_to(body).freeze() }))
    }

    /// Resolves when the client is gone. Reads ahead within a bound, so that pipelined messages are kept.
    pub async fn gone(&mut self) {
        loop {
            if self.gone {
                return;
            }
            if self.buffer.len() >= READ_AHEAD {
                std::future::pending::<()>().await;
            }
            self.fill().await;
        }
    }
}

/// Takes a body apart.
struct Reader(Bytes);

impl Reader {
    fn short() -> SqlError {
        SqlError::protocol("insufficient data left in message")
    }

    fn text(&mut self) -> Result<String, SqlError> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let Some(end) = end else { return Err(SqlError::protocol("invalid string in message")) };
        let bytes = self.0.split_to(end);
        self.0.advance(1);
        utf8(&bytes)
    }

    fn byte(&mut self) -> Result<u8, SqlError> {
        self.0.try_get_u8().map_err(|_| Self::short())
    }

    fn short_count(&mut self) -> Result<usize, SqlError> {
        self.0.try_get_u16().map(usize::from).map_err(|_| Self::short())
    }

    fn int(&mut self) -> Result<i32, SqlError> {
        self.0.try_get_i32().map_err(|_| Self::short())
    }

    fn formats(&mut self) -> Result<Vec<i16>, SqlError> {
        let count = self.short_count()?;
        (0..count).map(|_| self.0.try_get_i16().map_err(|_| Self::short())).collect()
    }

    fn target(&mut self) -> Result<Target, SqlError> {
        match self.byte()? {
            b'S' => Ok(Target::Statement),
            b'P' => Ok(Target::Portal),
            other => Err(SqlError::protocol(format!("invalid message subtype {other}"))),
        }
    }

    fn end(&self) -> Result<(), SqlError> {
        if self.0.is_empty() { Ok(()) } else { Err(SqlError::protocol("invalid message format")) }
    }
}

/// 22021 with the first bad byte, as PostgreSQL says it.
pub fn utf8(bytes: &[u8]) -> Result<String, SqlError> {
    std::str::from_utf8(bytes).map(ToOwned::to_owned).map_err(|error| {
        let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        SqlError::new("22021", format!("invalid byte sequence for encoding \"UTF8\": 0x{bad:02x}"))
    })
}

/// A frame's message. A fatal error is a broken protocol; others (bad UTF-8) belong to the message.
pub fn decode(frame: Frame) -> Result<Message, SqlError> {
    let mut body = Reader(frame.body);
    let message = match frame.tag {
        b'Q' => Message::Query(body.text()?),
        b'P' => {
            let name = body.text()?;
            let sql = body.text()?;
            let count = body.short_count()?;
            let mut oids = Vec::new();
            for _ in 0..count {
                oids.push(body.int()?.cast_unsigned());
            }
            Message::Parse { name, sql, oids }
        }
        b'B' => {
            let portal = body.text()?;
            let statement = body.text()?;
            let formats = body.formats()?;
            let count = body.short_count()?;
            let mut values = Vec::new();
            for _ in 0..count {
                let length = body.int()?;
                values.push(match usize::try_from(length) {
                    Ok(length) if length <= body.0.len() => Some(body.0.split_to(length)),
                    Err(_) if length == -1 => None,
                    _ => return Err(Reader::short()),
                });
            }
            let result_formats = body.formats()?;
            Message::Bind(Bind { portal, statement, formats, values, result_formats })
        }
        b'D' => Message::Describe(body.target()?, body.text()?),
        b'C' => Message::Close(body.target()?, body.text()?),
        b'E' => Message::Execute { portal: body.text()?, max_rows: body.int()? },
        b'S' => Message::Sync,
        b'H' => Message::Flush,
        b'X' => return Ok(Message::Terminate),
        b'd' | b'c' | b'f' => return Ok(Message::Ignored),
        b'F' => return Ok(Message::FunctionCall),
        other => return Err(SqlError::protocol(format!("unexpected message type 0x{other:02X}"))),
    };
    body.end()?;
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(tag: u8, body: &[u8]) -> Frame {
        Frame { tag, body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn counts_beyond_the_body_are_refused() {
        let error = decode(frame(b'P', b"\0select 1\0\xff\xff")).unwrap_err();
        assert!(error.fatal && error.sqlstate == "08P01");
        assert!(decode(frame(b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff")).unwrap_err().fatal);
        assert!(decode(frame(b'Q', b"select 1")).unwrap_err().fatal);
        assert!(decode(frame(b'S', b"x")).unwrap_err().fatal);
    }

    #[tokio::test]
    async fn a_declared_length_is_never_allocated() {
        let mut bytes: &[u8] = &[b'Q', 0x7f, 0xff, 0xff, 0xff];
        let mut reader = FrameReader::new(&mut bytes);
        assert!(matches!(reader.next().await, Err(FrameError::Protocol(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(tag in proptest::sample::select(&b"QPBDECSHXdcfFp"[..]), body: Vec<u8>) {
            let _ = decode(frame(tag, &body));
        }
    }
}
