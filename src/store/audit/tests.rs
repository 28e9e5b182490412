//! Every way to tamper with a small log, every place to crash, and what must not be taken for the other.

use super::append::Log;
use super::backwards::Backwards;
use super::check::verify;
use super::error::AuditError;
use super::files::segments;
use super::head::Head;
use super::line::{Event, Record};
use super::{FOLDER, reset};
use crate::store::{Store, backup, restore};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

fn event(n: u64) -> Event {
    Event {
        started: n as i64,
        kind: "query".to_owned(),
        user: Some(format!("user \"{n}\"\n")),
        text: Some(format!("SELECT {n}\u{1b}[2J")),
        rows: Some(n),
        outcome: "ok".to_owned(),
        ..Event::default()
    }
}

/// A log of so many records, written in groups of two, in segments of about two groups.
fn log_of(dir: &Path, records: u64) -> Vec<Head> {
    let store = Store::open(dir).unwrap();
    let mut log = Log::open(&store, 1_000).unwrap();
    let mut heads = Vec::new();
    let all: Vec<Event> = (1..=records).map(event).collect();
    for group in all.chunks(2) {
        log.append(group, 1_000).unwrap();
        log.keep_head(&store).unwrap();
        heads.push(log.head());
    }
    heads
}

fn files(dir: &Path) -> Vec<PathBuf> {
    segments(&dir.join(FOLDER)).unwrap().into_iter().map(|segment| segment.path).collect()
}

/// All lines, with the file of each.
fn lines(dir: &Path) -> Vec<(PathBuf, String)> {
    let of = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        text.lines().map(|line| (path.clone(), line.to_owned())).collect::<Vec<_>>()
    };
    files(dir).into_iter().flat_map(of).collect()
}

fn write_lines(all: &[(PathBuf, String)], paths: &[PathBuf]) {
    for path in paths {
        let of_path: Vec<&str> = all.iter().filter(|(of, _)| of == path).map(|(_, line)| line.as_str()).collect();
        let text = if of_path.is_empty() { String::new() } else { of_path.join("\n") + "\n" };
        fs::write(path, text).unwrap();
    }
}

fn check(dir: &Path) -> Result<u64, AuditError> {
    verify(dir, None, &|_| {}).map(|checked| checked.head.sequence)
}

/// The record that a check names, and whether the daemon refuses to write on after it.
fn found(dir: &Path) -> Option<u64> {
    match check(dir) {
        Err(AuditError::Broken(finding)) => Some(finding.sequence),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    }
}

struct Place {
    _folder: tempfile::TempDir,
    dir: PathBuf,
    heads: Vec<Head>,
}

/// A log of ten records in several segments.
fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("state");
    let heads = log_of(&dir, 10);
    assert!(files(&dir).len() > 2 && check(&dir).unwrap() == 10);
    Place { _folder: folder, dir, heads }
}

#[test]
fn every_record_that_is_removed_swapped_or_doubled_is_named() {
    let place = place();
    let (all, paths) = (lines(&place.dir), files(&place.dir));
    for at in 0..10usize {
        let number = at as u64 + 1;
        let mut less = all.clone();
        less.remove(at);
        write_lines(&less, &paths);
        assert_eq!(found(&place.dir), Some(number), "removed");
        let mut twice = all.clone();
        twice.insert(at, all[at].clone());
        write_lines(&twice, &paths);
        assert_eq!(found(&place.dir), Some(number), "doubled");
        for other in at + 1..10 {
            let mut swapped = all.clone();
            let (a, b) = (all[at].1.clone(), all[other].1.clone());
            (swapped[at].1, swapped[other].1) = (b, a);
            write_lines(&swapped, &paths);
            assert_eq!(found(&place.dir), Some(number), "swapped with {}", other + 1);
        }
        write_lines(&all[..at], &paths);
        assert_eq!(found(&place.dir), Some(number), "cut off");
        assert!(matches!(Log::open(&Store::open(&place.dir).unwrap(), 1_000), Err(AuditError::Broken(_))));
        let mut short = all.clone();
        short[at].1.pop();
        write_lines(&short, &paths);
        assert_eq!(found(&place.dir), Some(number), "shorter");
        for field in ["\"outcome\":\"ok\"", "\"seq\":", "\"v\":1", "\"prev\":\""] {
            let mut edited = all.clone();
            edited[at].1 = edited[at].1.replace(field, &field.replace("ok", "no").replace(['1', ':'], "2"));
            write_lines(&edited, &paths);
            assert_eq!(found(&place.dir), Some(number), "{field}");
        }
    }
    write_lines(&all, &paths);
    assert_eq!(found(&place.dir), None);
}

