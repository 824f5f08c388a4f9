//! The log as a whole: against a vector, across threads, and back from its files.

mod seeking;

use super::claim::GRANULE_BYTES;
use super::open::Recovered;
use super::pages::Pages;
use super::*;
use crate::clock::Clock;
use crate::clock::alarm::Alarm;
use crate::journal::Journal;
use crate::storage::{Blocking, Storage};
use proptest::prelude::*;
use std::sync::Arc;

fn journal() -> Journal {
    Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Durable, 100_000_000)
}

fn data<'a>(value: &'a [u8]) -> Draft<'a> {
    Draft::control(Kind::Data, 1, value)
}

fn read_all(log: &Arc<Log>) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::earliest(log.clone());
    let mut found = vec![];
    while reader.advance().unwrap() {
        if reader.frame().kind() == Kind::Data {
            found.push((reader.sequence(), reader.frame().value().to_vec()));
        }
    }
    found
}

/// The same by walks of so many frames, which end behind a frame or before one.
fn walk_all(log: &Arc<Log>, count_max: usize) -> Vec<(u64, Vec<u8>)> {
    let mut reader = Reader::earliest(log.clone());
    let mut found = vec![];
    loop {
        let mut count = 0;
        let walked = reader.walk(|Shown { frame, kind, sequence, place, .. }| {
            if count == count_max {
                return Then::Back;
            }
            count += 1;
            if kind == Kind::Data {
                assert_eq!(log.payload_at(place, sequence).unwrap().frame().bytes(), frame.bytes());
                found.push((sequence, frame.value().to_vec()));
            }
            if sequence % 2 == 0 && count == count_max { Then::Enough } else { Then::On }
        });
        if !walked.unwrap() {
            return found;
        }
        assert!((1..=count_max).contains(&count));
    }
}

fn open(directory: &std::path::Path) -> (Arc<Log>, Recovered) {
    let storage: Arc<dyn Storage> = Arc::new(Blocking);
    storage.create_dir(directory).unwrap();
    let (log, recovered) = Log::open(storage, directory.into(), 77, Level::Durable, Arc::default()).unwrap();
    (Arc::new(log), recovered)
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<usize>),
    Commit,
    Reopen,
    Release,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![8 => 0..200usize, 2 => 200..20_000usize, 1 => 20_000..150_000usize];
    prop_oneof![
        6 => proptest::collection::vec(bytes, 1..5).prop_map(Step::Append),
        2 => Just(Step::Commit),
        1 => Just(Step::Reopen),
        1 => Just(Step::Release),
    ]
}

