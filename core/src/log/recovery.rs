//! What is in a segment's data area, found by walking its frames: pure functions of bytes.
//!
//! **Promise.** A frame is believed only if its checksum, seeded with its place, and its sequence fit. The walk stops
//! at the first that is not. If something later in the segment proves that this place had been durable, the
//! segment is *corrupt*, and the error says where; otherwise the rest is a *torn tail*, what a crash leaves behind.
//!
//! **Proof** is a durable mark: the journal writes one with every commit, telling what was durable before it. Only the
//! very last commit before a crash is not covered by one; damage in it looks like a torn tail.

use crate::log::claim::{GRANULE_BYTES, Place};
use crate::log::frame::{
    BATCH_CONTINUED, BATCH_CONTINUES, Draft, Frame, HEADER_BYTES, Kind, PAD, Seed, Word, pad_checksum, u64_at,
};
use crate::log::segment_file::is_compacted;

/// What a walk found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Sequences before the end, counted from the segment's first.
    pub(crate) records: u64,
    /// Where the next frame goes, in granules.
    pub(crate) end: u64,
    /// Whether the segment was sealed: nothing more goes into it.
    pub(crate) sealed: bool,
    /// Bytes behind `end` that are not zero: what recovery cuts.
    pub(crate) torn_bytes: u64,
    /// The furthest durable mark.
    pub(crate) durable: Place,
    /// Sequence of the first record that might still be read, as far as marks say.
    pub(crate) start: u64,
}

/// What a durable mark says.
///
/// ```text
/// 0 8  what was durable before the commit: a place
/// 8 8  sequence of the first record that might still be read; left out where that is 0
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct DurableMark {
    pub(crate) durable: Place,
    pub(crate) start: u64,
}

impl DurableMark {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let start = (self.start != 0).then(|| self.start.to_le_bytes());
        [&self.durable.0.to_le_bytes()[..], start.as_ref().map_or(&[], |start| &start[..])].concat()
    }

    fn decode(value: &[u8]) -> Self {
        let place = |value: &[u8]| u64_at(value, 0).map_or(Place::default(), Place);
        match value.len() {
            8 => Self { durable: place(value), start: 0 },
            16 => Self { durable: place(value), start: u64_at(value, 8).unwrap_or(0) },
            _ => Self::default(),
        }
    }
}

/// Damage at a byte of the data area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) byte_position: u64,
    pub(crate) detail: String,
}

/// Whether `rest`, which begins at `byte` of a data area of `data_bytes`, begins with a pad.
pub(crate) fn is_pad(rest: &[u8], byte: u64, data_bytes: u64, seed: Seed) -> bool {
    let Some(word) = word_at(rest, 0) else { return false };
    let Word::Pad { granules } = Word::new(word) else { return false };
    let Some(crc) = word_at(rest, 4) else { return false };
    let reaches_end = byte / GRANULE_BYTES + granules == data_bytes / GRANULE_BYTES;
    reaches_end && crc == pad_checksum(word, seed.at(byte))
}

pub(crate) fn word_at(data: &[u8], byte: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(byte..byte + 4)?.try_into().ok()?))
}

/// The frame that `rest` begins with, which begins at `byte` of a data area: believed only with the right sequence, that of
/// the next record, or in a compacted segment of a later one.
pub(crate) fn frame_at(rest: &[u8], byte: u64, seed: Seed, records: u64) -> Result<Frame<'_>, &'static str> {
    let frame = Frame::checked(rest, seed.at(byte))?;
    let sequence = u64::from(frame.sequence_from_base());
    if sequence != records && (sequence < records || !is_compacted(seed.generation)) {
        return Err("the sequence does not follow");
    }
    Ok(frame)
}

