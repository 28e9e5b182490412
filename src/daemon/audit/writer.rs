//! The one thread that writes.

use super::entries::own;
use super::queue::{Failure, Queue, Waiter};
use crate::daemon::now;
use crate::store::Store;
use crate::store::audit::{AuditError, Event, Head, Log};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Between two tries on a disk that fails.
const RETRY: Duration = Duration::from_secs(1);
/// Between two lines that tell the head.
const HEAD_EVERY: Duration = Duration::from_mins(1);

/// Opens the log and starts the thread. Only a log of a newer grantd is an error; what else is wrong is the log's state.
pub(super) fn start(queue: Arc<Queue>, store: Arc<Store>, segment_bytes: u64) -> Result<JoinHandle<()>, AuditError> {
    let mut writer = Writer {
        queue,
        store,
        segment_bytes,
        log: None,
        hopeless: false,
        pending: Vec::new(),
        unkept: None,
        failure: None,
        told: None,
    };
    match writer.open() {
        Err(error @ AuditError::Newer { .. }) => return Err(error),
        Err(error) => writer.fail(&error),
        Ok(()) => {}
    }
    let thread = std::thread::Builder::new().name("grantd-audit".to_owned());
    let started = thread.spawn(move || writer.run());
    started.map_err(|source| AuditError::Io { action: "start", path: "the thread of the query log".into(), source })
}

struct Writer {
    queue: Arc<Queue>,
    store: Arc<Store>,
    segment_bytes: u64,
    log: Option<Log>,
    /// The log is not whole: it is not tried again.
    hopeless: bool,
    /// Not on the disk.
    pending: Vec<Event>,
    /// Records on the disk whose head the store does not know.
    unkept: Option<usize>,
    failure: Option<Failure>,
    /// The head that a line told, and when.
    told: Option<(Instant, Head)>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let group = if self.failure.is_some() { self.queue.after(RETRY) } else { self.queue.next() };
            self.pending.extend(group.events);
            self.attempt(group.waiters);
            if group.last {
                break;
            }
        }
        if let Some(log) = &self.log {
            tracing::info!(target: "grantd::audit", head = %log.head(), "the query log ends");
        }
        if !self.pending.is_empty() {
            tracing::error!(
                target: "grantd::audit",
                records = self.pending.len(),
                "the query log could not be written to the end: these records are lost"
            );
        }
        self.queue.ended();
    }

    fn attempt(&mut self, waiters: Vec<Waiter>) {
        if !self.hopeless {
            match self.write() {
                Ok(()) => self.failure = None,
                Err(error) => self.fail(&error),
            }
        }
        let answer = self.failure.clone().map_or(Ok(()), Err);
        for waiter in waiters {
            // Who gave up waiting needs no answer.
            let _ = waiter.send(answer.clone());
        }
    }

    fn open(&mut self) -> Result<(), AuditError> {
        let log = Log::open(&self.store, self.segment_bytes)?;
        self.queue.opened(log.key(), log.head());
        tracing::info!(target: "grantd::audit", head = %log.head(), "the query log is open");
        self.log = Some(log);
        Ok(())
    }

    fn write(&mut self) -> Result<(), AuditError> {
        if self.log.is_none() {
            self.open()?;
        }
        let Some(log) = &mut self.log else { return Ok(()) };
        // First what a former try left undone.
        if self.unkept.is_some() {
            log.keep_head(&self.store)?;
        }
        let recovery = log.recovered().map(|told| own("recovery", told.to_owned()));
        let refused = self.failure.as_ref().map(|_| self.queue.take_refused());
        let resume = self.failure.as_ref().zip(refused).map(|(before, refused)| resume(before, refused));
        let (is_recovery, is_resume) = (recovery.is_some(), resume.is_some());
        let group: Vec<Event> = recovery.into_iter().chain(self.pending.drain(..)).chain(resume).collect();
        if let Err(error) = log.append(&group, now()) {
            let ours = group.len().saturating_sub(usize::from(is_resume));
            self.pending = group.into_iter().take(ours).skip(usize::from(is_recovery)).collect();
            self.queue.put_back_refused(refused.unwrap_or_default());
            return Err(error);
        }
        let count = group.len() - usize::from(is_recovery) - usize::from(is_resume);
        self.unkept = Some(self.unkept.unwrap_or_default().saturating_add(count));
        log.keep_head(&self.store)?;
        let head = log.head();
        self.queue.written(self.unkept.take().unwrap_or_default(), head);
        if is_resume {
            tracing::warn!(target: "grantd::audit", %head, "the query log is written again");
        }
        let due = self.told.is_none_or(|(at, told)| at.elapsed() >= HEAD_EVERY && told != head);
        if due {
            self.told = Some((Instant::now(), head));
            tracing::info!(target: "grantd::audit", %head, "the head of the query log");
        }
        Ok(())
    }

    fn fail(&mut self, error: &AuditError) {
        self.hopeless = matches!(error, AuditError::Broken(_) | AuditError::Newer { .. });
        let since = self.failure.as_ref().map_or_else(now, |before| before.since);
        if self.failure.is_none() {
            let hint = error.hint().unwrap_or_default();
            tracing::error!(
                target: "grantd::audit",
                %error,
                hint,
                "the query log cannot be written: changes and new logins are refused"
            );
        }
        let failure = Failure::of(error, since);
        self.queue.failed(&failure);
        self.failure = Some(failure);
    }
}

fn resume(before: &Failure, refused: u64) -> Event {
    let seconds = now().saturating_sub(before.since) / 1_000_000;
    own(
        "resume",
        format!(
            "the log could not be written for {seconds} s ({}); {refused} statements and logins were refused without a \
             record",
            before.reason()
        ),
    )
}