fn value_of(sequence: u64, bytes: usize) -> Vec<u8> {
    let mut value = vec![sequence as u8; bytes];
    value.extend_from_slice(&sequence.to_le_bytes());
    value
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever is appended, committed, reopened and released: the log holds what a vector would.
    #[test]
    fn the_log_is_a_vector(steps in proptest::collection::vec(step(), 1..40), durable in any::<bool>()) {
        let scratch = tempfile::tempdir().unwrap();
        let journal = journal();
        let mut log = if durable { open(scratch.path()).0 } else { Arc::new(Log::memory(Arc::default())) };
        let mut model: Vec<Vec<u8>> = vec![];
        let mut start = 0;
        let mut end = Place::default();
        for step in steps {
            match step {
                Step::Append(sizes) => {
                    let first = model.len() as u64;
                    let values: Vec<_> =
                        sizes.iter().enumerate().map(|(i, bytes)| value_of(first + i as u64, *bytes)).collect();
                    let drafts: Vec<_> = values.iter().map(|value| data(value)).collect();
                    let receipt = log.append(&drafts).unwrap();
                    prop_assert_eq!(receipt.sequence, first);
                    prop_assert!(receipt.end > end);
                    end = receipt.end;
                    model.extend(values);
                }
                Step::Commit => journal.commit(&log, end).unwrap(),
                Step::Reopen if durable => {
                    journal.commit(&log, end).unwrap();
                    drop(log);
                    let (reopened, recovered) = open(scratch.path());
                    prop_assert_eq!(recovered.cut_bytes, 0);
                    log = reopened;
                }
                Step::Reopen => {}
                Step::Release => {
                    journal.commit(&log, end).unwrap();
                    let before = end.segment();
                    log.release_before(before).unwrap();
                    start = log.start().1;
                }
            }
        }
        journal.commit(&log, end).unwrap();
        let found = read_all(&log);
        let expected: Vec<_> =
            model.iter().enumerate().skip(start as usize).map(|(i, v)| (i as u64, v.clone())).collect();
        prop_assert_eq!(found.len(), expected.len());
        prop_assert!(found == expected);
        for count_max in [1, 3, usize::MAX] {
            prop_assert!(walk_all(&log, count_max) == expected, "by {}", count_max);
        }
        prop_assert_eq!(log.end_sequence(), model.len() as u64);
        for sequence in (start..model.len() as u64).step_by(7) {
            let mut reader = Reader::earliest(log.clone());
            reader.seek(sequence).unwrap();
            prop_assert!(reader.advance().unwrap());
            while reader.frame().kind() != Kind::Data { prop_assert!(reader.advance().unwrap()); }
            prop_assert_eq!(reader.sequence(), sequence);
            let payload = log.payload_at(reader.found_place(), sequence).unwrap();
            prop_assert_eq!(payload.frame().value(), &model[sequence as usize][..]);
        }
    }
}

#[test]
fn records_of_many_threads_are_dense_whole_and_in_each_threads_order() {
    let log = Arc::new(Log::memory(Arc::default()));
    let (threads, each) = (4, 20_000u64);
    let producers: Vec<_> = (0..threads)
        .map(|thread| {
            let log = log.clone();
            std::thread::spawn(move || {
                for i in (0..each).step_by(2) {
                    let (a, b) = (value_of(i, 30 + thread), value_of(i + 1, 3));
                    let (a, b) = ([&[thread as u8], &a[..]].concat(), [&[thread as u8], &b[..]].concat());
                    log.append(&[data(&a), data(&b)]).unwrap();
                }
            })
        })
        .collect();
    let mut reader = Reader::earliest(log.clone());
    let mut next = vec![0; threads];
    let mut count = 0;
    while count < threads as u64 * each {
        if !reader.advance().unwrap() {
            std::thread::yield_now();
            continue;
        }
        assert_eq!(reader.sequence(), count, "dense");
        count += 1;
        let value = reader.frame().value();
        let (thread, i) =
            (usize::from(value[0]), u64::from_le_bytes(value[value.len() - 8..].try_into().unwrap()));
        assert_eq!(i, next[thread], "in the order of its thread");
        next[thread] += 1;
    }
    producers.into_iter().for_each(|p| p.join().unwrap());
    assert!(!reader.advance().unwrap());
}

