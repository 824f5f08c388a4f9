//! Seeking by offset and by time, in files that may have lost their indexes; and how little of the files it takes.

use super::*;
use crate::log::index::{Index, Times, Walk};
use crate::log::segment_file::{HEADER_BYTES, SegmentFile};
use crate::storage::{File, Lock};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
enum Step {
    /// Records of so many bytes, each so much later than the one before.
    Append(Vec<(usize, i64)>),
    Commit,
    Reopen,
    Release,
    LookUp,
    /// Of the segment with this number, counted round: what lies behind its data area is damaged or cut.
    DamageIndex(usize),
    CutIndex(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![6 => 0..300usize, 4 => 300..9_000usize, 1 => 9_000..150_000usize];
    let later = prop_oneof![6 => 1..5i64, 3 => Just(0), 1 => -30..0i64];
    prop_oneof![
        12 => proptest::collection::vec((bytes, later), 1..9).prop_map(Step::Append),
        2 => Just(Step::Commit),
        2 => Just(Step::Reopen),
        1 => Just(Step::Release),
        1 => Just(Step::LookUp),
        1 => any::<usize>().prop_map(Step::DamageIndex),
        1 => any::<usize>().prop_map(Step::CutIndex),
    ]
}

/// Records as a vector: the first held, and the time of each.
#[derive(Debug, Default)]
struct Model {
    start: u64,
    times: Vec<u64>,
}

impl Model {
    fn at_time(&self, time_ns: u64) -> u64 {
        let held = (self.start..).zip(&self.times[self.start as usize..]);
        let found = held.into_iter().find(|(_, time)| **time >= time_ns).map(|(sequence, _)| sequence);
        found.unwrap_or(self.times.len() as u64)
    }

    /// Every time that a record has, and those around it.
    fn check(&self, log: &Arc<Log>) {
        let mut asked: Vec<u64> = self.times.iter().flat_map(|time| [time - 1, *time, time + 1]).collect();
        asked.extend([0, u64::MAX]);
        asked.sort_unstable();
        asked.dedup();
        for time_ns in asked {
            assert_eq!(log.sequence_at_time(time_ns).unwrap(), self.at_time(time_ns), "at {time_ns}");
        }
        let mut reader = Reader::earliest(log.clone());
        for sequence in self.start..self.times.len() as u64 {
            reader.seek(sequence).unwrap();
            assert_eq!(reader.next_sequence(), sequence);
            while reader.advance().unwrap() && reader.frame().kind() != Kind::Data {}
            assert_eq!(
                (reader.sequence(), reader.frame().time_ns()),
                (sequence, self.times[sequence as usize])
            );
        }
        reader.seek(self.times.len() as u64 + 5).unwrap();
        assert!(!reader.advance().unwrap());
    }
}

/// Files of the segments that are complete.
fn sealed_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Blocking.list(directory).unwrap();
    files.pop();
    files
}

/// Where the data area of a segment file ends.
fn data_end(path: &Path) -> usize {
    let bytes = std::fs::read(path).unwrap();
    HEADER_BYTES + SegmentFile::decode(&bytes[..HEADER_BYTES], path).unwrap().data_bytes as usize
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn offsets_and_times_are_found_exactly_whatever_became_of_the_indexes(
        steps in proptest::collection::vec(step(), 1..60), durable in any::<bool>(),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let journal = journal();
        let mut log = if durable { open(scratch.path()).0 } else { Arc::new(Log::memory(Arc::default())) };
        let (mut model, mut now_ns, mut end) = (Model::default(), 1000, Place::default());
        for step in steps {
            match step {
                Step::Append(records) => {
                    let value = vec![7; 150_000];
                    let draft = |(bytes, later): &(usize, i64)| {
                        now_ns = (now_ns as i64 + later) as u64;
                        model.times.push(now_ns);
                        Draft { time_ns: now_ns, ..data(&value[..*bytes]) }
                    };
                    let drafts: Vec<_> = records.iter().map(draft).collect();
                    end = log.append(&drafts).unwrap().end;
                }
                Step::Commit => journal.commit(&log, end).unwrap(),
                Step::Reopen if durable => {
                    journal.commit(&log, end).unwrap();
                    drop(log);
                    log = open(scratch.path()).0;
                }
                Step::Release => {
                    journal.commit(&log, end).unwrap();
                    log.release_before((log.start().0 + end.segment()) / 2).unwrap();
                    model.start = log.start().1;
                }
                Step::LookUp => {
                    journal.commit(&log, end).unwrap();
                    prop_assert_eq!(log.sequence_at_time(now_ns).unwrap(), model.at_time(now_ns));
                }
                Step::DamageIndex(which) if durable => {
                    let files = sealed_files(scratch.path());
                    if let Some(path) = files.get(which % files.len().max(1)) {
                        let mut bytes = std::fs::read(path).unwrap();
                        let index = data_end(path)..bytes.len();
                        bytes[index].iter_mut().step_by(9).for_each(|byte| *byte ^= 0x41);
                        std::fs::write(path, bytes).unwrap();
                    }
                }
                Step::CutIndex(which) if durable => {
                    let files = sealed_files(scratch.path());
                    if let Some(path) = files.get(which % files.len().max(1)) {
                        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
                        file.set_len(data_end(path) as u64).unwrap();
                    }
                }
                _ => {}
            }
        }
        journal.commit(&log, end).unwrap();
        model.check(&log);
        if durable {
            drop(log);
            model.check(&open(scratch.path()).0);
        }
    }
}

