//! The gateway's threads. Those that parse, plan and execute are not those of the sockets: a busy query never keeps a
//! cancel request or a new login waiting. The stacks are big, because SQL nests.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::super::error::SqlError;

/// Bytes of stack of a thread. Only touched pages cost memory.
const STACK: usize = 64 * 1024 * 1024;

/// Threads of the gateway's own.
#[derive(Debug)]
pub(crate) struct Engine {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Engine {
    /// The query threads: many more than there are processors. An operator may compute for long before it yields, and
    /// the system shares the processors among threads where the runtime cannot.
    pub(crate) fn queries() -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self::start("grantd-query", processors.saturating_mul(8).max(32))
    }

    /// The threads of the sockets. They hold parsed statements, so their stacks are as big.
    pub(crate) fn wire() -> std::io::Result<Self> {
        Self::start("grantd-wire", 2)
    }

    fn start(name: &str, threads: usize) -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_stack_size(STACK)
            .thread_name(name)
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle })
    }

    /// Runs `work` on these threads. Dropping the task stops it at its next await.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task(self.handle.spawn(work))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed inside of an async task; what still runs is cut off.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Work on the query threads that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T> Task<T> {
    /// The result; a panic becomes XX000, is logged by the panic hook and ends the connection. Cancel-safe.
    pub(crate) async fn join(&mut self) -> Result<T, SqlError> {
        (&mut self.0).await.map_err(|error| {
            tracing::error!(target: "grantd::gateway", panicked = error.is_panic(), "a query thread gave up a statement");
            SqlError { fatal: true, ..SqlError::internal() }
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