#[test]
fn files_that_are_removed_emptied_or_renamed_are_found() {
    let place = place();
    let paths = files(&place.dir);
    for path in &paths {
        let content = fs::read(path).unwrap();
        let first: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        fs::remove_file(path).unwrap();
        assert_eq!(found(&place.dir), Some(first));
        fs::write(path, "").unwrap();
        assert_eq!(found(&place.dir), Some(first));
        fs::remove_file(path).unwrap();
        let renamed = path.with_file_name(format!("{:012}.jsonl", first + 1));
        if !paths.contains(&renamed) {
            fs::write(&renamed, &content).unwrap();
            assert_eq!(found(&place.dir), Some(first));
            fs::remove_file(&renamed).unwrap();
        }
        fs::write(path, &content).unwrap();
    }
    let key = place.dir.join(FOLDER).join("key");
    let kept = fs::read(&key).unwrap();
    fs::write(&key, format!("{}\n", "0".repeat(64))).unwrap();
    assert!(found(&place.dir).is_some(), "another key");
    fs::remove_file(&key).unwrap();
    assert!(matches!(check(&place.dir), Err(AuditError::Io { .. })));
    assert!(matches!(Log::open(&Store::open(&place.dir).unwrap(), 1_000), Err(AuditError::Broken(_))));
    fs::write(&key, kept).unwrap();
    Store::open(&place.dir).unwrap().keep_sealed_head("10:00:00").unwrap();
    assert_eq!(found(&place.dir), Some(1), "a head that nobody sealed");
}

#[test]
fn a_head_that_was_kept_elsewhere_finds_a_log_that_was_written_anew() {
    let place = place();
    let with = |head: Head| verify(&place.dir, Some(head), &|_| {});
    for head in &place.heads {
        assert!(with(*head).is_ok());
        let other = Head { hash: [7; 32], ..*head };
        assert!(matches!(with(other), Err(AuditError::Broken(f)) if f.sequence == head.sequence));
    }
    assert!(matches!(with(Head { sequence: 12, hash: [7; 32] }), Err(AuditError::Broken(f)) if f.sequence == 11));
    let text = place.heads[0].to_string();
    assert_eq!(text.parse::<Head>().unwrap(), place.heads[0]);
    assert!("7".parse::<Head>().is_err() && "x:00".parse::<Head>().is_err() && "1:zz".parse::<Head>().is_err());
}

#[test]
fn a_newer_version_is_refused_and_not_taken_for_an_edit() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let log = Log::open(&store, 1_000).unwrap();
    let newest = files(&place.dir).pop().unwrap();
    let record = Record { v: 2, seq: 11, prev: super::hex(&log.head().hash), at: 2_000, event: event(11) };
    let (line, _) = record.encode(&log.key()).unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    bytes.extend_from_slice(&line);
    fs::write(&newest, bytes).unwrap();
    assert!(matches!(check(&place.dir), Err(AuditError::Newer { sequence: 11, found: 2 })));
    assert!(matches!(Log::open(&store, 1_000), Err(AuditError::Newer { .. })));
}

/// A crash: records 11 and 12 were written, the head in the store is still 10, and the file has `keep` bytes of them.
fn crash(dir: &Path, keep: impl Fn(&[u8]) -> Vec<u8>) {
    let store = Store::open(dir).unwrap();
    let newest = files(dir).pop().unwrap();
    let before = fs::read(&newest).unwrap();
    Log::open(&store, u64::MAX).unwrap().append(&[event(11), event(12)], 3_000).unwrap();
    let after = fs::read(&newest).unwrap();
    let group = &after[before.len()..];
    fs::write(&newest, [before.as_slice(), &keep(group)].concat()).unwrap();
}

