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
        Self {
            columns,
            quota,
            source: Source::Stream { batches, task, share, _stop: guard },
            current: None,
            finished: false,
        }
    }

    /// Rows that are already there.
    pub(crate) fn ready(columns: Vec<Column>, batches: impl IntoIterator<Item = RecordBatch>) -> Self {
        let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0).collect();
        Self {
            columns: columns.into(),
            quota: Quota::default(),
            source: Source::Ready(batches),
            current: None,
            finished: false,
        }
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
        if self.current.is_none() && !self.finished {
            self.current = self.next_batch().await?.map(|batch| (batch, 0));
            self.finished = self.current.is_none();
        }
        let Some((batch, start)) = self.current.take() else { return Ok(None) };
        let left = batch.num_rows().saturating_sub(start);
        let count = left.min(most);
        if count < left {
            self.current = Some((batch.clone(), start + count));
        }
        Ok(Some(Piece { batch, start, count }))
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
