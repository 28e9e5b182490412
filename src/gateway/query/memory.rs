//! Memory and disk of statements: each has a share of its own within what all have together, and none gets more once the
//! process has used up what it may. What the engine does not account for is bounded in `bounds`; what still gets past
//! is seen here, by the memory that the process really uses, and ends the largest statement.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::super::error::{SqlError, out_of_memory};
use super::super::stats::Stats;
use super::spill::{Disk, StatementDisk};
use crate::config::{Limits, size};
use crate::heap;

/// Between two looks at the memory in use while statements run.
const LOOK: Duration = Duration::from_millis(20);
/// Looks that the end of a statement gets to take effect before another is ended.
const GRACE: u32 = 10;

/// Shares memory and disk out to statements.
pub(crate) struct Governor {
    limits: Arc<Limits>,
    /// Bytes in use beyond which statements get no more.
    most: usize,
    shared: Arc<FairSpillPool>,
    disk: Option<Arc<Disk>>,
    running: Mutex<Vec<Weak<Share>>>,
    begun: Notify,
}

impl Governor {
    /// Within these limits.
    pub(crate) fn new(limits: Arc<Limits>) -> Self {
        let most = limits.memory_limit.or_else(|| heap::available().map(|bytes| bytes / 5 * 4));
        Self {
            most: most.map_or(usize::MAX, saturated),
            shared: Arc::new(FairSpillPool::new(saturated(limits.query_memory))),
            disk: limits.spill.clone().map(|spill| Arc::new(Disk::new(spill))),
            running: Mutex::default(),
            begun: Notify::new(),
            limits,
        }
    }

    /// The share of a statement that begins now; 53200 when the process has no memory left.
    pub(crate) fn admit(self: &Arc<Self>) -> std::result::Result<Arc<Share>, SqlError> {
        self.room(0).map_err(out_of_memory)?;
        let share = Arc::new(Share {
            governor: Arc::clone(self),
            reserved: AtomicUsize::new(0),
            stepped: AtomicUsize::new(0),
            end: CancellationToken::new(),
            why: OnceLock::new(),
            refusal: Mutex::default(),
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|share| share.strong_count() > 0);
        running.push(Arc::downgrade(&share));
        drop(running);
        self.begun.notify_one();
        Ok(share)
    }

    /// Whether the process may use so much more.
    pub(crate) fn room(&self, more: usize) -> std::result::Result<(), String> {
        if heap::in_use().saturating_add(more) <= self.most {
            return Ok(());
        }
        Err(format!("The server uses all of the {} that it may use (memory_limit).", size::shown(self.most as u64)))
    }

    /// Shows how much statements have reserved together.
    pub(crate) fn show(&self, stats: &Stats) {
        // A gateway serves once.
        let _ = stats.query_memory.set(Arc::clone(&self.shared) as Arc<dyn MemoryPool>);
    }

    /// What clients may take.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn statement_memory(&self) -> usize {
        saturated(self.limits.statement_memory)
    }

    /// Looks at the memory in use as long as statements run, and ends the one that holds most when it is too much.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut grace = 0u32;
        loop {
            let running: Vec<Arc<Share>> = {
                let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
                running.retain(|share| share.strong_count() > 0);
                running.iter().filter_map(Weak::upgrade).collect()
            };
            if running.is_empty() {
                self.begun.notified().await;
            }
            grace = grace.saturating_sub(1);
            if grace == 0
                && let Err(detail) = self.room(0)
                && let Some(largest) = running.iter().filter(|share| share.why.get().is_none()).max_by_key(|s| s.size())
            {
                tracing::warn!(target: "grantd::gateway", bytes = heap::in_use(), "memory is used up; a statement is ended");
                largest.end(out_of_memory(detail));
                grace = GRACE;
            }
            drop(running);
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn saturated(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

impl fmt::Debug for Governor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Governor").field("most", &self.most).finish_non_exhaustive()
    }
}

/// What one statement has of memory and disk.
pub(crate) struct Share {
    governor: Arc<Governor>,
    /// Bytes that operators reserved.
    reserved: AtomicUsize,
    /// Bytes that functions made, all in all.
    stepped: AtomicUsize,
    end: CancellationToken,
    why: OnceLock<SqlError>,
    /// What the pool said when it gave no more: operators may have words of their own for it.
    refusal: Mutex<Option<String>>,
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("reserved", &self.reserved)
            .field("stepped", &self.stepped)
            .finish_non_exhaustive()
    }
}

