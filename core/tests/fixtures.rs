//! Directories as earlier versions wrote them, kept under `fixtures/`: they open, and hold what they held. And the same steps
//! still write the same bytes, so that nobody changes the format without knowing.
//!
//! A new version of the format gets a folder of its own beside the others: `RINGMAIN_BLESS=1 cargo test --test fixtures` makes
//! the newest one where there is none.

use ringmain::{
    Clock, Durability, Hub, HubBuilder, Jitter, ManualClock, Message, OnExhausted, Queue, Result, Retry,
    Start,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// What earlier versions wrote, and this one: since then letters tell more of what they are of, and leases of plain messages are
/// told by runs.
const VERSIONS: [&str; 2] = ["format-1.0", NEWEST];
const NEWEST: &str = "format-1.0-letters";
/// One that was closed, and one whose process was killed: everything is in its journal.
const CLOSED: &str = "closed";
const KILLED: &str = "killed";
/// Records of the stream `bulk`: more than one segment, and what fits into one. The sizes of later segments depend on how
/// fast the first was filled.
const BULK: u8 = 30;
const BULK_OF_ONE_SEGMENT: u8 = 20;

fn folder(version: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version).join(name)
}

/// Every file below a folder, by its path in it.
fn read_all(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(
                    path.strip_prefix(folder).expect("it is below").to_owned(),
                    fs::read(&path).expect("a file"),
                )),
            }
        }
    }
    found.retain(|path, _| path != Path::new("LOCK"));
    found
}

fn write_all(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        fs::write(path, bytes).expect("a file is written");
    }
}

fn builder() -> HubBuilder {
    Hub::builder()
        .clock(Clock::Manual(ManualClock::new()))
        .durability(Durability::Synced)
        .journal_bytes_max(256 << 10)
}

fn jobs(hub: &Hub) -> Result<Queue> {
    let retry = Retry { base: Duration::from_secs(1), jitter: Jitter::None, ..Retry::default() };
    hub.queue("jobs").retry(retry).max_failures(2).dead_letter("jobs.dead").open()
}

/// What the directories were made by. Returns the files before the hub was closed.
fn work(directory: &Path, bulk_count: u8) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let hub = builder().open(directory)?;
    let jobs = jobs(&hub)?;
    hub.queue("jobs.dead").on_exhausted(OnExhausted::Keep).open()?;
    let events = hub.stream("events").partitions(2).open()?;
    let bulk = hub.stream("bulk").open()?;
    for n in 0..6u8 {
        jobs.send(Message::new(&[b'j', n]).key("N14228").header("n", &n.to_string()))?;
    }
    jobs.send_batch(&[Message::new(b"a batch"), Message::new(b"of two")])?;
    jobs.send(Message::new(b"later").delay(Duration::from_secs(3600)))?;
    let taken = jobs.receive_batch(4, Duration::ZERO)?;
    taken[0].ack()?;
    taken[1].fail("no luck")?;
    taken[2].reject("never")?;
    taken[3].release()?;
    for n in 0..9u8 {
        events.append(Message::new(&[b'e', n]).key(&n.to_string()).event_time(u64::from(n)))?;
    }
    events.append_batch(&[Message::new(b"keyless"), Message::new(b"batch")])?;
    let mut member = events.group("billing").join()?;
    let polled = member.poll(5, Duration::ZERO)?;
    member.commit()?;
    assert_eq!(polled.len(), 5);
    for n in 0..bulk_count {
        bulk.append(Message::new(&[n; 700]))?;
    }
    drop((taken, member));
    let killed = read_all(directory);
    hub.close(Duration::from_secs(60))?;
    Ok(killed)
}

