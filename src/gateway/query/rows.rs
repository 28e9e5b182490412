//! Rows on their way from a plan to the client: produced on the query threads, a few batches ahead at most.

use std::collections::VecDeque;
use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use futures::StreamExt as _;
use postgres_types::Type;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::error::SqlError;
use super::engine::{Engine, Task};
use super::memory::Share;
use super::plan::Planned;
use super::quota::Quota;
use super::run::Run;
use super::shape::Column;
use super::trail::Trail;

/// Batches between the query threads and the connection. A client that does not read stops the query here.
const AHEAD: usize = 2;

enum Source {
    Stream {
        batches: mpsc::Receiver<RecordBatch>,
        task: Task<Result<(), SqlError>>,
        share: Arc<Share>,
        _stop: DropGuard,
    },
    Ready(VecDeque<RecordBatch>),
}

/// A result that is read piece by piece.
pub(crate) struct Rows {
    /// Its columns.
    pub columns: Arc<[Column]>,
    /// How much of it may still be sent, over all executions of its portal.
    pub quota: Quota,
    source: Source,
    current: Option<(RecordBatch, usize)>,
    finished: bool,
    /// Of a cursor that can go back.
    trail: Option<Trail>,
    /// The number of the row that was read last; zero is before the first.
    at: u64,
    /// After the last row, which is `at`.
    is_over: bool,
}

/// Some rows of one batch.
pub(crate) struct Piece {
    /// The batch.
    pub batch: RecordBatch,
    /// The first row.
    pub start: usize,
    /// How many rows.
    pub count: usize,
}

impl Rows {
    /// Starts a plan on the query threads.
    pub(crate) fn start(
        engine: &Engine,
        planned: Planned,
        columns: Arc<[Column]>,
        sql: &Arc<str>,
        quota: Quota,
    ) -> Self {
        let sql = Arc::clone(sql);
        let (sender, batches) = mpsc::channel(AHEAD);
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let share = Arc::clone(&planned.share);
        let task = engine.spawn(async move {
            let mut run = Run::of(planned, &sql)?;
            loop {
                let (_, mut stream) = run.start(&stop).await?;
                let mut is_seen = false;
                let error = loop {
                    match stream.next().await {
                        None => return Ok(()),
                        Some(Err(error)) => break run.failed(&error),
                        Some(Ok(batch)) if batch.num_rows() == 0 => {}
                        Some(Ok(batch)) => {
                            is_seen = true;
                            if sender.send(batch).await.is_err() {
                                return Ok(());
                            }
                        }
                    }
                };
                drop(stream);
                if is_seen || !run.again(&error) {
                    return Err(error);
                }
            }
        });
        Self::of(columns, quota, Source::Stream { batches, task, share, _stop: guard })
    }

    /// Rows that are already there.
    pub(crate) fn ready(columns: Vec<Column>, batches: impl IntoIterator<Item = RecordBatch>) -> Self {
        let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        Self::of(columns.into(), Quota::default(), Source::Ready(batches))
    }

    fn of(columns: Arc<[Column]>, quota: Quota, source: Source) -> Self {
        Self { columns, quota, source, current: None, finished: false, trail: None, at: 0, is_over: false }
    }

    /// Keeps what is read, so that it can be read again. Before the first row is read.
    pub(crate) fn scroll(&mut self, is_promised: bool) -> Result<(), SqlError> {
        let share = match &self.source {
            Source::Stream { share, .. } => Some(Arc::clone(share)),
            Source::Ready(_) => None,
        };
        self.trail = Some(Trail::new(is_promised, share));
        match self.current.take() {
            Some((batch, _)) => self.keep(batch),
            None => Ok(()),
        }
    }

    /// 55000 where rows that were read are not kept.
    pub(crate) fn check_scrolls(&self) -> Result<(), SqlError> {
        if self.trail.is_some() {
            return Ok(());
        }
        Err(SqlError::new("55000", "cursor can only scan forward")
            .with_hint("Declare it with SCROLL option to enable backward scan."))
    }

    /// Whether a row was read last, and not the end or nothing.
    pub(crate) fn is_on_row(&self) -> bool {
        self.at > 0 && !self.is_over
    }

    /// The number of the row that was read last: zero before the first, one more than there are after the last.
    pub(crate) fn place(&self) -> u64 {
        self.at.saturating_add(u64::from(self.is_over))
    }