/// Walks the whole data area of a segment; `seed` identifies it.
pub(crate) fn scan(data: &[u8], seed: Seed) -> Result<Scan, Damage> {
    let mut found =
        Scan { records: 0, end: 0, sealed: false, torn_bytes: 0, durable: Place::default(), start: 0 };
    let (mut byte, mut records) = (0, 0);
    let stopped = loop {
        if byte >= data.len() {
            // Exactly full: as good as a pad.
            found.sealed = found.end * GRANULE_BYTES == data.len() as u64;
            break "the segment ends within a batch";
        }
        let (rest, place) = (data.get(byte..).unwrap_or(&[]), byte as u64);
        if found.end * GRANULE_BYTES == place && is_pad(rest, place, data.len() as u64, seed) {
            found.sealed = true;
            return Ok(found);
        }
        let frame = match frame_at(rest, place, seed, records) {
            Ok(frame) => frame,
            Err(why) => break why,
        };
        byte += (frame.granules() * GRANULE_BYTES) as usize;
        records = u64::from(frame.sequence_from_base()) + u64::from(frame.kind().is_record());
        if frame.kind() == Kind::DurableMark {
            let mark = DurableMark::decode(frame.value());
            found.durable = found.durable.max(mark.durable);
            found.start = found.start.max(mark.start);
        }
        // An unfinished batch does not count: the end moves only past its last frame.
        if !frame.has(BATCH_CONTINUES) {
            (found.end, found.records) = (byte as u64 / GRANULE_BYTES, records);
        }
    };
    if found.sealed {
        return Ok(found);
    }
    let end = (found.end * GRANULE_BYTES) as usize;
    let durable = found.durable.max(later_mark(data, end, seed));
    if durable > Place::new(seed.segment, found.end) {
        let byte_position = byte.min(data.len()) as u64;
        return Err(Damage { byte_position, detail: format!("{stopped}, although it had been durable") });
    }
    let rest = data.get(end..).unwrap_or(&[]);
    found.torn_bytes = rest.iter().rposition(|b| *b != 0).map_or(0, |last| last as u64 + 1);
    Ok(found)
}

/// The furthest durable mark that is a valid frame somewhere behind `from`, of whatever sequence.
pub(crate) fn later_mark(data: &[u8], from: usize, seed: Seed) -> Place {
    let mut furthest = Place::default();
    let mut byte = from;
    while let Some(word) = word_at(data, byte) {
        let plausible = word != 0 && word & PAD == 0;
        match plausible.then(|| Frame::checked(&data[byte..], seed.at(byte as u64))) {
            Some(Ok(frame)) => {
                if frame.kind() == Kind::DurableMark {
                    furthest = furthest.max(DurableMark::decode(frame.value()).durable);
                }
                byte += (frame.granules() * GRANULE_BYTES) as usize;
            }
            _ => byte += GRANULE_BYTES as usize,
        }
    }
    furthest
}

/// A stretch of a data area that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) from: usize,
    /// Where the next frame or the pad is that can be read; the end of the area if there is none.
    pub(crate) to: usize,
    /// Sequence of the first record that was in it, from the segment's base.
    pub(crate) first: u64,
    /// How many were in it, at most.
    pub(crate) lost: u64,
    pub(crate) why: &'static str,
    /// What follows goes on with a batch.
    is_within_batch: bool,
}

/// What a walk over everything that cannot be read found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Data frames.
    pub(crate) messages: u64,
    /// Sequences, those that were lost included.
    pub(crate) records: u64,
    pub(crate) holes: Vec<Hole>,
}

/// Walks a data area and goes on behind what cannot be read. `records`: how many were in it, where the next segment tells.
pub(crate) fn survey(data: &[u8], seed: Seed, records: Option<u64>) -> Survey {
    let mut found = Survey::default();
    let mut byte = 0;
    while byte < data.len() && !is_pad(&data[byte..], byte as u64, data.len() as u64, seed) {
        match frame_at(&data[byte..], byte as u64, seed, found.records) {
            Ok(frame) => {
                byte += (frame.granules() * GRANULE_BYTES) as usize;
                let is_record = u64::from(frame.kind().is_record());
                found.records = u64::from(frame.sequence_from_base()) + is_record;
                found.messages += u64::from(frame.kind() == Kind::Data);
            }
            Err(why) => {
                let first = found.records;
                let (to, next) = resume(data, byte, seed, first);
                let is_within_batch = next.as_ref().is_some_and(|frame| frame.has(BATCH_CONTINUED));
                let next = next.map(|frame| u64::from(frame.sequence_from_base())).or(records);
                found.records = next.unwrap_or(first).max(first);
                let lost = found.records - first;
                found.holes.push(Hole { from: byte, to, first, lost, why, is_within_batch });
                byte = to;
            }
        }
    }
    found
}

/// Where something can be read again behind `from`: a frame whose sequence may follow, the pad, or the end.
fn resume(data: &[u8], from: usize, seed: Seed, records: u64) -> (usize, Option<Frame<'_>>) {
    let granule = GRANULE_BYTES as usize;
    for byte in (from + granule..data.len()).step_by(granule) {
        if is_pad(&data[byte..], byte as u64, data.len() as u64, seed) {
            return (byte, None);
        }
        if let Ok(frame) = Frame::checked(&data[byte..], seed.at(byte as u64))
            && let Some(lost) = u64::from(frame.sequence_from_base()).checked_sub(records)
            && (lost <= ((byte - from) / HEADER_BYTES) as u64 || is_compacted(seed.generation))
        {
            return (byte, Some(frame));
        }
    }
    (data.len(), None)
}