impl Share {
    fn size(&self) -> usize {
        self.reserved.load(Ordering::Relaxed).saturating_add(self.stepped.load(Ordering::Relaxed))
    }

    fn end(&self, why: SqlError) {
        // The first reason stays.
        let _ = self.why.set(why);
        self.end.cancel();
    }

    /// The limit that the pool met last.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn exhausted(&self, detail: String) -> DataFusionError {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(detail.clone());
        // The variant that makes operators spill.
        DataFusionError::ResourcesExhausted(detail)
    }

    /// Resolves when the statement has to end for others' sake.
    pub(crate) async fn ended(&self) -> SqlError {
        self.end.cancelled().await;
        self.why.get().cloned().unwrap_or_else(SqlError::internal)
    }

    /// Bytes that one step of a function or operator may make at once: an eighth of a statement's memory, because several
    /// of them are in use together.
    pub(crate) fn step(&self) -> usize {
        self.governor.statement_memory() / 8
    }

    /// Bytes that the statement may use.
    pub(crate) fn most(&self) -> usize {
        self.governor.statement_memory()
    }

    /// A function is about to make so many bytes at once.
    pub(crate) fn make(&self, bytes: usize) -> std::result::Result<(), SqlError> {
        self.governor.room(bytes).map_err(out_of_memory)?;
        self.stepped.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// A task of the statement, with its own memory and disk.
    pub(crate) fn task(self: &Arc<Self>, task: TaskContext) -> Result<Arc<TaskContext>> {
        let governor = &self.governor;
        let pool = SharePool { share: Arc::clone(self), own: FairSpillPool::new(governor.statement_memory()) };
        let mode = match &governor.disk {
            Some(disk) => DiskManagerMode::Custom(Arc::new(StatementDisk::new(disk))),
            None => DiskManagerMode::Disabled,
        };
        let runtime = RuntimeEnvBuilder::from_runtime_env(&task.runtime_env())
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
            .build_arc()?;
        Ok(Arc::new(task.with_runtime(runtime)))
    }
}

/// A statement's pool: its own limit first, then that of all, then the process's.
struct SharePool {
    share: Arc<Share>,
    own: FairSpillPool,
}

impl fmt::Debug for SharePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharePool({:?})", self.share)
    }
}

impl fmt::Display for SharePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(used: {})", self.name(), self.reserved())
    }
}

impl SharePool {
    fn shared(&self) -> &FairSpillPool {
        &self.share.governor.shared
    }
}

impl MemoryPool for SharePool {
    fn name(&self) -> &'static str {
        "share"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
        self.shared().register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
        self.shared().unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.shared().grow(reservation, additional);
        self.share.reserved.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.shared().shrink(reservation, shrink);
        self.share.reserved.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let governor = &self.share.governor;
        governor.room(additional).map_err(|detail| self.share.exhausted(detail))?;
        self.own.try_grow(reservation, additional).map_err(|_| {
            let most = size::shown(governor.limits.statement_memory);
            self.share.exhausted(format!(
                "The statement would need more than the {most} that one may use (statement_memory)."
            ))
        })?;
        self.shared().try_grow(reservation, additional).map_err(|_| {
            self.own.shrink(reservation, additional);
            let most = size::shown(governor.limits.query_memory);
            self.share.exhausted(format!("All statements together use the {most} that they may use (query_memory)."))
        })?;
        self.share.reserved.fetch_add(additional, Ordering::Relaxed);
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.share.governor.statement_memory())
    }
}
