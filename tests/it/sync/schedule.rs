//! The timetable: intervals, checks between syncs, waits after failures, one run of an account at a time.

use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, StringArray};
use grantd::daemon::scheduler::{Schedules, Timetable};
use grantd::daemon::{Clock, Connector, Daemon, SyncRequest, SyncSettings, now};
use grantd::store::{AccountSource, Store};
use grantd::sync::source::Silent;
use grantd::sync::table::Place;
use grantd::sync::{Progress, Source, SourceError, SourceKind, SourceTable, Statement};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What an account does when it is asked.
#[derive(Default)]
struct Behaviour {
    /// The login is refused.
    refuses: bool,
    /// Every statement fails.
    fails: bool,
    /// How long the first statement of a run takes.
    takes: Duration,
}

#[derive(Default)]
struct Account {
    does: Behaviour,
    running: AtomicUsize,
    most: AtomicUsize,
    /// When runs began, and how many statements each sent.
    runs: Mutex<Vec<(Instant, usize)>>,
}

impl Account {
    fn new(does: Behaviour) -> Arc<Self> {
        Arc::new(Self { does, ..Self::default() })
    }

    fn started(&self) -> usize {
        self.runs.lock().unwrap().len()
    }
}

struct Opened(Arc<Account>);

impl Connector for Opened {
    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let running = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(running, Ordering::SeqCst);
        self.0.runs.lock().unwrap().push((Instant::now(), 0));
        Ok(Box::new(Opened(Arc::clone(&self.0))))
    }

    fn settings(&self) -> SyncSettings {
        SyncSettings { overlap: Duration::ZERO, ..SyncSettings::default() }
    }
}

#[async_trait]
impl Source for Opened {
    async fn read(&self, statement: &Statement, _: &dyn Progress) -> Result<SourceTable, SourceError> {
        self.0.runs.lock().unwrap().last_mut().unwrap().1 += 1;
        if statement.kind == SourceKind::ShowUsers {
            tokio::time::sleep(self.0.does.takes).await;
        }
        if self.0.does.refuses {
            let (code, message) = ("390144".to_owned(), "JWT token is invalid".to_owned());
            return Err(SourceError::Login { code, message, advice: String::new() });
        }
        if self.0.does.fails {
            return Err(SourceError::Incomplete("on purpose".into()));
        }
        let names: Vec<String> = statement.kind.spec().columns().map(str::to_owned).collect();
        let columns = names.iter().map(|_| Arc::new(StringArray::from(Vec::<String>::new())) as ArrayRef).collect();
        Ok(SourceTable::new(statement.kind, Place::Statement(statement.name.clone()), names, vec![columns])?)
    }

