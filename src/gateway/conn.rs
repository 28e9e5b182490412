//! A connection's two directions, and the guard that ends a statement when it must end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::SqlError;
use super::frame::FrameReader;
use super::socket::Socket;
use super::tls::{ALPN, Current};

/// Bytes gathered before they are written.
const FLUSH_AT: usize = 64 * 1024;
/// How long the last words to a client may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Reads frames and gathers answers.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Incoming.
    pub reader: FrameReader<ReadHalf<Socket>>,
    writer: WriteHalf<Socket>,
    certificate_hash: Option<Arc<[u8]>>,
    /// Outgoing, not yet written.
    pub out: BytesMut,
}

/// Ends a statement: the user's cancel, its deadline, the server's end, the client's disappearance.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    /// The user's cancel.
    pub cancel: CancellationToken,
    /// `statement_timeout`.
    pub deadline: Option<Instant>,
    /// The server ends.
    pub shutdown: CancellationToken,
}

/// The client is gone: nobody is told, the log says it.
pub(crate) fn client_gone() -> SqlError {
    SqlError::fatal("08006", "the client closed the connection")
}

/// The server ends.
pub(crate) fn shutting_down() -> SqlError {
    SqlError::fatal("57P01", "terminating connection due to administrator command")
}

impl Guard {
    async fn ended(&self) -> SqlError {
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.cancel.cancelled() => SqlError::new("57014", "canceling statement due to user request"),
            () = deadline => SqlError::new("57014", "canceling statement due to statement timeout"),
            () = self.shutdown.cancelled() => shutting_down(),
        }
    }

    /// Waits for `work`, unless the statement has to end before.
    pub(crate) async fn run<T>(
        &self,
        reader: &mut FrameReader<ReadHalf<Socket>>,
        work: impl Future<Output = Result<T, SqlError>>,
    ) -> Result<T, SqlError> {
        tokio::select! {
            biased;
            error = self.ended() => Err(error),
            done = work => done,
            () = reader.gone() => Err(client_gone()),
        }
    }
}

impl Conn {
    /// Over a fresh socket.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self::over(Socket::Plain(stream), None)
    }

    /// Over a fresh socket whose client begins with the TLS handshake. `direct` is without asking first: only the
    /// negotiated protocol then says that the client means this server (ALPACA).
    pub(crate) async fn accept_tls(stream: TcpStream, tls: Current, direct: bool) -> Result<Self, SqlError> {
        let stream = tls.acceptor.accept(stream).await.map_err(|error| {
            tracing::debug!(target: "grantd::gateway", %error, "TLS handshake");
            client_gone()
        })?;
        if direct && stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            tracing::debug!(target: "grantd::gateway", "a direct TLS connection without the protocol postgresql");
            return Err(client_gone());
        }
        Ok(Self::over(Socket::Tls(Box::new(stream)), Some(tls.certificate_hash)))
    }

    /// The same connection through TLS, after the client asked for it. Nothing of it may have been read ahead.
    pub(crate) async fn into_tls(self, tls: Current) -> Result<Self, SqlError> {
        match self.reader.into_unread().map(|reader| reader.unsplit(self.writer)) {
            Some(Socket::Plain(stream)) => Self::accept_tls(stream, tls, false).await,
            _ => Err(SqlError::protocol("received unencrypted data after SSL request")),
        }
    }

    fn over(socket: Socket, certificate_hash: Option<Arc<[u8]>>) -> Self {
        let (reader, writer) = tokio::io::split(socket);
        Self { reader: FrameReader::new(reader), writer, certificate_hash, out: BytesMut::new() }
    }

    /// The hash of the server's certificate when the connection is encrypted.
    pub(crate) fn certificate_hash(&self) -> Option<Arc<[u8]>> {
        self.certificate_hash.clone()
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.certificate_hash.is_some()
    }

    /// Gathers a message.
    pub(crate) fn send(&mut self, message: &impl Message) -> Result<(), SqlError> {
        let start = self.out.len();
        message.encode(&mut self.out).map_err(|error| {
            self.out.truncate(start);
            tracing::error!(target: "grantd::gateway", %error, "a message could not be encoded");
            SqlError::internal()
        })
    }

    /// Gathers an error.
    pub(crate) fn send_error(&mut self, error: &SqlError) -> Result<(), SqlError> {
        let severity = if error.fatal { "FATAL" } else { "ERROR" };
        self.send(&ErrorResponse::new(fields(severity, error)))
    }

    /// Gathers a notice or warning.
    pub(crate) fn send_notice(&mut self, severity: &str, notice: &SqlError) -> Result<(), SqlError> {
        self.send(&NoticeResponse::new(fields(severity, notice)))
    }

    /// Writes what is gathered, however long the client takes.
    pub(crate) async fn flush(&mut self) -> Result<(), SqlError> {
        write(&mut self.writer, &mut self.out).await
    }

    /// Writes what is gathered while the statement may go on.
    pub(crate) async fn flush_guarded(&mut self, guard: &Guard) -> Result<(), SqlError> {
        guard.run(&mut self.reader, write(&mut self.writer, &mut self.out)).await
    }

    /// Whether enough is gathered to be written.
    pub(crate) fn is_full(&self) -> bool {
        self.out.len() >= FLUSH_AT
    }

    /// Writes what is gathered, briefly, and closes.
    pub(crate) async fn close(mut self) {
        let last = async {
            if self.flush().await.is_ok() {
                // The client sees our end either way.
                let _ = self.writer.shutdown().await;
            }
        };
        // A client that does not read its last message loses it.
        let _ = tokio::time::timeout(LAST_WORDS, last).await;
    }
}

async fn write(writer: &mut WriteHalf<Socket>, out: &mut BytesMut) -> Result<(), SqlError> {
    while out.has_remaining() {
        match writer.write_buf(out).await {
            Ok(0) | Err(_) => return Err(client_gone()),
            Ok(_) => {}
        }
    }
    // TLS keeps a record back until it is told.
    writer.flush().await.map_err(|_| client_gone())?;
    if out.capacity() > 4 * FLUSH_AT {
        *out = BytesMut::new();
    }
    Ok(())
}

fn fields(severity: &str, error: &SqlError) -> Vec<(u8, String)> {
    let clean = |text: &str| text.replace('\0', "");
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', error.sqlstate.to_owned()),
        (b'M', clean(&error.message)),
    ];
    fields.extend(error.detail.as_deref().map(|detail| (b'D', clean(detail))));
    fields.extend(error.hint.as_deref().map(|hint| (b'H', clean(hint))));
    fields.extend(error.position.map(|position| (b'P', position.to_string())));
    fields
}
