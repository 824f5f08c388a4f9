//! Filters of readers on their way in. `lib/stream/filter.js` is the other half.
//!
//! ```text
//! filter:  tag u8 | key: bytes | keys: count u32, bytes* | has header: bytes | header: bytes, bytes
//!          | all, any: count u32, filter*
//! bytes:   length u32 | so many
//! ```

use crate::codec::Cursor;
use ringmain::{Error, Filter, Result};

const KEY: u8 = 0;
const KEYS: u8 = 1;
const HAS_HEADER: u8 = 2;
const HEADER: u8 = 3;
const ALL: u8 = 4;
const ANY: u8 = 5;

/// Deeper ones the core refuses, too; this keeps the stack from what does not even get there.
const DEPTH_MAX: usize = ringmain::limits::FILTER_DEPTH_MAX + 1;

/// The filter packed in `bytes`.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Filter> {
    filter(&mut Cursor::new(bytes), 0)
}

fn filter(cursor: &mut Cursor<'_>, depth: usize) -> Result<Filter> {
    if depth > DEPTH_MAX {
        let detail = format!("filters lie more than {} deep in one another", DEPTH_MAX - 1);
        return Err(Error::invalid("only", detail));
    }
    let [tag] = cursor.array()?;
    match tag {
        KEY => Ok(Filter::key(bytes(cursor)?)),
        KEYS => Ok(Filter::keys((0..cursor.u32()?).map(|_| bytes(cursor)).collect::<Result<Vec<_>>>()?)),
        HAS_HEADER => Ok(Filter::has_header(text(cursor)?)),
        HEADER => Ok(Filter::header(text(cursor)?, bytes(cursor)?)),
        ALL => Ok(Filter::all(filters(cursor, depth)?)),
        ANY => Ok(Filter::any(filters(cursor, depth)?)),
        tag => Err(Error::invalid("only", format!("{tag} is no kind of filter"))),
    }
}

fn filters(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Filter>> {
    (0..cursor.u32()?).map(|_| filter(cursor, depth + 1)).collect()
}

fn bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8]> {
    let length = cursor.u32()? as usize;
    cursor.take(length)
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str> {
    std::str::from_utf8(bytes(cursor)?).map_err(|_| Error::invalid("header name", "it is not UTF-8"))
}