#[test]
fn a_crash_at_every_byte_of_a_group_is_recovered_and_told() {
    let place = place();
    let newest = files(&place.dir).pop().unwrap();
    let before = fs::read(&newest).unwrap();
    crash(&place.dir, <[u8]>::to_vec);
    let group = fs::read(&newest).unwrap()[before.len()..].to_vec();
    let first = group.iter().position(|b| *b == b'\n').unwrap() + 1;
    for keep in 0..=group.len() {
        fs::write(&newest, [&before, &group[..keep]].concat()).unwrap();
        let whole = if keep == group.len() {
            12
        } else if keep >= first {
            11
        } else {
            10
        };
        let torn = keep
            - if whole == 12 {
                keep
            } else if whole == 11 {
                first
            } else {
                0
            };
        let checked = verify(&place.dir, None, &|_| {}).unwrap();
        assert_eq!((checked.head.sequence, checked.unfinished), (whole, torn as u64), "{keep}");
        let store = Store::open(&place.dir).unwrap();
        let mut log = Log::open(&store, u64::MAX).unwrap();
        assert_eq!(log.head().sequence, whole);
        assert_eq!(log.recovered().is_some(), torn > 0, "{keep}");
        if torn > 0 {
            let told = log.recovered().unwrap().to_owned();
            assert!(told.contains(&format!("left {torn} bytes")), "{told}");
            // Again, as after a second crash before it was told.
            drop(log);
            log = Log::open(&store, u64::MAX).unwrap();
            assert_eq!(log.recovered().unwrap(), told);
            let aside = place.dir.join(FOLDER).join(format!("torn-{:012}", whole + 1));
            assert_eq!(fs::read(&aside).unwrap().len(), torn);
            fs::remove_file(aside).unwrap();
        }
    }
}

#[test]
fn pages_that_a_crash_left_empty_are_recovered_too() {
    let place = place();
    crash(&place.dir, |group| [vec![0; 100], group[100..].to_vec()].concat());
    assert_eq!(check(&place.dir).unwrap(), 10);
    let store = Store::open(&place.dir).unwrap();
    let mut log = Log::open(&store, u64::MAX).unwrap();
    assert!(log.recovered().is_some() && log.head().sequence == 10);
    log.append(&[event(11)], 1).unwrap();
    log.keep_head(&store).unwrap();
    assert!(log.recovered().is_none());
    assert_eq!(check(&place.dir).unwrap(), 11);
}

#[test]
fn an_edit_is_not_taken_for_a_crash() {
    let place = place();
    let newest = files(&place.dir).pop().unwrap();
    let bytes = fs::read(&newest).unwrap();
    // The store knows these records: half of one, or zeros in it, are no crash.
    for cut in 1..bytes.len() {
        fs::write(&newest, &bytes[..cut]).unwrap();
        assert!(found(&place.dir).is_some(), "{cut}");
    }
    let middle = bytes.len() / 2;
    fs::write(&newest, [&bytes[..middle], &[0; 8], &bytes[middle + 8..]].concat()).unwrap();
    assert!(found(&place.dir).is_some());
    assert!(matches!(Log::open(&Store::open(&place.dir).unwrap(), 1_000), Err(AuditError::Broken(_))));
    // And beyond what it knows, a whole line that nobody wrote.
    fs::write(&newest, [bytes.as_slice(), b"{\"v\":1,\"seq\":11}\n"].concat()).unwrap();
    assert_eq!(found(&place.dir), Some(11));
}

