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
use super::login::certificate::ClientNames;
use super::socket::Socket;
use super::stats::Stats;
use super::tls::{ALPN, Current};

/// Bytes gathered before they are written.
const FLUSH_AT: usize = 64 * 1024;
/// How long a client may take no byte, unless told otherwise.
const WRITE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long the last words to a client may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Reads frames and gathers answers.
#[derive(Debug)]
pub(crate) struct Conn {
    /// Incoming.
    pub reader: FrameReader<ReadHalf<Socket>>,
    writer: WriteHalf<Socket>,
    channel: Option<Channel>,
    /// How long the client may take no byte of what it is sent.
    pub write_timeout: Option<Duration>,
    /// Where what it sends is counted.
    pub stats: Arc<Stats>,
    /// Outgoing, not yet written.
    pub out: BytesMut,
    written: u64,
}

/// What the handshake of TLS told.
#[derive(Debug, Clone)]
struct Channel {
    /// The hash of the server's certificate, where it has one.
    certificate_hash: Option<Arc<[u8]>>,
    /// The names in the client's certificate, which the handshake verified.
    client: Option<Arc<ClientNames>>,
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
    /// Over a fresh socket in clear.
    pub(crate) fn new(socket: Socket) -> Self {
        Self::over(socket, None)
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
        let client = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let client = client.map(|certificate| Arc::new(ClientNames::of(certificate)));
        let channel = Channel { certificate_hash: tls.certificate_hash, client };
        Ok(Self::over(Socket::Tls(Box::new(stream)), Some(channel)))
    }

    /// The same connection through TLS, after the client asked for it. Nothing of it may have been read ahead.
    pub(crate) async fn into_tls(self, tls: Current) -> Result<Self, SqlError> {
        match self.reader.into_unread().map(|reader| reader.unsplit(self.writer)) {
            Some(Socket::Plain(stream)) => {
                let encrypted = Self::accept_tls(stream, tls, false).await?;
                Ok(Self { stats: self.stats, ..encrypted })
            }
            _ => Err(SqlError::protocol("received unencrypted data after SSL request")),
        }
    }

    fn over(socket: Socket, channel: Option<Channel>) -> Self {
        let (reader, writer) = tokio::io::split(socket);
        Self {
            reader: FrameReader::new(reader),
            writer,
            channel,
            write_timeout: Some(WRITE_TIMEOUT),
            stats: Arc::default(),
            out: BytesMut::new(),
            written: 0,
        }
    }

    /// The hash of the server's certificate when the connection is encrypted and can be bound to.
    pub(crate) fn certificate_hash(&self) -> Option<Arc<[u8]>> {
        self.channel.as_ref()?.certificate_hash.clone()
    }

    /// The names in the client's certificate, if it showed one.
    pub(crate) fn client_names(&self) -> Option<Arc<ClientNames>> {
        self.channel.as_ref()?.client.clone()
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.channel.is_some()
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

    /// Writes what is gathered, as long as the client takes some of it now and then.
    pub(crate) async fn flush(&mut self) -> Result<(), SqlError> {
        write(&mut self.writer, &mut self.out, self.write_timeout, &self.stats, &mut self.written).await
    }

    /// Writes what is gathered while the statement may go on.
    pub(crate) async fn flush_guarded(&mut self, guard: &Guard) -> Result<(), SqlError> {
        let writing = write(&mut self.writer, &mut self.out, self.write_timeout, &self.stats, &mut self.written);
        guard.run(&mut self.reader, writing).await
    }

    /// Bytes sent so far, those that are gathered too.
    pub(crate) fn sent(&self) -> u64 {
        self.written.saturating_add(self.out.len() as u64)
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

async fn write(
    writer: &mut WriteHalf<Socket>,
    out: &mut BytesMut,
    patience: Option<Duration>,
    stats: &Stats,
    written: &mut u64,
) -> Result<(), SqlError> {
    while out.has_remaining() {
        match within(patience, writer.write_buf(out)).await? {
            Ok(0) | Err(_) => return Err(client_gone()),
            Ok(count) => {
                stats.bytes_sent.add(count as u64);
                *written = written.saturating_add(count as u64);
            }
        }
    }
    // TLS keeps a record back until it is told.
    within(patience, writer.flush()).await?.map_err(|_| client_gone())?;
    if out.capacity() > 4 * FLUSH_AT {
        *out = BytesMut::new();
    }
    Ok(())
}

/// `work`, unless the client does not read for too long. It is told nothing: it would not read that either.
async fn within<T>(patience: Option<Duration>, work: impl Future<Output = T>) -> Result<T, SqlError> {
    let Some(patience) = patience else { return Ok(work.await) };
    tokio::time::timeout(patience, work).await.map_err(|_| {
        tracing::info!(target: "grantd::gateway", seconds = patience.as_secs(), "a client that does not read was cut off");
        SqlError::fatal("08006", "the client does not read what it is sent")
    })
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
