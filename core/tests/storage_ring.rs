//! What streams files: every way of doing it gives the same file, and a hub finds the best one that the system allows.

#![cfg(target_os = "linux")]

use ringmain::storage::{Aligned, Blocking, Feed, Ring, RingSetup, Storage};
use ringmain::{Durability, Hub, Message, Start};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// Every storage of the operating system that this machine has.
fn reals() -> Vec<Arc<dyn Storage>> {
    let rings = RingSetup::ALL.into_iter().filter_map(|setup| Ring::new(setup).ok());
    let rings: Vec<_> = rings.map(|ring| Arc::new(ring) as Arc<dyn Storage>).collect();
    if rings.is_empty() {
        println!("no io_uring here: blocking calls only");
    }
    rings.into_iter().chain([Arc::new(Blocking) as _]).collect()
}

/// Gives pieces of these sizes, and notes what became durable.
struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
    sizes: std::slice::Iter<'a, usize>,
    durable: Vec<u64>,
}

const HEAD: usize = 4096;

impl<'a> Feed<'a> for Pieces<'a> {
    fn next(&mut self, _bytes: usize) -> Option<(&'a [u8], u64)> {
        let size = *self.sizes.next()?;
        let (from, to) = (self.at, self.at + size);
        self.at = to;
        Some((&self.bytes[from..to], (HEAD + from) as u64))
    }

    fn durable(&mut self, position: u64) {
        assert!(position <= (HEAD + self.at) as u64, "durable before it was given");
        assert!(self.durable.last().is_none_or(|last| *last < position), "durable twice");
        self.durable.push(position);
    }
}

#[test]
fn every_way_of_streaming_writes_the_same_file_and_says_when_all_of_it_is_durable() {
    let mut bytes = Aligned::default();
    bytes.resize(9 << 20);
    bytes.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index / 4096) as u8 ^ index as u8);
    let sizes = [4096, 8192, 1 << 20, 4096, 3 << 20, 65536, 262_144, 4 << 20];
    for storage in reals() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = storage.create(&path, (HEAD + bytes.len()) as u64).unwrap();
        file.write_all_at(&[9; HEAD], 0).unwrap();
        for sizes in [&sizes[..], &[], &sizes[..1]] {
            let mut feed = Pieces { bytes: &bytes, at: 0, sizes: sizes.iter(), durable: vec![] };
            file.stream(&mut feed).unwrap();
            let end = sizes.iter().sum::<usize>();
            assert_eq!(feed.durable.last().map_or(HEAD as u64, |last| *last), (HEAD + end) as u64);
        }
        let written = sizes.iter().sum::<usize>();
        let content = std::fs::read(&path).unwrap();
        assert!(content[..HEAD].iter().all(|byte| *byte == 9), "{}", storage.name());
        assert!(content[HEAD..HEAD + written] == bytes[..written], "{}", storage.name());
        assert!(content[HEAD + written..].iter().all(|byte| *byte == 0), "{}", storage.name());
    }
}

#[test]
fn aligned_and_other_writes_of_one_file_do_not_disturb_each_other() {
    let mut block = Aligned::default();
    block.resize(8192);
    for storage in reals() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = storage.create(&path, 64 << 10).unwrap();
        let mut model = vec![0; 64 << 10];
        for round in 0..400usize {
            let byte = round as u8 | 1;
            let (at, len) = match round % 3 {
                0 => (round * 4096 % (56 << 10), 4096 + round % 2 * 4096),
                1 => (round * 977 % (60 << 10), 1 + round * 31 % 3000),
                _ => (round * 512 % (56 << 10), 512 * (1 + round % 9)),
            };
            block.fill(byte);
            model[at..at + len].fill(byte);
            if round % 3 == 1 {
                file.write_all_at(&vec![byte; len], at as u64).unwrap();
            } else {
                file.write_all_at(&block[..len], at as u64).unwrap();
            }
            if round % 7 == 0 {
                let mut read = vec![0; model.len()];
                file.read_exact_at(&mut read, 0).unwrap();
                assert!(read == model, "{} after write {round} of {len} bytes at {at}", storage.name());
            }
        }
        file.sync().unwrap();
        assert!(std::fs::read(&path).unwrap() == model, "{}", storage.name());
    }
}

