//! The bytes of one simulated file: sparse, and copied only where written, so that a crash image of a large
//! segment costs what its unsynced writes cost.

use std::collections::BTreeMap;
use std::sync::Arc;

const CHUNK_BYTES: usize = 4096;

/// Bytes that read as zeros where nothing was written. Clones share their chunks until one of them writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    len: u64,
    chunks: Arc<BTreeMap<u64, Arc<[u8; CHUNK_BYTES]>>>,
}

impl Content {
    pub(super) fn zeros(len: u64) -> Self {
        Self { len, ..Self::default() }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Lengthens to `len`, with zeros; never shortens.
    pub(super) fn reach(&mut self, len: u64) {
        self.len = self.len.max(len);
    }

    /// Writes `bytes` at `position`, lengthening if need be.
    pub(super) fn write(&mut self, position: u64, bytes: &[u8]) {
        let chunks = Arc::make_mut(&mut self.chunks);
        let mut rest = bytes;
        let mut at = position;
        while !rest.is_empty() {
            let (index, start) = locate(at);
            let (now, later) = rest.split_at(rest.len().min(CHUNK_BYTES - start));
            let chunk = chunks.entry(index).or_insert_with(|| Arc::new([0; CHUNK_BYTES]));
            Arc::make_mut(chunk)[start..start + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            rest = later;
        }
        if !bytes.is_empty() {
            self.reach(at);
        }
    }

    /// Fills `buffer` from `position`; what lies past the end reads as zeros.
    pub(super) fn read(&self, position: u64, buffer: &mut [u8]) {
        let mut at = position;
        let mut rest = buffer;
        while !rest.is_empty() {
            let (index, start) = locate(at);
            let part = rest.len().min(CHUNK_BYTES - start);
            let (now, later) = rest.split_at_mut(part);
            match self.chunks.get(&index) {
                Some(chunk) => now.copy_from_slice(&chunk[start..start + part]),
                None => now.fill(0),
            }
            at += part as u64;
            rest = later;
        }
    }
}

/// The chunk that holds a byte, and the byte's place in it.
fn locate(position: u64) -> (u64, usize) {
    (position / CHUNK_BYTES as u64, (position % CHUNK_BYTES as u64) as usize)
}