    async fn close(&self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn daemon(accounts: &[(&str, &Arc<Account>)]) -> Arc<Daemon> {
    let connector = |account: &Arc<Account>| Arc::new(Opened(Arc::clone(account))) as Arc<dyn Connector>;
    let connectors = accounts.iter().map(|(name, account)| ((*name).to_owned(), connector(account))).collect();
    Arc::new(Daemon::open(Arc::new(Store::in_memory().unwrap()), connectors).unwrap())
}

fn often(interval: u64, check: Option<u64>) -> Timetable {
    Timetable {
        first_retry: Duration::from_millis(50),
        after_refused_login: Duration::from_mins(1),
        ..Timetable::every(Duration::from_millis(interval), check.map(Duration::from_millis))
    }
}

/// Waits for something that happens soon.
async fn until(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < end, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_account_that_fails_or_hangs_does_not_hold_up_another() {
    let good = Account::new(Behaviour::default());
    let bad = Account::new(Behaviour { fails: true, ..Behaviour::default() });
    let slow = Account::new(Behaviour { takes: Duration::from_mins(10), ..Behaviour::default() });
    let refused = Account::new(Behaviour { refuses: true, ..Behaviour::default() });
    let daemon = daemon(&[("good", &good), ("bad", &bad), ("slow", &slow), ("refused", &refused)]);
    let (stop, mut schedules) = (CancellationToken::new(), Schedules::default());
    for name in ["bad", "slow", "refused", "good"] {
        schedules.add(&daemon, name, often(40, None), &stop);
    }
    until("five runs of the good account", || good.started() >= 5).await;
    until("three tries of the bad one", || bad.started() >= 3).await;
    assert_eq!((slow.started(), refused.started()), (1, 1), "a refused login is not tried again soon");
    let world = daemon.world();
    assert_eq!(world.account("good").unwrap().health.failures, 0);
    let errors = |name: &str| world.sync_runs.iter().filter(|r| r.account == name && r.status == "failed").count();
    assert!(errors("bad") >= 2 && errors("refused") == 1 && errors("good") == 0);
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(5), schedules.finished()).await.expect("a run under way is dropped");
}

#[tokio::test]
async fn waits_after_failures_double() {
    let bad = Account::new(Behaviour { fails: true, ..Behaviour::default() });
    let daemon = daemon(&[("bad", &bad)]);
    let (stop, mut schedules) = (CancellationToken::new(), Schedules::default());
    schedules.add(&daemon, "bad", often(10_000, None), &stop);
    until("four tries", || bad.started() >= 4).await;
    stop.cancel();
    schedules.finished().await;
    let starts: Vec<Instant> = bad.runs.lock().unwrap().iter().map(|(at, _)| *at).collect();
    let waits: Vec<u128> = starts.windows(2).map(|w| (w[1] - w[0]).as_millis()).collect();
    assert!(waits[0] >= 50 && waits[1] >= 100 && waits[2] >= 200, "{waits:?}");
}

#[tokio::test]
async fn there_is_never_a_second_run_of_an_account() {
    let account = Account::new(Behaviour { takes: Duration::from_millis(30), ..Behaviour::default() });
    let daemon = daemon(&[("prod", &account)]);
    let (stop, mut schedules) = (CancellationToken::new(), Schedules::default());
    schedules.add(&daemon, "prod", often(1, Some(1)), &stop);
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let daemon = Arc::clone(&daemon);
            tokio::spawn(async move { daemon.sync("prod", AccountSource::Sync, &Silent).await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    stop.cancel();
    schedules.finished().await;
    assert!(account.started() >= 5);
    assert_eq!(account.most.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn checks_come_between_syncs_and_send_only_show_commands() {
    let account = Account::new(Behaviour::default());
    let daemon = daemon(&[("prod", &account)]);
    let (stop, mut schedules) = (CancellationToken::new(), Schedules::default());
    schedules.add(&daemon, "prod", often(60_000, Some(30)), &stop);
    until("three checks", || account.started() >= 5).await;
    stop.cancel();
    schedules.finished().await;
    let sent: Vec<usize> = account.runs.lock().unwrap().iter().map(|(_, sent)| *sent).collect();
    assert_eq!(sent[..4], [18, 6, 6, 6]);
}

#[tokio::test]
async fn a_sync_does_not_keep_the_others_from_deciding() {
    let slow = Account::new(Behaviour { takes: Duration::from_mins(10), ..Behaviour::default() });
    let good = Account::new(Behaviour::default());
    let daemon = daemon(&[("slow", &slow), ("good", &good)]);
    let hanging = {
        let daemon = Arc::clone(&daemon);
        tokio::spawn(async move { daemon.sync("slow", AccountSource::Sync, &Silent).await })
    };
    until("the slow run", || slow.started() == 1).await;
    let request = SyncRequest::full();
    let done = daemon.sync_with("good", AccountSource::Sync, request, &Silent);
    tokio::time::timeout(Duration::from_secs(30), done).await.expect("it does not wait").unwrap();
    hanging.abort();
}

/// A daemon of one account whose clock is ahead by what the number says, in microseconds.
fn daemon_with_clock(account: &Arc<Account>) -> (Arc<Daemon>, Arc<AtomicI64>) {
    let ahead = Arc::new(AtomicI64::new(0));
    let offset = Arc::clone(&ahead);
    let clock = Clock::new(Arc::new(move || now() + offset.load(Ordering::SeqCst)));
    let connector = Arc::new(Opened(Arc::clone(account))) as Arc<dyn Connector>;
    let connectors = [("prod".to_owned(), connector)].into_iter().collect();
    let daemon = Daemon::open(Arc::new(Store::in_memory().unwrap()), connectors).unwrap();
    (Arc::new(daemon.with_clock(clock)), ahead)
}

const HOUR: i64 = 3_600_000_000;

#[tokio::test]
async fn after_a_jump_of_the_clock_everything_is_read_once() {
    let account = Account::new(Behaviour::default());
    let (daemon, ahead) = daemon_with_clock(&account);
    let run =
        async || daemon.sync_with("prod", AccountSource::Sync, SyncRequest::default(), &Silent).await.unwrap().kind;
    assert_eq!((run().await, run().await), ("full".to_owned(), "incremental".to_owned()));
    for hours in [1, 0, -1, 0, 24 * 365 * 10] {
        ahead.store(hours * HOUR, Ordering::SeqCst);
        // A check in between does not use the warning up.
        daemon.sync_with("prod", AccountSource::Sync, SyncRequest::check(), &Silent).await.unwrap();
        assert_eq!(run().await, "full", "{hours}");
    }
    // What a clock far in the future has read is not believed, also by a process that did not see it jump.
    ahead.store(0, Ordering::SeqCst);
    assert_eq!((run().await, run().await), ("full".to_owned(), "incremental".to_owned()));
}

#[tokio::test]
async fn a_clock_that_jumps_neither_stops_nor_multiplies_syncs() {
    let account = Account::new(Behaviour::default());
    let (daemon, ahead) = daemon_with_clock(&account);
    let (stop, mut schedules) = (CancellationToken::new(), Schedules::default());
    schedules.add(&daemon, "prod", often(400, None), &stop);
    until("the first run", || account.started() == 1).await;
    let begun = Instant::now();
    for turn in 0..40 {
        ahead.store(if turn % 2 == 0 { HOUR } else { -HOUR }, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let most = 1 + (begun.elapsed().as_millis() / 400) as usize;
    let runs = account.started();
    assert!((2..=most).contains(&runs), "{runs} runs, at most {most}");
    stop.cancel();
    schedules.finished().await;
}