#[test]
fn concurrent_commits_make_every_callers_record_durable() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let journal = Arc::new(journal());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (log, journal) = (log.clone(), journal.clone());
            std::thread::spawn(move || {
                for i in 0..50u64 {
                    let receipt = log.append(&[data(&i.to_le_bytes())]).unwrap();
                    journal.commit(&log, receipt.end).unwrap();
                    assert!(log.reached(Level::Durable, receipt.end));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    drop(log);
    assert_eq!(read_all(&open(scratch.path()).0).len(), 200);
}

#[test]
fn damage_below_the_durable_mark_is_refused_with_file_and_byte() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = journal();
    let log = open(scratch.path()).0;
    for i in 0..3u64 {
        let receipt = log.append(&[data(&[7; 100]), data(&i.to_le_bytes())]).unwrap();
        journal.commit(&log, receipt.end).unwrap();
    }
    drop(log);
    let path = scratch.path().join("0000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096 + 60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error =
        Log::open(Arc::new(Blocking), scratch.path().into(), 77, Level::Durable, Arc::default()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { byte_position: 4096, .. }), "{error}");
    assert!(error.to_string().contains("0000000000000001.segment"), "{error}");
}

#[test]
fn what_was_cut_from_a_torn_tail_does_not_come_back_behind_new_records() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = journal();
    let log = open(scratch.path()).0;
    let first = log.append(&[data(b"first")]).unwrap();
    journal.commit(&log, first.end).unwrap();
    let torn = log.append(&[data(b"never synced")]).unwrap();
    let behind = log.append(&[data(b"behind it")]).unwrap();
    journal.commit(&log, behind.end).unwrap();
    drop(log);
    // As if power had gone before that commit was synced, and of its sectors the later ones had reached the disk.
    let path = scratch.path().join("0000000000000001.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    let byte = |place: Place| 4096 + 8 * place.granule() as usize;
    bytes[byte(torn.start)..byte(torn.end)].fill(0);
    std::fs::write(&path, bytes).unwrap();

    let (log, recovered) = open(scratch.path());
    assert!(recovered.cut_bytes > 0);
    let again = log.append(&[data(b"just as long")]).unwrap();
    assert_eq!((again.start, again.end), (torn.start, torn.end), "in the place of the torn one");
    journal.commit(&log, again.end).unwrap();
    drop(log);
    let expected = [(0, b"first".to_vec()), (1, b"just as long".to_vec())];
    assert_eq!(read_all(&open(scratch.path()).0), expected);
}

#[test]
fn a_missing_segment_is_refused_by_its_number() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = journal();
    let log = open(scratch.path()).0;
    for _ in 0..40 {
        let receipt = log.append(&[data(&[7; 5000])]).unwrap();
        journal.commit(&log, receipt.end).unwrap();
    }
    drop(log);
    std::fs::remove_file(scratch.path().join("0000000000000002.segment")).unwrap();
    let error =
        Log::open(Arc::new(Blocking), scratch.path().into(), 77, Level::Durable, Arc::default()).unwrap_err();
    assert!(error.to_string().contains("segment 2 is missing"), "{error}");
}

#[test]
fn evicted_segments_are_read_from_their_files_and_payloads_outlive_eviction() {
    let scratch = tempfile::tempdir().unwrap();
    let journal = journal();
    let log = open(scratch.path()).0;
    let big = vec![5u8; 900_000];
    let first = log.append(&[data(b"first")]).unwrap();
    journal.commit(&log, first.end).unwrap();
    let payload = log.payload_at(first.start, 0).unwrap();
    for _ in 0..40 {
        let receipt = log.append(&[data(&big)]).unwrap();
        journal.commit(&log, receipt.end).unwrap();
    }
    let live: u64 = lock_live_bytes(&log);
    assert!(live <= 36 << 20, "{live} bytes in memory of {}", log.bytes());
    assert_eq!(payload.frame().value(), b"first");
    assert_eq!(read_all(&log).len(), 41);
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_the_next_large_segment_is_ready_before_somebody_appends_to_it() {
    let scratch = tempfile::tempdir().unwrap();
    let (journal, log) = (journal(), open(scratch.path()).0);
    // Two to a segment, whose size no other test has.
    let value = vec![5u8; 1_500_000];
    let append = || {
        let receipt = log.append(&[data(&value)]).unwrap();
        let segment = log.header_of(receipt.end.segment());
        (receipt, (segment.capacity() * GRANULE_BYTES) as usize)
    };
    let (first, bytes) = append();
    assert_eq!(Pages::ready_count(bytes), 0);
    journal.commit(&log, first.end).unwrap();
    assert_eq!(Pages::ready_count(bytes), 1, "made with the file");
    append();
    assert_eq!(append().1, bytes);
    assert_eq!(Pages::ready_count(bytes), 0, "taken");
}

/// Fills the log to the end of its third segment, whose successor cannot be opened as long as the mark is held, and
/// has a thread append one record more.
fn with_a_crossed_segment_that_has_no_successor(log: &Arc<Log>, test: impl FnOnce()) -> Appended {
    let stalled = log.marks.set(0);
    let value = [7; 1000];
    let mut last = log.append(&[data(&value)]).unwrap();
    while last.end.segment() < 3 || log.header_of(3).capacity() - last.end.granule() > 128 {
        last = log.append(&[data(&value)]).unwrap();
    }
    let appender = {
        let log = log.clone();
        std::thread::spawn(move || log.append(&[data(&[8; 2000])]).unwrap())
    };
    while log.header_of(3).sealed().is_none() {
        std::thread::yield_now();
    }
    test();
    drop(stalled);
    appender.join().unwrap()
}

#[test]
fn a_commit_between_the_end_of_a_segment_and_the_next_does_not_stop_the_writer() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let later = with_a_crossed_segment_that_has_no_successor(&log, || {
        // The writer comes as far as the pad, and no further.
        for _ in 0..2 {
            let (_, place) = log.collect().unwrap();
            log.bring_home(place).unwrap();
            log.publish(place, true);
            assert!(!log.has_unwritten());
        }
    });
    assert!(log.has_unwritten());
    let (_, place) = log.collect().unwrap();
    log.bring_home(place).unwrap();
    log.publish(place, true);
    assert!(log.reached(Level::Durable, later.end));
    let records = log.end_sequence();
    drop(log);
    assert_eq!(read_all(&open(scratch.path()).0).len() as u64, records);
}