#[test]
fn reading_back_gives_all_records_newest_first_and_refuses_what_was_changed() {
    let place = place();
    let store = Store::open(&place.dir).unwrap();
    let log = Log::open(&store, 1_000).unwrap();
    let read = |head: Head| {
        let mut back = Backwards::open(&place.dir, log.key(), head).unwrap();
        let mut all = Vec::new();
        while let Some(record) = back.before()? {
            assert_eq!(record.event, event(record.seq));
            all.push(record.seq);
        }
        Ok::<_, AuditError>(all)
    };
    assert_eq!(read(log.head()).unwrap(), (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(read(place.heads[2]).unwrap(), (1..=6).rev().collect::<Vec<_>>());
    assert_eq!(read(Head::default()).unwrap(), [0; 0]);
    let all = lines(&place.dir);
    for at in 0..10 {
        let mut less = all.clone();
        less.remove(at);
        write_lines(&less, &files(&place.dir));
        assert!(matches!(read(log.head()), Err(AuditError::Broken(f)) if f.sequence == at as u64 + 1));
    }
}

#[test]
fn lines_longer_than_a_block_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut log = Log::open(&store, u64::MAX).unwrap();
    let long = Event { text: Some("x".repeat(200_000)), ..event(1) };
    log.append(&[event(1), long.clone(), event(3), long, event(5)], 1).unwrap();
    let mut back = Backwards::open(folder.path(), log.key(), log.head()).unwrap();
    for seq in (1..=5).rev() {
        assert_eq!(back.before().unwrap().unwrap().seq, seq);
    }
    assert!(back.before().unwrap().is_none());
}

#[test]
fn times_in_the_log_never_go_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let mut log = Log::open(&store, u64::MAX).unwrap();
    log.append(&[Event { started: 50, ..event(1) }], 10).unwrap();
    log.append(&[event(2)], 5).unwrap();
    log.append(&[event(3)], 60).unwrap();
    let mut back = Backwards::open(folder.path(), log.key(), log.head()).unwrap();
    let times: Vec<i64> = std::iter::from_fn(|| back.before().unwrap()).map(|record| record.at).collect();
    assert_eq!(times, [60, 50, 50]);
}

#[test]
fn a_reset_begins_a_log_that_says_why_and_goes_on_counting() {
    let place = place();
    fs::remove_file(&files(&place.dir)[0]).unwrap();
    let store = Store::open(&place.dir).unwrap();
    let (aside, head) = reset(&store, "somebody removed a file", 4_000).unwrap();
    assert!(aside.is_dir() && head.sequence == 11);
    let checked = verify(&place.dir, None, &|_| {}).unwrap();
    assert_eq!((checked.first, checked.head), (11, head));
    assert!(checked.reset.unwrap().contains("somebody removed a file; the log before is in audit.before-4000"));
    let mut log = Log::open(&store, 1_000).unwrap();
    log.append(&[event(12)], 5_000).unwrap();
    log.keep_head(&store).unwrap();
    assert_eq!(check(&place.dir).unwrap(), 12);
    let mut back = Backwards::open(&place.dir, log.key(), log.head()).unwrap();
    assert_eq!(std::iter::from_fn(|| back.before().unwrap()).count(), 2);
    assert!(
        matches!(verify(&place.dir, Some(place.heads[4]), &|_| {}), Err(AuditError::Broken(f)) if f.sequence == 10)
    );
}

#[test]
fn a_backup_has_the_log_and_goes_on_by_itself() {
    let place = place();
    let folder = tempfile::tempdir().unwrap();
    let (copy, again) = (folder.path().join("copy"), folder.path().join("again"));
    backup(&place.dir, &copy).unwrap();
    restore(&copy, &again).unwrap();
    assert_eq!((check(&copy).unwrap(), check(&again).unwrap()), (10, 10));
    let store = Store::open(&again).unwrap();
    Log::open(&store, 1_000).unwrap().append(&[event(11)], 1).unwrap();
    assert_eq!(check(&again).unwrap(), 11);
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = place();
    for entry in fs::read_dir(place.dir.join(FOLDER)).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A byte that is changed, put in or taken out, anywhere, is found, and the record that is named is the one it is in.
    #[test]
    fn no_byte_can_be_changed(at in any::<prop::sample::Index>(), kind in 0..3, byte: u8) {
        thread_local!(static PLACE: Place = place());
        PLACE.with(|place| {
            let paths = files(&place.dir);
            let sizes: Vec<usize> = paths.iter().map(|path| fs::metadata(path).unwrap().len() as usize).collect();
            let mut at = at.index(sizes.iter().sum());
            let file = sizes.iter().position(|size| if at < *size { true } else { at -= size; false }).unwrap();
            let path = &paths[file];
            let kept = fs::read(path).unwrap();
            let first: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            let inside = first + kept[..at].split(|b| *b == b'\n').count() as u64 - 1;
            let mut bytes = kept.clone();
            match kind {
                0 => bytes[at] = bytes[at].wrapping_add(byte.max(1)),
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
            fs::write(path, &bytes).unwrap();
            let found = found(&place.dir);
            fs::write(path, &kept).unwrap();
            if bytes == kept {
                prop_assert_eq!(found, None);
            } else {
                prop_assert_eq!(found, Some(inside));
            }
            Ok(())
        })?;
    }
}
