//! One frame, and a data area of them: hostile bytes are refused or read within their bounds, and what is encoded is
//! decoded to the same.
//!
//! Input: the bytes of a data area. The same bytes, as pieces, are the parts of a frame to encode.

use crate::input::Input;
use crate::log::claim::GRANULE_BYTES;
use crate::log::frame::{Draft, Frame, HEADER_BYTES, Kind, Seed};
use crate::log::recovery::scan;

/// Where the frames lie that are tried.
pub(crate) const SEED: Seed = Seed { log_id: 77, segment: 1, generation: 1 };

pub(super) fn run(bytes: &[u8]) {
    if let Ok(frame) = Frame::checked(bytes, SEED.at(0)) {
        look_at_all(&frame, bytes);
    }
    walk(bytes);
    there_and_back(&mut Input::new(bytes));
}

fn look_at_all(frame: &Frame<'_>, bytes: &[u8]) {
    let len = frame.bytes().len();
    assert!((HEADER_BYTES..=bytes.len()).contains(&len), "{len} of {} bytes", bytes.len());
    assert_eq!(frame.granules(), (len as u64).div_ceil(GRANULE_BYTES));
    let headers: usize = frame.headers().map(|(name, value)| 3 + name.len() + value.len()).sum();
    let parts = headers + frame.key().map_or(0, <[u8]>::len) + frame.value().len();
    assert!(parts + HEADER_BYTES <= len, "{parts} bytes of parts in a frame of {len}");
    let _ =
        (frame.kind(), frame.time_ns(), frame.due_ns(), frame.event_time_ns(), frame.sequence_from_base());
}

/// Every frame of the data area.
fn walk(bytes: &[u8]) {
    let mut area = bytes.to_vec();
    area.resize(area.len().next_multiple_of(GRANULE_BYTES as usize), 0);
    if let Ok(found) = scan(&area, SEED) {
        let end = found.end * GRANULE_BYTES;
        assert!(end + found.torn_bytes <= area.len() as u64, "{found:?} in {} bytes", area.len());
        assert!(found.records <= found.end, "{found:?}");
        // What is kept is kept as it is by the next walk.
        area[end as usize..].fill(0);
        if !found.sealed {
            let again = scan(&area, SEED);
            assert!(
                again.is_ok_and(|again| (again.end, again.records) == (found.end, found.records)),
                "{found:?}"
            );
        }
    }
}

fn there_and_back(input: &mut Input<'_>) {
    let options = input.u8();
    let key = (options & 1 != 0).then(|| input.piece());
    let event_time_ns = (options & 2 != 0).then(|| input.u64());
    let due_ns = if options & 4 != 0 { input.u64() } else { 0 };
    let mut headers: Vec<(&str, &[u8])> = Vec::new();
    for _ in 0..options >> 5 {
        let count = input.u8();
        let (name, value) = (input.bytes(count.into()), input.piece());
        headers.extend(std::str::from_utf8(name).ok().map(|name| (name, value)));
    }
    let kind = if options & 8 != 0 { Kind::Control } else { Kind::Data };
    let draft = Draft {
        kind,
        time_ns: input.u64(),
        key,
        event_time_ns,
        due_ns,
        options: None,
        is_tombstone: options & 16 != 0,
        headers: &headers,
        value: input.rest(),
    };
    let (len, seed) = (draft.bytes(), SEED.at(64));
    let mut bytes = vec![0; len];
    draft.encode(&mut bytes[4..], 9, 0, Some(seed));
    bytes[..4].copy_from_slice(&(len as u32).to_le_bytes());
    let frame = match Frame::checked(&bytes, seed) {
        Ok(frame) => frame,
        Err(why) => panic!("{why}: {draft:?}"),
    };
    assert_eq!((frame.kind(), frame.time_ns(), frame.sequence_from_base()), (kind, draft.time_ns, 9));
    assert_eq!((frame.key(), frame.event_time_ns(), frame.due_ns()), (key, event_time_ns, due_ns));
    assert!(frame.headers().eq(headers.iter().copied()), "{draft:?}");
    assert_eq!(frame.value(), draft.value);
}