#[test]
fn nothing_is_appended_once_a_close_has_returned_and_what_was_is_in_the_end_that_it_leaves() {
    for _ in 0..200 {
        let log = Arc::new(Log::memory(Arc::default()));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let log = log.clone();
                std::thread::spawn(move || {
                    let mut end = Place::default();
                    while let Ok(receipt) = log.append(&[data(b"x")]) {
                        end = receipt.end;
                    }
                    end
                })
            })
            .collect();
        while log.end_sequence() < 2000 {
            std::thread::yield_now();
        }
        log.close();
        let (claimed, records) = (log.claimed(), log.end_sequence());
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!((log.claimed(), log.end_sequence()), (claimed, records));
        assert!(ends.iter().all(|end| *end <= claimed));
        assert_eq!(read_all(&log).len() as u64, records);
    }
}

#[test]
fn a_closed_log_removes_no_file() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let journal = journal();
    for _ in 0..40 {
        let receipt = log.append(&[data(&[7; 5000])]).unwrap();
        journal.commit(&log, receipt.end).unwrap();
    }
    let files = std::fs::read_dir(scratch.path()).unwrap().count();
    log.close();
    log.release_before(3).unwrap();
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), files);
}

#[test]
fn a_log_that_is_written_and_not_synced_keeps_only_a_cache_in_memory() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let journal = Journal::new(Clock::System, Arc::new(Alarm::new()), Level::Written, 100_000_000);
    for _ in 0..60 {
        let receipt = log.append(&[data(&[5; 900_000])]).unwrap();
        journal.commit(&log, receipt.end).unwrap();
        assert!(!log.reached(Level::Durable, receipt.end));
    }
    let live = lock_live_bytes(&log);
    assert!(live <= 36 << 20, "{live} bytes in memory of {}", log.bytes());
}

impl Log {
    fn header_of(&self, number: u64) -> &Header {
        let index = crate::sync::lock(&self.directory).get(number).and_then(|entry| entry.header);
        self.header(index.unwrap())
    }
}

fn lock_live_bytes(log: &Log) -> u64 {
    crate::sync::lock(&log.directory).live().filter_map(|e| e.segment).map(|s| s.data_bytes).sum()
}

