//! Reading the file of a segment that has left memory: in chunks, every frame checked.
//!
//! **Promise.** A reader holds two chunks at most, read over when nobody else holds them. Whoever keeps a frame keeps the chunk that it
//! lies in. A frame longer than a chunk gets one of its own.

use crate::error::{Error, Result};
use crate::log::claim::GRANULE_BYTES;
use crate::log::frame::{Frame, SEQUENCE, Word, corrupt};
use crate::log::index::{Index, Walk};
use crate::log::recovery::{frame_at, is_pad, word_at};
use crate::log::segment_file::{HEADER_BYTES, SegmentFile};
use crate::storage::File;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes of the first chunk: enough for one record taken out of the middle. Each further one is twice as long.
const CHUNK_BYTES_MIN: u64 = 16 << 10;
/// Stays in the second-level cache from when it is read until its frames are checked.
const CHUNK_BYTES_MAX: u64 = 256 << 10;

/// Who reads one chunk after the other has the system read so far ahead, so that the disk works while frames are checked.
const AHEAD_BYTES: u64 = 4 << 20;

/// Bytes of a data area as read from the file.
#[derive(Debug, Default)]
pub(crate) struct Chunk(Vec<u8>);

/// Chunks to be read over: the one in use, and the one before, which somebody may still hold.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    current: Arc<Chunk>,
    before: Arc<Chunk>,
}

impl Chunks {
    /// A chunk of at least so many bytes that nobody else holds. What is in it is left as it is.
    fn writable(&mut self, bytes: usize) -> &mut [u8] {
        let is_free =
            |chunk: &mut Arc<Chunk>| Arc::get_mut(chunk).is_some_and(|chunk| chunk.0.len() >= bytes);
        if !is_free(&mut self.current) {
            std::mem::swap(&mut self.current, &mut self.before);
            if !is_free(&mut self.current) {
                self.current = Arc::new(Chunk(vec![0; bytes]));
            }
        }
        match Arc::get_mut(&mut self.current) {
            Some(chunk) => &mut chunk.0,
            None => unreachable!("it is free"),
        }
    }
}

/// A segment that is read from its file.
#[derive(Debug)]
pub(crate) struct Cold {
    pub(crate) segment: SegmentFile,
    file: Arc<dyn File>,
    path: PathBuf,
    /// Where the data area begins in the file.
    position: u64,
    chunks: Chunks,
    /// The part of the data area that is in the chunk.
    from: u64,
    to: u64,
    /// Bytes of the next chunk.
    next_bytes: u64,
    /// So far the system was told to read ahead.
    ahead_to: u64,
}