/// Opens a copy of a directory, and compares it with what the steps left.
fn check(files: &BTreeMap<PathBuf, Vec<u8>>, place: &str) -> Result<()> {
    let scratch = TempDir::new().expect("a directory");
    write_all(scratch.path(), files);
    let report = builder().verify(scratch.path())?;
    assert!(report.is_sound(), "{place}: {report}");
    let hub = builder().open(scratch.path())?;
    let jobs = jobs(&hub)?;
    let waiting: Vec<_> = jobs.peek(0, 100)?.iter().map(|seen| (seen.id(), seen.value().to_vec())).collect();
    let expected = [
        (1, vec![b'j', 1]),
        (3, vec![b'j', 3]),
        (4, vec![b'j', 4]),
        (5, vec![b'j', 5]),
        (6, b"a batch".to_vec()),
        (7, b"of two".to_vec()),
        (8, b"later".to_vec()),
    ];
    assert_eq!(waiting, expected, "{place}");
    let failures: Vec<_> = jobs.peek(0, 100)?.iter().map(|seen| seen.failures()).collect();
    assert_eq!(failures, [1, 0, 0, 0, 0, 0, 0], "{place}");
    let letters = hub.queue("jobs.dead").open()?.peek(0, 100)?;
    let letters: Vec<_> = letters.iter().map(|letter| letter.value().to_vec()).collect();
    assert_eq!(letters, [[b'j', 2]], "{place}");

    let events = hub.stream("events").open()?;
    let mut found: Vec<Vec<u8>> = Vec::new();
    for record in events.reader(Start::Earliest)? {
        found.push(record?.value().to_vec());
    }
    found.sort();
    let keyed = (0..9).map(|n| vec![b'e', n]);
    let mut expected: Vec<Vec<u8>> = keyed.chain([b"keyless".to_vec(), b"batch".to_vec()]).collect();
    expected.sort();
    assert_eq!(found, expected, "{place}");
    let committed: u64 = events.group("billing").committed()?.into_iter().flatten().sum();
    assert_eq!(committed, 5, "{place}");
    let bulk: Vec<_> = hub.stream("bulk").open()?.reader(Start::Earliest)?.collect::<Result<_>>()?;
    assert!(bulk.iter().map(|record| record.value()).eq((0..BULK).map(|n| [n; 700])), "{place}");
    Ok(())
}

/// As [`check`] for one that was kept; made first where there is none, if asked for.
fn kept(version: &str, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    if version == NEWEST && !folder(version, name).exists() && std::env::var_os("RINGMAIN_BLESS").is_some() {
        let scratch = TempDir::new().expect("a directory");
        let killed = work(scratch.path(), BULK).expect("a hub");
        write_all(&folder(version, KILLED), &killed);
        write_all(&folder(version, CLOSED), &read_all(scratch.path()));
    }
    read_all(&folder(version, name))
}

#[test]
fn directories_of_version_1_0_hold_what_they_held() -> Result<()> {
    for version in VERSIONS {
        check(&kept(version, CLOSED), &format!("{version} closed"))?;
        check(&kept(version, KILLED), &format!("{version} killed"))?;
    }
    Ok(())
}

#[test]
fn a_torn_tail_in_a_directory_of_version_1_0_is_cut() -> Result<()> {
    for (name, file) in [(CLOSED, "queues/jobs/0000000000000001.segment"), (KILLED, "journal.0")] {
        let mut files = kept(NEWEST, name);
        let bytes = files.get_mut(Path::new(file)).expect("the file");
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("something is in it") + 1;
        let next = end.next_multiple_of(if name == KILLED { 512 } else { 8 });
        bytes[next..next + 40].fill(0xab);
        check(&files, &format!("torn {file}"))?;
    }
    Ok(())
}

/// Nothing that is random is in the files but the hub's id and the options, which the catalogue tells.
#[test]
fn the_same_steps_write_the_same_bytes_as_version_1_0() -> Result<()> {
    let scratch = TempDir::new().expect("a directory");
    let catalogue = kept(NEWEST, CLOSED).remove(Path::new("catalogue")).expect("a catalogue");
    write_all(scratch.path(), &BTreeMap::from([("catalogue".into(), catalogue)]));
    let killed = work(scratch.path(), BULK_OF_ONE_SEGMENT)?;
    let journal = Path::new("journal.0");
    // How far ahead a journal is made is nobody's business but the writer's.
    let end = killed[journal].iter().rposition(|byte| *byte != 0).expect("something is in it") + 1;
    let (now, then) = (&killed[journal][..end], kept(NEWEST, KILLED).remove(journal).expect("a journal"));
    let differs = then.iter().zip(now).position(|(then, now)| then != now);
    assert_eq!((differs, then.len() >= end), (None, true), "the journal differs from this byte on");

    let (then, now) = (kept(NEWEST, CLOSED), read_all(scratch.path()));
    let is_compared = |path: &&PathBuf| path.starts_with("queues") || path.starts_with("streams/events");
    let compared: Vec<_> = then.keys().filter(is_compared).collect();
    assert!(
        compared.iter().copied().eq(now.keys().filter(is_compared)) && compared.len() == 5,
        "{compared:?}"
    );
    for path in compared {
        let differs = then[path].iter().zip(&now[path]).position(|(then, now)| then != now);
        assert_eq!(
            (differs, then[path].len()),
            (None, now[path].len()),
            "{path:?} differs from this byte on"
        );
    }
    Ok(())
}
