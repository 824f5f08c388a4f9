//! What the disk itself can do, in the same run: durable streaming and the latency of a sync.

use super::cell::{DISK_LIMIT, goal};
use super::scratch::Scratch;
use crate::harness::{Effort, Entrant, Experiment, Metric, Role, Sample, Work};
use anyhow::{Context, Result, anyhow};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const BLOCK_BYTES: usize = 256 << 10;
const IN_FLIGHT: usize = 4;
/// The file is written over and over: its blocks are there, as in a log that recycles its segments.
const FILE_BLOCKS: u64 = 256;
const SECTOR_BYTES: usize = 4096;
const ROUNDS: u32 = 8;

/// The disk alone.
pub fn experiments() -> Vec<Experiment> {
    let metric = |cell: &str, unit, higher_is_better| Metric {
        cell: cell.to_owned(),
        unit,
        higher_is_better,
        goal: goal(cell),
    };
    let alone = |name: &str, metrics, run: fn(Work) -> Result<Sample>| Experiment {
        name: name.to_owned(),
        group: name.to_owned(),
        metrics,
        entrants: vec![Entrant::new(DISK_LIMIT, Role::Reference, run)],
        effort: Effort::Fixed,
    };
    vec![
        alone("disk writes", vec![metric("disk direct 256 KiB x 4", "MB/s", true)], direct_writes),
        alone(
            "disk sync",
            vec![
                metric("disk 4 KiB pwrite + fdatasync p50", "us", false),
                metric("disk 4 KiB pwrite + fdatasync p99", "us", false),
            ],
            syncs,
        ),
    ]
}

/// Megabytes per second, around the page cache, so many blocks at a time, until they are synced.
///
/// # Errors
/// The file system does not do this.
pub fn direct_writes(work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let file = direct(&scratch.path().join("file"))?;
    let block = Block::new(BLOCK_BYTES);
    for index in 0..FILE_BLOCKS {
        file.write_all_at(block.bytes(), index * BLOCK_BYTES as u64)
            .context("cannot write around the cache")?;
    }
    file.sync_data()?;
    let (next, begin) = (AtomicU64::new(0), Instant::now());
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| {
                let block = Block::new(BLOCK_BYTES);
                while begin.elapsed() < work.round * ROUNDS {
                    // ORDERING: Relaxed: each takes another number.
                    let index = next.fetch_add(1, Ordering::Relaxed) % FILE_BLOCKS;
                    if file.write_all_at(block.bytes(), index * BLOCK_BYTES as u64).is_err() {
                        // ORDERING: Relaxed: the end of the scope orders it.
                        return failed.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    file.sync_data()?;
    let elapsed = begin.elapsed();
    // ORDERING: Relaxed: the threads have ended.
    if failed.load(Ordering::Relaxed) {
        return Err(anyhow!("a direct write failed"));
    }
    let bytes = next.load(Ordering::Relaxed) * BLOCK_BYTES as u64;
    Ok(Sample { elapsed, values: vec![bytes as f64 / elapsed.as_secs_f64() / 1e6] })
}

/// Microseconds of a small write and its sync, one after the other, on blocks that are there.
fn syncs(work: Work) -> Result<Sample> {
    let scratch = Scratch::new()?;
    let file = File::create(scratch.path().join("file"))?;
    let sector = vec![1; SECTOR_BYTES];
    const SECTORS: u64 = 256;
    for index in 0..SECTORS {
        file.write_all_at(&sector, index * SECTOR_BYTES as u64)?;
    }
    file.sync_all()?;
    let (begin, mut times, mut index) = (Instant::now(), Vec::<Duration>::new(), 0);
    while begin.elapsed() < work.round * ROUNDS {
        let one = Instant::now();
        file.write_all_at(&sector, index % SECTORS * SECTOR_BYTES as u64)?;
        file.sync_data()?;
        times.push(one.elapsed());
        index += 1;
    }
    let elapsed = begin.elapsed();
    times.sort();
    let quantile = |hundredths: usize| times[(times.len() - 1) * hundredths / 100].as_secs_f64() * 1e6;
    Ok(Sample { elapsed, values: vec![quantile(50), quantile(99)] })
}

fn direct(path: &std::path::Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_DIRECT);
    }
    options.open(path).context("the file system does no direct writes")
}

/// Memory as direct writes want it.
pub(crate) struct Block {
    start: NonNull<u8>,
    layout: Layout,
}

impl Block {
    pub(crate) fn new(bytes: usize) -> Self {
        let Ok(layout) = Layout::from_size_align(bytes, SECTOR_BYTES) else {
            handle_alloc_error(Layout::new::<u8>());
        };
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        Self { start, layout }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: that many bytes, zeroed when they were allocated; who writes them has `self` alone.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `self` is borrowed by nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no slice outlives `self`.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
