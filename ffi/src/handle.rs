//! What a handle can stand for: one line per kind.

use crate::bell::BellPlace;
use crate::job::Running;
use crate::packed::Unsettled;
use crate::receipt::Accept;
use crate::stream_table::Scan;
use crate::table::poison_if;
use crate::text::Text;
use ringmain::{
    Batcher, Canceller, Consumer, Delivery, Hub, Member, Peeked, Processing, Producer, Queue, Reader, Record,
    Replay, Stream, StreamWorker, Table, Worker,
};
use ringmain_surface::Listener;
use std::sync::Mutex;

/// What is kept with a queue. Dropped in this order: those who packed received get their messages released while the queue is there.
#[derive(Default)]
pub(crate) struct BesideQueue {
    pub(crate) unsettled: Unsettled,
    pub(crate) bell: BellPlace,
}

/// Makes a type a kind of handle: its tag (never used twice, not 0), its noun in errors, and what is kept beside it.
macro_rules! kind {
    ($type:ty, $tag:literal, $noun:literal) => {
        kind!($type, $tag, $noun, ());
    };
    ($type:ty, $tag:literal, $noun:literal, $beside:ty) => {
        impl $crate::table::Kind for $type {
            const TAG: u8 = $tag;
            const NOUN: &'static str = $noun;
            type Beside = $beside;
            fn table() -> &'static $crate::table::Table<Self> {
                static TABLE: $crate::table::Table<$type> = $crate::table::Table::new();
                &TABLE
            }
        }
    };
}

macro_rules! kinds {
    ($($type:ty = $tag:literal, $noun:literal $(, with $beside:ty)?;)*) => {
        $(kind!($type, $tag, $noun $(, $beside)?);)*

        /// After a panic in a call on `handle`: it answers `Internal` to everything but close from now on. Ignored
        /// unless it is an open handle.
        pub(crate) fn poison(handle: u64) {
            $(poison_if::<$type>(handle);)*
        }

        const _: () = assert!(are_different(&[$($tag),*]), "two kinds have the same tag");
    };
}

/// Whether no two of them are the same.
const fn are_different(tags: &[u8]) -> bool {
    let mut seen = [false; 256];
    let mut index = 0;
    while index < tags.len() {
        if seen[tags[index] as usize] {
            return false;
        }
        seen[tags[index] as usize] = true;
        index += 1;
    }
    true
}

kinds! {
    Hub = 1, "hub";
    Queue = 2, "queue", with BesideQueue;
    Delivery = 3, "delivery";
    Vec<Peeked> = 4, "peeked";
    Stream = 5, "stream";
    // Reading moves them, so one call at a time.
    Mutex<Reader> = 6, "reader", with BellPlace;
    Vec<Record> = 7, "records";
    // Leaving takes the member out while other calls may still hold the place.
    Mutex<Option<Member>> = 8, "member", with BellPlace;
    Text = 30, "text";
    Listener = 31, "notices";
    Accept = 40, "receipt";
    Producer = 41, "producer";
    Batcher = 42, "batcher";
    Canceller = 43, "canceller";
    // As a reader.
    Mutex<Replay> = 44, "replay";
    Processing = 45, "processing";
    Table = 46, "table";
    // As a reader.
    Scan = 47, "table scan";
    // As a reader.
    Mutex<Consumer> = 48, "consumer";
    Running = 49, "job";
    Worker = 50, "worker";
    StreamWorker = 51, "stream worker";
}

#[cfg(test)]
pub(crate) use kind;
