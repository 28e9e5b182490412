//! The gateway's threads. Those that execute are not those that read and plan, and neither are those of the sockets: a
//! busy query never keeps a cancel request, a new login or a `BEGIN` waiting. One sort can keep all query threads busy at
//! once, so the system is told, too, who may wait: query threads are the last, the sockets the first. The stacks are big,
//! because SQL nests.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

use super::super::error::SqlError;
use super::super::stats::Stats;

/// Bytes of stack of a thread. Only touched pages cost memory.
const STACK: usize = 64 * 1024 * 1024;

/// Most threads for what waits for a disk, beside those that compute.
const BLOCKING: usize = 512;

/// How nice (`nice(2)`) threads are that execute: a third of the processor's time against one that is not.
const EXECUTING: i32 = 5;

/// How nice threads are that read and plan.
const PLANNING: i32 = 2;

/// Threads of the gateway's own.
#[derive(Debug)]
pub(crate) struct Engine {
    runtime: Option<Runtime>,
    ending: Sender<Runtime>,
    handle: Handle,
    stats: Arc<Stats>,
}

impl Engine {
    /// The query threads: many more than there are processors. An operator may compute for long before it yields, and
    /// the system shares the processors among threads where the runtime cannot.
    pub(crate) fn queries(stats: &Arc<Stats>) -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self::start("grantd-query", processors.saturating_mul(8).max(32), BLOCKING, EXECUTING, stats)
    }

    /// The threads that read statements and plan them.
    pub(crate) fn planning(stats: &Arc<Stats>) -> std::io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self::start("grantd-plan", processors.saturating_mul(4).max(16), BLOCKING, PLANNING, stats)
    }

    /// The threads of the sockets. They hold parsed statements, so their stacks are as big.
    pub(crate) fn wire(stats: &Arc<Stats>) -> std::io::Result<Self> {
        Self::start("grantd-wire", 2, BLOCKING, 0, stats)
    }

    /// The thread of logins: handshakes and proofs never take more than one processor. Users are looked up on a few
    /// threads beside it, because their store is a disk.
    pub(crate) fn logins(stats: &Arc<Stats>) -> std::io::Result<Self> {
        Self::start("grantd-login", 1, 2, 0, stats)
    }

    fn start(name: &str, threads: usize, blocking: usize, nice: i32, stats: &Arc<Stats>) -> std::io::Result<Self> {
        let ending = ending()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .max_blocking_threads(blocking)
            .thread_stack_size(STACK)
            .thread_name(name)
            .on_thread_start(move || be_nice(nice))
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), ending, handle, stats: Arc::clone(stats) })
    }

    /// Runs `work` on these threads. Dropping the task stops it at its next await.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Task<T> {
        Task { work: self.handle.spawn(work), stats: Arc::clone(&self.stats) }
    }
}

/// Makes this thread nicer. On Linux only: elsewhere it would be the whole process.
fn be_nice(by: i32) {
    #[cfg(target_os = "linux")]
    if by > 0
        && let Err(error) = rustix::process::nice(by)
    {
        tracing::debug!(target: "grantd::gateway", %error, "a thread stays as it is");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = by;
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The receiver waits for as long as this sender lives.
            drop(self.ending.send(runtime));
        }
    }
}

/// A thread that waits for the threads of the runtime it is sent, which an async task may not. Letting them go instead
/// (`shutdown_background`) crashes now and then: glibc looks at a thread after it was detached, when it may have ended
/// and freed its stack (bug 19951). For the same reason this thread is detached while it surely lives.
fn ending() -> std::io::Result<Sender<Runtime>> {
    let (sender, receiver) = channel();
    let waiting = std::thread::Builder::new().name("grantd-ending".to_owned());
    drop(waiting.spawn(move || drop(receiver.recv()))?);
    Ok(sender)
}

/// Work on the query threads that ends with its owner.
#[derive(Debug)]
pub(crate) struct Task<T> {
    work: JoinHandle<T>,
    stats: Arc<Stats>,
}

impl<T> Task<T> {
    /// The result; a panic becomes XX000, is logged by the panic hook and ends the connection. Cancel-safe.
    pub(crate) async fn join(&mut self) -> Result<T, SqlError> {
        (&mut self.work).await.map_err(|error| {
            if error.is_panic() {
                self.stats.panics.increment();
            }
            tracing::error!(target: "grantd::gateway", panicked = error.is_panic(), "a query thread gave up a statement");
            SqlError { fatal: true, ..SqlError::internal() }
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.work.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn threads_that_execute_are_nicer_than_those_of_the_sockets() {
        let stats = Arc::new(Stats::default());
        let nice = |engine: &Engine| engine.spawn(async { rustix::process::nice(0).expect("a number") });
        let [wire, planning, queries] =
            [Engine::wire, Engine::planning, Engine::queries].map(|start| start(&stats).expect("threads"));
        let mut levels = Vec::new();
        for engine in [&wire, &planning, &queries] {
            levels.push(nice(engine).join().await.expect("a level"));
        }
        assert!(levels.is_sorted_by(|a, b| a < b) || levels == [19, 19, 19], "{levels:?}");
    }

    /// Threads that end are waited for, also when an async task drops the last owner: a thread that is let go while it
    /// ends is a crash with a C library that frees its stack under the one who lets go (glibc bug 19951).
    #[test]
    fn threads_are_waited_for_when_an_async_task_drops_them() {
        let stats = Arc::new(Stats::default());
        let owner = Engine::wire(&stats).expect("threads");
        for _ in 0..300 {
            let dropped = Engine::queries(&stats).expect("threads");
            let (sent, received) = std::sync::mpsc::channel();
            let handle = owner.handle.clone();
            handle.spawn(async move {
                drop(dropped);
                sent.send(()).expect("a receiver");
            });
            received.recv().expect("an answer");
        }
    }
}
