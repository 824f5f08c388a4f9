//! Streaming by io_uring: four writes under way at once, and one sync behind them, by one thread.
//!
//! Everything else is done by blocking calls: for one small commit with nothing else under way they are faster (measured,
//! `docs/adr/0006`).
//!
//! **Promise.** Nothing is under way any more when [`File::stream`] returns, whatever it returns. A ring belongs to the
//! thread that streams and goes with it.
//!
//! **Failure.** A write or sync that failed ends the stream; what is under way is waited for.

use super::beneath::{Beneath, Wrap};
use super::blocking::{Blocking, OsFile};
use super::names::Names;
use super::{Feed, File, Lock, Space, Storage};
use io_uring::{IoUring, opcode, types};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One write: the knee of the curve, with so many under way. More only adds latency, and syncs starve.
const WRITE_BYTES: usize = 256 << 10;
const WRITES_MAX: usize = 4;
/// A sync that is under way for longer gets its turn: no more writes are begun.
const SYNC_TIME_MAX: Duration = Duration::from_micros(1500);
const ENTRIES: u32 = 8;
/// Names the sync among the writes.
const SYNC: u64 = u64::MAX;

/// How a ring is set up, the best way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RingSetup {
    /// Work of the kernel's is done when the thread asks for it (Linux 6.1).
    DeferTaskrun,
    /// Without interrupting the thread (Linux 5.19).
    CoopTaskrun,
    /// As it always was (Linux 5.6).
    Plain,
}

impl RingSetup {
    /// All of them, the best first.
    pub const ALL: [Self; 3] = [Self::DeferTaskrun, Self::CoopTaskrun, Self::Plain];

    fn build(self) -> io::Result<IoUring> {
        let mut builder = IoUring::builder();
        match self {
            Self::DeferTaskrun => builder.setup_single_issuer().setup_defer_taskrun(),
            Self::CoopTaskrun => builder.setup_coop_taskrun(),
            Self::Plain => &mut builder,
        };
        builder.build(ENTRIES)
    }

    fn name(self) -> &'static str {
        match self {
            Self::DeferTaskrun => "io_uring, deferred task work",
            Self::CoopTaskrun => "io_uring, cooperative task work",
            Self::Plain => "io_uring",
        }
    }
}

/// Files of the operating system, streamed by io_uring.
#[derive(Debug, Clone, Copy)]
pub struct Ring {
    setup: RingSetup,
}

impl Ring {
    /// With this setup.
    ///
    /// # Errors
    /// The system's reason why there is no such ring: an old kernel, a filter of system calls, a limit of locked memory.
    pub fn new(setup: RingSetup) -> io::Result<Self> {
        let ring = setup.build()?;
        let mut probe = io_uring::Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        let can = [opcode::Write::CODE, opcode::Fsync::CODE].iter().all(|code| probe.is_supported(*code));
        if can { Ok(Self { setup }) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// With the best setup that there is.
    ///
    /// # Errors
    /// As for [`new`](Self::new), why there is not even the plainest.
    pub fn best() -> io::Result<Self> {
        let [best, middle, plain] = RingSetup::ALL;
        Self::new(best).or_else(|_| Self::new(middle)).or_else(|_| Self::new(plain))
    }
}

impl Wrap for Ring {
    fn wrap(&self, file: OsFile) -> Arc<dyn File> {
        Arc::new(RingFile { file, setup: self.setup })
    }
}

impl Storage for Ring {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Blocking.create_dir(path)
    }

    fn create(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        Ok(self.wrap(OsFile::create(&Names::ALL, path, bytes)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        Ok(self.wrap(OsFile::open(&Names::ALL, path)?))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        Blocking.list(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Blocking.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Blocking.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        Blocking.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        Blocking.sync_dir(path)
    }

    fn beneath(&self, path: &Path) -> io::Result<Option<Arc<dyn Storage>>> {
        Beneath::open(path, *self)
    }

    fn is_writable_by_all(&self, path: &Path) -> io::Result<bool> {
        Blocking.is_writable_by_all(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        Blocking.space(path)
    }

    fn lock(&self, path: &Path, holder: &str) -> io::Result<Result<Box<dyn Lock>, String>> {
        Blocking.lock(path, holder)
    }

    fn lock_shared(&self, path: &Path) -> io::Result<Result<Box<dyn Lock>, String>> {
        Blocking.lock_shared(path)
    }

    fn name(&self) -> String {
        self.setup.name().to_owned()
    }
}

#[derive(Debug)]
struct RingFile {
    file: OsFile,
    setup: RingSetup,
}

impl File for RingFile {
    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, position)
    }

    fn write_all_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, position)
    }

    fn write_cached_at(&self, bytes: &[u8], position: u64) -> io::Result<()> {
        self.file.write_cached_at(bytes, position)
    }

    fn will_read(&self, position: u64, bytes: u64) {
        self.file.will_read(position, bytes);
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn release_from(&self, position: u64) -> io::Result<()> {
        self.file.release_from(position)
    }

    fn stream(&self, feed: &mut dyn Feed<'_>) -> io::Result<()> {
        // Through the page cache the kernel's threads would copy: nothing is won.
        let Some(descriptor) = self.file.direct_descriptor() else { return self.file.stream(feed) };
        thread_local! {
            static RING: RefCell<Option<(RingSetup, IoUring)>> = const { RefCell::new(None) };
        }
        RING.with_borrow_mut(|place| {
            let ring = match place {
                Some((setup, ring)) if *setup == self.setup => ring,
                _ => match self.setup.build() {
                    Ok(ring) => &mut place.insert((self.setup, ring)).1,
                    // There was one when the hub was opened: limits may have changed since.
                    Err(_) => return self.file.stream(feed),
                },
            };
            let streamed = Streaming::new(ring, descriptor, &self.file).run(feed);
            if streamed.is_err() {
                *place = None;
            }
            streamed
        })
    }
}

/// A write under way, or done and waiting for those before it.
#[derive(Debug)]
struct Write<'a> {
    number: u64,
    bytes: &'a [u8],
    position: u64,
    is_done: bool,
}

/// One stream to one file.
struct Streaming<'r, 'a> {
    ring: &'r mut IoUring,
    descriptor: RawFd,
    file: &'r OsFile,
    /// What is left of the piece that the feed gave last.
    piece: (&'a [u8], u64),
    is_over: bool,
    writes: VecDeque<Write<'a>>,
    next_number: u64,
    /// Everything before this position is written, and what of it is durable.
    written: u64,
    durable: u64,
    /// What a sync under way makes durable, and since when.
    syncing: Option<(u64, Instant)>,
    /// How many the kernel has.
    under_way: usize,
    failed: Option<io::Error>,
}

impl<'r, 'a> Streaming<'r, 'a> {
    fn new(ring: &'r mut IoUring, descriptor: RawFd, file: &'r OsFile) -> Self {
        Self {
            ring,
            descriptor,
            file,
            piece: (&[], 0),
            is_over: false,
            writes: VecDeque::new(),
            next_number: 0,
            written: 0,
            durable: 0,
            syncing: None,
            under_way: 0,
            failed: None,
        }
    }