    /// Goes back to a row that was read, or before the first.
    pub(crate) fn seek(&mut self, place: u64) -> Result<(), SqlError> {
        if place != self.place() {
            self.check_scrolls()?;
            (self.at, self.is_over) = (place, false);
        }
        Ok(())
    }

    /// About how many bytes of rows are kept.
    pub(crate) fn kept(&self) -> usize {
        self.trail.as_ref().map_or(0, Trail::bytes)
    }

    /// Rows of text columns, as SHOW and EXPLAIN give them.
    pub(crate) fn text(names: &[&str], rows: &[Vec<String>]) -> Result<Self, SqlError> {
        let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
        let columns = names.iter().map(|name| Column::new(name, Type::TEXT)).collect();
        let arrays: Vec<ArrayRef> = (0..names.len())
            .map(|column| {
                let values = rows.iter().map(|row| row.get(column).map(String::as_str));
                Arc::new(values.collect::<StringArray>()) as ArrayRef
            })
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|_| SqlError::internal())?;
        Ok(Self::ready(columns, [batch]))
    }

    /// The next rows, at most `most`; `None` at the end. Cancel-safe.
    pub(crate) async fn next(&mut self, most: usize) -> Result<Option<Piece>, SqlError> {
        loop {
            let piece = match &self.trail {
                Some(trail) => trail.after(self.place(), most),
                None => self.take(most),
            };
            if let Some(piece) = piece {
                self.at = self.at.saturating_add(piece.count as u64);
                return Ok(Some(piece));
            }
            if self.finished {
                self.is_over = true;
                return Ok(None);
            }
            match self.next_batch().await? {
                Some(batch) => self.keep(batch)?,
                None => self.finished = true,
            }
        }
    }

    /// The rows before, the nearest first, at most `most`; `None` at the start. 55000 as [`Self::check_scrolls`].
    pub(crate) fn previous(&mut self, most: usize) -> Result<Option<Piece>, SqlError> {
        self.check_scrolls()?;
        let Some(trail) = &self.trail else { return Ok(None) };
        let place = self.place();
        let piece = trail.before(place, most)?;
        let passed = piece.as_ref().map_or(place, |piece| piece.count as u64);
        (self.at, self.is_over) = (place.saturating_sub(passed), false);
        Ok(piece)
    }

    fn take(&mut self, most: usize) -> Option<Piece> {
        let (batch, start) = self.current.take()?;
        let left = batch.num_rows().saturating_sub(start);
        let count = left.min(most);
        if count < left {
            self.current = Some((batch.clone(), start + count));
        }
        Some(Piece { batch, start, count })
    }

    /// The rows that come next.
    fn keep(&mut self, batch: RecordBatch) -> Result<(), SqlError> {
        let is_kept = match &mut self.trail {
            Some(trail) => trail.keep(batch.clone())?,
            None => false,
        };
        if !is_kept {
            self.trail = None;
            self.current = Some((batch, 0));
        }
        Ok(())
    }

    async fn next_batch(&mut self) -> Result<Option<RecordBatch>, SqlError> {
        match &mut self.source {
            Source::Ready(batches) => Ok(batches.pop_front()),
            Source::Stream { batches, task, share, .. } => {
                let batch = tokio::select! {
                    biased;
                    error = share.ended() => return Err(error),
                    batch = batches.recv() => batch,
                };
                if batch.is_some() {
                    return Ok(batch);
                }
                self.finished = true;
                task.join().await??;
                Ok(None)
            }
        }
    }

    /// Waits until at least one row or the end is known, so that an early error comes before the first byte.
    pub(crate) async fn peek(&mut self) -> Result<(), SqlError> {
        if self.current.is_none() && !self.finished {
            self.current = self.next_batch().await?.map(|batch| (batch, 0));
            self.finished = self.current.is_none();
        }
        Ok(())
    }
}

/// The values of the only row, as the arguments of a CALL.
pub(crate) fn scalars(batch: &RecordBatch) -> Result<Vec<datafusion::scalar::ScalarValue>, SqlError> {
    batch
        .columns()
        .iter()
        .map(|column| {
            if column.is_empty() {
                return Err(SqlError::internal());
            }
            datafusion::scalar::ScalarValue::try_from_array(column, 0).map_err(|error| SqlError::from(&error))
        })
        .collect()
}