impl Cold {
    /// A segment and its open file; `chunks` are read over.
    pub(crate) fn new(segment: SegmentFile, file: Arc<dyn File>, path: PathBuf, chunks: Chunks) -> Self {
        let next_bytes = (chunks.current.0.len() as u64).clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX);
        Self {
            segment,
            file,
            path,
            position: HEADER_BYTES as u64,
            chunks,
            from: 0,
            to: 0,
            next_bytes,
            ahead_to: 0,
        }
    }

    /// The same, of a segment whose data area begins somewhere else in its file.
    pub(crate) fn at(self, position: u64) -> Self {
        Self { position, ..self }
    }

    /// What was read into, for another segment.
    pub(crate) fn into_chunks(self) -> Chunks {
        self.chunks
    }

    /// The chunk that frames lie in that were found last.
    pub(crate) fn chunk(&self) -> &Arc<Chunk> {
        &self.chunks.current
    }

    /// Bytes of a frame that was found last.
    pub(crate) fn bytes(&self, byte: u64, bytes: usize) -> &[u8] {
        let from = (byte - self.from) as usize;
        &self.chunks.current.0[from..from + bytes]
    }

    /// The frame at `byte`, before which there are `records`; `None` at the end of the segment.
    ///
    /// # Errors
    /// `Corrupt` saying where, `Io`.
    pub(crate) fn frame(&mut self, byte: u64, records: Option<u64>) -> Result<Option<Frame<'_>>> {
        if byte >= self.segment.data_bytes {
            return Ok(None);
        }
        self.hold(byte)?;
        let (data_bytes, seed) = (self.segment.data_bytes, self.segment.seed());
        let rest = &self.chunks.current.0[(byte - self.from) as usize..(self.to - self.from) as usize];
        let told = || word_at(rest, SEQUENCE).map_or(0, u64::from);
        match frame_at(rest, byte, seed, records.unwrap_or_else(told)) {
            Ok(frame) => Ok(Some(frame)),
            Err(_) if is_pad(rest, byte, data_bytes, seed) => Ok(None),
            Err(why) => Err(corrupt(&self.path, self.position + byte, why)),
        }
    }

    /// As [`frame`](Self::frame), if the frame is in the chunk already.
    pub(crate) fn frame_held(&mut self, byte: u64, records: u64) -> Result<Option<Frame<'_>>> {
        if self.needed(byte).is_some() { Ok(None) } else { self.frame(byte, Some(records)) }
    }

    /// Has the frame at `byte` in the chunk, as long as it says that it is, but for what lies behind the data area.
    fn hold(&mut self, byte: u64) -> Result<()> {
        // How long the frame is is known once its beginning is there.
        for _ in 0..2 {
            match self.needed(byte) {
                Some(bytes) => self.read(byte, bytes)?,
                None => break,
            }
        }
        Ok(())
    }

    /// How many bytes are to be read for the frame at `byte`, as far as is known; None: none.
    fn needed(&self, byte: u64) -> Option<u64> {
        if byte < self.from || byte + GRANULE_BYTES > self.to {
            return Some(GRANULE_BYTES);
        }
        let word = word_at(&self.chunks.current.0, (byte - self.from) as usize)?;
        let Word::Frame { bytes } = Word::new(word) else { return None };
        let bytes = (bytes as u64).min(self.segment.data_bytes - byte);
        (byte + bytes > self.to).then_some(bytes)
    }

    fn read(&mut self, byte: u64, bytes_min: u64) -> Result<()> {
        let bytes = bytes_min.max(self.next_bytes).min(self.segment.data_bytes - byte);
        self.next_bytes = (2 * self.next_bytes).min(CHUNK_BYTES_MAX);
        // The frame at the end of a chunk begins the next one.
        let goes_on = self.from < byte && byte <= self.to && bytes == CHUNK_BYTES_MAX;
        // Nothing is in the chunk, should the read fail.
        (self.from, self.to) = (byte, byte);
        let buffer = &mut self.chunks.writable(bytes as usize)[..bytes as usize];
        let read = self.file.read_exact_at(buffer, self.position + byte);
        read.map_err(|e| Error::io("read", &self.path, &e))?;
        self.to = byte + bytes;
        if goes_on {
            self.read_ahead();
        }
        Ok(())
    }

    fn read_ahead(&mut self) {
        let from = self.ahead_to.max(self.to);
        let to = (self.to + AHEAD_BYTES).min(self.segment.data_bytes);
        // By halves.
        if from + AHEAD_BYTES / 2 <= to || from < to && to == self.segment.data_bytes {
            self.file.will_read(self.position + from, to - from);
            self.ahead_to = to;
        }
    }

    /// The index behind the data area, if there is one to be believed.
    pub(crate) fn index(&self) -> Option<Index> {
        let position = self.position + self.segment.data_bytes;
        let bytes = self.file.len().ok()?.checked_sub(position)?;
        let mut index = vec![0; (bytes as usize).min(Index::bytes_max(&self.segment))];
        self.file.read_exact_at(&mut index, position).ok()?;
        Index::decode(&index, &self.segment)
    }

    /// Walks the whole segment.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub(crate) fn walk(&mut self) -> Result<Walk> {
        let mut walk = Walk::default();
        while let Some(frame) =
            self.frame(u64::from(walk.at.granule) * GRANULE_BYTES, Some(u64::from(walk.at.sequence)))?
        {
            walk.enter(&frame);
        }
        Ok(walk)
    }
}