fn make_segment(directory: &std::path::Path, number: u64, header: &[u8], data: &[u8]) {
    let mut bytes = header.to_vec();
    bytes.resize(segment_file::HEADER_BYTES, 0);
    bytes.extend_from_slice(data);
    std::fs::write(directory.join(format!("{number:016}.segment")), bytes).unwrap();
}

#[test]
fn nothing_is_removed_from_a_log_that_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    // The second looks like an interrupted making, which is removed; but the first is damaged.
    make_segment(scratch.path(), 1, &[], &[0; 64]);
    make_segment(scratch.path(), 2, &[], &[0; 64]);
    for _ in 0..2 {
        let storage: Arc<dyn Storage> = Arc::new(Blocking);
        let opened = Log::open(storage, scratch.path().into(), 77, Level::Durable, Arc::default());
        assert!(matches!(opened.err(), Some(Error::Corrupt { .. })));
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 2);
    }
}

#[test]
fn segments_of_impossible_numbers_are_refused() {
    for number in [0, claim::SEGMENT_NUMBER_MAX + 1, 9_999_999_999_999_999] {
        let scratch = tempfile::tempdir().unwrap();
        let header = segment_file::SegmentFile { log_id: 77, number, base: 0, data_bytes: 64, generation: 1 };
        make_segment(scratch.path(), number, &header.encode(), &[0; 64]);
        let storage: Arc<dyn Storage> = Arc::new(Blocking);
        let error = Log::open(storage, scratch.path().into(), 77, Level::Durable, Arc::default()).err();
        assert!(error.is_some_and(|error| error.to_string().contains("counted from 1")), "{number}");
    }
}

#[test]
fn a_segment_that_does_not_begin_where_the_one_before_ends_is_refused_by_readers() {
    let scratch = tempfile::tempdir().unwrap();
    let seed = frame::Seed { log_id: 77, segment: 1, generation: 1 };
    let mut area = [0; 64];
    let draft = data(b"only");
    draft.encode(&mut area[4..draft.bytes()], 0, 0, Some(seed.at(0)));
    area[..4].copy_from_slice(&(draft.bytes() as u32).to_le_bytes());
    let word = frame::PAD | 4;
    area[32..36].copy_from_slice(&word.to_le_bytes());
    area[36..40].copy_from_slice(&frame::pad_checksum(word, seed.at(32)).to_le_bytes());
    let header = segment_file::SegmentFile { log_id: 77, number: 1, base: 0, data_bytes: 64, generation: 1 };
    make_segment(scratch.path(), 1, &header.encode(), &area);
    let later = segment_file::SegmentFile { number: 2, base: 5, ..header };
    make_segment(scratch.path(), 2, &later.encode(), &[0; 64]);
    let (log, _) = open(scratch.path());
    let mut reader = Reader::earliest(log);
    assert!(reader.advance().unwrap());
    let error = reader.advance().unwrap_err();
    assert!(error.to_string().contains("begins with sequence 5, expected 1"), "{error}");
}

#[test]
fn a_log_whose_sequences_are_used_up_says_so_and_opens_again() {
    let scratch = tempfile::tempdir().unwrap();
    let base = segment_file::BASE_MAX;
    let header = segment_file::SegmentFile { log_id: 77, number: 1, base, data_bytes: 64, generation: 1 };
    make_segment(scratch.path(), 1, &header.encode(), &[0; 64]);
    for round in 0..2 {
        let (log, _) = open(scratch.path());
        let journal = journal();
        while let Ok(receipt) = log.append(&[data(b"one of the last")]) {
            assert_eq!((receipt.sequence, round), (base, 0));
            journal.commit(&Arc::clone(&log), receipt.end).unwrap();
        }
        let error = log.append(&[data(b"one more")]).unwrap_err();
        assert!(error.to_string().contains("sequences are used up"), "{error}");
        assert_eq!(read_all(&log), [(base, b"one of the last".to_vec())]);
    }
}