    fn run(mut self, feed: &mut dyn Feed<'a>) -> io::Result<()> {
        loop {
            if self.failed.is_none() {
                self.begin_writes(feed);
                self.begin_sync();
            }
            if self.under_way == 0 {
                return self.failed.map_or(Ok(()), Err);
            }
            match self.ring.submit_and_wait(1) {
                Ok(_) => {}
                Err(e) if matches!(e.raw_os_error(), Some(libc::EINTR | libc::EAGAIN | libc::EBUSY)) => {}
                // The ring is broken, which no kernel is known to do: what is under way cannot be waited for.
                Err(e) => return Err(e),
            }
            self.reap(feed);
        }
    }

    fn begin_writes(&mut self, feed: &mut dyn Feed<'a>) {
        let is_starving = self.syncing.is_some_and(|(_, since)| since.elapsed() > SYNC_TIME_MAX);
        while self.writes.len() < WRITES_MAX && !is_starving {
            if self.piece.0.is_empty() && !self.is_over {
                match feed.next(WRITE_BYTES) {
                    Some(piece) => self.piece = piece,
                    None => self.is_over = true,
                }
            }
            let (rest, position) = self.piece;
            if rest.is_empty() {
                return;
            }
            let (bytes, rest) = rest.split_at(rest.len().min(WRITE_BYTES));
            self.piece = (rest, position + bytes.len() as u64);
            let number = self.next_number;
            self.next_number += 1;
            self.writes.push_back(Write { number, bytes, position, is_done: false });
            self.push_write(number, bytes, position);
        }
    }

    fn push_write(&mut self, number: u64, bytes: &[u8], position: u64) {
        let entry = opcode::Write::new(types::Fd(self.descriptor), bytes.as_ptr(), bytes.len() as u32);
        self.push(&entry.offset(position).build().user_data(number));
    }

    fn begin_sync(&mut self) {
        if self.syncing.is_none() && self.written > self.durable {
            self.syncing = Some((self.written, Instant::now()));
            let entry = opcode::Fsync::new(types::Fd(self.descriptor)).flags(types::FsyncFlags::DATASYNC);
            self.push(&entry.build().user_data(SYNC));
        }
    }

    fn push(&mut self, entry: &io_uring::squeue::Entry) {
        // SAFETY: the bytes of a write are borrowed from the feed for longer than `run` takes, which returns only when
        // nothing is under way, or when the ring is broken: then the kernel may still read, and only read, memory that is
        // used for something else, for a file that is believed no more. The descriptor is the file's, which we borrow.
        let pushed = unsafe { self.ring.submission().push(entry) };
        match pushed {
            Ok(()) => self.under_way += 1,
            Err(_) => unreachable!("there is room for more than are ever under way"),
        }
    }

    fn reap(&mut self, feed: &mut dyn Feed<'a>) {
        let done: Vec<(u64, i32)> =
            self.ring.completion().map(|entry| (entry.user_data(), entry.result())).collect();
        for (number, result) in done {
            self.under_way -= 1;
            match u64::try_from(result) {
                Err(_) => self.fail(io::Error::from_raw_os_error(-result)),
                Ok(_) if number == SYNC => self.synced(feed),
                Ok(bytes) => self.wrote(number, bytes as usize),
            }
        }
    }

    fn synced(&mut self, feed: &mut dyn Feed<'a>) {
        if let Some((position, _)) = self.syncing.take() {
            self.durable = position;
            feed.durable(position);
        }
    }

    fn wrote(&mut self, number: u64, count: usize) {
        let Some(write) = self.writes.iter_mut().find(|write| write.number == number) else { return };
        if count < write.bytes.len() {
            // Short: the rest by a blocking call, which says why.
            let (rest, position) = (&write.bytes[count..], write.position + count as u64);
            if let Err(error) = self.file.write_all_at(rest, position) {
                return self.fail(error);
            }
        }
        write.is_done = true;
        while let Some(first) = self.writes.front().filter(|first| first.is_done) {
            self.written = first.position + first.bytes.len() as u64;
            self.writes.pop_front();
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.failed.get_or_insert(error);
    }
}