/// Files, counting how many are opened.
#[derive(Debug, Default)]
struct Counting {
    opened: Mutex<usize>,
}

impl Counting {
    fn take(&self) -> usize {
        std::mem::take(&mut *lock(&self.opened))
    }
}

impl Storage for Counting {
    fn create_dir(&self, path: &Path) -> std::io::Result<()> {
        Blocking.create_dir(path)
    }
    fn create(&self, path: &Path, bytes: u64) -> std::io::Result<Arc<dyn File>> {
        Blocking.create(path, bytes)
    }
    fn open(&self, path: &Path) -> std::io::Result<Arc<dyn File>> {
        *lock(&self.opened) += 1;
        Blocking.open(path)
    }
    fn list(&self, path: &Path) -> std::io::Result<Vec<PathBuf>> {
        Blocking.list(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        Blocking.rename(from, to)
    }
    fn remove(&self, path: &Path) -> std::io::Result<()> {
        Blocking.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> std::io::Result<()> {
        Blocking.remove_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> std::io::Result<()> {
        Blocking.sync_dir(path)
    }
    fn lock(&self, path: &Path, holder: &str) -> std::io::Result<Result<Box<dyn Lock>, String>> {
        Blocking.lock(path, holder)
    }
}

/// Makes files of segments with one record each, of time 1000 + its number, and their indexes.
fn make_segments(directory: &Path, count: u64) {
    let mut before = None;
    for number in 1..=count {
        let segment = SegmentFile { log_id: 77, number, base: number - 1, data_bytes: 64, generation: 1 };
        let mut area = [0; 64];
        let draft = Draft { time_ns: 1000 + number, ..data(b"only") };
        draft.encode(&mut area[4..draft.bytes()], 0, 0, Some(segment.seed().at(0)));
        area[..4].copy_from_slice(&(draft.bytes() as u32).to_le_bytes());
        let word = frame::PAD | 4;
        area[32..36].copy_from_slice(&word.to_le_bytes());
        area[36..40].copy_from_slice(&frame::pad_checksum(word, segment.seed().at(32)).to_le_bytes());
        let times = Times::following(before, number, 1000 + number);
        before = Some(times);
        let index = Walk::default().encode(&times, &segment);
        make_segment(directory, number, &segment.encode(), &[&area[..], &index].concat());
    }
}

#[test]
fn a_log_of_2000_segments_is_opened_by_two_files_and_searched_by_a_few() {
    let scratch = tempfile::tempdir().unwrap();
    make_segments(scratch.path(), 2000);
    let storage = Arc::new(Counting::default());
    let (log, recovered) =
        Log::open(storage.clone(), scratch.path().into(), 77, Level::Durable, Arc::default()).unwrap();
    assert_eq!((recovered.segments, log.start(), log.end_sequence()), (2000, (1, 0), 2000));
    assert_eq!(storage.take(), 2);
    let log = Arc::new(log);
    let mut reader = Reader::earliest(log.clone());
    reader.seek(1234).unwrap();
    assert!(reader.advance().unwrap());
    assert_eq!(reader.sequence(), 1234);
    let opened = storage.take();
    assert!(opened <= 13, "{opened} files for an offset");
    assert_eq!(log.sequence_at_time(1000 + 567).unwrap(), 566);
    let opened = storage.take();
    assert!(opened <= 30, "{opened} files for a time");
    assert_eq!(log.sequence_at_time(1000 + 568).unwrap(), 567);
    let opened = storage.take();
    assert!(opened <= 6, "{opened} files for a time close by");
}

#[test]
fn a_damaged_header_between_others_is_told_by_who_needs_it_and_stops_nobody_else() {
    let scratch = tempfile::tempdir().unwrap();
    make_segments(scratch.path(), 9);
    let path = scratch.path().join("0000000000000006.segment");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (log, _) = open(scratch.path());
    let mut reader = Reader::earliest(log.clone());
    for sequence in 0..5 {
        assert!(reader.advance().unwrap());
        assert_eq!(reader.sequence(), sequence);
    }
    for _ in 0..2 {
        let error = reader.advance().unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("0000000000000006.segment"), "{error}");
    }
    assert!(log.bytes() < 9 * 64);
    log.append(&[data(b"goes on")]).unwrap();
}

struct Unwatched;

impl streaming::Progress for Unwatched {
    fn moved(&self) {}
}

fn bring_all_home(log: &Log) {
    let (_, place) = log.collect().unwrap();
    log.bring_home(place).unwrap();
}

#[test]
fn every_complete_segment_that_is_home_has_its_index_behind_its_data() {
    every_segment_has_its_index_after(bring_all_home);
    every_segment_has_its_index_after(|log| log.stream_home(64 << 10, &Unwatched).unwrap());
}

fn every_segment_has_its_index_after(bring_home: fn(&Log)) {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let value = [7; 5000];
    for time_ns in 1..1000 {
        log.append(&[Draft { time_ns, ..data(&value) }]).unwrap();
    }
    bring_home(&log);
    let mut before = None;
    for (number, path) in (1..).zip(sealed_files(scratch.path())) {
        let bytes = std::fs::read(&path).unwrap();
        let segment = SegmentFile::decode(&bytes[..HEADER_BYTES], &path).unwrap();
        let index = Index::decode(&bytes[data_end(&path)..], &segment).unwrap();
        let times = Times::following(before, number, index.times.own_ns);
        assert_eq!((index.times, index.times.since), (times, 1));
        assert_eq!(index.landing(|_| true).is_some(), segment.data_bytes > 64 << 10);
        before = Some(times);
    }
    assert!(before.is_some());
}

#[test]
fn an_index_that_leads_to_no_frame_is_not_followed() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let journal = journal();
    let value = [7; 1000];
    for _ in 0..3000 {
        log.append(&[data(&value)]).unwrap();
    }
    let last = log.append(&[data(&value)]).unwrap();
    journal.commit(&log, last.end).unwrap();
    bring_all_home(&log);
    drop(log);
    // Of another walk: its landings lie between the frames.
    let mut other = Walk::default();
    let mut frame = [0; 1048];
    frame[..4].copy_from_slice(&1048u32.to_le_bytes());
    frame[20] = 1;
    while u64::from(other.at.granule) < (400 << 10) / 8 {
        other.enter(&frame::Frame::trusted(&frame));
    }
    let mut wrong = 0;
    for path in sealed_files(scratch.path()) {
        let mut bytes = std::fs::read(&path).unwrap();
        let segment = SegmentFile::decode(&bytes[..HEADER_BYTES], &path).unwrap();
        bytes.truncate(data_end(&path));
        if segment.data_bytes > 400 << 10 {
            wrong += 1;
            bytes.extend(other.encode(&Times::following(None, segment.number, 1), &segment));
        }
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(wrong > 0);
    let log = open(scratch.path()).0;
    let mut reader = Reader::earliest(log);
    for sequence in (0..3000).step_by(37) {
        reader.seek(sequence).unwrap();
        assert!(reader.advance().unwrap());
        while reader.frame().kind() != Kind::Data {
            assert!(reader.advance().unwrap());
        }
        assert_eq!(reader.sequence(), sequence);
    }
}

#[test]
fn what_was_read_from_a_file_stays_as_long_as_it_is_kept_and_the_reader_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let log = open(scratch.path()).0;
    let journal = journal();
    let sizes = [10, 5_000, 300_000, 90, 20_000];
    let mut last = Place::default();
    for i in 0..300u64 {
        last = log.append(&[data(&value_of(i, sizes[i as usize % sizes.len()]))]).unwrap().end;
    }
    journal.commit(&log, last).unwrap();
    drop(log);
    let log = open(scratch.path()).0;
    let mut reader = Reader::earliest(log);
    let mut kept = vec![];
    while reader.advance().unwrap() {
        if reader.frame().kind() == Kind::Data {
            kept.push((reader.sequence(), reader.payload()));
        }
    }
    assert_eq!(kept.len(), 300);
    for (sequence, payload) in kept {
        assert_eq!(payload.frame().value(), value_of(sequence, sizes[sequence as usize % sizes.len()]));
    }
}