/// Appends more than a journal should hold, and finds all of it again.
fn use_a_hub(directory: &Path, storage: Option<Arc<dyn Storage>>) -> String {
    const RECORDS: u64 = 40_000;
    let open = || {
        let builder = Hub::builder().durability(Durability::Relaxed);
        match &storage {
            Some(storage) => builder.storage(storage.clone()),
            None => builder,
        }
        .open(directory)
        .unwrap()
    };
    let hub = open();
    let stream = hub.stream("s").open().unwrap();
    let mut value = [7; 300];
    for number in 0..RECORDS {
        value[..8].copy_from_slice(&number.to_le_bytes());
        stream.append(Message::new(&value)).unwrap();
    }
    hub.flush().unwrap();
    hub.close(Duration::from_secs(60)).unwrap();
    let hub = open();
    let stream = hub.stream("s").open().unwrap();
    let records = stream.reader(Start::Earliest).unwrap().map(Result::unwrap);
    let numbers = records.map(|r| u64::from_le_bytes(*r.value().first_chunk().unwrap()));
    assert!(numbers.eq(0..RECORDS));
    hub.stats().unwrap().storage
}

#[test]
fn a_hub_streams_the_same_on_every_storage() {
    for storage in reals() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(use_a_hub(&dir.path().join("hub"), Some(storage.clone())), storage.name());
    }
}

/// Runs the test of that name once more in a process of its own, as whatever it makes of itself there.
fn in_a_process_of_its_own(test: &str, directory: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("RINGMAIN_TEST_DIRECTORY", directory)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn own_process_directory() -> Option<std::path::PathBuf> {
    std::env::var_os("RINGMAIN_TEST_DIRECTORY").map(Into::into)
}

/// Has the kernel refuse to make rings in this process, as container runtimes do.
fn forbid_io_uring() {
    const LOAD_CALL: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut steps = [
        step(LOAD_CALL, 0, 0, 0),
        step(JUMP_IF_EQUAL, 0, 1, libc::SYS_io_uring_setup as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: the filter and its steps live until the call has copied them.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        assert_eq!(libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &filter), 0);
    }
}

#[test]
fn where_io_uring_is_forbidden_a_hub_works_by_blocking_calls_and_says_why() {
    let test = "where_io_uring_is_forbidden_a_hub_works_by_blocking_calls_and_says_why";
    let Some(directory) = own_process_directory() else {
        let dir = tempfile::tempdir().unwrap();
        return in_a_process_of_its_own(test, dir.path());
    };
    forbid_io_uring();
    let error = Ring::new(RingSetup::Plain).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EPERM), "the filter is not in force: {error}");
    let name = use_a_hub(&directory.join("hub"), None);
    assert!(name.starts_with("blocking calls (") && name.contains("not permitted"), "{name}");
}

#[test]
fn an_ordinary_user_with_8_mib_of_locked_memory_streams_as_well() {
    let test = "an_ordinary_user_with_8_mib_of_locked_memory_streams_as_well";
    let Some(directory) = own_process_directory() else {
        let dir = tempfile::tempdir().unwrap();
        // SAFETY: reads the identity of the process.
        if unsafe { libc::geteuid() } == 0 {
            let nobody = 65534;
            std::os::unix::fs::chown(dir.path(), Some(nobody), Some(nobody)).unwrap();
        }
        return in_a_process_of_its_own(test, dir.path());
    };
    let limit = libc::rlimit { rlim_cur: 8 << 20, rlim_max: 8 << 20 };
    // SAFETY: a limit that lives, and numbers; the other threads of this process do not care who they are.
    unsafe {
        assert_eq!(libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit), 0);
        if libc::geteuid() == 0 {
            assert_eq!((libc::setgid(65534), libc::setuid(65534)), (0, 0));
        }
        assert_ne!(libc::geteuid(), 0);
    }
    let name = use_a_hub(&directory.join("hub"), None);
    println!("as an ordinary user: {name}");
}