/// Closes a hole: frames without a message take the place of the records that were in it, so that every other frame stays
/// where it is, with its sequence. False: there is no room for them, so it was something else that lay there.
pub(crate) fn mend(data: &mut [u8], hole: &Hole, seed: Seed) -> bool {
    let Hole { from, to, first, lost, is_within_batch, .. } = *hole;
    let is_at_end = to == data.len();
    // Where sequences have gaps anyway, one frame stands for all.
    let lost = if is_compacted(seed.generation) { lost.min(1) } else { lost };
    let (frames, kind) = match lost {
        // A mark that says nothing.
        0 => (u64::from(!is_at_end), Kind::DurableMark),
        lost => (lost, Kind::Abort),
    };
    if frames.saturating_mul(HEADER_BYTES as u64) > (to - from) as u64 {
        return false;
    }
    data[from..to].fill(0);
    let batch = if is_within_batch { BATCH_CONTINUES } else { 0 };
    let mut at = from;
    for index in 0..frames {
        // The last one takes what is left, up to the next frame; at the end of the area a pad does.
        let bytes = if index + 1 == frames && !is_at_end { to - at } else { HEADER_BYTES };
        let value = vec![0; bytes - HEADER_BYTES];
        let sequence = first + if lost == 0 { 0 } else { index };
        let draft = Draft::control(kind, 0, &value);
        draft.encode(&mut data[at + 4..at + bytes], sequence as u32, batch, Some(seed.at(at as u64)));
        data[at..at + 4].copy_from_slice(&(bytes as u32).to_le_bytes());
        at += bytes;
    }
    if at < to {
        let word = PAD | ((to - at) as u64 / GRANULE_BYTES) as u32;
        data[at..at + 4].copy_from_slice(&word.to_le_bytes());
        data[at + 4..at + 8].copy_from_slice(&pad_checksum(word, seed.at(at as u64)).to_le_bytes());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: Seed = Seed { log_id: 1, segment: 5, generation: 1 };

    /// A data area with these frames: (kind, batch flags, value).
    fn area(bytes: usize, frames: &[(Kind, u8, &[u8])]) -> (Vec<u8>, Vec<usize>) {
        let mut data = vec![0; bytes];
        let (mut at, mut records, mut starts) = (0, 0, vec![]);
        for (kind, batch, value) in frames {
            let draft = Draft::control(*kind, 1, value);
            let len = draft.bytes();
            draft.encode(&mut data[at + 4..at + len], records, *batch, Some(SEED.at(at as u64)));
            data[at..at + 4].copy_from_slice(&(len as u32).to_le_bytes());
            starts.push(at);
            at += (draft.granules() * GRANULE_BYTES) as usize;
            records += u32::from(kind.is_record());
        }
        starts.push(at);
        (data, starts)
    }

    #[test]
    fn a_torn_tail_is_cut_and_a_durable_one_is_corruption() {
        let mark = Place::new(5, 8).0.to_le_bytes();
        let (data, starts) = area(
            256,
            &[(Kind::Data, 0, b"first"), (Kind::Data, 0, b"second"), (Kind::DurableMark, 0, &mark)],
        );
        let clean = scan(&data, SEED).unwrap();
        assert_eq!((clean.records, clean.end * 8, clean.torn_bytes), (2, starts[3] as u64, 0));

        let mut torn = data.clone();
        torn[starts[2] + 25] ^= 1;
        let found = scan(&torn, SEED).unwrap();
        assert_eq!((found.records, found.end * 8), (2, starts[2] as u64));
        assert!(found.torn_bytes > 0);

        let mut rotten = data.clone();
        rotten[starts[1] + 25] ^= 1;
        assert_eq!(scan(&rotten, SEED).unwrap_err().byte_position, starts[1] as u64);
        let mut zeroed = data;
        zeroed[starts[0]..starts[0] + 8].fill(0);
        assert_eq!(scan(&zeroed, SEED).unwrap_err().byte_position, 0);
    }

    #[test]
    fn an_unfinished_batch_at_the_end_is_dropped_whole() {
        let frames: &[(Kind, u8, &[u8])] = &[
            (Kind::Data, 0, b"alone"),
            (Kind::Data, BATCH_CONTINUES, b"one"),
            (Kind::Data, BATCH_CONTINUES | BATCH_CONTINUED, b"two"),
        ];
        let (data, starts) = area(256, frames);
        let found = scan(&data, SEED).unwrap();
        assert_eq!((found.records, found.end * 8), (1, starts[1] as u64));
        assert!(found.torn_bytes > 0);
    }

    #[test]
    fn sequences_grow_with_gaps_in_a_compacted_segment_and_nowhere_else() {
        for generation in [1, 2] {
            let seed = Seed { generation, ..SEED };
            let mut data = Vec::new();
            let mut starts = vec![];
            for sequence in [3, 7, 5] {
                starts.push(data.len());
                let draft = Draft::control(Kind::Data, 1, b"value");
                let mut frame = vec![0; draft.bytes()];
                draft.encode(&mut frame[4..], sequence, 0, Some(seed.at(data.len() as u64)));
                frame[..4].copy_from_slice(&(draft.bytes() as u32).to_le_bytes());
                frame.resize((draft.granules() * GRANULE_BYTES) as usize, 0);
                data.extend(frame);
            }
            let is_believed = |index: usize, next| {
                frame_at(&data[starts[index]..], starts[index] as u64, seed, next).is_ok()
            };
            assert!(is_believed(0, 3));
            assert_eq!((is_believed(0, 0), is_believed(1, 4)), (generation > 1, generation > 1));
            assert!(!is_believed(2, 8), "never back");
        }
    }

    #[test]
    fn a_frame_of_another_segment_is_not_believed() {
        let (data, _) = area(64, &[(Kind::Data, 0, b"x")]);
        assert_eq!(scan(&data, Seed { segment: 6, ..SEED }).unwrap().records, 0);
    }

    #[test]
    fn a_mended_area_has_all_frames_but_those_that_could_not_be_read_and_keeps_their_places() {
        let frames: &[(Kind, u8, &[u8])] = &[
            (Kind::Data, 0, b"zero"),
            (Kind::Data, BATCH_CONTINUES, b"one, in a batch"),
            (Kind::Data, BATCH_CONTINUED, b"two, of the same"),
            (Kind::Control, 0, b"an event"),
            (Kind::Data, 0, b"three"),
        ];
        let (good, starts) = area(256, frames);
        let mut good = good[..starts[5] + 16].to_vec();
        let word = PAD | 2;
        good[starts[5]..starts[5] + 4].copy_from_slice(&word.to_le_bytes());
        let crc = pad_checksum(word, SEED.at(starts[5] as u64));
        good[starts[5] + 4..starts[5] + 8].copy_from_slice(&crc.to_le_bytes());
        for first in 0..6 {
            for last in first..6 {
                let mut data = good.clone();
                // The first of them loses its length, too: only the search finds what follows.
                data[starts[first]..starts[first] + 4].fill(0xff);
                data[starts[last] + 5] ^= 1;
                let found = survey(&data, SEED, Some(4));
                let lost = [1, 1, 1, 0, 1, 0][first..=last].iter().sum::<u64>();
                let before = [0, 1, 2, 3, 3, 4][first];
                if last == first || last == first + 1 {
                    let hole = found.holes[0];
                    assert_eq!((found.holes.len(), hole.from), (1, starts[first]), "{first} {last}");
                    assert_eq!((hole.first, hole.lost), (before, lost), "{first} {last}");
                }
                assert_eq!(found.records, 4);
                for hole in &found.holes {
                    assert!(mend(&mut data, hole, SEED), "{hole:?}");
                }
                let mended = scan(&data, SEED).unwrap();
                assert_eq!((mended.records, mended.sealed), (4, true), "{first} {last}");
                let again = survey(&data, SEED, Some(4));
                assert_eq!((again.holes.len(), again.messages), (0, found.messages));
                for (index, start) in starts[..5].iter().enumerate() {
                    let is_in = found.holes.iter().any(|hole| (hole.from..hole.to).contains(start));
                    assert!(is_in || data[*start..][..24] == good[*start..][..24], "frame {index} has moved");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn hostile_bytes_never_panic(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            let mut area = data;
            area.resize(area.len().next_multiple_of(8), 0);
            let _ = scan(&area, SEED);
            for hole in survey(&area, SEED, Some(3)).holes {
                mend(&mut area, &hole, SEED);
            }
        }
    }
}
