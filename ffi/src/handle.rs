//! What a handle can stand for: one line per kind.

use crate::table::poison_if;
use crate::text::Text;
use ringmain::{Delivery, Hub, Member, Peeked, Queue, Reader, Record, Stream};
use std::sync::Mutex;

/// Makes a type a kind of handle: its tag (never used twice, not 0) and its noun in errors.
macro_rules! kind {
    ($type:ty, $tag:literal, $noun:literal) => {
        impl $crate::table::Kind for $type {
            const TAG: u8 = $tag;
            const NOUN: &'static str = $noun;
            fn table() -> &'static $crate::table::Table<Self> {
                static TABLE: $crate::table::Table<$type> = $crate::table::Table::new();
                &TABLE
            }
        }
    };
}

macro_rules! kinds {
    ($($type:ty = $tag:literal, $noun:literal;)*) => {
        $(kind!($type, $tag, $noun);)*

        /// After a panic in a call on `handle`: it answers `Internal` to everything but close from now on. Ignored
        /// unless it is an open handle.
        pub(crate) fn poison(handle: u64) {
            $(poison_if::<$type>(handle);)*
        }
    };
}

kinds! {
    Hub = 1, "hub";
    Queue = 2, "queue";
    Delivery = 3, "delivery";
    Vec<Peeked> = 4, "peeked";
    Stream = 5, "stream";
    // Reading moves them, so one call at a time.
    Mutex<Reader> = 6, "reader";
    Vec<Record> = 7, "records";
    // Leaving takes the member out while other calls may still hold the place.
    Mutex<Option<Member>> = 8, "member";
    Text = 30, "text";
}

#[cfg(test)]
pub(crate) use kind;
